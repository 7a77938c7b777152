/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Escalation where its numbers end: no half-life, no gain, more adapters than are kept. */
#include <check.h>

#include "supervisor/escalation_state.h"
#include "tests/unit/supervisor/escalation_case.h"

Suite *suite_escalation_edges(void);

enum { B = 2, HALF_MS = 600000, COOLDOWN_MS = 300000 };

START_TEST(no_half_life_is_a_millisecond)
{
	struct escalation_limits limits = CASE_LIMITS;
	const struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	limits.half_life_ms = 0;
	case_begin_with(&limits);
	(void)escalation_failed(esc, battery, &f, 1000, 0);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, 1000), DECAY_ONE);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, 1001), DECAY_ONE / 2);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, A, 1100), 0);
}
END_TEST

/* One failure here, and one there so long ago: it moves once that weighs half a failure less. */
static enum escalation_step after(uint64_t ago_ms)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);

	case_begin();
	f.adapter = B;
	(void)escalation_failed(esc, on_demand, &f, 1000, 0);
	f.adapter = A;
	f.other = B;
	return escalation_failed(esc, on_demand, &f, 1000 + ago_ms, 0).step;
}

START_TEST(decay_alone_moves_nothing)
{
	ck_assert_int_eq(after(0), ESCALATION_RETRY);
	ck_assert_int_eq(after(HALF_MS / 2), ESCALATION_RETRY);
	ck_assert_int_eq(after(HALF_MS * 5 / 6), ESCALATION_RETRY);
	ck_assert_int_eq(after(HALF_MS), ESCALATION_ROTATE);
}
END_TEST

/* --- more peripherals than are kept --- */

START_TEST(the_one_that_failed_longest_ago_is_forgotten)
{
	struct escalation_failure f = case_failure(1, CLASS_ABORTED_LOCAL);
	const uint64_t again = _i == 0 ? 300 : 1; /* it is in use after all the others */
	const uint64_t forgotten = _i == 0 ? 1 : 2;
	uint64_t address;

	for (address = 1; address <= DEVICES_KEPT; address++) {
		f.address = address;
		(void)escalation_failed(esc, sensor, &f, 1000 + address, 0);
	}
	f.address = again;
	(void)escalation_failed(esc, sensor, &f, 5000, 0);
	f.address = 0xc0ffee;
	(void)escalation_failed(esc, sensor, &f, 6000, 0);
	for (address = 1; address <= DEVICES_KEPT; address++)
		ck_assert_int_eq(escalation_failures(esc, address, A, 6000) == 0,
				 address == forgotten);
	ck_assert_uint_eq(escalation_failures(esc, 0xc0ffee, A, 6000), DECAY_ONE);
}
END_TEST

/* One that joined it has more time: the attempts are counted on when the first one's is over. */
START_TEST(attempts_of_one_that_joined)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	enum escalation_step step = ESCALATION_NOTHING;

	f.other = A + 1;
	f.left_ms = 1000;
	for (; f.attempt <= 3; f.attempt++)
		step = escalation_failed(esc, sensor, &f, 1000, 0).step;
	ck_assert_int_eq(step, ESCALATION_ROTATE);
	f.adapter = A + 1;
	f.other = ESCALATION_NOBODY;
	f.since_ms = 1001;
	f.left_ms = LONG_MS;
	f.attempt = 1;
	ck_assert_uint_eq(escalation_failed(esc, sensor, &f, 3000, 0).attempt, 4);
	/* It is another session's by now, without a break. */
	f.session = 2;
	f.attempt = 2;
	ck_assert_uint_eq(escalation_failed(esc, sensor, &f, 4000, 0).attempt, 5);
	f.since_ms = 4500;
	f.attempt = 1;
	ck_assert_uint_eq(escalation_failed(esc, sensor, &f, 5000, 0).attempt, 1);
}
END_TEST

/* All who ask have less time than an attempt that hangs takes: none of theirs ever fails. */
START_TEST(what_was_cut_counts)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_NOT_FOUND);
	unsigned i;

	f.other = A + 1;
	for (i = 1; i < battery->reset_after; i++)
		escalation_cut(esc, &f, 1000);
	ck_assert_uint_eq(escalation_weight(esc, DEVICE, A, true, 1000), i * DECAY_ONE - DECAY_ONE);
	/* It says nothing after a sleep, or while the adapter is reset. */
	escalation_pardon(esc, 2000);
	escalation_cut(esc, &f, 1999);
	ck_assert_uint_lt(escalation_weight(esc, DEVICE, A, true, 2000), i * DECAY_ONE - DECAY_ONE);
	ck_assert(escalation_failed(esc, battery, &f, 2000, 0).is_reset_due);
	ck_assert_int_eq(decay_round(escalation_failures(esc, DEVICE, A, 2000)), (int)i);
	escalation_cut(esc, &f, 2000);
	ck_assert_int_eq(decay_round(escalation_failures(esc, DEVICE, A, 2000)), (int)i);
}
END_TEST

/* It was away for an hour, and now an adapter that hears it best cannot connect it. */
START_TEST(what_it_failed_while_away_says_nothing_of_adapters)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_NOT_FOUND);
	struct escalation_answer answer = { .step = ESCALATION_NOTHING };
	const uint16_t other = A + 1;
	unsigned i;

	f.is_heard = false;
	for (i = 0; i < 50; i++) {
		f.adapter = i % 5 == 0 ? A : other;
		answer = escalation_failed(esc, sensor, &f, 1000 + i, 0);
	}
	/* What is stale of it may be why nobody hears it, and where it fails less is still tried.
	 */
	ck_assert_int_eq(answer.step, ESCALATION_CLEAR);
	ck_assert_uint_gt(escalation_weight(esc, DEVICE, other, false, 2000),
			  escalation_weight(esc, DEVICE, A, false, 2000));
	ck_assert_uint_eq(escalation_weight(esc, DEVICE, A, true, 2000), 0);
	ck_assert_uint_eq(escalation_weight(esc, DEVICE, other, true, 2000), 0);
	f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	f.other = other;
	for (; f.attempt <= sensor->rotate_after; f.attempt++)
		answer = escalation_failed(esc, sensor, &f, 2000, 0);
	ck_assert_int_eq(answer.step, ESCALATION_ROTATE);
	ck_assert_uint_eq(escalation_weight(esc, DEVICE, A, true, 2000), 3 * DECAY_ONE);
	(void)escalation_worked(esc, DEVICE, A, 2000);
	ck_assert_uint_eq(escalation_weight(esc, DEVICE, A, false, 2000), 0);
}
END_TEST

/* --- more adapters than are kept --- */

static void fill(uint64_t now_ms)
{
	uint16_t i;

	for (i = 0; i < (uint16_t)ADAPTERS_KEPT; i++)
		(void)escalation_worked(esc, DEVICE, i, now_ms);
}

START_TEST(one_too_many_is_served_without_a_record)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer;
	unsigned n;

	fill(1000);
	f.adapter = ADAPTERS_KEPT;
	for (n = 0; n < 20; n++) {
		answer = escalation_failed(esc, battery, &f, 2000, 0);
		ck_assert(!answer.is_reset_due);
	}
	ck_assert_uint_eq(answer.failures, 20);
	escalation_sick(esc, ADAPTERS_KEPT, ESCALATION_SILENT, 2000);
	escalation_reset_began(esc, ADAPTERS_KEPT, 2000);
	escalation_reset_ended(esc, ADAPTERS_KEPT, true);
	ck_assert(escalation_may_reset(esc, ADAPTERS_KEPT, 2000));
	ck_assert_int_ne(escalation_worked(esc, DEVICE, ADAPTERS_KEPT, 3000), ESCALATION_NOTHING);
	ck_assert_uint_eq(escalation_failures(esc, DEVICE, ADAPTERS_KEPT, 3000), 0);
	/* One that is unplugged makes room. */
	escalation_adapter_gone(esc, 7, 0xa7);
	escalation_reset_began(esc, ADAPTERS_KEPT, 4000);
	ck_assert(!escalation_may_reset(esc, ADAPTERS_KEPT, 4001));
}
END_TEST

/* Of those that are away the one whose reset is longest ago is forgotten for a new one. */
START_TEST(what_is_away_for_longest_makes_room)
{
	const uint64_t first = _i == 0 ? 20 : 40;
	const uint64_t second = _i == 0 ? 40 : 20;

	fill(1000);
	escalation_reset_began(esc, (uint16_t)first, 1000);
	escalation_reset_began(esc, (uint16_t)second, 2000);
	escalation_adapter_gone(esc, (uint16_t)first, first);
	escalation_adapter_gone(esc, (uint16_t)second, second);
	(void)escalation_worked(esc, DEVICE, 100, 3000);
	ck_assert(escalation_may_reset(esc, 100, 3000));
	/* That one comes back as somebody new; the other one still has its cooldown. */
	escalation_adapter_came(esc, 200, second);
	ck_assert(!escalation_may_reset(esc, 200, 3000 + ESCALATION_RESETTING_MS));
	escalation_adapter_came(esc, 300, first);
	ck_assert(escalation_may_reset(esc, 300, 3000 + ESCALATION_RESETTING_MS));
}
END_TEST

/* --- resets --- */

START_TEST(one_reset_at_a_time)
{
	struct escalation_limits limits = CASE_LIMITS;

	limits.reset_cooldown_ms = 0;
	case_begin_with(&limits);
	escalation_reset_began(esc, A, 1000);
	ck_assert(!escalation_may_reset(esc, A, 2000));
	ck_assert(!escalation_may_reset(esc, A, 1000 + ESCALATION_RESETTING_MS - 1));
	ck_assert(escalation_may_reset(esc, A, 1000 + ESCALATION_RESETTING_MS));
	escalation_reset_ended(esc, A, false);
	ck_assert(escalation_may_reset(esc, A, 2000));
}
END_TEST

START_TEST(silence_during_a_reset_is_no_evidence)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_ABORTED_LOCAL);
	uint64_t now_ms = 1000 + COOLDOWN_MS;
	unsigned n;

	f.is_alone = false;
	escalation_reset_began(esc, A, 1000);
	if (_i == 0)
		escalation_sick(esc, A, ESCALATION_SILENT, 2000);
	escalation_reset_ended(esc, A, false);
	if (_i == 1)
		escalation_sick(esc, A, ESCALATION_SILENT, now_ms);
	for (n = 0; n < 5; n++)
		ck_assert(!escalation_failed(esc, battery, &f, now_ms, 0).is_reset_due);
	ck_assert_int_eq(escalation_failed(esc, battery, &f, now_ms, 0).is_reset_due, _i == 1);
}
END_TEST

START_TEST(a_number_that_is_taken_is_not_taken_over)
{
	escalation_reset_began(esc, A, 1000);
	escalation_adapter_gone(esc, A, 0xaa);
	(void)escalation_worked(esc, DEVICE, A, 2000); /* another one, before anybody says so */
	escalation_adapter_came(esc, A, 0xaa);
	ck_assert(escalation_may_reset(esc, A, 2000));
}
END_TEST

Suite *suite_escalation_edges(void)
{
	Suite *suite = suite_create("escalation_edges");
	TCase *tc = tcase_create("escalation_edges");

	tcase_add_checked_fixture(tc, case_begin, case_end);
	tcase_add_test(tc, no_half_life_is_a_millisecond);
	tcase_add_test(tc, decay_alone_moves_nothing);
	tcase_add_loop_test(tc, the_one_that_failed_longest_ago_is_forgotten, 0, 2);
	tcase_add_test(tc, what_it_failed_while_away_says_nothing_of_adapters);
	tcase_add_test(tc, attempts_of_one_that_joined);
	tcase_add_test(tc, what_was_cut_counts);
	tcase_add_test(tc, one_too_many_is_served_without_a_record);
	tcase_add_loop_test(tc, what_is_away_for_longest_makes_room, 0, 2);
	tcase_add_test(tc, one_reset_at_a_time);
	tcase_add_loop_test(tc, silence_during_a_reset_is_no_evidence, 0, 2);
	tcase_add_test(tc, a_number_that_is_taken_is_not_taken_over);
	suite_add_tcase(suite, tc);
	return suite;
}
