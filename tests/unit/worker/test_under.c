/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connects and scans of sessions that have a grant of their own to do it under. */
#include "tests/unit/worker/play.h"

#include "ipc/class.h"

#include <check.h>
#include <string.h>

Suite *suite_under(void);

START_TEST(connect_under)
{
	uint32_t id_a, id_b;
	struct play_asked a;
	size_t s, b;

	play_begin(1);
	s = play_introduce(1);
	b = harness_attach_under(world, 2, false, HARNESS_DEVICE(0), 77);
	id_a = play_connect(s);
	a = play_asked_connect();
	ck_assert_uint_eq(a.under, 0);
	/* Another session has a grant for it: it need not wait behind others. */
	id_b = play_connect(b);
	play_cancelled(a.id);
	a = play_asked_connect();
	ck_assert_uint_eq(a.under, 77);
	play_grant(&a, 78, PLAY_LONG_MS);
	ck_assert_uint_eq(harness_answer(world, s, id_a)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_answer(world, b, id_b)->type, BH__TYPE__CONNECTED);
	play_finish();
}
END_TEST

/* That grant is over: its session is told, the others go on without it. */
START_TEST(connect_under_fenced)
{
	uint32_t id_a, id_b;
	struct play_asked a;
	size_t s, b;

	play_begin(1);
	s = play_introduce(1);
	b = harness_attach_under(world, 2, false, HARNESS_DEVICE(0), 77);
	id_b = play_connect(b);
	a = play_asked_connect();
	ck_assert_uint_eq(a.under, 77);
	id_a = play_connect(s);
	if (_i == 0) {
		play_refuse(a.id, BH__LOCK__REASON__REASON_FENCED);
	} else {
		world->retries = 1;
		harness_fault(world, "silent C0:AA:BB:00:00:00 on");
		play_grant(&a, 78, PLAY_LONG_MS);
		harness_stat_wait(world, "connecting", 1);
		play_revoke(78, 5000);
		play_released(78);
		harness_fault(world, "silent C0:AA:BB:00:00:00 off");
	}
	ck_assert_int_eq(harness_class(harness_answer(world, b, id_b)), CLASS_LOCK_LOST);
	play_connects(0, s, id_a);
	play_finish();
}
END_TEST

/* A device that BlueZ does not know: both the search and the attempt are under the grant. */
START_TEST(seek_under)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	play_begin(1);
	s = harness_attach_under(world, 1, false, HARNESS_DEVICE(0), 77);
	id = play_connect(s);
	a = play_asked_scan();
	ck_assert_uint_eq(a.under, 77);
	if (_i == 1) {
		play_refuse(a.id, BH__LOCK__REASON__REASON_FENCED);
		ck_assert_int_eq(harness_class(harness_answer(world, s, id)), CLASS_LOCK_LOST);
		play_finish();
		return;
	}
	play_grant(&a, 78, PLAY_LONG_MS);
	play_released(78);
	a = play_asked_connect();
	ck_assert_uint_eq(a.under, 77);
	play_grant(&a, 79, PLAY_LONG_MS);
	ck_assert_uint_eq(harness_answer(world, s, id)->type, BH__TYPE__CONNECTED);
	play_finish();
}
END_TEST

START_TEST(scan_under_fenced)
{
	uint32_t id_a, id_b;
	struct play_asked a;
	size_t s, b;

	play_begin(2);
	s = play_scan(1, 0, &id_a);
	a = play_asked_scan();
	b = play_scan(2, 77, &id_b);
	play_cancelled(a.id);
	a = play_asked_scan();
	ck_assert_uint_eq(a.under, 77);
	if (_i == 0) {
		play_refuse(a.id, BH__LOCK__REASON__REASON_FENCED);
	} else {
		play_grant(&a, 78, PLAY_LONG_MS);
		play_hears(b, id_b);
		play_revoke(78, 5000);
		play_released(78);
	}
	ck_assert_int_eq(
		harness_class(harness_wait(world, &world->seats[b], BH__TYPE__ERROR, id_b)),
		CLASS_LOCK_LOST);
	do {
		a = play_asked_scan();
	} while (a.under != 0);
	play_grant_and_hear(&a, 79, s, id_a);
	play_finish();
}
END_TEST

/* Only the discovery's own part is taken: its grant is used again. */
START_TEST(scan_under_taken)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	play_begin(2);
	s = play_scan(1, 77, &id);
	a = play_asked_scan();
	play_grant(&a, 78, PLAY_LONG_MS);
	play_hears(s, id);
	play_revoke_why(78, 0, BH__LOCK__REASON__REASON_TAKEN);
	a = play_asked_scan();
	ck_assert_uint_eq(a.under, 77);
	play_grant_and_hear(&a, 79, s, id);
	play_finish();
}
END_TEST

/* The session that brought the grant leaves: what others want is not done under it any longer. */
START_TEST(scan_under_leaves)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	uint32_t id_a, id_b;
	struct play_asked a;
	size_t s, b;

	play_begin(2);
	b = play_scan(2, 77, &id_b);
	a = play_asked_scan();
	ck_assert_uint_eq(a.under, 77);
	s = play_scan(1, 0, &id_a);
	play_grant(&a, 78, PLAY_LONG_MS);
	play_hears(s, id_a);
	harness_send_id(world, b, BH__TYPE__CANCEL, id_b, &empty.base);
	play_released(78);
	ck_assert_uint_eq(harness_stat(world, "discovering"), 0);
	a = play_asked_scan();
	ck_assert_uint_eq(a.under, 0);
	play_finish();
}
END_TEST

START_TEST(find_under)
{
	Bh__Ctl__Find find = BH__CTL__FIND__INIT;
	struct play_asked a;

	play_begin(1);
	find.has_address = find.has_under = 1;
	find.address = HARNESS_DEVICE(0);
	find.under = 77;
	harness_up(world, BH__CTL__TYPE__FIND, &find.base);
	a = play_asked_scan();
	ck_assert_uint_eq(a.under, 77);
	if (_i == 1) {
		/* The session that it is for learns that when it connects. */
		play_refuse(a.id, BH__LOCK__REASON__REASON_FENCED);
		a = play_asked_scan();
		ck_assert_uint_eq(a.under, 0);
	}
	play_grant(&a, 78, PLAY_LONG_MS);
	(void)harness_wait(world, &world->up, BH__CTL__TYPE__FIND_DONE, 0);
	play_released(78);
	play_finish();
}
END_TEST

Suite *suite_under(void)
{
	Suite *s = suite_create("under");
	TCase *c = tcase_create("under");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, connect_under);
	tcase_add_loop_test(c, connect_under_fenced, 0, 2);
	tcase_add_loop_test(c, seek_under, 0, 2);
	tcase_add_loop_test(c, scan_under_fenced, 0, 2);
	tcase_add_test(c, scan_under_taken);
	tcase_add_test(c, scan_under_leaves);
	tcase_add_loop_test(c, find_under, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
