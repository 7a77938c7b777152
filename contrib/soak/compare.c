/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/soak/compare.c - what is compared, and as a table for a terminal. See compare.h,
 * report.h.
 */
#include "contrib/soak/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrib/soak/report_parts.h"

/* 80 columns: what is left of the cells is for the names. */
enum { LINE_COLUMNS = 80, NAME_COLUMNS_MAX = 34, NAME_COLUMNS_MIN = 20 };

static struct compare_row *add(struct compare_table *t, const char *name)
{
	struct compare_row *rows = t->rows;

	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 64;

		rows = reallocarray(t->rows, room, sizeof(*rows));
		if (!rows)
			return NULL;
		t->rows = rows;
		t->room = room;
	}
	rows[t->n] = (struct compare_row){ .name = report_cut(name) };
	return &rows[t->n++];
}

static int group(struct compare_table *t, const char *name)
{
	struct compare_row *row = add(t, name);

	if (!row)
		return -ENOMEM;
	row->is_group = true;
	return 0;
}

/* A row of words: a string of each run. */
static int words(struct compare_table *t, const json_t *const *runs, const char *name,
		 const char *key)
{
	struct compare_row *row = add(t, name);

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < t->runs; i++) {
		const json_t *v = json_object_get(report_at_path(runs[i], "run"), key);

		row->cells[i].value = (double)NAN;
		row->cells[i].word = json_is_string(v) ? report_cut(json_string_value(v))
						       : report_count((double)NAN);
		if (json_is_integer(v))
			snprintf(row->cells[i].word.s, sizeof(row->cells[i].word.s), "%lld",
				 (long long)json_integer_value(v));
	}
	return 0;
}

static double succeeded(const json_t *run)
{
	double n, done;

	part_requests(run, &n, &done);
	return n > 0 ? done / n : (double)NAN;
}

static struct report_word share(double ratio)
{
	return report_percent(ratio, 1);
}

static double asked(const json_t *run)
{
	double n, done;

	part_requests(run, &n, &done);
	return n;
}

static double duration_ms(const json_t *run)
{
	return report_num(report_at_path(run, "run"), "duration_s") * 1000;
}

static double injected(const json_t *run)
{
	return report_sum(report_at_path(run, "faults"), "n");
}

static double recovered(const json_t *run)
{
	return report_sum(report_at_path(run, "faults"), "recovered") / injected(run);
}

static int figure(struct compare_table *t, const json_t *const *runs, const char *name,
		  double (*get)(const json_t *run), struct report_word (*say)(double),
		  enum compare_best best)
{
	struct compare_row *row = add(t, name);

	if (!row)
		return -ENOMEM;
	row->best = best;
	for (size_t i = 0; i < t->runs; i++) {
		row->cells[i].value = get(runs[i]);
		row->cells[i].word = say(row->cells[i].value);
	}
	return 0;
}

/* Which figure of the objects of a list is compared, one row for each name in any run. */
struct list_rows {
	const char *heading;
	const char *path, *name_key, *value_key;
	const char *of_key; /* the value is a share of this one; NULL: of nothing */
	struct report_word (*say)(double value);
	enum compare_best best;
};

static int list_row(struct compare_table *t, const json_t *const *runs, const struct list_rows *l,
		    const char *name)
{
	struct compare_row *row = add(t, name);

	if (!row)
		return -ENOMEM;
	row->best = l->best;
	for (size_t i = 0; i < t->runs; i++) {
		const json_t *o = report_find(report_at_path(runs[i], l->path), l->name_key, name);
		double v = report_num(o, l->value_key);

		if (l->of_key)
			v = report_num(o, l->of_key) > 0 ? v / report_num(o, l->of_key)
							 : (double)NAN;
		row->cells[i].value = v;
		row->cells[i].word = l->say(v);
	}
	return 0;
}

static bool is_in_earlier(const json_t *const *runs, size_t before, const struct list_rows *l,
			  const char *name)
{
	for (size_t i = 0; i < before; i++)
		if (report_find(report_at_path(runs[i], l->path), l->name_key, name))
			return true;
	return false;
}

static int list_rows(struct compare_table *t, const json_t *const *runs, const struct list_rows *l)
{
	size_t heading = t->n;
	int r = group(t, l->heading);

	for (size_t i = 0; i < t->runs; i++) {
		const json_t *list = report_at_path(runs[i], l->path);

		for (size_t k = 0; k < json_array_size(list) && r == 0; k++) {
			const char *name = report_str(json_array_get(list, k), l->name_key, "?");

			if (!is_in_earlier(runs, i, l, name))
				r = list_row(t, runs, l, name);
		}
	}
	/* No heading over nothing. */
	if (r == 0 && t->n == heading + 1)
		t->n = heading;
	return r;
}

static const struct list_rows lists[] = {
	{ "Success by request", "requests.kinds", "kind", "done", "n", share, COMPARE_MOST },
	{ "Latency p50", "requests.kinds", "kind", "p50_ms", NULL, report_ms, COMPARE_LEAST },
	{ "Latency p95", "requests.kinds", "kind", "p95_ms", NULL, report_ms, COMPARE_LEAST },
	{ "Latency, worst", "requests.kinds", "kind", "worst_ms", NULL, report_ms, COMPARE_LEAST },
	{ "Faults injected", "faults", "kind", "n", NULL, report_count, COMPARE_NONE },
	{ "Faults recovered from", "faults", "kind", "recovered", "n", share, COMPARE_MOST },
	{ "Time to recover p50", "faults", "kind", "p50_ms", NULL, report_ms, COMPARE_LEAST },
	{ "Time to recover p95", "faults", "kind", "p95_ms", NULL, report_ms, COMPARE_LEAST },
	{ "Promises: times broken", "promises", "name", "broken", NULL, report_count,
	  COMPARE_LEAST },
};

static int outcome(struct compare_table *t, const json_t *const *runs)
{
	struct compare_row *row = add(t, "outcome");

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < t->runs; i++) {
		row->cells[i].value = (double)NAN;
		row->cells[i].word = report_cut(part_verdict_word(part_verdict(runs[i])));
	}
	return 0;
}

static int fill(struct compare_table *t, const json_t *const *runs)
{
	static const char *const keys[] = { "plan", "face", "seed", "clients", "version" };
	int r = group(t, "The runs");

	for (size_t i = 0; i < ARRAY_LEN(keys) && r == 0; i++)
		r = words(t, runs, keys[i], keys[i]);
	if (r == 0)
		r = figure(t, runs, "duration", duration_ms, report_ms, COMPARE_NONE);
	if (r == 0)
		r = group(t, "All together");
	if (r == 0)
		r = outcome(t, runs);
	if (r == 0)
		r = figure(t, runs, "promises judged", part_judged, report_count, COMPARE_NONE);
	if (r == 0)
		r = figure(t, runs, "promises broken", part_broken, report_count, COMPARE_LEAST);
	if (r == 0)
		r = figure(t, runs, "requests", asked, report_count, COMPARE_NONE);
	if (r == 0)
		r = figure(t, runs, "succeeded", succeeded, share, COMPARE_MOST);
	if (r == 0)
		r = figure(t, runs, "faults", injected, report_count, COMPARE_NONE);
	if (r == 0)
		r = figure(t, runs, "recovered from", recovered, share, COMPARE_MOST);
	for (size_t i = 0; i < ARRAY_LEN(lists) && r == 0; i++)
		r = list_rows(t, runs, &lists[i]);
	return r;
}

int compare_table(const json_t *const *runs, size_t n, struct compare_table *out)
{
	struct compare_table t = { .runs = n };
	int r = fill(&t, runs);

	if (r < 0) {
		compare_table_free(&t);
		return r;
	}
	*out = t;
	return 0;
}

void compare_table_free(struct compare_table *table)
{
	free(table->rows);
	table->rows = NULL;
	table->n = 0;
}

bool compare_is_best(const struct compare_row *row, size_t runs, size_t cell)
{
	double best = row->cells[cell].value;
	bool is_alike = true;

	if (row->best == COMPARE_NONE || !isfinite(best))
		return false;
	for (size_t i = 0; i < runs; i++) {
		double v = row->cells[i].value;

		if (row->best == COMPARE_LEAST ? v < best : v > best)
			return false;
		is_alike = is_alike && (v == best || !isfinite(v));
	}
	return !is_alike;
}

int compare_check(const json_t *const *runs, size_t n)
{
	char why[160];
	int r = n >= 1 && n <= REPORT_RUNS_MAX ? 0 : -EINVAL;

	for (size_t i = 0; i < n && r == 0; i++)
		r = report_check(runs[i], why, sizeof(why));
	return r;
}

bool compare_differences(const json_t *const *runs, size_t n, char *out, size_t out_bytes)
{
	static const struct {
		const char *key, *name;
	} conditions[] = {
		{ "plan", "plan" },	      { "face", "face" },	{ "seed", "seed" },
		{ "clients", "clients" },     { "devices", "devices" }, { "adapters", "adapters" },
		{ "duration_s", "duration" },
	};
	size_t at = 0;

	for (size_t k = 0; k < ARRAY_LEN(conditions); k++) {
		const json_t *first = report_at_path(runs[0], "run");
		const json_t *v = json_object_get(first, conditions[k].key);
		bool is_same = true;

		for (size_t i = 1; i < n; i++) {
			const json_t *other =
				json_object_get(report_at_path(runs[i], "run"), conditions[k].key);

			is_same = is_same && (v == other || json_equal(v, other));
		}
		if (!is_same && at < out_bytes)
			at += (size_t)snprintf(out + at, out_bytes - at, "%s%s", at ? ", " : "",
					       conditions[k].name);
	}
	return at > 0;
}

/* Cut and filled to a width in characters: bytes that go on a UTF-8 sequence take no column. */
static void column(FILE *out, const char *text, int columns, bool is_right)
{
	int have = 0;
	size_t bytes = 0;

	for (; text[bytes] != '\0'; bytes++) {
		bool is_new = ((unsigned char)text[bytes] & 0xc0) != 0x80;

		if (is_new && have == columns)
			break;
		have += is_new;
	}
	if (is_right)
		fprintf(out, "%*s", columns - have, "");
	/* A report is somebody's file: nothing of it may steer the terminal. */
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		/* U+0080 to U+009F are control characters, too. */
		bool is_c1 = c == 0xc2 && i + 1 < bytes && (unsigned char)text[i + 1] < 0xa0;

		fputc(c < ' ' || c == 0x7f || is_c1 ? '?' : c, out);
		i += is_c1;
	}
	if (!is_right)
		fprintf(out, "%*s", columns - have, "");
}

static void heads(FILE *out, const json_t *const *runs, size_t n, int names, int cell)
{
	/* Two runs may be of one contestant: each has a letter, too. */
	column(out, "", names, false);
	for (size_t i = 0; i < n; i++)
		fprintf(out, " %*c", cell, (char)('A' + i));
	fputc('\n', out);
	column(out, "", names, false);
	for (size_t i = 0; i < n; i++) {
		fputc(' ', out);
		column(out, part_contestant(runs[i]), cell, true);
	}
	fputc('\n', out);
}

int report_compare_text(const json_t *const *runs, size_t n, FILE *out)
{
	struct compare_table t = { .rows = NULL };
	int r = compare_check(runs, n);
	char differ[COMPARE_DIFFERENCES_BYTES];
	int names, cell;

	if (r == 0)
		r = compare_table(runs, n, &t);
	if (r < 0)
		return r;
	/* A space stands before each cell. */
	cell = (LINE_COLUMNS - NAME_COLUMNS_MIN) / (int)n - 1;
	cell = cell < 16 ? cell : 16;
	names = LINE_COLUMNS - (cell + 1) * (int)n;
	names = names < NAME_COLUMNS_MAX ? names : NAME_COLUMNS_MAX;
	heads(out, runs, n, names, cell);
	for (size_t k = 0; k < t.n; k++) {
		const struct compare_row *row = &t.rows[k];

		if (row->is_group) {
			fprintf(out, "\n%s\n", row->name.s);
			continue;
		}
		fputs("  ", out);
		column(out, row->name.s, names - 2, false);
		for (size_t i = 0; i < n; i++) {
			fputc(' ', out);
			column(out, report_plain(row->cells[i].word).s, cell, true);
		}
		fputc('\n', out);
	}
	if (compare_differences(runs, n, differ, sizeof(differ)))
		fprintf(out, "\nNot the same run: they differ in %s.\n", differ);
	compare_table_free(&t);
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
