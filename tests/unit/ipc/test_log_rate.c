/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/ipc/test_log_rate.c - who repeats himself is held back, and how often is told. */
#include "ipc/log_rate.h"

#include <check.h>

Suite *suite_log_rate(void);

static const char LOUD[] = "loud";
static const char QUIET[] = "quiet";

static struct log_rate rate;
static const char *site;

static void fresh(void)
{
	rate = (struct log_rate){ .sites = { { .site = NULL } } };
	site = NULL;
}

static uint32_t say(const char *who, uint32_t times, uint64_t now_ms)
{
	uint32_t written = 0;

	while (times-- > 0)
		written += log_rate_allows(&rate, who, now_ms);
	return written;
}

START_TEST(one_does_not_silence_another)
{
	ck_assert_uint_eq(say(LOUD, 1000, 5), LOG_RATE_LINES);
	ck_assert_uint_eq(say(QUIET, 3, 6), 3);
}
END_TEST

/* Also on a machine that has just started, where the clock is near 0. */
START_TEST(told_once_after_the_window)
{
	ck_assert_uint_eq(say(LOUD, 50, 0), LOG_RATE_LINES);
	ck_assert_uint_eq(log_rate_due(&rate, LOG_RATE_MS - 1, &site), 0);
	ck_assert_uint_eq(log_rate_due(&rate, LOG_RATE_MS, &site), 50 - LOG_RATE_LINES);
	ck_assert_ptr_eq(site, LOUD);
	ck_assert_uint_eq(log_rate_due(&rate, LOG_RATE_MS, &site), 0);
	ck_assert_uint_eq(say(LOUD, 50, LOG_RATE_MS), LOG_RATE_LINES);
}
END_TEST

/* A new window begins before anybody asked. */
START_TEST(none_is_forgotten)
{
	uint32_t n = say(LOUD, 50, 0) + say(LOUD, 50, LOG_RATE_MS);
	uint32_t held = log_rate_due(&rate, 2 * LOG_RATE_MS, &site);

	ck_assert_uint_eq(n + held, 100);
}
END_TEST

/* More sites than there is room for: the last ones share, and still nobody floods. */
START_TEST(no_room)
{
	static const char MANY[2 * LOG_RATE_SITES] = "";
	uint32_t written = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(MANY); i++)
		written += say(&MANY[i], 100, 7);
	ck_assert_uint_eq(written, LOG_RATE_SITES * LOG_RATE_LINES);
}
END_TEST

Suite *suite_log_rate(void)
{
	Suite *suite = suite_create("log_rate");
	TCase *tc = tcase_create("log_rate");

	tcase_add_checked_fixture(tc, fresh, NULL);
	tcase_add_test(tc, one_does_not_silence_another);
	tcase_add_test(tc, told_once_after_the_window);
	tcase_add_test(tc, none_is_forgotten);
	tcase_add_test(tc, no_room);
	suite_add_tcase(suite, tc);
	return suite;
}
