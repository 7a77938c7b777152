/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_policy.c - the pure decisions: backoff, watchdog, and every cell
 * of the child's table.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/backoff.h"
#include "supervisor/child.h"
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
	ck_assert_int_eq(backoff_died(&b, &LIMITS, 2001, 0, true, 0, &delay_ms), BACKOFF_LOOP);
	/* From then on each start waits as long as can be, also where deaths are rare ... */
	ck_assert_uint_eq(delay_ms, LIMITS.max_ms);
	ck_assert_int_eq(backoff_died(&b, &LIMITS, 900000, 59999, true, 0, &delay_ms),
			 BACKOFF_LOOP);
	ck_assert_uint_eq(delay_ms, LIMITS.max_ms);
	/* ... until it was healthy for a minute: all is forgotten. */
	ck_assert_int_eq(backoff_died(&b, &LIMITS, 960001, 60000, true, 0, &delay_ms),
			 BACKOFF_RESTART);
	ck_assert_uint_eq(delay_ms, 0);
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
		bool is_loop = false;

		now_ms = 200000;
		for (n = 0, i = 0; i < 200; i++) {
			now_ms += (uint64_t)random() % 60000;
			deaths[n++] = now_ms;
			for (in_window = 0, j = 0; j < n; j++)
				in_window += deaths[j] + LIMITS.loop_window_ms >= now_ms;
			is_loop = is_loop || in_window >= 5;
			ck_assert_int_eq(backoff_died(&b, &LIMITS, now_ms, 0, true,
						      (uint32_t)random(), &delay_ms),
					 is_loop ? BACKOFF_LOOP : BACKOFF_RESTART);
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

/* Looked at every half window, which is not late, a child that stands still is found all the same.
 */
START_TEST(test_watchdog_seldom)
{
	struct watchdog w;

	watchdog_begin(&w, 10, 0);
	ck_assert_int_eq(watchdog_look(&w, 10, 2500, 5000), WATCHDOG_WARN);
	ck_assert_int_eq(watchdog_look(&w, 10, 5000, 5000), WATCHDOG_HUNG);
	/* A millisecond more, and the supervisor itself may have stood still. */
	watchdog_begin(&w, 10, 0);
	ck_assert_int_eq(watchdog_look(&w, 10, 2501, 5000), WATCHDOG_OK);
}
END_TEST

/*
 * A million looks, at a child that turns or not, by a supervisor that is late or not: HUNG comes
 * only after a whole window of standstill in which the supervisor was never late, and then always.
 */
START_TEST(test_watchdog_random)
{
	const uint32_t window_ms = 1000;
	uint64_t looked_ms = 5000;
	uint64_t still_since_ms = 5000;
	uint64_t now_ms = 5000;
	uint64_t tick = 0;
	unsigned warnings = 0, hangs = 0, i;
	struct watchdog w;

	srandom(7);
	watchdog_begin(&w, tick, now_ms);
	for (i = 0; i < 1000000; i++) {
		bool is_stuck = (i / 64 & 3) == 0;
		enum watchdog_verdict verdict, expected;

		now_ms += random() % 100 == 0 ? 501 + (uint64_t)random() % 5000
					      : (uint64_t)random() % 250;
		if (!is_stuck && random() % 4)
			still_since_ms = (tick += (uint64_t)random() % 3 + 1, now_ms);
		if (now_ms - looked_ms > window_ms / 2)
			still_since_ms = now_ms;
		if (still_since_ms == now_ms)
			warnings = 0;
		looked_ms = now_ms;
		expected = WATCHDOG_OK;
		if (now_ms - still_since_ms >= window_ms)
			expected = WATCHDOG_HUNG;
		else if (now_ms - still_since_ms >= window_ms / 3 && warnings++ == 0)
			expected = WATCHDOG_WARN;
		verdict = watchdog_look(&w, tick, now_ms, window_ms);
		ck_assert_int_eq(verdict, expected);
		hangs += verdict == WATCHDOG_HUNG;
	}
	ck_assert_uint_gt(hangs, 1000);
}
END_TEST

START_TEST(test_watchdog_op)
{
	struct wpage_view page = { .op = WPAGE_OP_CONNECT, .op_started_at_ms = 7 };
	struct watchdog_op w = { .op = WPAGE_OP_NONE };
	unsigned counts[3] = { 0 };
	uint64_t now_ms;

	page.op_budget_ms = 2000;
	for (now_ms = 10000; now_ms < 14000; now_ms += 200)
		ck_assert_int_eq(watchdog_op_look(&w, &page, now_ms), WATCHDOG_CURE_NONE);
	ck_assert_int_eq(watchdog_op_look(&w, &page, now_ms), WATCHDOG_CURE_BUS);
	/* Another one of the same kind has its own time. */
	page.op_started_at_ms = 8;
	for (; now_ms < 100000; now_ms += 200)
		counts[watchdog_op_look(&w, &page, now_ms)]++;
	ck_assert_uint_eq(counts[WATCHDOG_CURE_BUS], 1);
	ck_assert_uint_eq(counts[WATCHDOG_CURE_RESET], 1);
	/* None is nothing, for ever; and no budget is not none. */
	page.op = WPAGE_OP_NONE;
	for (; now_ms < 200000; now_ms += 200)
		ck_assert_int_eq(watchdog_op_look(&w, &page, now_ms), WATCHDOG_CURE_NONE);
	page = (struct wpage_view){ .op = WPAGE_OP_LOAD };
	ck_assert_int_eq(watchdog_op_look(&w, &page, now_ms), WATCHDOG_CURE_NONE);
	ck_assert_int_eq(watchdog_op_look(&w, &page, now_ms + 1999), WATCHDOG_CURE_NONE);
	ck_assert_int_eq(watchdog_op_look(&w, &page, now_ms + 2000), WATCHDOG_CURE_BUS);
}
END_TEST

/* At twice its budget another connection of BlueZ's, at three times a reset: to the millisecond. */
START_TEST(test_watchdog_op_times)
{
	struct wpage_view page = { .op = WPAGE_OP_CONNECT, .op_started_at_ms = 7 };
	struct watchdog_op w = { .op = WPAGE_OP_NONE };

	page.op_budget_ms = 2000;
	ck_assert_int_eq(watchdog_op_look(&w, &page, 10000), WATCHDOG_CURE_NONE);
	ck_assert_int_eq(watchdog_op_look(&w, &page, 13999), WATCHDOG_CURE_NONE);
	ck_assert_int_eq(watchdog_op_look(&w, &page, 14000), WATCHDOG_CURE_BUS);
	ck_assert_int_eq(watchdog_op_look(&w, &page, 15999), WATCHDOG_CURE_NONE);
	ck_assert_int_eq(watchdog_op_look(&w, &page, 16000), WATCHDOG_CURE_RESET);
	ck_assert_int_eq(watchdog_op_look(&w, &page, 90000), WATCHDOG_CURE_NONE);
}
END_TEST

/* Every status of sysexits.h that our children use; anything else is a crash. */
START_TEST(test_exit_codes)
{
	static const struct {
		struct child_obituary obituary;
		enum child_weight weight;
		const char *text;
	} ROWS[] = {
		{ { .status = 0 }, CHILD_WEIGHT_FREE, "exited by itself" },
		{ { .status = 69 }, CHILD_WEIGHT_NONE, "exited: its adapter is gone" },
		{ { .status = 70 }, CHILD_WEIGHT_CRASH, "exited: internal error" },
		{ { .status = 75 }, CHILD_WEIGHT_FREE, "exited: temporary failure" },
		{ { .status = 78 }, CHILD_WEIGHT_PARK, "exited: wrong configuration" },
		{ { .status = 1 }, CHILD_WEIGHT_CRASH, "exited with status 1" },
		{ { .status = 69, .is_signal = true }, CHILD_WEIGHT_CRASH, "killed by SIG?" },
		{ { .status = SIGSEGV, .is_signal = true },
		  CHILD_WEIGHT_CRASH,
		  "killed by SIGSEGV" },
		{ { .status = SIGABRT, .is_signal = true, .cause = CHILD_CAUSE_HUNG },
		  CHILD_WEIGHT_CRASH,
		  "killed by SIGABRT, its loop hung" },
		{ { .exec_error = ENOENT },
		  CHILD_WEIGHT_CRASH,
		  "could not be started: No such file or directory" },
	};
	char text[128];
	size_t i;

	for (i = 0; i < ARRAY_LEN(ROWS); i++) {
		child_obituary_text(&ROWS[i].obituary, text, sizeof(text));
		ck_assert_str_eq(text, ROWS[i].text);
		ck_assert_int_eq(child_obituary_weigh(&ROWS[i].obituary), ROWS[i].weight);
	}
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

static const char *const ACTIONS[CHILD_ACT_COUNT] = {
	[CHILD_ACT_NONE] = "",
	[CHILD_ACT_SPAWN] = "spawn",
	[CHILD_ACT_NOTE_READY] = "serve",
	[CHILD_ACT_ASK_STOP] = "say STOP",
	[CHILD_ACT_TERMINATE] = "SIGTERM",
	[CHILD_ACT_ABORT] = "SIGABRT",
	[CHILD_ACT_KILL] = "SIGKILL",
	[CHILD_ACT_LINGER] = "wait for its death",
	[CHILD_ACT_BURY] = "bury",
	[CHILD_ACT_OBITUARY] = "obituary",
	[CHILD_ACT_WANT] = "wanted again",
	[CHILD_ACT_UNWANT] = "unwanted",
};

static void print_cell(FILE *out, enum child_state state, enum child_event event)
{
	struct child_cell cell;

	if (child_table_look(state, event, &cell) != 0)
		(void)fputs(" |", out);
	else if (cell.next == state)
		(void)fprintf(out, " %s |", ACTIONS[cell.action][0] ? ACTIONS[cell.action] : "-");
	else
		(void)fprintf(out, " **%s**%s%s |", child_state_name(cell.next),
			      ACTIONS[cell.action][0] ? ": " : "", ACTIONS[cell.action]);
}

static char *print_table(void)
{
	size_t len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);
	int state, event;

	ck_assert_ptr_nonnull(out);
	(void)fputs("| state |", out);
	for (event = 0; event < CHILD_EV_COUNT; event++)
		(void)fprintf(out, " %s |", child_event_name((enum child_event)event));
	(void)fputs("\n|", out);
	for (event = 0; event <= CHILD_EV_COUNT; event++)
		(void)fputs(" --- |", out);
	(void)fputc('\n', out);
	for (state = 0; state < CHILD_STATE_COUNT; state++) {
		(void)fprintf(out, "| %s |", child_state_name((enum child_state)state));
		for (event = 0; event < CHILD_EV_COUNT; event++)
			print_cell(out, (enum child_state)state, (enum child_event)event);
		(void)fputc('\n', out);
	}
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

/* ARCHITECTURE.md shows it between its title and the next empty line, as it is. */
START_TEST(test_table_is_printed)
{
	static char page[256 * 1024];
	char *table = print_table();
	FILE *file = fopen("ARCHITECTURE.md", "r");

	ck_assert_msg(file != NULL, "to be run at the top of the sources");
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	(void)fclose(file);
	ck_assert_msg(strstr(page, table) != NULL,
		      "the table in ARCHITECTURE.md is another one; it has to be:\n%s", table);
	free(table);
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
	tcase_add_test(tc, test_watchdog_seldom);
	tcase_add_test(tc, test_watchdog_random);
	tcase_add_test(tc, test_watchdog_op);
	tcase_add_test(tc, test_watchdog_op_times);
	tcase_add_test(tc, test_exit_codes);
	tcase_add_test(tc, test_table_is_printed);
	tcase_add_test(tc, test_child_table);
	tcase_add_test(tc, test_child_table_ends);
	suite_add_tcase(suite, tc);
	return suite;
}
