/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_policy.c - the pure decisions: backoff, watchdog, and every cell
 * of the child's table.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/backoff.h"
#include "supervisor/child_table.h"
#include "supervisor/watchdog.h"

Suite *suite_policy(void);

static const struct backoff_limits LIMITS = {
	.base_ms = 500,
	.max_ms = 60000,
	.loop_deaths = 5,
	.loop_window_ms = 120000,
};

START_TEST(test_backoff_grows)
{
	struct backoff b = { 0 };
	uint32_t expected = 500;
	uint64_t now_ms = 1000000;
	uint32_t delay_ms = 1;
	unsigned i;

	ck_assert_int_eq(backoff_died(&b, &LIMITS, now_ms, 0, false, 200, &delay_ms),
			 BACKOFF_RESTART);
	ck_assert_uint_eq(delay_ms, 0);
	for (i = 0; i < 12; i++) {
		ck_assert_int_eq(backoff_died(&b, &LIMITS, now_ms, 0, false, 200, &delay_ms), 0);
		ck_assert_uint_eq(delay_ms, expected);
		expected = expected * 2 < LIMITS.max_ms ? expected * 2 : LIMITS.max_ms;
	}
	/* A healthy minute makes the next one free. */
	ck_assert_int_eq(backoff_died(&b, &LIMITS, now_ms, 60000, false, 0, &delay_ms), 0);
	ck_assert_uint_eq(delay_ms, 0);
}
END_TEST

START_TEST(test_backoff_jitter)
{
	uint32_t dice;

	for (dice = 0; dice < 5000; dice++) {
		ck_assert_uint_ge(backoff_jitter(1000, dice), 800);
		ck_assert_uint_le(backoff_jitter(1000, dice), 1200);
	}
	ck_assert_uint_eq(backoff_jitter(1000, 0), 800);
	ck_assert_uint_eq(backoff_jitter(1000, 400), 1200);
}
END_TEST

START_TEST(test_backoff_parks)
{
	struct backoff_limits never = LIMITS;
	struct backoff b = { 0 };
	uint32_t delay_ms;
	unsigned i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(backoff_died(&b, &LIMITS, 1000 + i, 0, true, 0, &delay_ms),
				 BACKOFF_RESTART);
	/* Those that do not count change nothing. */
	ck_assert_int_eq(backoff_died(&b, &LIMITS, 2000, 0, false, 0, &delay_ms), BACKOFF_RESTART);
	ck_assert_int_eq(backoff_died(&b, &LIMITS, 2001, 0, true, 0, &delay_ms), BACKOFF_PARK);
	memset(&b, 0, sizeof(b));
	/* Five, but spread over more than the window. */
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(backoff_died(&b, &LIMITS, 1 + i * 31000ull, 0, true, 0, &delay_ms),
				 BACKOFF_RESTART);
	never.loop_deaths = 0;
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(backoff_died(&b, &never, 1000000 + i, 0, true, i, &delay_ms),
				 BACKOFF_RESTART);
}
END_TEST

/* Against a naive model: deaths in the window, counted from a full list. */
START_TEST(test_backoff_random)
{
	static uint64_t deaths[200];
	uint32_t delay_ms;
	unsigned round, i, j, n, in_window;
	uint64_t now_ms;

	srandom(3);
	for (round = 0; round < 300; round++) {
		struct backoff b = { 0 };

		now_ms = 200000;
		for (n = 0, i = 0; i < 200; i++) {
			now_ms += (uint64_t)random() % 60000;
			deaths[n++] = now_ms;
			for (in_window = 0, j = 0; j < n; j++)
				in_window += deaths[j] + LIMITS.loop_window_ms >= now_ms;
			ck_assert_int_eq(backoff_died(&b, &LIMITS, now_ms, 0, true,
						      (uint32_t)random(), &delay_ms),
					 in_window >= 5 ? BACKOFF_PARK : BACKOFF_RESTART);
			ck_assert_uint_le(delay_ms, LIMITS.max_ms);
		}
	}
}
END_TEST

START_TEST(test_watchdog)
{
	struct watchdog w;
	uint64_t now_ms;
	unsigned warnings = 0;

	watchdog_begin(&w, 10, 1000);
	for (now_ms = 1000; now_ms < 5900; now_ms += 200) {
		enum watchdog_verdict verdict = watchdog_look(&w, 10, now_ms, 5000);

		ck_assert_int_ne(verdict, WATCHDOG_HUNG);
		warnings += verdict == WATCHDOG_WARN;
	}
	ck_assert_uint_eq(warnings, 1);
	ck_assert_int_eq(watchdog_look(&w, 10, 6000, 5000), WATCHDOG_HUNG);
	/* Any change is life, whatever the number. */
	ck_assert_int_eq(watchdog_look(&w, 3, 6200, 5000), WATCHDOG_OK);
	ck_assert_int_eq(watchdog_look(&w, 3, 6400, 5000), WATCHDOG_OK);
	/* The machine slept: a fresh window. */
	ck_assert_int_eq(watchdog_look(&w, 3, 900000, 5000), WATCHDOG_OK);
	ck_assert_int_eq(watchdog_look(&w, 3, 901000, 5000), WATCHDOG_OK);
}
END_TEST

/* Every cell, as in the head of child_table.h: state, and '.' where nothing may come. */
static const char *const CELLS[CHILD_STATE_COUNT][CHILD_EV_COUNT] = {
	[CHILD_OFF] = { "starting", "off", ".", ".", ".", ".", ".", "." },
	[CHILD_STARTING] = { "starting", "stopping", "ready", "killing", ".", "killing", "killing",
			     "backoff" },
	[CHILD_READY] = { "ready", "stopping", ".", ".", "killing", "killing", "killing",
			  "backoff" },
	[CHILD_STOPPING] = { "stopping", "stopping", "stopping", "killing", "stopping", "killing",
			     "stopping", "off" },
	[CHILD_KILLING] = { "killing", "killing", "killing", "killing", "killing", "killing",
			    "killing", "backoff" },
	[CHILD_BACKOFF] = { "backoff", "off", ".", "starting", ".", ".", ".", "." },
	[CHILD_PARKED] = { "parked", "off", ".", ".", ".", ".", ".", "." },
};

START_TEST(test_child_table)
{
	struct child_cell cell;
	const char *is;
	int state, event;

	for (state = 0; state < CHILD_STATE_COUNT; state++)
		for (event = 0; event < CHILD_EV_COUNT; event++) {
			is = child_table_look((enum child_state)state, (enum child_event)event,
					      &cell) == 0
				     ? child_state_name(cell.next)
				     : ".";
			ck_assert_msg(strcmp(is, CELLS[state][event]) == 0, "%s/%s: %s, not %s",
				      child_state_name((enum child_state)state),
				      child_event_name((enum child_event)event), is,
				      CELLS[state][event]);
		}
}
END_TEST

/* Whoever has a process can lose it, and whoever wants to stop it can. */
START_TEST(test_child_table_ends)
{
	static const enum child_state ALIVE[] = { CHILD_STARTING, CHILD_READY, CHILD_STOPPING,
						  CHILD_KILLING };
	struct child_cell cell;
	size_t i;
	int state;

	for (i = 0; i < ARRAY_LEN(ALIVE); i++) {
		ck_assert_int_eq(child_table_look(ALIVE[i], CHILD_EV_REAPED, &cell), 0);
		ck_assert(cell.action == CHILD_ACT_OBITUARY || cell.action == CHILD_ACT_BURY);
	}
	for (state = 0; state < CHILD_STATE_COUNT; state++) {
		ck_assert_int_eq(child_table_look((enum child_state)state, CHILD_EV_STOP, &cell),
				 0);
		ck_assert_int_eq(child_table_look((enum child_state)state, CHILD_EV_START, &cell),
				 0);
	}
}
END_TEST

Suite *suite_policy(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_test(tc, test_backoff_grows);
	tcase_add_test(tc, test_backoff_jitter);
	tcase_add_test(tc, test_backoff_parks);
	tcase_add_test(tc, test_backoff_random);
	tcase_add_test(tc, test_watchdog);
	tcase_add_test(tc, test_child_table);
	tcase_add_test(tc, test_child_table_ends);
	suite_add_tcase(suite, tc);
	return suite;
}
