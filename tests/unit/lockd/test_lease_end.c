/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends of grants: who is told what, what is seen of it in the table, whom programs outside shorten.
 */
#include "tests/support/runner.h"
#include "tests/unit/lockd/stage.h"

#include <string.h>

#define SCANFILE "bleak-cm-hci0-scan.lock"

static uint32_t renew_scan(uint64_t grant, bool *out_is_wanted)
{
	uint32_t lease_ms = 0;

	ck_assert_int_eq(arbiter_renew(stage_arbiter, &stage_alice, grant, stage_now_ms, &lease_ms,
				       out_is_wanted),
			 0);
	return lease_ms;
}

static uint64_t under(struct arbiter_owner *owner, const char *names, uint64_t outer)
{
	(void)stage_ask(owner, names, SLOTQ_CONNECT, LONG_MS, outer);
	return stage_expect(SAID_GRANTED).grant;
}

/* --- renewing --- */

START_TEST(a_program_outside_is_one_that_waits)
{
	uint64_t grant;
	bool is_wanted = true;
	int i;

	stage_pass(200000);
	grant = stage_get(&stage_alice, SCAN);
	(void)renew_scan(grant, &is_wanted);
	ck_assert(!is_wanted);
	stage_pass(10);
	ck_assert_int_lt(stage_outsider_try(SCANFILE), 0);
	for (i = 0; i < 10; i++) {
		stage_pass(5000);
		ck_assert_uint_eq(renew_scan(grant, &is_wanted), 10000);
		ck_assert(is_wanted);
	}
	/* Only so long, since somebody waits: what is left of the lease is all. */
	stage_pass(9990);
	ck_assert_uint_eq(renew_scan(grant, &is_wanted), 10);
	stage_pass(10);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, grant);
}
END_TEST

START_TEST(one_that_waits_for_something_else_wants_nothing_of_it)
{
	uint64_t grant;
	bool is_wanted = true;

	(void)stage_get(&stage_bob, CONNECT);
	grant = stage_get(&stage_alice, "scan:hci1");
	stage_pass(10);
	ck_assert_int_lt(stage_outsider_try("bleak-cm-hci0-slot-1.lock"), 0);
	(void)stage_wait_for(&stage_bob, CONNECT);
	(void)renew_scan(grant, &is_wanted);
	ck_assert(!is_wanted);
}
END_TEST

START_TEST(a_millisecond_is_a_lease)
{
	struct arbiter_request request = { .id = 1,
					   .class = SLOTQ_CONNECT,
					   .max_hold_ms = 1,
					   .set = { 1, { { RESOURCE_SCAN, 0 } } } };

	ck_assert_int_eq(arbiter_acquire(stage_arbiter, &stage_alice, &request, stage_now_ms), 0);
	ck_assert_uint_eq(stage_expect(SAID_GRANTED).lease_ms, 1);
	stage_pass(1);
	(void)stage_expect(SAID_REVOKED);
}
END_TEST

/* --- the table --- */

/* It was written anew since, or people would read of a lease or holder that is no more. */
static void expect_news(uint64_t *seen)
{
	ck_assert_uint_ne(arbiter_changes(stage_arbiter), *seen);
	*seen = arbiter_changes(stage_arbiter);
}

START_TEST(the_table_shows_each_change)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);
	uint64_t seen = arbiter_changes(stage_arbiter);
	bool is_wanted;

	stage_pass(5000);
	(void)renew_scan(grant, &is_wanted);
	expect_news(&seen);
	stage_pass(10000);
	(void)stage_expect(SAID_REVOKED);
	expect_news(&seen);
	stage_release(&stage_alice, grant);
	grant = stage_get(&stage_alice, SCAN);
	(void)under(&stage_worker, SCAN, grant);
	seen = arbiter_changes(stage_arbiter);
	stage_release(&stage_alice, grant);
	(void)stage_expect(SAID_REVOKED);
	expect_news(&seen);
	(void)stage_get(&stage_bob, CONNECT);
	seen = arbiter_changes(stage_arbiter);
	arbiter_owner_gone(stage_arbiter, &stage_bob, stage_now_ms);
	expect_news(&seen);
}
END_TEST

/* The one under it has been told to stop before. */
START_TEST(the_table_shows_that_it_lingers)
{
	uint64_t outer = stage_get(&stage_alice, SCAN);
	uint64_t inner = under(&stage_worker, SCAN, outer);
	uint64_t seen;
	bool is_wanted;

	stage_pass(5000);
	(void)renew_scan(outer, &is_wanted);
	stage_pass(5000);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, inner);
	seen = arbiter_changes(stage_arbiter);
	stage_release(&stage_alice, outer);
	stage_expect_nothing();
	expect_news(&seen);
}
END_TEST

/* --- under a grant that ends --- */

/* Whatever their places in the arbiter's memory are: here the inner grant has the first one. */
static uint64_t inner_before_outer(uint64_t *out_inner)
{
	uint64_t first = stage_get(&stage_bob, DEVICE2);
	uint64_t outer = stage_get(&stage_alice, "scan:hci1");

	stage_release(&stage_bob, first);
	*out_inner = under(&stage_worker, "scan:hci1", outer);
	return outer;
}

START_TEST(released_it_lingers_until_the_other_has_stopped)
{
	uint64_t inner;
	uint64_t outer = inner_before_outer(&inner);
	struct stage_said said;

	(void)stage_wait_for(&stage_bob, "scan:hci1");
	stage_release(&stage_alice, outer);
	said = stage_expect(SAID_REVOKED);
	ck_assert_uint_eq(said.grant, inner);
	ck_assert_uint_eq(said.adapter, 1);
	stage_expect_nothing();
	/* Its death is a way to stop. */
	arbiter_owner_gone(stage_arbiter, &stage_worker, stage_now_ms);
	ck_assert_ptr_eq(stage_expect(SAID_GRANTED).owner, &stage_bob);
}
END_TEST

START_TEST(lost_it_takes_all_under_it_along)
{
	uint64_t inner;
	uint64_t outer = inner_before_outer(&inner);
	uint64_t innermost = under(&stage_worker, "scan:hci1", inner);
	uint32_t waits = stage_ask(&stage_bob, "scan:hci1", SLOTQ_SCAN, LONG_MS, outer);
	struct stage_said said;
	unsigned n_refused = 0;
	unsigned n_revoked = 0;

	(void)stage_wait_for(&stage_bob, "scan:hci1");
	stage_expect_nothing();
	arbiter_owner_gone(stage_arbiter, &stage_alice, stage_now_ms);
	for (said = stage_said(); said.what != SAID_GRANTED; said = stage_said()) {
		ck_assert_int_ne(said.what, SAID_NOTHING);
		n_refused += said.what == SAID_REFUSED && said.id == waits;
		n_revoked += said.what == SAID_REVOKED && said.owner == &stage_worker &&
			     (said.grant == inner || said.grant == innermost);
	}
	ck_assert_uint_eq(n_refused, 1);
	ck_assert_uint_eq(n_revoked, 2);
	ck_assert_ptr_eq(said.owner, &stage_bob);
	stage_pass(20);
	stage_expect_nothing();
}
END_TEST

START_TEST(lost_while_one_under_it_connects_it_is_dirty)
{
	uint64_t outer = stage_get(&stage_alice, "maintenance:hci0");
	struct stage_said said;

	(void)under(&stage_worker, CONNECT " " DEVICE, outer);
	(void)stage_wait_for(&stage_bob, CONNECT);
	arbiter_owner_gone(stage_arbiter, &stage_alice, stage_now_ms);
	(void)stage_expect(SAID_REVOKED);
	said = stage_expect(SAID_DIRTY);
	ck_assert_uint_eq(said.grant, outer);
	ck_assert_uint_eq(said.adapter, 0);
	ck_assert_uint_eq(said.address, ADDRESS);
	stage_expect_nothing();
	arbiter_clean(stage_arbiter, outer, stage_now_ms);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_device_is_on_no_adapter_and_is_not_cleaned)
{
	uint64_t grant = stage_get(&stage_alice, DEVICE);

	(void)stage_wait_for(&stage_bob, DEVICE);
	arbiter_clean(stage_arbiter, grant, stage_now_ms); /* it is held, and no dirt */
	stage_expect_nothing();
	stage_pass(10000);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).adapter, RESOURCE_ADAPTERS_MAX);
}
END_TEST

/* --- without grace, and with next to none --- */

static void start_with_grace(uint32_t grace_ms)
{
	stage_reset();
	stage_config.limits.grace_ms = grace_ms;
	stage_start();
}

START_TEST(without_grace_it_is_over_at_once)
{
	uint64_t outer;
	struct stage_said said;

	start_with_grace(0);
	outer = stage_get(&stage_alice, CONNECT);
	(void)under(&stage_worker, CONNECT, outer);
	(void)stage_wait_for(&stage_bob, CONNECT);
	stage_release(&stage_alice, outer);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grace_ms, 0);
	/* Nobody said to which device it connects. */
	said = stage_expect(SAID_DIRTY);
	ck_assert_uint_eq(said.grant, outer);
	ck_assert_uint_eq(said.address, 0);
	stage_expect_nothing();
	stage_pass(2000);
	(void)stage_expect(SAID_GRANTED);
	stage_end();
}
END_TEST

START_TEST(without_grace_a_lease_ends_as_a_whole)
{
	uint64_t outer;
	uint64_t inner;

	start_with_grace(0);
	outer = stage_get(&stage_alice, SCAN);
	stage_pass(1);
	inner = under(&stage_worker, SCAN, outer);
	(void)stage_wait_for(&stage_bob, SCAN);
	stage_pass(9999);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, outer);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, inner);
	(void)stage_expect(SAID_GRANTED);
	stage_expect_nothing();
	stage_end();
}
END_TEST

START_TEST(a_millisecond_is_a_grace)
{
	uint64_t outer;
	uint64_t inner;

	start_with_grace(1);
	outer = stage_get(&stage_alice, SCAN);
	stage_pass(5000);
	inner = under(&stage_worker, SCAN, outer);
	stage_pass(5000);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, inner);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, outer);
	stage_release(&stage_worker, inner);
	stage_release(&stage_alice, outer);
	outer = stage_get(&stage_alice, SCAN);
	inner = under(&stage_worker, SCAN, outer);
	(void)stage_wait_for(&stage_bob, SCAN);
	stage_release(&stage_alice, outer);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grace_ms, 1);
	stage_expect_nothing();
	stage_release(&stage_worker, inner);
	(void)stage_expect(SAID_GRANTED);
	stage_end();
}
END_TEST

/* It does not stop, and does not connect either: its grace is the end, whichever is looked at
 * first. */
START_TEST(what_lingers_and_is_no_connect_is_free_after_its_grace)
{
	struct stage_said said;
	uint64_t inner;
	uint64_t outer;

	if (_i == 0) {
		outer = inner_before_outer(&inner);
	} else {
		outer = stage_get(&stage_alice, "scan:hci1");
		inner = under(&stage_worker, "scan:hci1", outer);
	}
	(void)stage_wait_for(&stage_bob, "scan:hci1");
	stage_release(&stage_alice, outer);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grant, inner);
	stage_pass(499);
	stage_expect_nothing();
	stage_pass(1);
	for (said = stage_said(); said.what != SAID_GRANTED; said = stage_said()) {
		ck_assert_int_ne(said.what, SAID_NOTHING);
		ck_assert_int_ne(said.what, SAID_DIRTY);
	}
	ck_assert_ptr_eq(said.owner, &stage_bob);
}
END_TEST

START_TEST(nobody_knows_what_a_connect_without_a_device_connects_to)
{
	(void)stage_get(&stage_worker, CONNECT);
	arbiter_owner_gone(stage_arbiter, &stage_worker, stage_now_ms);
	ck_assert_uint_eq(stage_expect(SAID_DIRTY).address, 0);
}
END_TEST

Suite *suite_lease_end(void);
Suite *suite_lease_end(void)
{
	const TTest *const tests[] = {
		a_program_outside_is_one_that_waits,
		one_that_waits_for_something_else_wants_nothing_of_it,
		a_millisecond_is_a_lease,
		the_table_shows_each_change,
		the_table_shows_that_it_lingers,
		released_it_lingers_until_the_other_has_stopped,
		lost_it_takes_all_under_it_along,
		lost_while_one_under_it_connects_it_is_dirty,
		a_device_is_on_no_adapter_and_is_not_cleaned,
		nobody_knows_what_a_connect_without_a_device_connects_to,
	};
	const TTest *const others[] = {
		without_grace_it_is_over_at_once,
		without_grace_a_lease_ends_as_a_whole,
		a_millisecond_is_a_grace,
	};
	Suite *suite = suite_create("lease_end");
	TCase *tc = tcase_create("staged");
	TCase *own = tcase_create("own_grace");
	size_t i;

	tcase_add_checked_fixture(tc, stage_set_up, stage_end);
	for (i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, what_lingers_and_is_no_connect_is_free_after_its_grace, 0, 2);
	suite_add_tcase(suite, tc);
	for (i = 0; i < ARRAY_LEN(others); i++)
		tcase_add_test(own, others[i]);
	suite_add_tcase(suite, own);
	return suite;
}
