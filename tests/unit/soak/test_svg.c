/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_svg.c - figures as people read them, and the charts' scales and points. */
#include "tests/support/runner.h"

#include "contrib/soak/report_words.h"
#include "contrib/soak/svg.h"

Suite *suite_svg(void);

static const struct {
	double ms;
	const char *is;
} times[] = {
	{ 0, "0 ms" },
	{ 0.04, "<0.1 ms" },
	{ 1.25, "1.2 ms" },
	{ 9.94, "9.9 ms" },
	{ 9.96, "10 ms" },
	{ 340.4, "340 ms" },
	{ 999.4, "999 ms" },
	{ 999.6, "1.00 s" },
	{ 1345.6, "1.35 s" },
	{ 9994, "9.99 s" },
	{ 9996, "10.0 s" },
	{ 59940, "59.9 s" },
	{ 59960, "1 min 00 s" },
	{ 125000, "2 min 05 s" },
	{ 3599400, "59 min 59 s" },
	{ 5400000, "1 h 30 min" },
	{ -1, "-" },
};

START_TEST(times_are_as_people_read_them)
{
	ck_assert_str_eq(report_plain(report_ms(times[_i].ms)).s, times[_i].is);
}
END_TEST

START_TEST(counts_have_groups_and_instants_minutes)
{
	ck_assert_str_eq(report_count(9999).s, "9999");
	ck_assert_str_eq(report_count(12345).s, "12\u202f345");
	ck_assert_str_eq(report_count(1234567).s, "1\u202f234\u202f567");
	ck_assert_str_eq(report_plain(report_count(12345)).s, "12345");
	ck_assert_str_eq(report_at(65300).s, "1:05.3");
	ck_assert_str_eq(report_at(59960).s, "1:00.0");
	ck_assert_str_eq(report_at(3725000).s, "1:02:05");
	ck_assert_str_eq(report_plain(report_kib(3482)).s, "3.4 MiB");
}
END_TEST

START_TEST(ratios_have_three_digits)
{
	ck_assert_str_eq(report_ratio(1.0312).s, "1.03");
	ck_assert_str_eq(report_ratio(12.34).s, "12.3");
	ck_assert_str_eq(report_ratio(9319.2).s, "9319");
	ck_assert_str_eq(report_ratio(0.001).s, "<0.01");
}
END_TEST

START_TEST(only_all_of_it_is_a_hundred_percent)
{
	ck_assert_str_eq(report_plain(report_percent(20000, 20000)).s, "100 %");
	ck_assert_str_eq(report_plain(report_percent(19999999, 20000000)).s, "99.99 %");
	ck_assert_str_eq(report_plain(report_percent(0, 0)).s, "-");
}
END_TEST

START_TEST(a_long_run_is_merged_and_keeps_its_highest)
{
	json_t *values = json_array();
	struct svg_series highest, mean;

	for (int i = 0; i < 3 * SVG_POINTS_MAX; i++)
		json_array_append_new(values, json_integer(i == 700 ? 9000 : 3));
	ck_assert_int_eq(svg_series_read(values, 1000, false, &highest), 0);
	ck_assert_int_eq(svg_series_read(values, 1000, true, &mean), 0);
	ck_assert_uint_eq(highest.n, SVG_POINTS_MAX);
	ck_assert_uint_eq(highest.steps, 3);
	ck_assert(highest.step_ms == 3000);
	ck_assert(highest.values[233] == 9000);
	ck_assert(mean.values[233] == 3002);
	ck_assert(mean.values[234] == 3);
	svg_series_free(&highest);
	svg_series_free(&mean);
	json_decref(values);
}
END_TEST

START_TEST(scales_end_at_round_figures)
{
	struct svg_scale s = svg_decades(35, 14000);

	ck_assert(s.lo == 10 && s.hi == 100000);
	ck_assert(svg_height(&s, 10) == 0 && svg_height(&s, 1e9) == 1);
	ck_assert_msg(svg_height(&s, 1000) > 0.499 && svg_height(&s, 1000) < 0.501, "%g",
		      svg_height(&s, 1000));
	ck_assert(svg_linear(37).hi == 40 && svg_linear(40).hi == 40 && svg_linear(0).hi == 1);
}
END_TEST

Suite *suite_svg(void)
{
	Suite *s = suite_create("svg");
	TCase *t = tcase_create("svg");

	tcase_add_loop_test(t, times_are_as_people_read_them, 0, (int)ARRAY_LEN(times));
	tcase_add_test(t, counts_have_groups_and_instants_minutes);
	tcase_add_test(t, ratios_have_three_digits);
	tcase_add_test(t, only_all_of_it_is_a_hundred_percent);
	tcase_add_test(t, a_long_run_is_merged_and_keeps_its_highest);
	tcase_add_test(t, scales_end_at_round_figures);
	suite_add_tcase(s, t);
	return s;
}
