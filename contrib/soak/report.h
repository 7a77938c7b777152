/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/report.h - a run's report.json as a page for people, and several runs side by side.
 *
 * A page is one HTML file that needs nothing else: no network, no script; charts are inline SVG.
 * It is made from the JSON alone, at any later time. Strings of the JSON are data: escaped always.
 * Parts that a report does not have (absent, null, empty) are said to be missing; they are no
 * error.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "ipc/base.h"

/* "format" of the JSON that this program writes and reads. */
#define REPORT_FORMAT "bleherd-soak 1"

/* As many runs as have a colour and a dash pattern of their own. */
#define REPORT_RUNS_MAX 4

/**
 * report_read() - read and check a report
 * @path:      a file, or a directory that has a report.json
 * @out_run:   the report, the caller's to json_decref()
 * @out_why:   on an error one line for a person, without @path and without a newline
 * @why_bytes: size of @out_why
 *
 * Outcomes: 0.   Errors: -EINVAL no JSON, no report, another format; -errno of the file.
 * Blocks: on the file.
 */
must_check int report_read(const char *path, json_t **out_run, char *out_why, size_t why_bytes);

/**
 * report_check() - whether a JSON value is a report that can be shown
 * @run:       borrowed; NULL is no report
 * @out_why:   on an error one line for a person, without a newline
 * @why_bytes: size of @out_why
 *
 * Outcomes: 0.   Errors: -EINVAL.   Blocks: never.
 */
must_check int report_check(const json_t *run, char *out_why, size_t why_bytes);

/**
 * report_html() - the page of one run
 * @run: borrowed
 * @out: where the page goes; stays open
 *
 * Outcomes: 0.
 * Errors:   -EINVAL no report (report_check() says why; nothing was written), -ENOMEM,
 *           -EIO writing failed.
 * Blocks:   on @out.
 */
must_check int report_html(const json_t *run, FILE *out);

/**
 * report_compare() - a page with runs side by side
 * @runs: borrowed, the first is what the others are compared with
 * @n:    1 to REPORT_RUNS_MAX
 * @out:  where the page goes; stays open
 *
 * Outcomes and errors: as report_html(); -EINVAL also for another @n.   Blocks: on @out.
 */
must_check int report_compare(const json_t *const *runs, size_t n, FILE *out);

/**
 * report_compare_text() - the same as a table of at most 80 columns for a terminal
 * @runs: borrowed
 * @n:    1 to REPORT_RUNS_MAX
 * @out:  where the table goes, ASCII unless the JSON's strings are not; stays open
 *
 * Outcomes and errors: as report_compare().   Blocks: on @out.
 */
must_check int report_compare_text(const json_t *const *runs, size_t n, FILE *out);
