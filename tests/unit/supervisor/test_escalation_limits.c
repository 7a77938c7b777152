/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Escalation to the millisecond: delays, deadlines, and how old evidence and resets may be. */
#include <check.h>

#include "ipc/errors.h"
#include "supervisor/escalation_state.h"
#include "tests/unit/supervisor/escalation_case.h"

Suite *suite_escalation_limits(void);

enum {
	B = 2,
	EVEN = 200, /* dice: neither longer nor shorter */
	HALF_MS = 600000,
	COOLDOWN_MS = 300000,
	WINDOW_MS = 3600000,
	LATE_MS = 50 * HALF_MS, /* the machine has been up for long */
};

static struct escalation_answer fail_n(const struct profile *profile,
				       const struct escalation_failure *f, unsigned n,
				       uint64_t now_ms)
{
	struct escalation_answer answer = { .step = ESCALATION_NOTHING };

	while (n-- > 0)
		answer = escalation_failed(esc, profile, f, now_ms, EVEN);
	return answer;
}

/* --- delays --- */

START_TEST(delays_double)
{
	static const uint32_t BASES_MS[] = { 1, 250 };
	struct escalation_limits limits = CASE_LIMITS;
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	limits.base_ms = BASES_MS[_i];
	case_begin_with(&limits);
	for (; f.attempt <= 4; f.attempt++)
		ck_assert_uint_eq(fail_n(on_demand, &f, 1, 1000).delay_ms,
				  BASES_MS[_i] << (f.attempt - 1));
}
END_TEST

/* After sleep: as if each were the first attempt, and not a millisecond longer than that. */
START_TEST(pardoned_until_then)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;

	escalation_pardon(esc, 5000);
	f.attempt = CASE_LIMITS.attempts + 5;
	answer = fail_n(battery, &f, 10, 4999);
	ck_assert_int_eq(answer.step, ESCALATION_RETRY);
	ck_assert_uint_eq(answer.delay_ms, CASE_LIMITS.base_ms);
	ck_assert_uint_eq(answer.failures, 0);
	answer = fail_n(battery, &f, 1, 5000);
	ck_assert_int_eq(answer.step, ESCALATION_GIVE_UP);
	ck_assert_uint_eq(answer.failures, 1);
	/* So is one whose request ended first. */
	escalation_pardon(esc, 6000);
	escalation_cut(esc, &f, 5999);
	ck_assert_uint_le(escalation_failures(esc, DEVICE, A, 5999), DECAY_ONE);
	escalation_cut(esc, &f, 6000);
	ck_assert_uint_gt(escalation_failures(esc, DEVICE, A, 6000), DECAY_ONE);
}
END_TEST

/* Whoever waits for a reset waits for long: it takes seconds. */
START_TEST(a_reset_is_waited_for)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer = fail_n(battery, &f, 6, LATE_MS);

	ck_assert_int_eq(answer.step, ESCALATION_RESET);
	ck_assert_uint_gt(answer.delay_ms, CASE_LIMITS.max_ms / 2);
	ck_assert_uint_eq(fail_n(battery, &f, 1, LATE_MS).delay_ms, answer.delay_ms);
	ck_assert_int_eq(fail_n(battery, &f, 1, LATE_MS + 1).step, ESCALATION_RETRY);
}
END_TEST

/* --- deadlines and attempts --- */

START_TEST(what_is_left_is_enough_for_an_attempt)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_OUT_OF_SLOTS);

	f.other = B;
	f.left_ms = ESCALATION_ATTEMPT_MIN_MS - 1;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_GIVE_UP);
	f.left_ms++;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_ROTATE);
	f = case_failure(OTHER, CLASS_ABORTED_LOCAL);
	f.left_ms = ESCALATION_ATTEMPT_MIN_MS + CASE_LIMITS.base_ms - 1;
	ck_assert_int_eq(fail_n(on_demand, &f, 1, 1000).step, ESCALATION_GIVE_UP);
	f.left_ms++;
	ck_assert_int_eq(fail_n(on_demand, &f, 1, 1000).step, ESCALATION_RETRY);
}
END_TEST

START_TEST(attempts_are_one_requests_until_its_deadline)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_OUT_OF_SLOTS);

	f.other = B;
	f.attempt = 3;
	f.left_ms = 5000;
	ck_assert_int_eq(fail_n(sensor, &f, 1, 1000).step, ESCALATION_ROTATE);
	f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	f.adapter = B;
	/* What is wanted only since it is over is another request. */
	f.since_ms = 6000 + (uint64_t)_i;
	ck_assert_uint_eq(fail_n(sensor, &f, 1, 6001).attempt, _i == 0 ? 4 : 1);
}
END_TEST

START_TEST(a_profile_may_forbid_a_second_attempt)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct profile once = *battery;

	ck_assert_int_eq(fail_n(&once, &f, 1, 1000).step, ESCALATION_RETRY);
	once.attempts = 1;
	ck_assert_int_eq(fail_n(&once, &f, 1, 1000).step, ESCALATION_GIVE_UP);
}
END_TEST

/* Wherever it failed less. */
START_TEST(a_profile_may_forbid_another_adapter)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_OUT_OF_SLOTS);
	struct profile stays = *battery;

	f.other = B;
	stays.ceiling = ESCALATION_CLEAR;
	ck_assert_int_eq(fail_n(&stays, &f, 10, 1000).step, ESCALATION_CLEAR);
	ck_assert_int_eq(fail_n(battery, &f, 1, 1000).step, ESCALATION_ROTATE);
}
END_TEST

/* --- failures that decay --- */

START_TEST(they_decay_in_a_straight_line)
{
	static const struct {
		uint64_t after_ms;
		uint32_t weight;
	} SPANS[] = {
		{ 0, 256 },	     { HALF_MS / 4, 224 },    { HALF_MS / 2, 192 },
		{ HALF_MS, 128 },    { HALF_MS * 3 / 2, 96 }, { HALF_MS * 8, 1 },
		{ HALF_MS * 31, 0 }, { HALF_MS * 32ull, 0 },  { HALF_MS * 33ull, 0 },
		{ HALF_MS * 63, 0 }, { HALF_MS * 64ull, 0 },
	};
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	size_t i;

	(void)fail_n(sensor, &f, 1, LATE_MS);
	for (i = 0; i < ARRAY_LEN(SPANS); i++)
		ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, LATE_MS + SPANS[i].after_ms),
				  SPANS[i].weight);
	/* A clock that was asked before the failure was: it weighs what it weighs. */
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, LATE_MS - HALF_MS), 256);
}
END_TEST

/* --- how old evidence may be --- */

/* By any of so many failures. */
static bool is_reset_due(const struct escalation_failure *f, unsigned failures, uint64_t now_ms)
{
	bool is_due = false;

	while (failures-- > 0)
		is_due = fail_n(battery, f, 1, now_ms).is_reset_due || is_due;
	return is_due;
}

START_TEST(another_that_works_is_evidence_for_a_half_life)
{
	const struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	(void)escalation_worked(esc, OTHER, A, LATE_MS);
	/* However often that one itself did. */
	(void)escalation_worked(esc, DEVICE, A, LATE_MS);
	(void)escalation_worked(esc, DEVICE, A, LATE_MS);
	ck_assert(!is_reset_due(&f, 6, LATE_MS));
	ck_assert(!is_reset_due(&f, 6, LATE_MS + HALF_MS));
	ck_assert(is_reset_due(&f, 1, LATE_MS + HALF_MS + 1));
}
END_TEST

START_TEST(another_that_fails_is_evidence_for_a_half_life)
{
	const uint64_t now_ms = LATE_MS + HALF_MS + (uint64_t)_i;
	struct escalation_failure f = case_failure(OTHER, CLASS_ABORTED_LOCAL);

	f.is_alone = false;
	ck_assert(!is_reset_due(&f, 2, LATE_MS));
	f.address = DEVICE;
	ck_assert(!is_reset_due(&f, 4, now_ms));
	ck_assert(is_reset_due(&f, 2, now_ms) == (_i == 0));
}
END_TEST

/* A success is the end of what was counted, and the beginning of a new count. */
START_TEST(a_success_ends_the_evidence)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	f.is_alone = false;
	ck_assert(!is_reset_due(&f, 2, LATE_MS));
	(void)escalation_worked(esc, OTHER, A, LATE_MS);
	f.address = OTHER + 1;
	ck_assert(!is_reset_due(&f, 10, LATE_MS));
	f.address = DEVICE;
	ck_assert(!is_reset_due(&f, 1, LATE_MS));
	ck_assert(is_reset_due(&f, 1, LATE_MS));
}
END_TEST

static const struct {
	enum escalation_sickness sickness;
	uint64_t after_ms;
	const char *why;
} SICK[] = {
	{ ESCALATION_SILENT, ESCALATION_SICK_MS, "it fell silent" },
	{ ESCALATION_TIMEOUTS, ESCALATION_SICK_MS, "its commands time out" },
	{ ESCALATION_SILENT, ESCALATION_SICK_MS + 1, NULL },
};

START_TEST(sickness_is_evidence_for_a_minute)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;

	f.is_alone = false;
	escalation_sick(esc, A, SICK[_i].sickness, LATE_MS);
	answer = fail_n(battery, &f, 6, LATE_MS + SICK[_i].after_ms);
	ck_assert_pstr_eq(answer.why, SICK[_i].why);
}
END_TEST

START_TEST(whoever_works_is_not_sick)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	f.is_alone = false;
	if (_i == 0)
		escalation_sick(esc, A, ESCALATION_SILENT, LATE_MS);
	(void)escalation_worked(esc, OTHER, A, LATE_MS);
	ck_assert(!is_reset_due(&f, 6, LATE_MS));
}
END_TEST

/* --- resets --- */

START_TEST(a_reset_cures)
{
	struct escalation_limits limits = CASE_LIMITS;
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	const bool was_done = _i == 0;

	limits.reset_cooldown_ms = 0;
	case_begin_with(&limits);
	f.is_alone = false;
	f.adapter = B;
	(void)fail_n(battery, &f, 1, LATE_MS);
	f.adapter = A;
	escalation_sick(esc, A, ESCALATION_SILENT, LATE_MS);
	ck_assert(is_reset_due(&f, 6, LATE_MS));
	escalation_reset_ended(esc, A, was_done);
	ck_assert_int_eq(escalation_failures(esc, DEVICE, A, LATE_MS) == 0, was_done);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, B, LATE_MS), DECAY_ONE);
	/* One that was not done leaves it as sick as it was. */
	ck_assert(is_reset_due(&f, 6, LATE_MS) == !was_done);
}
END_TEST

START_TEST(after_a_reset_it_counts_anew)
{
	const struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	ck_assert(is_reset_due(&f, 6, LATE_MS));
	escalation_reset_ended(esc, A, true);
	ck_assert(!is_reset_due(&f, 5, LATE_MS + COOLDOWN_MS));
	ck_assert(is_reset_due(&f, 1, LATE_MS + COOLDOWN_MS));
}
END_TEST

/* A person who asks again while it runs makes it neither longer nor dearer. */
START_TEST(a_reset_is_counted_once)
{
	escalation_reset_began(esc, A, LATE_MS);
	escalation_reset_began(esc, A, LATE_MS + 1000);
	escalation_reset_ended(esc, A, true);
	ck_assert(!escalation_may_reset(esc, A, LATE_MS + COOLDOWN_MS - 1));
	ck_assert(escalation_may_reset(esc, A, LATE_MS + COOLDOWN_MS));
}
END_TEST

START_TEST(the_budget_is_of_a_window)
{
	unsigned n;

	/* More of them in all than are kept. */
	for (n = 0; n < 2 * ESCALATION_BUDGET_MAX; n++) {
		const uint64_t at_ms = LATE_MS + (uint64_t)n * (WINDOW_MS / 3);

		ck_assert(escalation_may_reset(esc, A, at_ms));
		escalation_reset_began(esc, A, at_ms);
		escalation_reset_ended(esc, A, false);
		ck_assert(n < 2 || !escalation_may_reset(esc, A, at_ms + WINDOW_MS / 3 - 1));
	}
}
END_TEST

START_TEST(no_budget_no_resets)
{
	struct escalation_limits limits = CASE_LIMITS;
	uint16_t i;

	limits.reset_budget = (uint32_t)_i;
	case_begin_with(&limits);
	for (i = 0; i < (uint16_t)ADAPTERS_KEPT; i++)
		ck_assert_int_eq(escalation_may_reset(esc, i, LATE_MS), _i > 0);
	/* More adapters than are kept: one budget is all that is known of this one. */
	for (i = 0; i < (uint16_t)ADAPTERS_KEPT; i++)
		(void)escalation_worked(esc, DEVICE, i, LATE_MS);
	ck_assert_int_eq(escalation_may_reset(esc, ADAPTERS_KEPT, LATE_MS), _i > 0);
}
END_TEST

/* As many as are kept: each has its own cooldown. */
START_TEST(each_adapter_has_a_cooldown)
{
	uint16_t i;

	for (i = 0; i < (uint16_t)ADAPTERS_KEPT; i++) {
		escalation_reset_began(esc, i, LATE_MS);
		escalation_reset_ended(esc, i, true);
	}
	for (i = 0; i < (uint16_t)ADAPTERS_KEPT; i++) {
		ck_assert(!escalation_may_reset(esc, i, LATE_MS + COOLDOWN_MS - 1));
		ck_assert(escalation_may_reset(esc, i, LATE_MS + COOLDOWN_MS));
	}
}
END_TEST

/* What worked on it before it was unplugged says nothing of it now. */
START_TEST(unplugged_it_begins_anew)
{
	const struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	escalation_reset_began(esc, A, LATE_MS);
	escalation_reset_ended(esc, A, true);
	(void)escalation_worked(esc, OTHER, A, LATE_MS);
	escalation_adapter_gone(esc, A, 0xaa);
	escalation_adapter_came(esc, A, 0xaa);
	ck_assert(!is_reset_due(&f, 6, LATE_MS + COOLDOWN_MS - 1));
	ck_assert(is_reset_due(&f, 1, LATE_MS + COOLDOWN_MS));
}
END_TEST

static void add_delays(TCase *tc)
{
	tcase_add_loop_test(tc, delays_double, 0, 2);
	tcase_add_test(tc, pardoned_until_then);
	tcase_add_test(tc, a_reset_is_waited_for);
	tcase_add_test(tc, what_is_left_is_enough_for_an_attempt);
	tcase_add_loop_test(tc, attempts_are_one_requests_until_its_deadline, 0, 2);
	tcase_add_test(tc, a_profile_may_forbid_a_second_attempt);
	tcase_add_test(tc, a_profile_may_forbid_another_adapter);
	tcase_add_test(tc, they_decay_in_a_straight_line);
}

Suite *suite_escalation_limits(void)
{
	Suite *suite = suite_create("escalation_limits");
	TCase *tc = tcase_create("escalation_limits");

	tcase_add_checked_fixture(tc, case_begin, case_end);
	add_delays(tc);
	tcase_add_test(tc, another_that_works_is_evidence_for_a_half_life);
	tcase_add_loop_test(tc, another_that_fails_is_evidence_for_a_half_life, 0, 2);
	tcase_add_test(tc, a_success_ends_the_evidence);
	tcase_add_loop_test(tc, sickness_is_evidence_for_a_minute, 0, (int)ARRAY_LEN(SICK));
	tcase_add_loop_test(tc, whoever_works_is_not_sick, 0, 2);
	tcase_add_loop_test(tc, a_reset_cures, 0, 2);
	tcase_add_test(tc, after_a_reset_it_counts_anew);
	tcase_add_test(tc, a_reset_is_counted_once);
	tcase_add_test(tc, the_budget_is_of_a_window);
	tcase_add_loop_test(tc, no_budget_no_resets, 0, 2);
	tcase_add_test(tc, each_adapter_has_a_cooldown);
	tcase_add_test(tc, unplugged_it_begins_anew);
	suite_add_tcase(suite, tc);
	return suite;
}
