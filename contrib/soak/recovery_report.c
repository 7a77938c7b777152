/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/recovery_state.h"
#include "ipc/hist.h"

#include <string.h>

enum { KINDS_MAX = 64 };

struct kind {
	const char *name;
	uint32_t n, recovered;
	struct hist times;
};

/* From its end until the last of those it touched had a success; -1: nobody had to, or not yet. */
static int64_t recovery_ms(const struct record *record)
{
	if (!record->is_recovered || !record->has_time)
		return -1;
	return record->last_us > record->end_us ? (record->last_us - record->end_us) / 1000 : 0;
}

static struct kind *kind_of(struct kind *kinds, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	if (*n == KINDS_MAX)
		return NULL;
	kinds[*n].name = name;
	return &kinds[(*n)++];
}

static void count(struct kind *kind, const struct record *record)
{
	int64_t ms = recovery_ms(record);

	kind->n++;
	kind->recovered += record->is_recovered;
	if (ms >= 0)
		hist_add(&kind->times, (uint32_t)(ms < HIST_VALUE_MAX ? ms : HIST_VALUE_MAX));
}

json_t *recovery_report(const struct recovery *r)
{
	struct kind *kinds = calloc(KINDS_MAX, sizeof(*kinds));
	json_t *rows = json_array();
	struct kind *kind;
	size_t n = 0;

	for (size_t i = 0; kinds && i < r->n; i++) {
		kind = kind_of(kinds, &n, r->records[i].fault.kind);
		if (kind)
			count(kind, &r->records[i]);
	}
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			rows, json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "kind", kinds[i].name,
					"n", (int)kinds[i].n, "recovered", (int)kinds[i].recovered,
					"p50_ms", (int)hist_percentile(&kinds[i].times, 50),
					"p95_ms", (int)hist_percentile(&kinds[i].times, 95),
					"worst_ms", (int)kinds[i].times.max_ms));
	free(kinds);
	return rows;
}

static json_t *timeline_row(const struct record *record, int64_t began_us)
{
	int64_t ms = recovery_ms(record), for_ms = 0;

	if (record->end_us != INT64_MAX)
		for_ms = (record->end_us - record->fault.at_us) / 1000;
	/* Nobody was touched: nothing had to recover, which took no time. */
	if (ms < 0 && record->is_recovered)
		ms = 0;
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o}", "at_ms",
			 (json_int_t)((record->fault.at_us - began_us) / 1000), "for_ms",
			 (json_int_t)for_ms, "kind", record->fault.kind, "where",
			 record->fault.where, "text", record->fault.text, "recovered_ms",
			 ms < 0 ? json_null() : json_integer(ms));
}

json_t *recovery_timeline(const struct recovery *r, int64_t began_us)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n; i++)
		(void)json_array_append_new(rows, timeline_row(&r->records[i], began_us));
	return rows;
}
