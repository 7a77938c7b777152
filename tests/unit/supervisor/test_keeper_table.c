/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_keeper_table.c - the table of keepers: every cell, and the delays.
 * Run with KEEPER_TABLE=1 in the environment it prints the table as ARCHITECTURE.md has it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "supervisor/keeper_table.h"

Suite *suite_keeper_table(void);

/* Whatever the state: who lets go is in standby without a link, at once. */
START_TEST(test_let_go)
{
	struct keeper_cell cell;
	enum keeper_state state;

	for (state = KEEPER_CONNECTING; state < KEEPER_STATE_COUNT; state++) {
		ck_assert_int_eq(keeper_table_look(state, KEEPER_EV_LET, &cell), 0);
		ck_assert_uint_eq(cell.next, KEEPER_STANDBY);
		ck_assert_uint_eq(cell.act, KEEPER_ACT_RELEASE);
	}
}
END_TEST

/* No state that waits is one that nothing ends; no way leads to standby but letting go. */
START_TEST(test_cells)
{
	struct keeper_cell cell;
	enum keeper_state state;
	enum keeper_event event;

	for (state = 0; state < KEEPER_STATE_COUNT; state++) {
		if (keeper_limit_ms(state) > 0 || state == KEEPER_RESTING)
			ck_assert_int_eq(keeper_table_look(state, KEEPER_EV_TIMER, &cell), 0);
		for (event = 0; event < KEEPER_EVENT_COUNT; event++) {
			if (keeper_table_look(state, event, &cell) != 0)
				continue;
			ck_assert_uint_ne(cell.next, state);
			ck_assert((cell.next == KEEPER_STANDBY) == (event == KEEPER_EV_LET));
			ck_assert((cell.next == KEEPER_RESTING) == (cell.act == KEEPER_ACT_REST));
			ck_assert((cell.next == KEEPER_CONNECTING) ==
				  (cell.act == KEEPER_ACT_HOLD));
		}
	}
}
END_TEST

/* From any state, with nothing but its timers and a link that comes up, it gets to be held. */
START_TEST(test_ends_held)
{
	struct keeper_cell cell;
	enum keeper_state first;
	enum keeper_state state;
	unsigned steps;

	for (first = KEEPER_CONNECTING; first < KEEPER_STATE_COUNT; first++) {
		state = first;
		for (steps = 0; state != KEEPER_HELD && steps < 8; steps++) {
			if (keeper_table_look(state, KEEPER_EV_UP, &cell) != 0)
				ck_assert_int_eq(keeper_table_look(state, KEEPER_EV_TIMER, &cell),
						 0);
			state = cell.next;
		}
		ck_assert_uint_eq(state, KEEPER_HELD);
	}
}
END_TEST

START_TEST(test_F62_delays)
{
	uint64_t middle_ms = 2000;
	uint32_t delay_ms;
	uint32_t losses;
	uint32_t dice;

	for (losses = 1; losses < 100; losses++) {
		for (dice = 0; dice < 2000; dice += 7) {
			delay_ms = keeper_rest_ms(losses, 2000, 60000, dice);
			ck_assert_uint_ge(delay_ms, middle_ms * 8 / 10);
			ck_assert_uint_le(delay_ms, middle_ms * 12 / 10);
		}
		middle_ms = middle_ms < 30000 ? middle_ms * 2 : 60000;
	}
	ck_assert_uint_le(keeper_rest_ms(UINT32_MAX, 1, UINT32_MAX / 2, 0), UINT32_MAX / 2);
}
END_TEST

static uint32_t rest(struct keeper_pace *pace, uint64_t now_ms)
{
	(void)keeper_pace_act(pace, KEEPER_ACT_REST, now_ms);
	return keeper_pace_rest_ms(pace, 2000, 60000, 200);
}

/* Longer with each link that does not last, from anew with one that does. */
START_TEST(test_F62_pace)
{
	struct keeper_pace pace = { 0 };

	ck_assert_uint_eq(rest(&pace, 0), 2000);
	ck_assert_uint_eq(rest(&pace, 2000), 4000);
	ck_assert(!keeper_pace_act(&pace, KEEPER_ACT_HELD, 6000));
	ck_assert_uint_eq(rest(&pace, 6000 + KEEPER_HEALTHY_MS - 1), 8000);
	ck_assert(!keeper_pace_act(&pace, KEEPER_ACT_HELD, 100000));
	ck_assert_uint_eq(rest(&pace, 100000 + KEEPER_HEALTHY_MS), 2000);
	(void)rest(&pace, 200000);
	(void)keeper_pace_act(&pace, KEEPER_ACT_RELEASE, 200000);
	ck_assert_uint_eq(rest(&pace, 200000), 2000);
	/* However many: no wrap. */
	pace.losses = UINT32_MAX;
	ck_assert_uint_eq(rest(&pace, 300000), 60000);
}
END_TEST

/* Its worker dies, and the link is lost soon after the next one found it: it did last. */
START_TEST(test_pace_moved)
{
	struct keeper_pace pace = { .losses = 5 };

	(void)keeper_pace_act(&pace, KEEPER_ACT_HELD, 0);
	ck_assert(keeper_pace_act(&pace, KEEPER_ACT_HOLD, 3600000));
	(void)keeper_pace_act(&pace, KEEPER_ACT_HELD, 3601000);
	ck_assert_uint_eq(rest(&pace, 3602000), 2000);
}
END_TEST

/* It stopped answering after a second: that it was left alone for minutes is no link. */
START_TEST(test_pace_dead)
{
	struct keeper_pace pace = { .losses = 5 };

	(void)keeper_pace_act(&pace, KEEPER_ACT_HELD, 0);
	ck_assert(!keeper_pace_act(&pace, KEEPER_ACT_WATCH, 1000));
	(void)keeper_pace_act(&pace, KEEPER_ACT_HOLD, 121000);
	ck_assert_uint_eq(rest(&pace, 140000), 60000);
}
END_TEST

START_TEST(test_print)
{
	struct keeper_cell cell;
	enum keeper_state state;
	enum keeper_event event;

	if (!getenv("KEEPER_TABLE"))
		return;
	for (state = 0; state < KEEPER_STATE_COUNT; state++) {
		(void)printf("| %s |", keeper_state_name(state));
		for (event = 0; event < KEEPER_EVENT_COUNT; event++)
			(void)printf(" %s |", keeper_table_look(state, event, &cell) == 0
						      ? keeper_state_name(cell.next)
						      : "");
		(void)printf("\n");
	}
}
END_TEST

Suite *suite_keeper_table(void)
{
	Suite *suite = suite_create("keeper_table");
	TCase *tc = tcase_create("keeper_table");

	tcase_add_test(tc, test_let_go);
	tcase_add_test(tc, test_cells);
	tcase_add_test(tc, test_ends_held);
	tcase_add_test(tc, test_F62_delays);
	tcase_add_test(tc, test_F62_pace);
	tcase_add_test(tc, test_pace_moved);
	tcase_add_test(tc, test_pace_dead);
	tcase_add_test(tc, test_print);
	suite_add_tcase(suite, tc);
	return suite;
}
