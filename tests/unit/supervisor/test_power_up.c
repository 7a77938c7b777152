/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_power_up.c - when an adapter is switched on, and what the kernel's
 * answer means.
 */
#include <check.h>

#include "ipc/workarounds.h"
#include "supervisor/config.h"
#include "supervisor/mgmt_codec.h"
#include "supervisor/power_up.h"

Suite *suite_power_up(void);

enum { NOW_MS = 1000000 };

static const struct power_up_view OFF_AND_WANTED = {
	.is_wanted = true,
	.trouble = CLASS_NOT_POWERED,
};

START_TEST(test_due)
{
	const struct power_up fresh = { .tried_at_ms = 0 };
	struct power_up_view view = OFF_AND_WANTED;

	ck_assert(power_up_is_due(&fresh, &view, NOW_MS));
	ck_assert(power_up_is_due(&fresh, &view, 10)); /* the machine has just started */
	view.is_wanted = false;
	ck_assert(!power_up_is_due(&fresh, &view, NOW_MS));
	view = OFF_AND_WANTED;
	view.is_resetting = true; /* it is off because we switched it off */
	ck_assert(!power_up_is_due(&fresh, &view, NOW_MS));
	view = OFF_AND_WANTED;
	view.is_on = true; /* BlueZ says so in a moment */
	ck_assert(!power_up_is_due(&fresh, &view, NOW_MS));
}
END_TEST

START_TEST(test_other_troubles)
{
	const struct power_up fresh = { .tried_at_ms = 0 };
	struct power_up_view view = OFF_AND_WANTED;
	int class;

	for (class = CLASS_NONE; class < CLASS_COUNT; class ++) {
		view.trouble = (enum err_class) class;
		ck_assert_int_eq(power_up_is_due(&fresh, &view, NOW_MS),
				 class == CLASS_NOT_POWERED);
	}
}
END_TEST

/* A person who switches it off a second time within a minute is believed. */
START_TEST(test_rest)
{
	const struct power_up tried = { .tried_at_ms = NOW_MS };

	ck_assert(!power_up_is_due(&tried, &OFF_AND_WANTED, NOW_MS));
	ck_assert(!power_up_is_due(&tried, &OFF_AND_WANTED, NOW_MS + 59999));
	ck_assert(power_up_is_due(&tried, &OFF_AND_WANTED, NOW_MS + 60000));
}
END_TEST

static const struct {
	uint8_t status;
	enum err_class class;
} ANSWERS[] = {
	{ MGMT_STATUS_SUCCESS, CLASS_NONE },
	{ MGMT_STATUS_BUSY, CLASS_NONE },
	{ MGMT_STATUS_RFKILLED, CLASS_RFKILL },
	{ MGMT_STATUS_AUTH_FAILED, CLASS_NO_REPLY },
	{ MGMT_STATUS_NO_ANSWER, CLASS_NO_REPLY },
	{ MGMT_STATUS_INVALID_INDEX, CLASS_ADAPTER_GONE },
};

START_TEST(test_answers)
{
	ck_assert_int_eq(power_up_class(ANSWERS[_i].status), ANSWERS[_i].class);
}
END_TEST

START_TEST(test_switch)
{
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	config_defaults(&c);
	ck_assert(c.workarounds & WORKAROUND_BIT(POWER));
	ck_assert_int_eq(config_parse(&c, "[workarounds]\npower = no\n", "x", error), 0);
	ck_assert(!(c.workarounds & WORKAROUND_BIT(POWER)));
}
END_TEST

Suite *suite_power_up(void)
{
	Suite *suite = suite_create("power_up");
	TCase *tc = tcase_create("power_up");

	tcase_add_test(tc, test_due);
	tcase_add_test(tc, test_other_troubles);
	tcase_add_test(tc, test_rest);
	tcase_add_loop_test(tc, test_answers, 0, (int)ARRAY_LEN(ANSWERS));
	tcase_add_test(tc, test_switch);
	suite_add_tcase(suite, tc);
	return suite;
}
