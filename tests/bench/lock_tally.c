/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_tally.c - from the log of a run to figures, and from several runs to one row:
 * the median of each figure, but the worst of the longest and of the overtaken.
 */
#include "tests/bench/lock.h"

#include <string.h>

enum { LATER_NS = 1000000 };

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

/* Nearest rank. */
static uint64_t percentile(const uint64_t *sorted, uint32_t n, uint32_t percent)
{
	uint64_t rank = ((uint64_t)n * percent + 99) / 100;

	return n == 0 ? 0 : sorted[rank > 0 ? rank - 1 : 0];
}

static void take_values(struct result *out, const struct lock_entry *entries, uint32_t n)
{
	uint64_t *values = calloc(n + 1, sizeof(*values));
	uint32_t i;

	if (!values)
		die("no memory");
	for (i = 0; i < n; i++)
		if (entries[i].value_ns > 0)
			values[out->n++] = entries[i].value_ns;
	qsort(values, out->n, sizeof(*values), compare);
	out->median_ns = percentile(values, out->n, 50);
	out->p99_ns = percentile(values, out->n, 99);
	out->max_ns = percentile(values, out->n, 100);
	free(values);
}

static void take_shares(struct result *out, const struct run *run, const struct lock_entry *entries,
			uint32_t n)
{
	uint32_t of[LOCK_CLIENTS_MAX] = { 0 };
	uint64_t end_ns = run->duration_ms > 0 ? run->shared->end_ns : UINT64_MAX;
	uint64_t from_ns;
	uint32_t i;

	for (i = 0; i < n; i++) {
		from_ns = entries[i].asked_ns;
		if (from_ns < run->shared->begin_ns)
			from_ns = run->shared->begin_ns;
		if (entries[i].granted_ns > from_ns + out->longest_wait_ns)
			out->longest_wait_ns = entries[i].granted_ns - from_ns;
		if (entries[i].granted_ns > end_ns)
			continue;
		out->grants++;
		of[entries[i].client]++;
	}
	out->fewest = UINT32_MAX;
	for (i = 0; i < run->clients; i++) {
		if (of[i] < out->fewest)
			out->fewest = of[i];
		if (of[i] > out->most)
			out->most = of[i];
	}
}

static int compare_order(const void *a, const void *b)
{
	const struct lock_entry *x = a;
	const struct lock_entry *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/*
 * Pairs of which the one that asked first was granted second. Those who asked at nearly the same
 * time may have been read in one go, in whatever order: they are counted once more without these.
 */
static void count_overtaken(struct result *out, struct lock_entry *entries, uint32_t n)
{
	uint32_t i;
	uint32_t k;

	qsort(entries, n, sizeof(*entries), compare_order);
	for (i = 0; i < n; i++) {
		for (k = i + 1; k < n; k++) {
			if (entries[k].group != entries[i].group ||
			    entries[k].ticket >= entries[i].ticket)
				continue;
			out->overtaken++;
			if (entries[i].asked_ns - entries[k].asked_ns >= LATER_NS)
				out->overtaken_late++;
		}
	}
}

void tally_add(struct tally *tally, const struct run *run)
{
	struct result *out = &tally->of[tally->n];
	uint32_t n = atomic_load(&run->shared->n);

	assert(tally->n < RESULT_RUNS_MAX);
	if (n > LOCK_ENTRIES_MAX)
		n = LOCK_ENTRIES_MAX;
	take_values(out, run->shared->entries, n);
	if (run->clients > 0) {
		take_shares(out, run, run->shared->entries, n);
		count_overtaken(out, run->shared->entries, n);
	}
	tally->n++;
}

/* Of one figure over the runs: at its offset in struct result. */
static uint64_t middle(const struct tally *tally, size_t offset, size_t size)
{
	uint64_t values[RESULT_RUNS_MAX] = { 0 };
	uint32_t narrow;
	uint32_t i;

	for (i = 0; i < tally->n; i++) {
		const char *at = (const char *)&tally->of[i] + offset;

		if (size == sizeof(narrow)) {
			memcpy(&narrow, at, sizeof(narrow));
			values[i] = narrow;
		} else {
			memcpy(&values[i], at, sizeof(values[i]));
		}
	}
	qsort(values, tally->n, sizeof(*values), compare);
	return percentile(values, tally->n, 50);
}

#define MIDDLE(tally, field)                                                                       \
	middle(tally, offsetof(struct result, field), sizeof((tally)->of[0].field))

struct result tally_result(const struct tally *tally)
{
	struct result out = {
		.runs = tally->n,
		.failed = tally->failed,
		.n = (uint32_t)MIDDLE(tally, n),
		.best_ns = UINT64_MAX,
		.median_ns = MIDDLE(tally, median_ns),
		.p99_ns = MIDDLE(tally, p99_ns),
		.grants = (uint32_t)MIDDLE(tally, grants),
		.fewest = (uint32_t)MIDDLE(tally, fewest),
		.most = (uint32_t)MIDDLE(tally, most),
	};
	uint32_t i;

	for (i = 0; i < tally->n; i++) {
		out.medians_ns[i] = tally->of[i].median_ns;
		out.p99s_ns[i] = tally->of[i].p99_ns;
		if (tally->of[i].median_ns < out.best_ns)
			out.best_ns = tally->of[i].median_ns;
		if (tally->of[i].max_ns > out.max_ns)
			out.max_ns = tally->of[i].max_ns;
		if (tally->of[i].longest_wait_ns > out.longest_wait_ns)
			out.longest_wait_ns = tally->of[i].longest_wait_ns;
		if (tally->of[i].overtaken > out.overtaken)
			out.overtaken = tally->of[i].overtaken;
		if (tally->of[i].overtaken_late > out.overtaken_late)
			out.overtaken_late = tally->of[i].overtaken_late;
	}
	return out;
}
