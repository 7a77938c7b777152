/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_overlap.c - two holders of one lock are seen, whoever they are; and nobody
 * is blamed who is not one. */
#include <check.h>
#include <string.h>

#include "contrib/soak/overlap.h"

Suite *suite_overlap(void);

static struct overlap overlap;
static char text[OVERLAP_TEXT_LEN];

static const char first[] = "locker 1", second[] = "locker 2", outside[] = "outsider 3";

static bool add(const char *who, int64_t took_us, int64_t gave_us, uint32_t units)
{
	const struct overlap_turn turn = {
		.took_us = took_us, .gave_us = gave_us, .who = who, .is_outsider = who == outside
	};

	return overlap_add(&overlap, "connect:hci0", units, &turn, text);
}

static void setup(void)
{
	overlap = (struct overlap){ 0 };
}

START_TEST(one_after_the_other)
{
	for (int64_t at = 0; at < 5000; at++)
		ck_assert(!add(at % 2 ? first : second, at * 10, at * 10 + 10, 1));
}
END_TEST

START_TEST(two_at_once)
{
	ck_assert(!add(first, 100, 200, 1));
	ck_assert(add(second, 199, 300, 1));
	ck_assert_ptr_nonnull(strstr(text, "locker 1"));
	ck_assert_ptr_nonnull(strstr(text, "locker 2"));
	ck_assert_ptr_nonnull(strstr(text, "for 1 us"));
}
END_TEST

/* Whoever holds long tells of it late. */
START_TEST(told_in_any_order)
{
	ck_assert(!add(first, 500, 600, 1));
	ck_assert(!add(first, 700, 800, 1));
	ck_assert(add(second, 100, 550, 1));
	setup();
	ck_assert(!add(first, 500, 600, 1));
	ck_assert(add(second, 100, 9000, 1));
}
END_TEST

START_TEST(as_many_as_units)
{
	static const char third[] = "locker 3";

	ck_assert(!add(first, 0, 100, 2));
	ck_assert(!add(second, 50, 150, 2));
	/* Each with one other, never three. */
	ck_assert(!add(third, 100, 200, 2));
	setup();
	ck_assert(!add(first, 0, 100, 2));
	ck_assert(!add(second, 50, 150, 2));
	ck_assert(add(third, 99, 200, 2));
}
END_TEST

/* Programs outside have files of their own: two of them are no affair of ours, one beside ours is.
 */
START_TEST(outsiders)
{
	static const char other[] = "outsider 4";
	const struct overlap_turn turn = {
		.took_us = 0, .gave_us = 90, .who = other, .is_outsider = true
	};

	ck_assert(!overlap_add(&overlap, "connect:hci0", 1, &turn, text));
	ck_assert(!add(outside, 50, 100, 1));
	ck_assert(add(first, 99, 120, 1));
}
END_TEST

START_TEST(other_resources)
{
	const struct overlap_turn turn = { .took_us = 0, .gave_us = 1000, .who = second };

	ck_assert(!add(first, 0, 1000, 1));
	ck_assert(!overlap_add(&overlap, "connect:hci1", 1, &turn, text));
}
END_TEST

Suite *suite_overlap(void)
{
	Suite *suite = suite_create("overlap");
	TCase *tc = tcase_create("overlap");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, one_after_the_other);
	tcase_add_test(tc, two_at_once);
	tcase_add_test(tc, told_in_any_order);
	tcase_add_test(tc, as_many_as_units);
	tcase_add_test(tc, outsiders);
	tcase_add_test(tc, other_resources);
	suite_add_tcase(suite, tc);
	return suite;
}
