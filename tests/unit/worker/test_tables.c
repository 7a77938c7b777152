/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state tables: every cell, and what must hold on every path. */
#include "worker/link_table.h"
#include "worker/scan_table.h"

#include <check.h>

Suite *suite_tables(void);

/* States in which a Connect of ours may be pending in BlueZ: the lock must still be held. */
static bool is_pending(enum link_state state)
{
	return state == LINK_CONNECTING || state == LINK_CANCELLING;
}

START_TEST(link_cells)
{
	enum link_state s = (enum link_state)_i;
	int e;

	for (e = 0; e < LINK_EVENT_COUNT; e++) {
		const struct link_step step = link_table_step(s, (enum link_event)e);

		ck_assert(step.next < LINK_STATE_COUNT);
		if (!step.is_known) {
			ck_assert_int_eq((int)step.next, (int)s);
			ck_assert_int_eq((int)step.act, LINK_ACT_NONE);
			continue;
		}
		/* Up is reached by services only, and told to nobody otherwise. */
		ck_assert_int_eq(step.next == LINK_UP, step.act == LINK_ACT_UP);
		ck_assert(step.act != LINK_ACT_UP || e == LINK_EV_RESOLVED);
		/* Connect is called with the grant only. */
		ck_assert(step.act != LINK_ACT_CONNECT || s == LINK_PREPARING);
		/* A pending Connect is left by its answer, by our giving it up, or by its death. */
		if (is_pending(s) && !is_pending(step.next))
			ck_assert(e == LINK_EV_CONNECTED || e == LINK_EV_FAILED ||
				  e == LINK_EV_GONE || e == LINK_EV_VANISHED ||
				  (s == LINK_CANCELLING && e == LINK_EV_TIMEOUT));
		/* The grant may change while one is waited for, and nothing else with it. */
		ck_assert(e != LINK_EV_UNDER ||
			  (step.next == s && (s == LINK_SEEKING || s == LINK_LOCKING)));
		/* What is up ends through ending, or is lost. */
		if (s == LINK_UP)
			ck_assert(step.next == LINK_ENDING || step.act == LINK_ACT_LOST ||
				  step.act == LINK_ACT_AGAIN);
	}
	ck_assert_ptr_nonnull(link_table_name(s));
	ck_assert_ptr_nonnull(link_table_waits_for(s));
}
END_TEST

/* From every state, nobody wanting it leads down, with the answers that may be hoped for. */
START_TEST(link_unwanted_ends)
{
	static const enum link_event ENDS[] = { LINK_EV_UNWANT, LINK_EV_FAILED, LINK_EV_LOST,
						LINK_EV_RETRY };
	enum link_state s = (enum link_state)_i;
	size_t turn;
	size_t i;

	for (turn = 0; turn < 4; turn++)
		for (i = 0; i < ARRAY_LEN(ENDS); i++)
			s = link_table_step(s, ENDS[i]).next;
	ck_assert_int_eq((int)s, LINK_DOWN);
}
END_TEST

/* bluetoothd vanishing leaves nothing that waits for it. */
START_TEST(link_gone)
{
	enum link_state s = link_table_step((enum link_state)_i, LINK_EV_GONE).next;

	ck_assert(s == LINK_DOWN || s == LINK_RESTING);
}
END_TEST

START_TEST(scan_cells)
{
	enum scan_state s = (enum scan_state)_i;
	int e;

	for (e = 0; e < SCAN_EVENT_COUNT; e++) {
		const struct scan_step step = scan_table_step(s, (enum scan_event)e);

		ck_assert(step.next < SCAN_STATE_COUNT);
		/* Discovery is started with the lock only, and never beside a connect. */
		ck_assert(step.act != SCAN_ACT_START || (s == SCAN_PAUSED && e == SCAN_EV_RESUME));
		ck_assert(step.next != SCAN_ON || e == SCAN_EV_STARTED || s == SCAN_ON);
		/* The lock goes back when it ends. */
		if (step.next == SCAN_IDLE && s != SCAN_IDLE)
			ck_assert_int_eq((int)step.act, SCAN_ACT_UNLOCK);
		if (step.next == SCAN_RESTING && s != SCAN_RESTING)
			ck_assert_int_eq((int)step.act, SCAN_ACT_REST);
	}
}
END_TEST

/* From every state that has the lock, YIELD gives it back once nothing of ours runs any more. */
START_TEST(scan_yields)
{
	static const enum scan_state HOLDS[] = { SCAN_STARTING, SCAN_ON, SCAN_PAUSING,
						 SCAN_PAUSED };
	struct scan_step step = scan_table_step(HOLDS[_i], SCAN_EV_YIELD);

	if (step.next != SCAN_IDLE) {
		ck_assert(!scan_table_is_quiet(step.next));
		ck_assert(step.act == SCAN_ACT_STOP || HOLDS[_i] == SCAN_PAUSING);
		step = scan_table_step(step.next, SCAN_EV_STOPPED);
	}
	ck_assert_int_eq((int)step.next, SCAN_IDLE);
	ck_assert_int_eq((int)step.act, SCAN_ACT_UNLOCK);
	/* It is wanted still, and asked for again. */
	step = scan_table_step(step.next, SCAN_EV_WANT);
	ck_assert_int_eq((int)step.act, SCAN_ACT_LOCK);
}
END_TEST

START_TEST(scan_cycle)
{
	static const struct {
		enum scan_event event;
		enum scan_state state;
	} PATH[] = {
		{ SCAN_EV_WANT, SCAN_LOCKING },	   { SCAN_EV_GRANTED, SCAN_PAUSED },
		{ SCAN_EV_RESUME, SCAN_STARTING }, { SCAN_EV_STARTED, SCAN_ON },
		{ SCAN_EV_PAUSE, SCAN_PAUSING },   { SCAN_EV_STOPPED, SCAN_PAUSED },
		{ SCAN_EV_RESUME, SCAN_STARTING }, { SCAN_EV_FAILED, SCAN_RESTING },
		{ SCAN_EV_RETRY, SCAN_LOCKING },   { SCAN_EV_GRANTED, SCAN_PAUSED },
		{ SCAN_EV_RESUME, SCAN_STARTING }, { SCAN_EV_STARTED, SCAN_ON },
		{ SCAN_EV_LOST, SCAN_RESTING },	   { SCAN_EV_UNWANT, SCAN_IDLE },
	};
	enum scan_state s = SCAN_IDLE;
	size_t i;

	for (i = 0; i < ARRAY_LEN(PATH); i++) {
		s = scan_table_step(s, PATH[i].event).next;
		ck_assert_int_eq((int)s, (int)PATH[i].state);
	}
}
END_TEST

Suite *suite_tables(void)
{
	Suite *s = suite_create("tables");
	TCase *c = tcase_create("tables");

	tcase_add_loop_test(c, link_cells, 0, LINK_STATE_COUNT);
	tcase_add_loop_test(c, link_unwanted_ends, 0, LINK_STATE_COUNT);
	tcase_add_loop_test(c, link_gone, 0, LINK_STATE_COUNT);
	tcase_add_loop_test(c, scan_cells, 0, SCAN_STATE_COUNT);
	tcase_add_loop_test(c, scan_yields, 0, 4);
	tcase_add_test(c, scan_cycle);
	suite_add_tcase(s, c);
	return s;
}
