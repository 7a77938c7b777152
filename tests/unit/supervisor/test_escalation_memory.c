/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What escalation remembers of peripherals and adapters, what it forgets, and what it takes back.
 */
#include <check.h>

#include "supervisor/escalation_state.h"
#include "tests/unit/supervisor/escalation_case.h"

Suite *suite_escalation_memory(void);

/* hci0 is as any other, though 0 is what a free place says, too. */
enum { ZERO = 0, B = 2, HALF_MS = 600000, NOW_MS = 1000 };

static struct escalation_answer fail_n(uint64_t address, uint16_t adapter, unsigned times)
{
	struct escalation_failure f = case_failure(address, CLASS_ABORTED_LOCAL);
	struct escalation_answer answer = { .step = ESCALATION_NOTHING };

	f.adapter = adapter;
	while (times-- > 0)
		answer = escalation_failed(esc, sensor, &f, NOW_MS, 0);
	return answer;
}

static uint32_t count(uint16_t adapter)
{
	return escalation_failures(esc, DEVICE, adapter, NOW_MS) / DECAY_ONE;
}

static void worked(uint16_t adapter)
{
	(void)escalation_worked(esc, DEVICE, adapter, NOW_MS);
}

/* The link came up there, and did not pass its check. */
static struct escalation_answer fail_the_check(uint16_t adapter, uint32_t session)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_VALIDATION);

	f.adapter = adapter;
	f.session = session;
	f.came_up = true;
	return escalation_failed(esc, sensor, &f, NOW_MS, 0);
}

/* --- the failures of a peripheral, by adapter --- */

START_TEST(the_first_adapter_is_as_any_other)
{
	(void)fail_n(DEVICE, A, 1);
	(void)fail_n(DEVICE, ZERO, 2);
	worked(A);
	ck_assert_uint_eq(count(ZERO), 2);
	worked(ZERO);
	ck_assert_uint_eq(count(ZERO), 0);
	ck_assert_uint_eq(fail_the_check(ZERO, 1).failures, 3);
}
END_TEST

/* Places that were given up before and behind its own do not confuse it. */
START_TEST(the_first_adapter_keeps_its_place)
{
	uint16_t adapter;

	for (adapter = 1; adapter <= (uint16_t)PAIRS_KEPT; adapter++)
		(void)fail_n(DEVICE, adapter, 1);
	worked(1);
	(void)fail_n(DEVICE, ZERO, 1);
	worked(PAIRS_KEPT);
	(void)fail_n(DEVICE, ZERO, 1);
	ck_assert_uint_eq(count(ZERO), 2);
}
END_TEST

/* More adapters than are kept: where it failed least is forgotten. */
START_TEST(where_it_failed_least_is_forgotten)
{
	uint16_t adapter;

	for (adapter = 1; adapter <= (uint16_t)PAIRS_KEPT; adapter++)
		(void)fail_n(DEVICE, adapter, adapter == (uint16_t)_i ? 1 : 2);
	ck_assert_uint_eq(fail_n(DEVICE, 100, 1).failures, 1);
	for (adapter = 1; adapter <= (uint16_t)PAIRS_KEPT; adapter++)
		ck_assert_uint_eq(count(adapter), adapter == (uint16_t)_i ? 0 : 2);
}
END_TEST

/* What nobody can be told apart by takes no place of those who can. */
START_TEST(without_an_address_nobody_is_forgotten)
{
	struct escalation_failure f = case_failure(1, CLASS_ABORTED_LOCAL);
	unsigned n;

	for (; f.address < DEVICES_KEPT; f.address++)
		(void)escalation_failed(esc, sensor, &f, NOW_MS + f.address, 0);
	f.address = 0;
	for (n = 0; n < 3; n++)
		(void)escalation_failed(esc, sensor, &f, 5000 + n, 0);
	ck_assert_uint_eq(escalation_failures(esc, 0, A, 5000), 0);
	for (f.address = 1; f.address < DEVICES_KEPT; f.address++)
		ck_assert_uint_gt(escalation_failures(esc, f.address, A, 5000), 0);
}
END_TEST

/* --- successes that were none --- */

START_TEST(only_the_last_success_is_taken_back)
{
	(void)fail_n(DEVICE, A, 3);
	worked(A);
	worked(A);
	ck_assert_uint_eq(fail_the_check(A, 1).failures, 1);
}
END_TEST

START_TEST(a_success_is_taken_back_once)
{
	(void)fail_n(DEVICE, A, 3);
	worked(A);
	ck_assert_uint_eq(fail_the_check(A, 1).failures, 4);
	ck_assert_uint_eq(fail_the_check(A, 1).failures, 5);
	ck_assert_uint_eq(count(A), 5);
}
END_TEST

/* What it failed elsewhere stays where it is, whichever of the places became free. */
START_TEST(what_is_taken_back_overwrites_nothing)
{
	uint16_t adapter;

	for (adapter = 1; adapter <= (uint16_t)PAIRS_KEPT; adapter++)
		(void)fail_n(DEVICE, adapter, adapter);
	worked((uint16_t)_i);
	ck_assert_uint_eq(fail_the_check((uint16_t)_i, 1).failures, (unsigned)_i + 1);
	for (adapter = 1; adapter <= (uint16_t)PAIRS_KEPT; adapter++)
		ck_assert_uint_eq(count(adapter), adapter + (adapter == (uint16_t)_i ? 1u : 0u));
}
END_TEST

START_TEST(nothing_to_take_back_and_no_place)
{
	uint16_t adapter;

	for (adapter = 1; adapter <= (uint16_t)PAIRS_KEPT; adapter++)
		(void)fail_n(DEVICE, adapter, 2);
	worked(ZERO);
	ck_assert_uint_eq(fail_the_check(ZERO, 1).failures, 1);
}
END_TEST

/* A success elsewhere is nobody's here. */
START_TEST(it_is_taken_back_where_it_was)
{
	(void)fail_n(DEVICE, A, 1);
	(void)fail_n(DEVICE, B, 3);
	worked(B);
	ck_assert_uint_eq(fail_the_check(A, 1).failures, 2);
	ck_assert_uint_eq(count(B), 0);
}
END_TEST

/* --- attempts that a request takes along to another adapter --- */

/* It fails so often on A and goes to B. */
static void rotate(uint32_t attempts)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_OUT_OF_SLOTS);

	f.other = B;
	f.attempt = attempts;
	ck_assert_int_eq(escalation_failed(esc, sensor, &f, NOW_MS, 0).step, ESCALATION_ROTATE);
}

START_TEST(attempts_are_taken_along)
{
	const uint32_t attempts = (uint32_t)_i;

	rotate(attempts);
	worked(B);
	ck_assert_uint_eq(fail_the_check(B, 1).attempt, attempts + 1);
	ck_assert_uint_eq(fail_the_check(B, 1).attempt, attempts + 1); /* not told of twice */
}
END_TEST

/* A link that was used until it broke: the next attempt is a new request's. */
START_TEST(a_success_ends_the_request)
{
	rotate(3);
	worked(B);
	ck_assert_uint_eq(fail_n(DEVICE, B, 1).attempt, 1);
	ck_assert_uint_eq(fail_the_check(B, 1).attempt, 1);
}
END_TEST

START_TEST(another_session_begins_at_one)
{
	rotate(3);
	ck_assert_uint_eq(fail_the_check(B, 2).attempt, 1);
}
END_TEST

START_TEST(it_never_left)
{
	rotate(3);
	ck_assert_uint_eq(fail_n(DEVICE, A, 1).attempt, 1);
}
END_TEST

START_TEST(what_was_tried_is_told_once)
{
	struct escalation_failure f = case_failure(DEVICE, CLASS_BUSY_SAME_DEVICE);

	ck_assert_int_eq(escalation_failed(esc, sensor, &f, NOW_MS, 0).step, ESCALATION_CLEAR);
	ck_assert_int_eq(escalation_worked(esc, DEVICE, A, NOW_MS), ESCALATION_CLEAR);
	ck_assert_int_eq(escalation_worked(esc, DEVICE, A, NOW_MS), ESCALATION_NOTHING);
	/* Giving up mends nothing. */
	f.left_ms = 0;
	ck_assert_int_eq(escalation_failed(esc, sensor, &f, NOW_MS, 0).step, ESCALATION_GIVE_UP);
	ck_assert_int_eq(escalation_worked(esc, DEVICE, A, NOW_MS), ESCALATION_NOTHING);
}
END_TEST

Suite *suite_escalation_memory(void)
{
	Suite *suite = suite_create("escalation_memory");
	TCase *tc = tcase_create("escalation_memory");

	tcase_add_checked_fixture(tc, case_begin, case_end);
	tcase_add_test(tc, the_first_adapter_is_as_any_other);
	tcase_add_test(tc, the_first_adapter_keeps_its_place);
	tcase_add_loop_test(tc, where_it_failed_least_is_forgotten, 1, PAIRS_KEPT + 1);
	tcase_add_test(tc, without_an_address_nobody_is_forgotten);
	tcase_add_test(tc, only_the_last_success_is_taken_back);
	tcase_add_test(tc, a_success_is_taken_back_once);
	tcase_add_loop_test(tc, what_is_taken_back_overwrites_nothing, 1, PAIRS_KEPT + 1);
	tcase_add_test(tc, nothing_to_take_back_and_no_place);
	tcase_add_test(tc, it_is_taken_back_where_it_was);
	tcase_add_loop_test(tc, attempts_are_taken_along, 1, 4);
	tcase_add_test(tc, a_success_ends_the_request);
	tcase_add_test(tc, another_session_begins_at_one);
	tcase_add_test(tc, it_never_left);
	tcase_add_test(tc, what_was_tried_is_told_once);
	suite_add_tcase(suite, tc);
	return suite;
}
