/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/test_days.c - 72 hours of 30 peripherals and 3 adapters, in a second or two:
 * calm, with everything that goes wrong, and at other hours of the clock.
 *
 * DAYS_SEEDS=9-60 takes those seeds instead of 1-8, DAYS_SEEDS=9 one. DAYS_FIGURES=1 prints what
 * happened; it needs CK_FORK=no or BLEHERD_DEBUG=1 to be seen.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/days/days_judge.h"

Suite *suite_days(void);

static void tell(const struct days *days)
{
	const struct judge_figures *f = &days->judge->figures;

	if (!getenv("DAYS_FIGURES"))
		return;
	(void)fprintf(stderr,
		      "seed %llu: %u attempts, retry %u clear %u rotate %u reset %u give-up %u; "
		      "%u resets, %u of a sick adapter; %u polls, %u answered; %u rests; "
		      "%u restarts, %u in a loop; %u locks, the longest wait %u ms; "
		      "served after %u ms at most, polled %u ms late\n",
		      (unsigned long long)days->plan.seed, f->attempts, f->steps[ESCALATION_RETRY],
		      f->steps[ESCALATION_CLEAR], f->steps[ESCALATION_ROTATE],
		      f->steps[ESCALATION_RESET], f->steps[ESCALATION_GIVE_UP], f->resets,
		      f->resets_of_sick, f->polls, f->answers, f->rests, f->restarts, f->loops,
		      f->locks, f->worst_wait_ms, f->worst_served_ms, f->worst_polled_ms);
}

static struct days *run(const struct days_plan *plan)
{
	struct days *days = days_new(plan);

	days_run(days);
	judge_end(days);
	tell(days);
	return days;
}

START_TEST(test_calm)
{
	const struct days_plan plan = {
		.seed = 1, .base_ms = 1000000, .span_ms = DAYS_SPAN, .late_ms = 20
	};
	struct days *days = run(&plan);
	const struct judge_figures *f = &days->judge->figures;

	ck_assert_uint_eq(f->resets + f->rests + f->restarts, 0);
	ck_assert_uint_eq(f->steps[ESCALATION_RETRY] + f->steps[ESCALATION_GIVE_UP], 0);
	(void)days_free(days);
}
END_TEST

/* That what is judged happened at all. */
static void expect_all(const struct judge_figures *f)
{
	ck_assert_uint_gt(f->steps[ESCALATION_RETRY], 100);
	ck_assert_uint_gt(f->steps[ESCALATION_CLEAR], 10);
	ck_assert_uint_gt(f->steps[ESCALATION_ROTATE], 10);
	ck_assert_uint_gt(f->steps[ESCALATION_GIVE_UP], 100);
	ck_assert_uint_gt(f->resets, 0);
	ck_assert_uint_gt(f->rests, 100);
	ck_assert_uint_gt(f->loops, 0);
	ck_assert_uint_gt(f->locks, 100);
}

START_TEST(test_faults)
{
	const struct days_plan plan = {
		.seed = (uint64_t)_i,
		.base_ms = 1000000,
		.span_ms = DAYS_SPAN,
		.late_ms = 20,
		.has_faults = true,
		.has_stalls = _i % 2 == 0,
	};
	struct days *days = run(&plan);

	expect_all(&days->judge->figures);
	(void)days_free(days);
}
END_TEST

enum { WRAP_SPAN = 24 * DAYS_HOUR + 25 * DAYS_SECOND };

/* Just after boot; where 32 bits of ms end, half of them; where a double's whole microseconds do.
 */
static const uint64_t BASES_MS[] = {
	0,
	(UINT64_C(1) << 31) - WRAP_SPAN / 2,
	(UINT64_C(1) << 32) - WRAP_SPAN / 2,
	(UINT64_C(1) << 53) / 1000 - WRAP_SPAN / 2,
};

static void expect_same(const struct days *a, const struct days *b)
{
	size_t i;

	for (i = 0; i < a->n_lines && i < b->n_lines; i++)
		ck_assert_msg(
			memcmp(&a->lines[i], &b->lines[i], sizeof(a->lines[i])) == 0,
			"beginning at %llu ms line %zu is another one: after %llu ms %u of %u, "
			"value %llu; after %llu ms %u of %u, value %llu",
			(unsigned long long)b->plan.base_ms, i,
			(unsigned long long)a->lines[i].at_ms, a->lines[i].what, a->lines[i].who,
			(unsigned long long)a->lines[i].value,
			(unsigned long long)b->lines[i].at_ms, b->lines[i].what, b->lines[i].who,
			(unsigned long long)b->lines[i].value);
	ck_assert_uint_eq(a->n_lines, b->n_lines);
}

START_TEST(test_no_wrap)
{
	struct days_plan plan = {
		.seed = 7,
		.base_ms = 1000000,
		.span_ms = WRAP_SPAN,
		.late_ms = 20,
		.has_faults = true,
		.has_stalls = true,
	};
	struct days *first = run(&plan);
	struct days *other;
	size_t i;

	ck_assert_uint_gt(first->n_lines, 10000);
	for (i = 0; i < ARRAY_LEN(BASES_MS); i++) {
		plan.base_ms = BASES_MS[i];
		other = run(&plan);
		expect_same(first, other);
		(void)days_free(other);
	}
	(void)days_free(first);
}
END_TEST

Suite *suite_days(void)
{
	Suite *suite = suite_create("days");
	TCase *tc = tcase_create("days");
	/* The first ones, whatever comes of them. */
	int first = 1, last = 8;
	const char *text = getenv("DAYS_SEEDS");

	if (text && sscanf(text, "%d-%d", &first, &last) < 2)
		last = first;
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_calm);
	tcase_add_loop_test(tc, test_faults, first, last + 1);
	tcase_add_test(tc, test_no_wrap);
	suite_add_tcase(suite, tc);
	return suite;
}
