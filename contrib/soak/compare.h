/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/compare.h - several runs as one table of figures, which the page and the terminal
 * show alike. Private to compare*.c; the public functions are in report.h.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "contrib/soak/report.h"
#include "contrib/soak/report_words.h"

/* Which figure of a row is the best one. */
enum compare_best { COMPARE_NONE, COMPARE_LEAST, COMPARE_MOST };

struct compare_cell {
	struct report_word word;
	double value; /* what words are made of, NAN without */
};

struct compare_row {
	struct report_word name;
	bool is_group; /* a heading: no cells */
	enum compare_best best;
	struct compare_cell cells[REPORT_RUNS_MAX];
};

struct compare_table {
	struct compare_row *rows;
	size_t n, room;
	size_t runs;
};

/**
 * compare_table() - the figures of the runs, row by row
 * @runs: borrowed, each passed report_check()
 * @n:    1 to REPORT_RUNS_MAX
 * @out:  to be given to compare_table_free()
 *
 * Outcomes: 0.   Errors: -ENOMEM.   Blocks: never.
 */
must_check int compare_table(const json_t *const *runs, size_t n, struct compare_table *out);
void compare_table_free(struct compare_table *table);

/* Whether a cell is the best of its row: alone or with others, but not when all that there are are
 * alike. */
bool compare_is_best(const struct compare_row *row, size_t runs, size_t cell);

/* 0 when all are reports and their number is right, else -EINVAL. */
must_check int compare_check(const json_t *const *runs, size_t n);

#define COMPARE_DIFFERENCES_BYTES 64

/* What of the conditions is not the same in all runs ("plan, clients"); false when nothing is. */
bool compare_differences(const json_t *const *runs, size_t n, char *out, size_t out_bytes);
