/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/clock.h"
#include "ipc/base.h"
#include "tests/support/runner.h"

static const struct {
	uint64_t from_ms;
	uint64_t to_ms;
	uint32_t span_ms;
} ROWS[] = {
	{ 0, 0, 0 },
	{ 5, 5, 0 },
	{ 6, 5, 0 },
	{ UINT64_MAX, 0, 0 },
	{ 5, 6, 1 },
	{ 0, UINT32_MAX, UINT32_MAX },
	{ 0, (uint64_t)UINT32_MAX + 1, UINT32_MAX },
	{ 0, UINT64_MAX, UINT32_MAX },
	{ UINT64_MAX - 7, UINT64_MAX, 7 },
};

START_TEST(spans)
{
	ck_assert_uint_eq(clock_span_ms(ROWS[_i].from_ms, ROWS[_i].to_ms), ROWS[_i].span_ms);
	ck_assert_uint_eq(clock_left_ms(ROWS[_i].to_ms, ROWS[_i].from_ms), ROWS[_i].span_ms);
}
END_TEST

START_TEST(time_goes_on)
{
	uint64_t before_us = clock_now_us();
	uint64_t ms = clock_now_ms();
	uint64_t after_us = clock_now_us();

	ck_assert_uint_le(before_us / 1000, ms);
	ck_assert_uint_le(ms, after_us / 1000);
	/* Later than the day this was written: it is the wall clock. */
	ck_assert_uint_gt(clock_wall_ms(), 1700000000000u);
}
END_TEST

Suite *suite_clock(void);
Suite *suite_clock(void)
{
	Suite *suite = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_loop_test(tc, spans, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(tc, time_goes_on);
	suite_add_tcase(suite, tc);
	return suite;
}
