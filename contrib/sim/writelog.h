/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/writelog.h - a line of JSON per value write that a peripheral has received.
 *
 * Fed by the model's write observer, so that both faces log the same and a test can prove that no
 * write arrived twice.
 */
#include "contrib/sim/model.h"

struct writelog {
	int fd;
};

/* Appends to @path. Errors: negative errno of open(2). */
must_check int writelog_open(struct writelog *log, const char *path);
void writelog_close(struct writelog *log);

/* For model_set_write_observer(), data = the struct writelog. */
void writelog_observe(const struct model_write_record *record, void *data);
