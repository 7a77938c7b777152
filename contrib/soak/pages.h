/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/pages.h - a run's folder: report.json, and the page that is made from it.
 */
#include "contrib/soak/options.h"

/* Writes DIR/report.html from DIR/report.json. Errors: negative errno, after a line on standard
 * error. */
must_check int pages_write(const char *dir);

/* A page in @options->out, or a table on standard output. Errors: as pages_write(). */
must_check int pages_compare(const struct options *options);
