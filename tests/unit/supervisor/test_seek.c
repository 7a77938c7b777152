/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_seek.c - which adapter, and when: score.c and seek.c.
 */
#include <check.h>
#include <stdlib.h>

#include "supervisor/seek.h"

Suite *suite_seek(void);

static struct score_row row(uint16_t adapter, int rssi_dbm)
{
	return (struct score_row){
		.adapter = adapter,
		.is_suitable = true,
		.is_known = rssi_dbm != 0,
		.is_fresh = rssi_dbm != 0,
		.rssi_16th_dbm = rssi_dbm * 16,
	};
}

START_TEST(test_score)
{
	struct score_row rows[3] = { row(0, -70), row(1, -50), row(2, -51) };

	ck_assert_int_eq(score_best(rows, 3, SCORE_FRESH), 1);
	rows[1].links = 1; /* as good as hci2, and busier */
	ck_assert_int_eq(score_best(rows, 3, SCORE_FRESH), 2);
	rows[1].links = 0;
	rows[2].is_home = true;
	ck_assert_int_eq(score_best(rows, 3, SCORE_FRESH), 2);
	rows[0].is_connected = true;
	ck_assert_int_eq(score_best(rows, 3, SCORE_FRESH), 0);
	rows[0].is_suitable = false;
	ck_assert_int_eq(score_best(rows, 3, SCORE_FRESH), 2);
	rows[1].is_fresh = rows[2].is_fresh = false;
	ck_assert_int_eq(score_best(rows, 3, SCORE_FRESH), SCORE_NOBODY);
	ck_assert_int_ge(score_best(rows, 3, SCORE_KNOWN), 1);
	rows[1].is_known = rows[2].is_known = false;
	ck_assert_int_eq(score_best(rows, 3, SCORE_KNOWN), SCORE_NOBODY);
	ck_assert_uint_eq(score_count(rows, 3, SCORE_ANY), 2);
	ck_assert_int_eq(score_best(rows, 0, SCORE_ANY), SCORE_NOBODY);
}
END_TEST

static struct seek opening(const struct score_row *rows, size_t n)
{
	return (struct seek){
		.is_first = true,
		.is_enumerated = true,
		.asked_at_ms = 1000,
		.deadline_at_ms = 11000,
		.now_ms = 1000,
		.rows = rows,
		.n_rows = n,
	};
}

START_TEST(test_fresh_at_once)
{
	struct score_row rows[2] = { row(0, -70), row(1, -50) };
	struct seek seek = opening(rows, 2);
	struct seek_answer answer = seek_decide(&seek);

	ck_assert_int_eq(answer.verdict, SEEK_ATTACH);
	ck_assert_int_eq(answer.row, 1);
}
END_TEST

START_TEST(test_search_and_settle)
{
	struct score_row rows[3] = { row(0, 0), row(1, 0), row(2, 0) };
	struct seek seek = opening(rows, 3);
	struct seek_answer answer = seek_decide(&seek);

	ck_assert_int_eq(answer.verdict, SEEK_WAIT);
	ck_assert(answer.is_searching);
	ck_assert_uint_eq(answer.until_ms, 11000);
	/* The first one hears it: the others get their chance. */
	rows[0] = row(0, -80);
	seek.now_ms = seek.heard_at_ms = 2000;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_WAIT);
	ck_assert_uint_eq(answer.until_ms, 2000 + SEEK_SETTLE_MS);
	rows[2] = row(2, -40);
	seek.now_ms = 2300;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_ATTACH);
	ck_assert_int_eq(answer.row, 2);
	/* All have heard it: no need to wait. */
	rows[1] = row(1, -60);
	seek.now_ms = 2001;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_ATTACH);
	/* Or there is only one. */
	rows[1].is_suitable = rows[0].is_suitable = false;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_ATTACH);
}
END_TEST

START_TEST(test_known)
{
	struct score_row rows[2] = { row(0, 0), row(1, 0) };
	struct seek seek = opening(rows, 2);
	struct seek_answer answer;

	rows[1].is_known = true;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_WAIT);
	ck_assert(answer.is_searching);
	ck_assert_uint_eq(answer.until_ms, 1000 + SEEK_KNOWN_MS);
	seek.now_ms = 3000;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_ATTACH);
	ck_assert_int_eq(answer.row, 1);
	/* F06: where there is no choice nothing is searched for. */
	seek.now_ms = 1000;
	rows[0].is_suitable = false;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_ATTACH);
	ck_assert_int_eq(answer.row, 1);
}
END_TEST

/* Only a full adapter heard it: one with room is given the time to hear it, too. */
START_TEST(test_full)
{
	struct score_row rows[2] = { row(0, -50), row(1, 0) };
	struct seek seek = opening(rows, 2);
	struct seek_answer answer;

	rows[0].links = rows[0].slots = 3;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_WAIT);
	ck_assert(answer.is_searching);
	ck_assert_uint_eq(answer.until_ms, 1000 + SEEK_KNOWN_MS);
	/* It does not: there is nothing but the line of the full one. */
	seek.now_ms = 3000;
	ck_assert_int_eq(seek_decide(&seek).row, 0);
	/* It does, as badly as may be. */
	seek.now_ms = 1500;
	rows[1] = row(1, -100);
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, SEEK_ATTACH);
	ck_assert_int_eq(answer.row, 1);
	/* Nowhere is room: that is no reason to wait. */
	rows[1] = row(1, 0);
	rows[1].links = rows[1].slots = 3;
	ck_assert_int_eq(seek_decide(&seek).row, 0);
}
END_TEST

static const struct {
	enum err_class trouble;
	uint64_t at_ms;
	enum seek_verdict verdict;
} TROUBLES[] = {
	{ CLASS_BLUEZ_GONE, 1000, SEEK_WAIT },	{ CLASS_BLUEZ_GONE, 11000, SEEK_FAIL },
	{ CLASS_NOT_POWERED, 1000, SEEK_WAIT }, { CLASS_NOT_POWERED, 3500, SEEK_FAIL },
	{ CLASS_INTERNAL, 10999, SEEK_WAIT },	{ CLASS_INTERNAL, 11000, SEEK_FAIL },
};

START_TEST(test_trouble)
{
	struct score_row rows[2] = { { .trouble = TROUBLES[_i].trouble },
				     { .trouble = TROUBLES[_i].trouble } };
	struct seek seek = opening(rows, 2);
	struct seek_answer answer;

	seek.now_ms = TROUBLES[_i].at_ms;
	answer = seek_decide(&seek);
	ck_assert_int_eq(answer.verdict, TROUBLES[_i].verdict);
	ck_assert_int_eq(answer.class, TROUBLES[_i].trouble);
}
END_TEST

START_TEST(test_no_adapter)
{
	struct seek seek = opening(NULL, 0);

	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_FAIL);
	ck_assert_int_eq(seek_decide(&seek).class, CLASS_ADAPTER_GONE);
	/* They are not listed yet. */
	seek.is_enumerated = false;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_WAIT);
	seek.now_ms = 11000;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_FAIL);
}
END_TEST

START_TEST(test_never_seen)
{
	struct score_row rows[1] = { row(0, 0) };
	struct seek seek = opening(rows, 1);

	seek.now_ms = 11000;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_FAIL);
	ck_assert_int_eq(seek_decide(&seek).class, CLASS_NOT_FOUND);
}
END_TEST

START_TEST(test_moving)
{
	struct score_row rows[2] = {
		{ .is_home = true, .is_known = true, .trouble = CLASS_INTERNAL }, row(1, -60)
	};
	struct seek seek = opening(rows, 2);

	seek.is_first = false;
	seek.deadline_at_ms = 0;
	seek.home = SEEK_HOME_LIVE;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_ATTACH);
	ck_assert_int_eq(seek_decide(&seek).row, SCORE_NOBODY);
	seek.home = SEEK_HOME_SOON;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_WAIT);
	ck_assert_int_eq(seek_decide(&seek).class, CLASS_NONE);
	/* Not so soon after all: the other one. */
	seek.now_ms = 1000 + SEEK_SOON_MS + SEEK_READY_MS;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_ATTACH);
	ck_assert_int_eq(seek_decide(&seek).row, 1);
	/* The old link first, once. */
	seek.home = SEEK_HOME_AWAY;
	seek.is_linked_home = true;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_CUT);
	seek.is_cut = true;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_ATTACH);
	/* Nobody else knows it: the link is left alone. */
	seek.is_cut = false;
	rows[1] = row(1, 0);
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_WAIT);
	ck_assert_int_eq(seek_decide(&seek).class, CLASS_NOT_FOUND);
	rows[1].is_suitable = false;
	rows[1].trouble = CLASS_BLUEZ_GONE;
	ck_assert_int_eq(seek_decide(&seek).verdict, SEEK_WAIT);
	ck_assert_int_eq(seek_decide(&seek).class, CLASS_BLUEZ_GONE);
}
END_TEST

/* Whatever is true: an answer that can be acted on, and time that goes on. */
START_TEST(test_random)
{
	struct score_row rows[4];
	struct seek seek;
	struct seek_answer answer;
	unsigned i, j;

	srandom(13);
	for (i = 0; i < 500000; i++) {
		for (j = 0; j < 4; j++)
			rows[j] = (struct score_row){
				.is_suitable = random() & 1,
				.trouble = random() & 1 ? CLASS_BLUEZ_GONE : CLASS_NOT_POWERED,
				.is_connected = (random() & 7) == 0,
				.is_fresh = random() & 1,
				.is_known = random() & 1,
				.rssi_16th_dbm = -(int)(random() % 1600),
				.links = (uint32_t)random() % 4,
			};
		seek = (struct seek){
			.is_scan = (random() & 7) == 0,
			.is_first = random() & 1,
			.is_enumerated = random() & 1,
			.home = (enum seek_home)(random() % 4),
			.is_linked_home = random() & 1,
			.is_cut = random() & 1,
			.asked_at_ms = 1000,
			.now_ms = 1000 + (uint64_t)random() % 100000,
			.rows = rows,
			.n_rows = (size_t)random() % 5,
		};
		seek.deadline_at_ms = seek.is_first ? 11000 : 0;
		seek.heard_at_ms = random() & 1 ? 1000 + (uint64_t)random() % 10000 : 0;
		if (seek.is_first)
			seek.home = SEEK_HOME_NONE;
		answer = seek_decide(&seek);
		if (answer.verdict == SEEK_ATTACH && answer.row >= 0)
			ck_assert(rows[answer.row].is_suitable);
		if (answer.verdict == SEEK_ATTACH && answer.row < 0)
			ck_assert_int_eq(seek.home, SEEK_HOME_LIVE);
		if (answer.verdict == SEEK_WAIT)
			ck_assert_uint_gt(answer.until_ms, seek.now_ms);
		if (answer.verdict == SEEK_FAIL)
			ck_assert(seek.is_first && answer.class != CLASS_NONE);
		if (seek.is_first && seek.now_ms >= seek.deadline_at_ms)
			ck_assert_int_ne(answer.verdict, SEEK_WAIT);
	}
}
END_TEST

Suite *suite_seek(void)
{
	Suite *suite = suite_create("seek");
	TCase *tc = tcase_create("seek");

	tcase_add_test(tc, test_score);
	tcase_add_test(tc, test_fresh_at_once);
	tcase_add_test(tc, test_search_and_settle);
	tcase_add_test(tc, test_known);
	tcase_add_test(tc, test_full);
	tcase_add_loop_test(tc, test_trouble, 0, (int)ARRAY_LEN(TROUBLES));
	tcase_add_test(tc, test_no_adapter);
	tcase_add_test(tc, test_never_seen);
	tcase_add_test(tc, test_moving);
	tcase_add_test(tc, test_random);
	suite_add_tcase(suite, tc);
	return suite;
}
