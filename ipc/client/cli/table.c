/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/table.h"

#include <string.h>

#include "ipc/client/cli/words.h"

enum { GAP = 2, FLEXIBLE_MIN = 6 };

void table_column(struct table *table, const char *title, bool is_number, bool is_flexible)
{
	if (table->n_columns == TABLE_COLUMNS_MAX)
		return;
	table->columns[table->n_columns++] = (struct table_column){ .title = title,
								    .is_number = is_number,
								    .is_flexible = is_flexible };
}

static int reserve(struct table *table)
{
	size_t needed = (table->n_rows + 1) * table->n_columns;
	size_t capacity = table->capacity ? table->capacity : (size_t)8 * TABLE_COLUMNS_MAX;
	char **cells;

	while (capacity < needed)
		capacity *= 2;
	if (capacity == table->capacity)
		return 0;
	cells = reallocarray(table->cells, capacity, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->capacity = capacity;
	return 0;
}

int table_row(struct table *table, const char *const *cells)
{
	char clean[TABLE_CELL_MAX];
	char **row;
	size_t i;
	int r;

	r = reserve(table);
	if (r < 0)
		return r;
	row = table->cells + table->n_rows * table->n_columns;
	for (i = 0; i < table->n_columns; i++) {
		words_clean(cells[i] ? cells[i] : "", clean, sizeof(clean));
		row[i] = strdup(clean);
		if (!row[i])
			break;
	}
	if (i == table->n_columns) {
		table->n_rows++;
		return 0;
	}
	while (i-- > 0)
		free(row[i]);
	return -ENOMEM;
}

static void measure(const struct table *table, size_t *widths)
{
	size_t i;
	size_t width;

	for (i = 0; i < table->n_columns; i++)
		widths[i] = words_width(table->columns[i].title);
	for (i = 0; i < table->n_rows * table->n_columns; i++) {
		width = words_width(table->cells[i]);
		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
}

/* Takes one column of text from the widest flexible column; false when none can give. */
static bool shrink(const struct table *table, size_t *widths)
{
	size_t widest = SIZE_MAX;
	size_t i;

	for (i = 0; i < table->n_columns; i++) {
		if (!table->columns[i].is_flexible || widths[i] <= FLEXIBLE_MIN)
			continue;
		if (widest == SIZE_MAX || widths[i] > widths[widest])
			widest = i;
	}
	if (widest == SIZE_MAX)
		return false;
	widths[widest]--;
	return true;
}

static void fit(const struct table *table, size_t *widths, size_t width)
{
	size_t total = GAP * (table->n_columns - 1);
	size_t i;

	for (i = 0; i < table->n_columns; i++)
		total += widths[i];
	while (total > width && shrink(table, widths))
		total--;
}

static void write_line(const struct table *table, FILE *stream, const char *const *cells,
		       const size_t *widths)
{
	char cell[TABLE_CELL_MAX];
	size_t pending = 0; /* blanks owed: none is written at the end of a line */
	size_t pad;
	size_t i;

	for (i = 0; i < table->n_columns; i++) {
		(void)snprintf(cell, sizeof(cell), "%s", cells[i]);
		words_cut(cell, widths[i]);
		pad = widths[i] - words_width(cell);
		if (table->columns[i].is_number)
			pending += pad;
		if (cell[0] != '\0') {
			(void)fprintf(stream, "%*s%s", (int)pending, "", cell);
			pending = 0;
		}
		if (!table->columns[i].is_number)
			pending += pad;
		pending += GAP;
	}
}

void table_write(const struct table *table, FILE *stream, size_t width, size_t max_rows,
		 bool is_styled)
{
	size_t widths[TABLE_COLUMNS_MAX];
	const char *titles[TABLE_COLUMNS_MAX];
	size_t rows = max_rows && max_rows < table->n_rows ? max_rows : table->n_rows;
	size_t i;

	if (table->n_columns == 0)
		return;
	measure(table, widths);
	fit(table, widths, width);
	for (i = 0; i < table->n_columns; i++)
		titles[i] = table->columns[i].title;
	(void)fputs(is_styled ? "\033[1m" : "", stream);
	write_line(table, stream, titles, widths);
	(void)fputs(is_styled ? "\033[0m\n" : "\n", stream);
	for (i = 0; i < rows; i++) {
		write_line(table, stream, (const char *const *)table->cells + i * table->n_columns,
			   widths);
		(void)fputc('\n', stream);
	}
}

void table_clear(struct table *table)
{
	size_t i;

	for (i = 0; i < table->n_rows * table->n_columns; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = TABLE_INIT;
}
