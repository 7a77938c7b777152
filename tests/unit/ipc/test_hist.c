/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tests/unit/ipc/test_hist.c - a distribution says what the sorted values say. */
#include <check.h>
#include <stdlib.h>

#include "ipc/hist.h"

Suite *suite_hist(void);

enum { OPERATIONS = 500, SEEDS = 40 };

static int compare(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a;
	const uint32_t right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* By nearest rank. */
static uint32_t oracle(const uint32_t *sorted, size_t n, unsigned percent)
{
	size_t rank = (n * percent + 99) / 100;

	return sorted[rank > 0 ? rank - 1 : 0];
}

static void expect_close(uint32_t said, uint32_t is)
{
	uint32_t off = said > is ? said - is : is - said;

	ck_assert_msg(off * 20 <= is, "%u is said, %u it is", said, is);
}

static void expect_like(const struct hist *hist, uint32_t *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), compare);
	ck_assert(hist_is_sound(hist));
	ck_assert_uint_eq(hist->count, n);
	ck_assert_uint_eq(hist->min_ms, values[0]);
	ck_assert_uint_eq(hist->max_ms, values[n - 1]);
	expect_close(hist_percentile(hist, 50), oracle(values, n, 50));
	expect_close(hist_percentile(hist, 95), oracle(values, n, 95));
}

/* Most are quick and some take a hundred times as long, as operations do. */
static uint32_t random_ms(void)
{
	uint32_t scale = (uint32_t)(rand() % 10 == 0 ? 2000 : 60);

	return 1 + (uint32_t)rand() % scale + (uint32_t)rand() % scale;
}

/* F67: 500 operations. */
START_TEST(test_oracle)
{
	uint32_t values[OPERATIONS];
	unsigned seed;
	size_t i;

	for (seed = 0; seed < SEEDS; seed++) {
		struct hist hist = { 0 };

		srand(seed);
		for (i = 0; i < OPERATIONS; i++) {
			values[i] = random_ms();
			hist_add(&hist, values[i]);
		}
		expect_like(&hist, values, OPERATIONS);
	}
}
END_TEST

START_TEST(test_merge)
{
	struct hist parts[5] = { { 0 } };
	struct hist all = { 0 };
	uint32_t values[OPERATIONS];
	size_t i;

	srand(1);
	for (i = 0; i < OPERATIONS; i++) {
		values[i] = random_ms();
		hist_add(&parts[i % ARRAY_LEN(parts)], values[i]);
	}
	for (i = 0; i < ARRAY_LEN(parts); i++)
		hist_merge(&all, &parts[i]);
	expect_like(&all, values, OPERATIONS);
}
END_TEST

/* From 1 ms to an hour: more buckets than there are. What is frequent stays precise. */
START_TEST(test_wide)
{
	uint32_t values[OPERATIONS];
	struct hist hist = { 0 };
	size_t n = 0;
	uint32_t wide;

	for (wide = 1; wide <= HIST_VALUE_MAX; wide += wide / 12 + 1)
		hist_add(&hist, values[n++] = wide);
	while (n < OPERATIONS)
		hist_add(&hist, values[n++] = 300);
	ck_assert(hist_is_sound(&hist));
	ck_assert_uint_eq(hist.n, HIST_BUCKETS_MAX);
	ck_assert_uint_eq(hist.count, OPERATIONS);
	ck_assert_uint_eq(hist.min_ms, 1);
	qsort(values, n, sizeof(values[0]), compare);
	ck_assert_uint_eq(hist.max_ms, values[n - 1]);
	expect_close(hist_percentile(&hist, 50), 300);
}
END_TEST

START_TEST(test_edges)
{
	struct hist hist = { 0 };
	struct hist none = { 0 };

	ck_assert_uint_eq(hist_percentile(&hist, 50), 0);
	ck_assert(hist_is_sound(&hist));
	hist_add(&hist, 0);
	hist_merge(&hist, &none);
	ck_assert_uint_eq(hist.count, 1);
	ck_assert_uint_eq(hist_percentile(&hist, 95), 0);
	hist_add(&hist, UINT32_MAX);
	ck_assert_uint_eq(hist.max_ms, HIST_VALUE_MAX);
	ck_assert_uint_eq(hist_percentile(&hist, 100), HIST_VALUE_MAX);
	ck_assert(hist_is_sound(&hist));
	hist.counts[0]++;
	ck_assert(!hist_is_sound(&hist));
}
END_TEST

Suite *suite_hist(void)
{
	Suite *suite = suite_create("hist");
	TCase *tcase = tcase_create("hist");

	tcase_add_test(tcase, test_oracle);
	tcase_add_test(tcase, test_merge);
	tcase_add_test(tcase, test_wide);
	tcase_add_test(tcase, test_edges);
	suite_add_tcase(suite, tcase);
	return suite;
}
