/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/table.h - rows of text as columns that fit a given width. Cells are copied and cleaned; where
 * the table is too wide its flexible columns are cut, widest first. No I/O but the stream given.
 */
#include "ipc/base.h"

#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 24, TABLE_CELL_MAX = 256 };

struct table_column {
	const char *title; /* must outlive the table */
	bool is_number;	   /* to the right */
	bool is_flexible;  /* may be cut */
};

struct table {
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n_columns;
	char **cells; /* n_rows × n_columns */
	size_t n_rows;
	size_t capacity; /* of cells */
};

#define TABLE_INIT ((struct table){ .cells = NULL })

/* Appends a column; before the first row. One too many is left out. */
void table_column(struct table *table, const char *title, bool is_number, bool is_flexible);

/* Appends a row of n_columns texts; NULL stands for an empty one. Errors: -ENOMEM. */
must_check int table_row(struct table *table, const char *const *cells);

/**
 * table_write() - title line and rows
 * @width:     columns to stay within
 * @max_rows:  only as many rows; 0: all
 * @is_styled: title in bold
 */
void table_write(const struct table *table, FILE *stream, size_t width, size_t max_rows,
		 bool is_styled);

void table_clear(struct table *table);

#define _cleanup_table_ _cleanup_(table_clear)
