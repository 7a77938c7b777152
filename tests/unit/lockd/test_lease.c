/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long grants last, what dead and disobedient holders leave, and limits. */
#include "tests/support/runner.h"
#include "tests/unit/lockd/stage.h"

#include <string.h>

static int renew(struct arbiter_owner *owner, uint64_t grant, uint32_t *out_lease_ms,
		 bool *out_is_wanted)
{
	return arbiter_renew(stage_arbiter, owner, grant, stage_now_ms, out_lease_ms,
			     out_is_wanted);
}

/* --- leases --- */

START_TEST(a_lease_ends_with_a_word_and_then_without)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);
	struct stage_said said;
	uint32_t id = stage_wait_for(&stage_bob, SCAN);

	stage_pass(9999);
	stage_expect_nothing();
	stage_pass(1);
	said = stage_expect(SAID_REVOKED);
	ck_assert_uint_eq(said.grant, grant);
	ck_assert_uint_eq(said.grace_ms, 500);
	ck_assert_int_eq(said.reason, ARBITER_EXPIRED);
	stage_pass(499);
	stage_expect_nothing();
	ck_assert(!stage_is_free("bleak-cm-hci0-scan.lock"));
	stage_pass(1);
	ck_assert_uint_eq(stage_expect(SAID_OVERDUE).grant, grant);
	ck_assert_uint_eq(stage_expect(SAID_REVOKED).grace_ms, 0);
	said = stage_expect(SAID_GRANTED);
	ck_assert_uint_eq(said.id, id);
	ck_assert_uint_gt(said.grant, grant);
	/* What it does with its old number now is refused. */
	ck_assert_int_eq(arbiter_release(stage_arbiter, &stage_alice, grant, stage_now_ms),
			 ARBITER_UNKNOWN);
}
END_TEST

START_TEST(one_that_obeys_is_not_overdue)
{
	uint64_t grant = stage_get(&stage_alice, CONNECT);

	(void)stage_wait_for(&stage_bob, CONNECT);
	stage_pass(10100);
	(void)stage_expect(SAID_REVOKED);
	stage_release(&stage_alice, grant);
	(void)stage_expect(SAID_GRANTED);
	stage_pass(5000);
	stage_expect_nothing();
}
END_TEST

START_TEST(renewed_for_ever_while_nobody_waits)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);
	uint32_t lease_ms = 0;
	bool is_wanted = true;
	int i;

	for (i = 0; i < 100; i++) {
		stage_pass(5000);
		ck_assert_int_eq(renew(&stage_alice, grant, &lease_ms, &is_wanted), 0);
		ck_assert_uint_eq(lease_ms, 10000);
		ck_assert(!is_wanted);
	}
	stage_expect_nothing();
}
END_TEST

START_TEST(nobody_keeps_it_for_ever_from_others)
{
	uint64_t began_ms = stage_now_ms;
	uint64_t grant = stage_get(&stage_alice, SCAN);
	uint32_t id = stage_wait_for(&stage_bob, SCAN);
	struct stage_said said;
	uint32_t lease_ms = 0;
	bool is_wanted = false;

	while (renew(&stage_alice, grant, &lease_ms, &is_wanted) == 0) {
		ck_assert(is_wanted);
		ck_assert_uint_lt(stage_now_ms, began_ms + 80000);
		stage_pass(1000);
	}
	(void)stage_expect(SAID_REVOKED);
	ck_assert_uint_ge(stage_now_ms - began_ms, 60000);
	ck_assert_uint_le(stage_now_ms - began_ms, 71000);
	stage_pass(1000);
	(void)stage_expect(SAID_OVERDUE);
	(void)stage_expect(SAID_REVOKED);
	said = stage_expect(SAID_GRANTED);
	ck_assert_uint_eq(said.id, id);
}
END_TEST

START_TEST(no_longer_than_asked_for_or_its_class_allows)
{
	struct arbiter_request request = { .id = 1,
					   .class = SLOTQ_CONNECT,
					   .max_hold_ms = 700,
					   .set = { 1, { { RESOURCE_SCAN, 0 } } } };

	ck_assert_int_eq(arbiter_acquire(stage_arbiter, &stage_alice, &request, stage_now_ms), 0);
	ck_assert_uint_eq(stage_expect(SAID_GRANTED).lease_ms, 700);
	request = (struct arbiter_request){ .id = 2,
					    .class = SLOTQ_RECOVERY,
					    .max_hold_ms = 3600000,
					    .set = { 1, { { RESOURCE_CONNECT, 0 } } } };
	ck_assert_int_eq(arbiter_acquire(stage_arbiter, &stage_worker, &request, stage_now_ms), 0);
	ck_assert_uint_eq(stage_expect(SAID_GRANTED).lease_ms, 5000);
}
END_TEST

START_TEST(only_the_holder_renews)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);
	uint32_t lease_ms;
	bool is_wanted;

	ck_assert_int_eq(renew(&stage_bob, grant, &lease_ms, &is_wanted), ARBITER_UNKNOWN);
	ck_assert_int_eq(renew(&stage_alice, grant + 1, &lease_ms, &is_wanted), ARBITER_UNKNOWN);
	ck_assert_int_eq(renew(&stage_alice, 0, &lease_ms, &is_wanted), ARBITER_UNKNOWN);
	stage_pass(10000);
	(void)stage_expect(SAID_REVOKED);
	ck_assert_int_eq(renew(&stage_alice, grant, &lease_ms, &is_wanted), ARBITER_UNKNOWN);
}
END_TEST

/* --- dirty grants --- */

START_TEST(a_dead_connect_stays_until_it_is_clean)
{
	uint64_t grant = stage_get(&stage_worker, CONNECT " " DEVICE);
	struct stage_said said;

	(void)stage_wait_for(&stage_bob, CONNECT);
	arbiter_owner_gone(stage_arbiter, &stage_worker, stage_now_ms);
	said = stage_expect(SAID_DIRTY);
	ck_assert_uint_eq(said.grant, grant);
	ck_assert_uint_eq(said.adapter, 0);
	ck_assert_uint_eq(said.address, ADDRESS);
	stage_pass(100);
	stage_expect_nothing();
	ck_assert(!stage_is_free(SLOT0));
	arbiter_clean(stage_arbiter, grant + 1, stage_now_ms);
	stage_expect_nothing();
	arbiter_clean(stage_arbiter, grant, stage_now_ms);
	(void)stage_expect(SAID_GRANTED);
	/* Once is enough. */
	arbiter_clean(stage_arbiter, grant, stage_now_ms);
	stage_pass(5000);
	stage_expect_nothing();
}
END_TEST

START_TEST(nobody_waits_for_clean_for_more_than_two_seconds)
{
	(void)stage_get(&stage_worker, CONNECT);
	(void)stage_wait_for(&stage_bob, CONNECT);
	arbiter_owner_gone(stage_arbiter, &stage_worker, stage_now_ms);
	(void)stage_expect(SAID_DIRTY);
	stage_pass(1999);
	stage_expect_nothing();
	stage_pass(1);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_dead_scan_is_clean)
{
	(void)stage_get(&stage_worker, SCAN " " DEVICE);
	(void)stage_wait_for(&stage_bob, SCAN);
	arbiter_owner_gone(stage_arbiter, &stage_worker, stage_now_ms);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_revoked_connect_is_dirty_too)
{
	uint64_t grant = stage_get(&stage_alice, CONNECT);

	(void)stage_wait_for(&stage_bob, CONNECT);
	stage_pass(10500);
	(void)stage_expect(SAID_REVOKED);
	(void)stage_expect(SAID_OVERDUE);
	(void)stage_expect(SAID_REVOKED);
	ck_assert_uint_eq(stage_expect(SAID_DIRTY).grant, grant);
	stage_expect_nothing();
	arbiter_clean(stage_arbiter, grant, stage_now_ms);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(dirt_goes_with_its_adapter)
{
	(void)stage_get(&stage_worker, CONNECT " " DEVICE);
	arbiter_owner_gone(stage_arbiter, &stage_worker, stage_now_ms);
	(void)stage_expect(SAID_DIRTY);
	arbiter_adapter_lost(stage_arbiter, 0, stage_now_ms);
	stage_expect_nothing();
	(void)stage_get(&stage_bob, "connect:hci1 " DEVICE);
}
END_TEST

/* --- limits --- */

START_TEST(one_user_has_a_limit_whatever_the_number_of_its_programs)
{
	struct arbiter_owner second = stage_alice;
	struct stage_said said;
	int i;

	for (i = 0; i < 4; i++) {
		(void)stage_wait_for(&stage_alice, CONNECT);
		(void)stage_wait_for(&second, SCAN);
	}
	(void)stage_expect(SAID_GRANTED);
	(void)stage_expect(SAID_GRANTED);
	stage_expect_nothing();
	(void)stage_wait_for(&second, DEVICE);
	said = stage_expect(SAID_REFUSED);
	ck_assert_int_eq(said.reason, ARBITER_LIMIT);
	ck_assert_ptr_nonnull(strstr(said.text, "user 1001"));
	(void)stage_get(&stage_bob, DEVICE);
	/* And gets it back. */
	arbiter_owner_gone(stage_arbiter, &second, stage_now_ms);
	(void)stage_get(&stage_alice, DEVICE2);
}
END_TEST

START_TEST(an_adapter_that_is_none_is_said)
{
	bool exists[RESOURCE_ADAPTERS_MAX] = { [0] = true, [2] = true };
	struct stage_said said;

	(void)stage_get(&stage_alice, "scan:hci7");
	arbiter_set_adapters(stage_arbiter, exists, 0);
	(void)stage_wait_for(&stage_alice, "connect:hci1");
	said = stage_expect(SAID_REFUSED);
	ck_assert_int_eq(said.reason, ARBITER_ADAPTER_GONE);
	ck_assert_ptr_nonnull(strstr(said.text, "no adapter hci1; there is hci0 hci2"));
	(void)stage_get(&stage_alice, "connect:hci2");
}
END_TEST

Suite *suite_lease(void);
Suite *suite_lease(void)
{
	const TTest *const tests[] = {
		a_lease_ends_with_a_word_and_then_without,
		one_that_obeys_is_not_overdue,
		renewed_for_ever_while_nobody_waits,
		nobody_keeps_it_for_ever_from_others,
		no_longer_than_asked_for_or_its_class_allows,
		only_the_holder_renews,
		a_dead_connect_stays_until_it_is_clean,
		nobody_waits_for_clean_for_more_than_two_seconds,
		a_dead_scan_is_clean,
		a_revoked_connect_is_dirty_too,
		dirt_goes_with_its_adapter,
		one_user_has_a_limit_whatever_the_number_of_its_programs,
		an_adapter_that_is_none_is_said,
	};
	Suite *suite = suite_create("lease");
	TCase *tc = tcase_create("lease");
	size_t i;

	tcase_add_checked_fixture(tc, stage_set_up, stage_end);
	for (i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return suite;
}
