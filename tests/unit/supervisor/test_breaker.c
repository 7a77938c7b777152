/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_breaker.c - when polls become rare, and when they are as before. */
#include <check.h>

#include "supervisor/breaker.h"

Suite *suite_breaker(void);

enum { INTERVAL_MS = 1000 };

static const struct breaker_limits LIMITS = { .failures = 5, .probe_ms = 60000 };

static struct breaker breaker;
static uint32_t failures;

static enum breaker_news note(enum err_class class)
{
	return breaker_note(&breaker, &LIMITS, class, &failures);
}

static void setup(void)
{
	breaker = (struct breaker){ 0 };
}

START_TEST(test_F36_opens_and_closes)
{
	unsigned i;

	for (i = 1; i < 5; i++) {
		ck_assert_uint_eq(note(CLASS_NOT_FOUND), BREAKER_SAME);
		ck_assert_uint_eq(breaker_period_ms(&breaker, &LIMITS, INTERVAL_MS), INTERVAL_MS);
	}
	ck_assert_uint_eq(note(CLASS_NO_REPLY), BREAKER_OPENED);
	ck_assert_uint_eq(failures, 5);
	ck_assert_uint_eq(breaker_period_ms(&breaker, &LIMITS, INTERVAL_MS), 60000);
	ck_assert_uint_eq(breaker.class, CLASS_NO_REPLY);
	/* It opens once. */
	ck_assert_uint_eq(note(CLASS_NOT_FOUND), BREAKER_SAME);
	ck_assert_uint_eq(note(CLASS_NONE), BREAKER_CLOSED);
	ck_assert_uint_eq(failures, 6);
	ck_assert_uint_eq(breaker_period_ms(&breaker, &LIMITS, INTERVAL_MS), INTERVAL_MS);
	ck_assert_uint_eq(note(CLASS_NONE), BREAKER_SAME);
}
END_TEST

START_TEST(test_in_a_row)
{
	unsigned i;

	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(note(i % 5 == 4 ? CLASS_NONE : CLASS_NOT_FOUND), BREAKER_SAME);
}
END_TEST

/* Bluetooth that is off says nothing of the device, and does not end a row either. */
START_TEST(test_not_counted)
{
	unsigned i;

	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(note(i % 2 ? CLASS_BLUEZ_GONE : CLASS_NOT_POWERED), BREAKER_SAME);
	for (i = 0; i < 8; i++)
		ck_assert_uint_eq(note(i % 2 ? CLASS_BLUEZ_GONE : CLASS_DEADLINE), BREAKER_SAME);
	ck_assert_uint_eq(note(CLASS_DEADLINE), BREAKER_OPENED);
}
END_TEST

START_TEST(test_never)
{
	const struct breaker_limits limits = { .failures = 0, .probe_ms = 60000 };
	unsigned i;

	for (i = 0; i < 100; i++)
		ck_assert_uint_eq(breaker_note(&breaker, &limits, CLASS_NOT_FOUND, &failures),
				  BREAKER_SAME);
	ck_assert(!breaker.is_open);
}
END_TEST

/* It is there to save radio time: never to poll more often. */
START_TEST(test_long_interval)
{
	breaker.is_open = true;
	ck_assert_uint_eq(breaker_period_ms(&breaker, &LIMITS, 300000), 300000);
}
END_TEST

Suite *suite_breaker(void)
{
	Suite *suite = suite_create("breaker");
	TCase *tc = tcase_create("breaker");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_F36_opens_and_closes);
	tcase_add_test(tc, test_in_a_row);
	tcase_add_test(tc, test_not_counted);
	tcase_add_test(tc, test_never);
	tcase_add_test(tc, test_long_interval);
	suite_add_tcase(suite, tc);
	return suite;
}
