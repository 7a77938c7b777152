/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_score.c - which of several adapters, row by row.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/score.h"

Suite *suite_score(void);

/* A row that hears the device. */
#define HEARS(dbm)                                                                                 \
	.is_suitable = true, .is_known = true, .is_fresh = true, .rssi_16th_dbm = (dbm)*16
#define KNOWS .is_suitable = true, .is_known = true

static const struct {
	const char *what;
	int best;
	struct score_row rows[3];
} TABLE[] = {
	{ "the strongest", 1, { { HEARS(-80) }, { HEARS(-60) }, { HEARS(-70) } } },
	{ "noise is a tie", 0, { { HEARS(-61) }, { HEARS(-60) } } },
	{ "as much as noise makes is a tie still",
	  0,
	  { { .rssi_16th_dbm = -60 * 16 - SCORE_NOISE_16TH_DB,
	      .is_suitable = true,
	      .is_known = true,
	      .is_fresh = true },
	    { HEARS(-60) } } },
	{ "a tie: fewer links", 1, { { HEARS(-60), .links = 2 }, { HEARS(-61), .links = 1 } } },
	{ "a tie: where it was", 1, { { HEARS(-60) }, { HEARS(-61), .is_home = true } } },
	{ "a tie of two homes: the first",
	  0,
	  { { HEARS(-60), .is_home = true }, { HEARS(-61), .is_home = true } } },
	{ "where it was, a little worse", 1, { { HEARS(-60) }, { HEARS(-64), .is_home = true } } },
	{ "where it was, much worse", 0, { { HEARS(-60) }, { HEARS(-70), .is_home = true } } },
	{ "a link is a link", 0, { { KNOWS, .is_connected = true }, { HEARS(-40) } } },
	{ "heard before known", 1, { { KNOWS }, { HEARS(-100) } } },
	{ "known before unknown", 1, { { .is_suitable = true }, { KNOWS } } },
	{ "unsuitable",
	  1,
	  { { .is_known = true, .is_fresh = true, .rssi_16th_dbm = -40 * 16 }, { HEARS(-90) } } },
	{ "nobody", SCORE_NOBODY, { { .is_suitable = true }, { .is_known = true } } },
	{ "busy, a little better", 1, { { HEARS(-60), .attempts = 1 }, { HEARS(-65) } } },
	{ "busy, 28 dB better", 0, { { HEARS(-52), .attempts = 1 }, { HEARS(-80) } } },
	{ "one failure flips noise", 1, { { HEARS(-60), .failures = 256 }, { HEARS(-62) } } },
	{ "one failure, far better", 0, { { HEARS(-60), .failures = 256 }, { HEARS(-75) } } },
	{ "three failures", 1, { { HEARS(-60), .failures = 3 * 256 }, { HEARS(-75) } } },
	{ "a failure that is forgotten", 0, { { HEARS(-60), .failures = 10 }, { HEARS(-64) } } },
	{ "failures beyond counting",
	  1,
	  { { HEARS(-60), .failures = UINT32_MAX }, { HEARS(-90) } } },
	{ "failures of the one known", 1, { { KNOWS, .failures = 256 }, { KNOWS } } },
	{ "the last slot", 1, { { HEARS(-60), .links = 4, .slots = 5 }, { HEARS(-65) } } },
	{ "the last slot, far better",
	  0,
	  { { HEARS(-60), .links = 4, .slots = 5 }, { HEARS(-80) } } },
	{ "where others want it",
	  1,
	  { { HEARS(-40) }, { HEARS(-95), .is_shared = true, .attempts = 4 } } },
	{ "where others want it, of those known",
	  1,
	  { { KNOWS }, { KNOWS, .is_shared = true, .links = 3 } } },
	{ "where others want it, and do not hear it",
	  0,
	  { { HEARS(-80) }, { KNOWS, .is_shared = true } } },
	{ "where others want it, and it is full",
	  0,
	  { { HEARS(-80) }, { HEARS(-40), .is_shared = true, .links = 5, .slots = 5 } } },
	{ "full", 1, { { HEARS(-30), .links = 5, .slots = 5 }, { HEARS(-100) } } },
	{ "full, with more than fit",
	  1,
	  { { HEARS(-30), .links = 7, .slots = 5 }, { HEARS(-99) } } },
	{ "full, and another may hear it",
	  0,
	  { { KNOWS }, { HEARS(-30), .links = 5, .slots = 5 } } },
	{ "one slot is full with one link",
	  0,
	  { { KNOWS }, { HEARS(-30), .links = 1, .slots = 1 } } },
	{ "all are full",
	  0,
	  { { HEARS(-60), .links = 5, .slots = 5 }, { HEARS(-70), .links = 5, .slots = 5 } } },
	{ "a bond", 1, { { HEARS(-40) }, { HEARS(-90), .is_bonded = true } } },
	{ "a bond with the first", 0, { { HEARS(-90), .is_bonded = true }, { HEARS(-40) } } },
	{ "a bond, not heard", 1, { { HEARS(-40) }, { KNOWS, .is_bonded = true } } },
	{ "two bonds",
	  2,
	  { { HEARS(-40) },
	    { HEARS(-90), .is_bonded = true },
	    { HEARS(-60), .is_bonded = true } } },
	{ "a bond on one that cannot",
	  SCORE_NOBODY,
	  { { HEARS(-40) }, { .is_known = true, .is_bonded = true } } },
};

START_TEST(test_table)
{
	int best = score_best(TABLE[_i].rows, 3, SCORE_KNOWN);

	ck_assert_msg(best == TABLE[_i].best, "%s: %d, not %d", TABLE[_i].what, best,
		      TABLE[_i].best);
	ck_assert((score_count(TABLE[_i].rows, 3, SCORE_KNOWN) > 0) == (best >= 0));
}
END_TEST

/* In decibels; what a person reads of an adapter. */
static const struct {
	int db;
	struct score_row row;
} POINTS[] = {
	{ 0, { KNOWS } },
	{ 0, { KNOWS, .rssi_16th_dbm = -70 * 16 } }, /* of then, not of now */
	{ -70, { HEARS(-70) } },
	{ SCORE_HOME_DB, { KNOWS, .is_home = true } },
	{ -3 * SCORE_ATTEMPT_DB, { KNOWS, .attempts = 3 } },
	{ -4 * SCORE_ATTEMPT_DB, { KNOWS, .attempts = 9 } },
	{ -SCORE_FAILURE_DB, { KNOWS, .failures = 256 } },
	{ 0, { KNOWS, .links = 9 } },
	{ 0, { KNOWS, .links = 3, .slots = 5 } },
	{ -SCORE_LAST_SLOT_DB, { KNOWS, .links = 4, .slots = 5 } },
	{ -SCORE_LAST_SLOT_DB, { KNOWS, .slots = 1 } },
	{ -SCORE_FULL_DB, { KNOWS, .links = 5, .slots = 5 } },
};

START_TEST(test_points)
{
	ck_assert_int_eq(score_points(&POINTS[_i].row), POINTS[_i].db * SCORE_DB);
}
END_TEST

static uint32_t below(uint32_t n)
{
	return (uint32_t)random() % n;
}

/*
 * Whoever was chosen stays chosen once he is home while nothing moves by more than the hysteresis;
 * and a row that gets worse in any respect is never chosen because of that.
 */
START_TEST(test_random)
{
	struct score_row rows[4], worse[4];
	unsigned round, i;
	int best, again;

	srandom(21);
	for (round = 0; round < 300000; round++) {
		for (i = 0; i < 4; i++)
			rows[i] = (struct score_row){
				HEARS(-30 - (int)below(70)),
				.attempts = below(3),
				.failures = below(3) ? 0 : below(2000),
				.slots = below(2) ? 0 : 3 + below(3),
				.links = below(4),
			};
		best = score_best(rows, 4, SCORE_FRESH);
		ck_assert_int_ge(best, 0);
		rows[best].is_home = true;
		ck_assert_int_eq(score_best(rows, 4, SCORE_FRESH), best);
		memcpy(worse, rows, sizeof(worse));
		for (i = 0; i < 4; i++)
			worse[i].rssi_16th_dbm -= (int)below(SCORE_DB);
		ck_assert_int_eq(score_best(worse, 4, SCORE_FRESH), best);
		i = below(4);
		if ((int)i == best)
			continue;
		rows[i].failures += 256;
		rows[i].attempts++;
		rows[i].rssi_16th_dbm -= 64;
		again = score_best(rows, 4, SCORE_FRESH);
		ck_assert_int_ne(again, (int)i);
	}
}
END_TEST

Suite *suite_score(void)
{
	Suite *suite = suite_create("score");
	TCase *tc = tcase_create("score");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_table, 0, (int)ARRAY_LEN(TABLE));
	tcase_add_loop_test(tc, test_points, 0, (int)ARRAY_LEN(POINTS));
	tcase_add_test(tc, test_random);
	suite_add_tcase(suite, tc);
	return suite;
}
