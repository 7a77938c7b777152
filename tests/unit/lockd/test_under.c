/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests under a grant: what they wait for, and what ends with what. */
#include "tests/support/runner.h"
#include "tests/unit/lockd/stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

static int held_fds[1]; /* of scan:hci0, as a holder has them when lockd has died */

static void setup_restart(void)
{
	stage_reset();
	held_fds[0] = openat(stage_dir_fd, "bleak-cm-hci0-scan.lock",
			     O_RDONLY | O_CREAT | O_CLOEXEC, 0660);
	ck_assert_int_eq(flock(held_fds[0], LOCK_EX | LOCK_NB), 0);
	stage_config.settled_at_ms = stage_now_ms + 200;
	stage_start();
}

static void teardown_restart(void)
{
	(void)close_fd(held_fds[0]);
	stage_end();
}

/* --- under a grant --- */

START_TEST(under_a_grant_nobody_waits_for_it)
{
	uint64_t outer = stage_get(&stage_alice, CONNECT);
	struct stage_said said;

	(void)stage_ask(&stage_worker, CONNECT " " DEVICE, SLOTQ_CONNECT, LONG_MS, outer);
	said = stage_expect(SAID_GRANTED);
	ck_assert_uint_gt(said.grant, outer);
	/* One at a time, in order. */
	(void)stage_ask(&stage_worker, CONNECT " " DEVICE2, SLOTQ_CONNECT, LONG_MS, outer);
	stage_expect_nothing();
	stage_release(&stage_worker, said.grant);
	said = stage_expect(SAID_GRANTED);
	stage_release(&stage_worker, said.grant);
	ck_assert(!stage_is_free(SLOT0));
	stage_release(&stage_alice, outer);
	ck_assert(stage_is_free(SLOT0));
}
END_TEST

START_TEST(what_it_does_not_cover_is_waited_for)
{
	uint64_t device = stage_get(&stage_bob, DEVICE);
	uint64_t outer = stage_get(&stage_alice, CONNECT);

	(void)stage_ask(&stage_worker, CONNECT " " DEVICE, SLOTQ_CONNECT, LONG_MS, outer);
	stage_expect_nothing();
	stage_release(&stage_bob, device);
	(void)stage_expect(SAID_GRANTED);
	/* Another adapter's is no part of it. */
	(void)stage_ask(&stage_worker, "connect:hci1", SLOTQ_CONNECT, 0, outer);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(maintenance_covers_the_adapter)
{
	uint64_t outer = stage_get(&stage_alice, "maintenance:hci0");

	(void)stage_ask(&stage_worker, CONNECT, SLOTQ_CONNECT, 0, outer);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_grant_that_is_over_covers_nothing)
{
	uint64_t outer = stage_get(&stage_alice, CONNECT);
	struct stage_said said;

	stage_release(&stage_alice, outer);
	(void)stage_ask(&stage_worker, CONNECT, SLOTQ_CONNECT, LONG_MS, outer);
	said = stage_expect(SAID_REFUSED);
	ck_assert_int_eq(said.reason, ARBITER_FENCED);
	ck_assert_ptr_nonnull(strstr(said.text, "is over"));
}
END_TEST

START_TEST(those_under_it_end_with_it)
{
	uint64_t outer = stage_get(&stage_alice, SCAN);
	struct stage_said said;
	uint64_t inner;

	(void)stage_ask(&stage_worker, SCAN, SLOTQ_SCAN, LONG_MS, outer);
	inner = stage_expect(SAID_GRANTED).grant;
	(void)stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, outer);
	(void)stage_wait_for(&stage_bob, SCAN);
	stage_release(&stage_alice, outer);
	said = stage_expect(SAID_REVOKED);
	ck_assert_uint_eq(said.grant, inner);
	ck_assert_uint_eq(said.grace_ms, 500);
	said = stage_expect(SAID_REFUSED);
	ck_assert_int_eq(said.reason, ARBITER_FENCED);
	/* Until it has stopped nobody else begins. */
	stage_pass(100);
	stage_expect_nothing();
	stage_release(&stage_worker, inner);
	(void)stage_expect(SAID_GRANTED);
	stage_pass(1000);
	stage_expect_nothing();
}
END_TEST

START_TEST(one_under_it_that_does_not_end_is_cut_off)
{
	uint64_t outer = stage_get(&stage_alice, CONNECT);
	struct stage_said said;

	(void)stage_ask(&stage_worker, CONNECT " " DEVICE, SLOTQ_CONNECT, LONG_MS, outer);
	(void)stage_expect(SAID_GRANTED);
	(void)stage_wait_for(&stage_bob, CONNECT);
	stage_release(&stage_alice, outer);
	(void)stage_expect(SAID_REVOKED);
	stage_pass(499);
	stage_expect_nothing();
	stage_pass(1);
	said = stage_said();
	while (said.what != SAID_DIRTY && said.what != SAID_NOTHING)
		said = stage_said();
	/* It may still be connecting: so is the grant that it was under. */
	ck_assert_uint_eq(said.address, ADDRESS);
	stage_expect_nothing();
	stage_pass(2000);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_grant_under_a_grant_has_all_of_it)
{
	uint64_t outer = stage_get(&stage_alice, CONNECT " " DEVICE);
	uint64_t middle;

	(void)stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, 0, outer);
	middle = stage_expect(SAID_GRANTED).grant;
	(void)stage_ask(&stage_worker, CONNECT " " DEVICE, SLOTQ_CONNECT, 0, middle);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

/* --- after a restart --- */

START_TEST(what_is_under_a_grant_may_come_back_before_it)
{
	const struct resource_set scan = { 1, { { RESOURCE_SCAN, 0 } } };
	struct arbiter_request request = { .set = scan, .class = SLOTQ_SCAN, .under = 77 };
	struct stage_said said;

	/* Nobody has handed back 77 and 78 yet. */
	arbiter_adopt(stage_arbiter, &stage_worker, &request, 90, NULL, 0, stage_now_ms);
	(void)stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, 77);
	(void)stage_ask(&stage_bob, "scan:hci1", SLOTQ_SCAN, LONG_MS, 78);
	stage_expect_nothing();
	request.under = 0;
	arbiter_adopt(stage_arbiter, &stage_alice, &request, 77, held_fds, 1, stage_now_ms);
	stage_expect_nothing();
	stage_pass(200);
	said = stage_expect(SAID_REFUSED);
	ck_assert_int_eq(said.reason, ARBITER_FENCED);
	stage_expect_nothing();
	stage_release(&stage_worker, 90);
	ck_assert_ptr_eq(stage_expect(SAID_GRANTED).owner, &stage_bob);
}
END_TEST

START_TEST(what_was_under_a_grant_that_is_lost_is_lost)
{
	const struct resource_set scan = { 1, { { RESOURCE_SCAN, 0 } } };
	const struct arbiter_request request = { .set = scan, .class = SLOTQ_SCAN, .under = 77 };

	held_fds[0] = close_fd(held_fds[0]); /* its holder has died */
	arbiter_adopt(stage_arbiter, &stage_worker, &request, 90, NULL, 0, stage_now_ms);
	stage_expect_nothing();
	(void)stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	stage_pass(200);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, 90);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_lease_takes_along_those_under_it)
{
	uint64_t outer = stage_get(&stage_alice, SCAN);
	uint64_t inner;

	stage_pass(5000);
	(void)stage_ask(&stage_worker, SCAN, SLOTQ_SCAN, LONG_MS, outer);
	inner = stage_expect(SAID_GRANTED).grant;
	stage_pass(5000);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, inner);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, outer);
	stage_release(&stage_worker, inner);
	stage_release(&stage_alice, outer);
	stage_pass(5000);
	stage_expect_nothing();
}
END_TEST

Suite *suite_under(void);
Suite *suite_under(void)
{
	const TTest *const tests[] = {
		under_a_grant_nobody_waits_for_it,   what_it_does_not_cover_is_waited_for,
		maintenance_covers_the_adapter,	     a_grant_that_is_over_covers_nothing,
		those_under_it_end_with_it,	     one_under_it_that_does_not_end_is_cut_off,
		a_grant_under_a_grant_has_all_of_it, a_lease_takes_along_those_under_it,
	};
	Suite *suite = suite_create("under");
	TCase *tc = tcase_create("under");
	TCase *restart = tcase_create("restart");
	size_t i;

	tcase_add_checked_fixture(tc, stage_set_up, stage_end);
	for (i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(restart, setup_restart, teardown_restart);
	tcase_add_test(restart, what_is_under_a_grant_may_come_back_before_it);
	tcase_add_test(restart, what_was_under_a_grant_that_is_lost_is_lost);
	suite_add_tcase(suite, restart);
	return suite;
}
