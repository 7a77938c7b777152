/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_poll_pace.c - polls keep their places, and their distance. */
#include <check.h>
#include <stdlib.h>

#include "supervisor/poll_pace.h"

Suite *suite_poll_pace(void);

enum { PERIOD_MS = 60000, START_MS = 1234567 };

/* Three days at a poll a minute, each of them a little late: the last is where it would be. */
START_TEST(test_no_drift)
{
	struct poll_pace pace = { 0 };
	uint64_t now_ms = START_MS;
	unsigned i;

	ck_assert_uint_eq(poll_pace_next_ms(&pace, PERIOD_MS), 0);
	for (i = 0; i < 72 * 60; i++) {
		poll_pace_begin(&pace, PERIOD_MS, now_ms);
		now_ms = poll_pace_next_ms(&pace, PERIOD_MS) + (uint64_t)random() % 50;
		ck_assert_uint_lt(now_ms - (START_MS + (uint64_t)(i + 1) * PERIOD_MS), 50);
	}
}
END_TEST

/* What was missed is not made up for. */
START_TEST(test_late)
{
	struct poll_pace pace = { 0 };

	poll_pace_begin(&pace, PERIOD_MS, START_MS);
	poll_pace_begin(&pace, PERIOD_MS, START_MS + PERIOD_MS + PERIOD_MS / 2 - 1);
	ck_assert_uint_eq(poll_pace_next_ms(&pace, PERIOD_MS), START_MS + 2 * PERIOD_MS);
	poll_pace_begin(&pace, PERIOD_MS, START_MS + 3600000);
	ck_assert_uint_eq(poll_pace_next_ms(&pace, PERIOD_MS), START_MS + 3600000 + PERIOD_MS);
}
END_TEST

/* The circuit closes by a poll that was late: the period is short again. */
START_TEST(test_shorter_period)
{
	struct poll_pace pace = { 0 };
	const uint64_t late_ms = START_MS + PERIOD_MS + 20000;

	poll_pace_begin(&pace, PERIOD_MS, START_MS);
	poll_pace_begin(&pace, PERIOD_MS, late_ms);
	ck_assert_uint_eq(poll_pace_next_ms(&pace, 10000), late_ms + 5000);
}
END_TEST

/* One that is asked for in between begins a grid of its own. */
START_TEST(test_early)
{
	struct poll_pace pace = { 0 };

	poll_pace_begin(&pace, PERIOD_MS, START_MS);
	poll_pace_begin(&pace, PERIOD_MS, START_MS + 1000);
	ck_assert_uint_eq(poll_pace_next_ms(&pace, PERIOD_MS), START_MS + 1000 + PERIOD_MS);
}
END_TEST

Suite *suite_poll_pace(void)
{
	Suite *suite = suite_create("poll_pace");
	TCase *tc = tcase_create("poll_pace");

	tcase_add_test(tc, test_no_drift);
	tcase_add_test(tc, test_late);
	tcase_add_test(tc, test_shorter_period);
	tcase_add_test(tc, test_early);
	suite_add_tcase(suite, tc);
	return suite;
}
