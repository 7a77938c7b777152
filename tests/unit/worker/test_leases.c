/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker's locks as leases: the test is lockd, supervisor and programs. */
#include "tests/unit/worker/play.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <string.h>

Suite *suite_leases(void);

enum { TURN_MS = 5000 };

/* --- leases --- */

START_TEST(renewed_while_held)
{
	struct play_asked a;
	uint64_t at_ms;
	uint32_t id;
	size_t s;
	int i;

	play_begin(2);
	s = play_scan(1, 0, &id);
	a = play_asked_scan();
	at_ms = clock_now_ms();
	play_grant_slot(&a, 7, 400);
	for (i = 0; i < 6; i++) {
		uint32_t renew_id = play_renewing(7);

		/* In time, and not as often as one can. */
		ck_assert_uint_lt(clock_now_ms() - at_ms, 400);
		ck_assert_uint_ge(clock_now_ms() - at_ms, 150);
		at_ms = clock_now_ms();
		play_renew(renew_id, 400, false);
	}
	play_hears(s, id);
	ck_assert(!play_is_slot_closed());
	ck_assert_uint_eq(harness_stat(world, "discovering"), 1);
	ck_assert_uint_eq(harness_count(&world->lock, BH__LOCK__TYPE__RELEASE, 0), 0);
	play_finish();
}
END_TEST

/* A lockd that knows no leases is not asked to renew them: it would not understand. */
START_TEST(no_lease)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	play_begin(2);
	s = play_scan(1, 0, &id);
	a = play_asked_scan();
	play_grant(&a, 7, 0);
	play_hears(s, id);
	harness_pump(world, 100);
	ck_assert_uint_eq(harness_count(&world->lock, BH__LOCK__TYPE__RENEW, 0), 0);
	ck_assert(!world->lock.is_over);
	play_finish();
}
END_TEST

/* Others wait: discovery has its turn, then they have theirs, then it has another. */
START_TEST(scan_takes_turns)
{
	struct play_asked a;
	uint64_t at_ms;
	uint32_t id, first;
	size_t s;
	int i;

	play_begin(2);
	s = play_scan(1, 0, &id);
	a = play_asked_scan();
	first = a.id;
	at_ms = clock_now_ms();
	play_grant_slot(&a, 7, 1000);
	for (i = 0; i < 3; i++)
		play_renew(play_renewing(7), 1000, true);
	play_hears(s, id);
	play_renew(play_renewing(7), PLAY_LONG_MS, true);
	play_released(7);
	ck_assert_uint_ge(clock_now_ms() - at_ms, TURN_MS - 100);
	ck_assert_uint_eq(harness_stat(world, "discovering"), 0);
	play_slot_closes();
	a = play_asked_scan();
	ck_assert_uint_ne(a.id, first);
	play_grant_and_hear(&a, 9, s, id);
	play_finish();
}
END_TEST

/* A lease is longer than a turn: who waits is not kept until half of it is over. */
START_TEST(scan_asks_who_waits)
{
	struct play_asked a;
	uint64_t at_ms;
	uint32_t id;
	size_t s;

	play_begin(2);
	s = play_scan(1, 0, &id);
	a = play_asked_scan();
	at_ms = clock_now_ms();
	play_grant_slot(&a, 7, PLAY_LONG_MS);
	play_hears(s, id);
	play_renew(play_renewing(7), PLAY_LONG_MS, false);
	ck_assert_uint_ge(clock_now_ms() - at_ms, TURN_MS - 100);
	ck_assert_uint_eq(harness_stat(world, "discovering"), 1);
	play_renew(play_renewing(7), PLAY_LONG_MS, true);
	play_released(7);
	ck_assert_uint_eq(harness_stat(world, "discovering"), 0);
	a = play_asked_scan();
	play_grant_and_hear(&a, 9, s, id);
	play_finish();
}
END_TEST

START_TEST(scan_revoked)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	s = play_scanning(7, PLAY_LONG_MS, &id);
	play_revoke(7, 5000);
	play_released(7);
	ck_assert_uint_eq(harness_stat(world, "discovering"), 0);
	a = play_asked_scan();
	play_grant_and_hear(&a, 8, s, id);
	play_finish();
}
END_TEST

/* Over at once: nothing of the slot is kept open, and there is nothing to release. */
START_TEST(scan_taken)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	s = play_scanning(7, 200, &id);
	if (_i == 0)
		play_revoke(7, 0);
	else
		play_refuse(play_renewing(7), BH__LOCK__REASON__REASON_FENCED);
	a = play_asked_scan();
	play_slot_closes();
	ck_assert_uint_eq(harness_stat(world, "discovering"), 0);
	ck_assert_uint_eq(harness_count(&world->lock, BH__LOCK__TYPE__RELEASE, 0), 0);
	play_grant_and_hear(&a, 8, s, id);
	play_finish();
}
END_TEST

/* A renewal that crossed the revocation is refused; the lock is given back all the same. */
START_TEST(revoked_while_renewing)
{
	uint32_t id, renew_id;

	(void)play_scanning(7, 200, &id);
	renew_id = play_renewing(7);
	play_revoke(7, 5000);
	play_refuse(renew_id, BH__LOCK__REASON__REASON_FENCED);
	play_released(7);
	ck_assert_uint_eq(harness_stat(world, "discovering"), 0);
	play_finish();
}
END_TEST

/* A pending Connect is ended in BlueZ before the lock goes back, and tried again. */
START_TEST(connect_revoked)
{
	struct play_asked a;
	uint32_t id;
	size_t s;

	play_begin(1);
	world->retries = 1;
	s = play_introduce(1);
	harness_fault(world, "silent C0:AA:BB:00:00:00 on");
	id = play_connect(s);
	a = play_asked_connect();
	play_grant_slot(&a, 7, PLAY_LONG_MS);
	harness_stat_wait(world, "connecting", 1);
	play_revoke(7, 5000);
	play_released(7);
	ck_assert_uint_eq(harness_stat(world, "connecting"), 0);
	ck_assert_int_eq(play_failed_class(), CLASS_LOCK_LOST);
	harness_fault(world, "silent C0:AA:BB:00:00:00 off");
	play_connects(0, s, id);
	play_finish();
}
END_TEST

/* BlueZ does not answer: the lock is not given back as if it had, until it is taken. */
START_TEST(connect_stuck)
{
	struct play_asked a;
	size_t s;

	play_begin(1);
	s = play_introduce(1);
	harness_fault(world, "silent C0:AA:BB:00:00:00 on");
	harness_fault(world, "no-reply C0:AA:BB:00:00:00 Disconnect 1");
	(void)play_connect(s);
	a = play_asked_connect();
	play_grant_slot(&a, 7, PLAY_LONG_MS);
	harness_stat_wait(world, "connecting", 1);
	play_revoke(7, 300);
	harness_pump(world, 300);
	ck_assert_uint_eq(harness_stat(world, "connecting"), 1);
	ck_assert(!play_is_slot_closed());
	play_revoke(7, 0);
	ck_assert_int_eq(play_failed_class(), CLASS_LOCK_LOST);
	play_slot_closes();
	/* Those of play_introduce(). */
	ck_assert_uint_eq(harness_count(&world->lock, BH__LOCK__TYPE__RELEASE, 0), 2);
	play_finish();
}
END_TEST

/* --- another lockd --- */

/* It is told what is held, with all that it has to know, and asked for what is waited for. */
START_TEST(held_again)
{
	const struct harness_frame *f;
	Bh__Lock__Held *held;
	struct play_asked a;
	uint32_t id;
	size_t s, b;

	play_begin(2);
	s = play_scan(1, 55, &id);
	a = play_asked_scan();
	play_grant_slot(&a, 56, 60000);
	play_hears(s, id);
	b = harness_attach(world, 2, false, HARNESS_DEVICE(1));
	(void)play_connect(b);
	a = play_asked_connect();
	play_be_lockd();
	f = harness_wait(world, &world->lock, 0, 0);
	ck_assert_uint_eq(f->type, BH__LOCK__TYPE__HELD);
	ck_assert_uint_eq(f->n_fds, 1);
	held = bh__lock__held__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(held->grant, 56);
	ck_assert_uint_eq(held->under, 55);
	ck_assert_str_eq(held->label, "worker hci0");
	ck_assert_uint_eq(held->n_resources, 1);
	ck_assert_str_eq(held->resources[0], "scan:hci0");
	ck_assert_int_eq((int)held->class_, BH__LOCK__CLASS__CLASS_SCAN);
	bh__lock__held__free_unpacked(held, NULL);
	/* A lease that begins anew, and goes on. */
	play_renew(play_renewing(56), 200, false);
	a = play_asked_connect();
	play_renew(play_renewing(56), 60000, false);
	ck_assert(!play_is_slot_closed());
	ck_assert_uint_eq(harness_stat(world, "discovering"), 1);
	play_finish();
}
END_TEST

Suite *suite_leases(void)
{
	Suite *s = suite_create("leases");
	TCase *c = tcase_create("leases");

	tcase_set_timeout(c, 30);
	tcase_add_test(c, renewed_while_held);
	tcase_add_test(c, no_lease);
	tcase_add_test(c, scan_takes_turns);
	tcase_add_test(c, scan_asks_who_waits);
	tcase_add_test(c, scan_revoked);
	tcase_add_loop_test(c, scan_taken, 0, 2);
	tcase_add_test(c, revoked_while_renewing);
	tcase_add_test(c, connect_revoked);
	tcase_add_test(c, connect_stuck);
	tcase_add_test(c, held_again);
	suite_add_tcase(s, c);
	return s;
}
