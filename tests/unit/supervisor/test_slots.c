/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "supervisor/slots.h"

Suite *suite_slots(void);

START_TEST(test_refusal)
{
	struct slots slots = { 0 };

	ck_assert_uint_eq(slots_limit(&slots, 0, 1000), 0);
	slots_refused(&slots, 0, 1000);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000), 0);
	slots_refused(&slots, 3, 1000);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000), 3);
	ck_assert_uint_eq(slots_limit(&slots, 2, 1000), 2);
	ck_assert_uint_eq(slots_limit(&slots, 5, 1000), 3);
}
END_TEST

START_TEST(test_more_than_were_refused)
{
	struct slots slots = { 0 };

	slots_refused(&slots, 1, 1000);
	slots_shown(&slots, 1);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000), 1);
	slots_shown(&slots, 4);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000), 4);
	slots_shown(&slots, 2);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000), 4);
}
END_TEST

START_TEST(test_believed_for_a_minute)
{
	struct slots slots = { 0 };

	slots_refused(&slots, 1, 1000);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000 + SLOTS_LEARNED_MS - 1), 1);
	ck_assert_uint_eq(slots_limit(&slots, 0, 1000 + SLOTS_LEARNED_MS), 0);
	ck_assert_uint_eq(slots_limit(&slots, 7, 1000 + SLOTS_LEARNED_MS), 7);
}
END_TEST

Suite *suite_slots(void)
{
	Suite *suite = suite_create("slots");
	TCase *tc = tcase_create("slots");

	tcase_add_test(tc, test_refusal);
	tcase_add_test(tc, test_more_than_were_refused);
	tcase_add_test(tc, test_believed_for_a_minute);
	suite_add_tcase(suite, tc);
	return suite;
}
