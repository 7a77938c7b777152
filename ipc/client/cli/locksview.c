/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/locksview.h"

#include <string.h>

#include "ipc/client/cli/out.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

/* --- rows --- */

static bool is_waiter(const struct locktab_row *row)
{
	return row->grant == 0 && !(row->flags & LOCKTAB_OUTSIDE);
}

/* By resource; who has it before who waits, those in their order. */
static int compare_rows(const void *a, const void *b)
{
	const struct locktab_row *left = a;
	const struct locktab_row *right = b;
	int order = strverscmp(left->resource, right->resource);

	if (order != 0)
		return order;
	if (is_waiter(left) != is_waiter(right))
		return is_waiter(left) ? 1 : -1;
	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return left->slot < right->slot ? -1 : left->slot > right->slot;
}

/* Times go on by themselves and are no change. */
static bool is_same_row(const struct locktab_row *a, const struct locktab_row *b)
{
	return strcmp(a->resource, b->resource) == 0 && strcmp(a->label, b->label) == 0 &&
	       strcmp(a->class, b->class) == 0 && a->grant == b->grant && a->pid == b->pid &&
	       a->place == b->place && a->slot == b->slot && a->flags == b->flags;
}

void locksview_sort(struct locktab_copy *copy)
{
	qsort(copy->rows, copy->n_rows, sizeof(copy->rows[0]), compare_rows);
}

bool locksview_is_same(const struct locktab_copy *a, const struct locktab_copy *b)
{
	uint32_t i;

	if (a->n_rows != b->n_rows || a->n_left_out != b->n_left_out)
		return false;
	for (i = 0; i < a->n_rows; i++)
		if (!is_same_row(&a->rows[i], &b->rows[i]))
			return false;
	return true;
}

static const struct {
	uint32_t flag;
	const char *name;
} MARKS[] = {
	{ LOCKTAB_DIRTY, "dirty" },
	{ LOCKTAB_REVOKED, "revoked" },
	{ LOCKTAB_UNDER, "under" },
};

static const char *state_of(const struct locktab_row *row)
{
	if (is_waiter(row))
		return "waits";
	return row->flags & LOCKTAB_OUTSIDE ? "outside" : "held";
}

/* --- as objects --- */

static json_t *row_json(const struct locktab_row *row, uint64_t now_ms)
{
	json_t *object = json_object();
	size_t i;

	(void)json_object_set_new(object, "resource", out_string(row->resource));
	(void)json_object_set_new(object, "state", json_string(state_of(row)));
	(void)json_object_set_new(object, "holder", out_string(row->label));
	(void)json_object_set_new(object, "pid", json_integer(row->pid));
	(void)json_object_set_new(object, "uid", json_integer(row->uid));
	(void)json_object_set_new(object, "class", out_string(row->class));
	(void)json_object_set_new(object, "since_ms",
				  json_integer(clock_span_ms(row->since_ms, now_ms)));
	if (row->until_ms != 0)
		(void)json_object_set_new(object, "left_ms",
					  json_integer(clock_left_ms(row->until_ms, now_ms)));
	for (i = 0; i < ARRAY_LEN(MARKS); i++)
		if (row->flags & MARKS[i].flag)
			(void)json_object_set_new(object, MARKS[i].name, json_true());
	if (!is_waiter(row)) {
		(void)json_object_set_new(object, "slot", json_integer(row->slot));
		(void)json_object_set_new(object, "grant", json_integer((json_int_t)row->grant));
		return object;
	}
	(void)json_object_set_new(object, "place", json_integer(row->place));
	if (row->expected_ms != UINT32_MAX)
		(void)json_object_set_new(object, "expected_ms", json_integer(row->expected_ms));
	return object;
}

json_t *locksview_json(const struct locktab_copy *copy, uint64_t now_ms)
{
	json_t *array = json_array();
	uint32_t i;

	for (i = 0; i < copy->n_rows; i++)
		(void)json_array_append_new(array, row_json(&copy->rows[i], now_ms));
	return array;
}

/* --- as a table --- */

/* "held dirty"; a + stands for further marks, for which there is no room beside a device. */
static void format_state(const struct locktab_row *row, char *out, size_t size)
{
	const char *mark = "";
	size_t n = 0;
	size_t i;

	if (is_waiter(row)) {
		(void)snprintf(out, size, "waits %u.", row->place);
		return;
	}
	for (i = 0; i < ARRAY_LEN(MARKS); i++)
		if (row->flags & MARKS[i].flag && n++ == 0)
			mark = MARKS[i].name;
	(void)snprintf(out, size, "%s%s%s%s", state_of(row), n > 0 ? " " : "", mark,
		       n > 1 ? "+" : "");
}

static int add_row(struct table *out, const struct locktab_row *row, uint64_t now_ms)
{
	char state[32];
	char pid[12];
	char since[WORDS_SHORT_LEN];
	char expected[WORDS_SHORT_LEN] = "?";
	const char *cells[] = {
		row->resource, state, row->label, pid, row->class, since, expected
	};

	format_state(row, state, sizeof(state));
	(void)snprintf(pid, sizeof(pid), "%u", row->pid);
	if (row->pid == 0)
		cells[3] = "-";
	words_duration(clock_span_ms(row->since_ms, now_ms), since);
	if (row->expected_ms != UINT32_MAX)
		words_duration(row->expected_ms, expected);
	if (!is_waiter(row))
		cells[6] = "";
	return table_row(out, cells);
}

int locksview_show(const struct locktab_copy *copy, struct table *out, uint64_t now_ms)
{
	static const struct table_column columns[] = {
		{ "RESOURCE", false, false }, { "STATE", false, false }, { "BY", false, true },
		{ "PID", true, false },	      { "CLASS", false, true },	 { "FOR", true, false },
		{ "IN", true, false },
	};
	uint32_t i;
	int r = 0;

	for (i = 0; i < ARRAY_LEN(columns); i++)
		table_column(out, columns[i].title, columns[i].is_number, columns[i].is_flexible);
	for (i = 0; i < copy->n_rows && r == 0; i++)
		r = add_row(out, &copy->rows[i], now_ms);
	return r;
}
