/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Beside programs outside: how many slots are kept from them, and when one is left to them. */
#include "tests/support/runner.h"
#include "tests/unit/lockd/stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SLOT1	       "bleak-cm-hci0-slot-1.lock"
#define SLOT2	       "bleak-cm-hci0-slot-2.lock"
#define ALIAS0	       "bleak-cm-default-slot-0.lock"
#define ALIAS1	       "bleak-cm-default-slot-1.lock"
#define SCANFILE       "bleak-cm-hci0-scan.lock"
#define ALIAS_SCANFILE "bleak-cm-default-scan.lock"

static bool has_default; /* hci0 is also the outsiders' `default` */

static void set_default(void)
{
	bool exists[RESOURCE_ADAPTERS_MAX] = { [0] = true, [1] = true };

	arbiter_set_adapters(stage_arbiter, exists, 0);
	has_default = true;
}

/* What outsiders with max_slots 2 do: the first that is free, of one name or the other. */
static int outsider_connect(const char **out_name)
{
	static const char *const names[] = { SLOT0, SLOT1, ALIAS0, ALIAS1 };
	size_t i;
	int fd = -EBADF;

	for (i = 0; i < (has_default ? 4 : 2) && fd < 0; i++) {
		fd = stage_outsider_try(names[i]);
		*out_name = names[i];
	}
	return fd;
}

START_TEST(one_connect_of_ours_leaves_them_none)
{
	uint64_t grant = stage_get(&stage_alice, CONNECT);
	const char *name = SLOT0;
	int fd;

	ck_assert_int_lt(outsider_connect(&name), 0);
	stage_release(&stage_alice, grant);
	fd = outsider_connect(&name);
	ck_assert_int_ge(fd, 0);
	/* And while one of theirs connects, none of ours does, though a slot is free; it is kept.
	 */
	ck_assert(stage_is_free(SLOT1));
	(void)stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, LONG_MS, 0);
	stage_expect_nothing();
	ck_assert(!stage_is_free(SLOT1));
	stage_outsider_close(fd, name);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

/* For every count of ours and theirs, ours and theirs together never exceed ours. */
START_TEST(together_they_never_exceed_the_count)
{
	uint32_t count = (uint32_t)_i % 4 + 1;
	uint64_t grants[8] = { 0 };
	uint32_t ours = 0;
	uint32_t theirs = 0;
	uint32_t most;
	uint32_t i;
	const char *name = SLOT0;
	int fds[8];

	stage_config.counts.of[RESOURCE_CONNECT] = count;
	stage_config.limits.foreign_yield_ms = 0;
	stage_start();
	if (_i >= 4)
		set_default();
	for (i = 0; i < count; i++) {
		grants[ours] = stage_get(&stage_alice, CONNECT);
		ours++;
		if (i + 1 == (count + 1) / 2)
			break;
	}
	for (;;) {
		fds[theirs] = outsider_connect(&name);
		if (fds[theirs] < 0)
			break;
		theirs++;
		ck_assert_uint_lt(theirs, 8);
	}
	ck_assert_uint_le(ours + theirs, count);
	/* And not less than they could have: all is used. */
	most = has_default ? 4 : 2;
	ck_assert_uint_eq(theirs, count - ours < most ? count - ours : most);
	while (ours + theirs < count) {
		grants[ours] = stage_get(&stage_alice, CONNECT);
		ours++;
	}
	(void)stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, 0, 0);
	(void)stage_expect(SAID_TIMED_OUT);
	for (i = 0; i < ours; i++)
		stage_release(&stage_alice, grants[i]);
	for (i = 0; i < theirs; i++)
		stage_outsider_close(fds[i], SLOT0);
	ck_assert(stage_is_free(SLOT0) && stage_is_free(SLOT1) && stage_is_free(SLOT2));
}
END_TEST

START_TEST(default_is_the_default_adapter)
{
	uint64_t grant;
	int fd;

	set_default();
	grant = stage_get(&stage_alice, CONNECT);
	ck_assert(!stage_is_free(ALIAS0) && !stage_is_free(ALIAS1));
	stage_release(&stage_alice, grant);
	ck_assert(stage_is_free(ALIAS0) && stage_is_free(ALIAS1));
	fd = stage_outsider_try(ALIAS1);
	(void)stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, 0, 0);
	(void)stage_expect(SAID_TIMED_OUT);
	grant = stage_get(&stage_alice, "connect:hci1");
	ck_assert(!stage_is_free("bleak-cm-hci1-slot-0.lock"));
	stage_outsider_close(fd, ALIAS1);
	stage_release(&stage_alice, grant);
	(void)stage_get(&stage_alice, SCAN);
	ck_assert(!stage_is_free(SCANFILE) && !stage_is_free(ALIAS_SCANFILE));
}
END_TEST

START_TEST(a_lock_that_goes_after_its_close_is_seen_soon)
{
	int fd = stage_outsider_try(SCANFILE);

	(void)stage_ask(&stage_alice, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	stage_expect_nothing();
	/* The kernel tells of the close before it drops the lock. */
	arbiter_outside(stage_arbiter, SCANFILE, ARBITER_FILE_CLOSED, stage_now_ms);
	stage_expect_nothing();
	(void)close(fd);
	stage_pass(1);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(a_lock_that_goes_without_a_close_is_seen_in_a_second)
{
	int fd = stage_outsider_try(SCANFILE);

	(void)stage_ask(&stage_alice, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	(void)close(fd);
	stage_pass(999);
	stage_expect_nothing();
	stage_pass(1);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

/* --- their turn --- */

START_TEST(one_that_tried_in_vain_has_its_turn)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);
	uint32_t id;
	int fd;

	stage_pass(10);
	ck_assert_int_lt(stage_outsider_try(SCANFILE), 0);
	stage_pass(10);
	id = stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	stage_release(&stage_alice, grant);
	/* Bob came later than the program outside: the file is left free. */
	stage_expect_nothing();
	stage_pass(150);
	stage_expect_nothing();
	fd = stage_outsider_try(SCANFILE);
	ck_assert_int_ge(fd, 0);
	stage_pass(1000);
	stage_expect_nothing();
	stage_outsider_close(fd, SCANFILE);
	ck_assert_uint_eq(stage_expect(SAID_GRANTED).id, id);
}
END_TEST

START_TEST(a_turn_that_is_not_taken_ends)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);

	ck_assert_int_lt(stage_outsider_try(SCANFILE), 0);
	stage_pass(10);
	(void)stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	stage_release(&stage_alice, grant);
	stage_pass(199);
	stage_expect_nothing();
	stage_pass(1);
	grant = stage_expect(SAID_GRANTED).grant;
	/* And does not come back by itself. */
	(void)stage_ask(&stage_alice, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	stage_release(&stage_bob, grant);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

START_TEST(those_who_were_first_go_first)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);
	uint32_t id = stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, 0);

	stage_pass(10);
	ck_assert_int_lt(stage_outsider_try(SCANFILE), 0);
	stage_pass(10);
	stage_release(&stage_alice, grant);
	ck_assert_uint_eq(stage_expect(SAID_GRANTED).id, id);
}
END_TEST

START_TEST(recovery_waits_for_nobody_outside)
{
	uint64_t grant = stage_get(&stage_alice, SCAN);

	ck_assert_int_lt(stage_outsider_try(SCANFILE), 0);
	stage_pass(10);
	(void)stage_ask(&stage_worker, "maintenance:hci0", SLOTQ_RECOVERY, LONG_MS, 0);
	stage_release(&stage_alice, grant);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

/* Ours saturate the adapter; the outsider polls every 150 ms, as the Python programs do. */
START_TEST(it_does_not_starve)
{
	uint64_t grant = stage_get(&stage_alice, CONNECT);
	uint64_t end_ms = stage_now_ms + 20000;
	unsigned got = 0;
	unsigned i = 0;
	const char *name = SLOT0;
	int fd = -EBADF;
	struct stage_said said;

	(void)stage_ask(&stage_bob, CONNECT, SLOTQ_CONNECT, LONG_MS, 0);
	(void)stage_ask(&stage_bob, CONNECT, SLOTQ_CONNECT, LONG_MS, 0);
	for (; stage_now_ms < end_ms; i++) {
		stage_pass(10);
		if (fd >= 0) {
			stage_outsider_close(fd, name);
			fd = -EBADF;
		} else if (i % 15 == 0) {
			fd = outsider_connect(&name);
			got += fd >= 0;
		}
		if (grant != 0 && i % 2 == 0) {
			(void)!arbiter_release(stage_arbiter, &stage_alice, grant, stage_now_ms);
			(void)!arbiter_release(stage_arbiter, &stage_bob, grant, stage_now_ms);
			grant = 0;
		}
		while ((said = stage_said()).what == SAID_GRANTED) {
			ck_assert_uint_eq(grant, 0);
			grant = said.grant;
			(void)stage_ask(&stage_bob, CONNECT, SLOTQ_CONNECT, LONG_MS, 0);
		}
	}
	ck_assert_uint_ge(got, 20);
}
END_TEST

/*
 * Two outsiders that have a slot each nearly all the time, never away both at once. Nobody tries
 * in vain, so none of them need be waited for: ours has its turn when both have given back once.
 */
static unsigned beside_two(const char *ours)
{
	static const char *const names[] = { SLOT0, SLOT1 };
	uint64_t end_ms = stage_now_ms + 20000;
	int fds[] = { -EBADF, -EBADF };
	unsigned grants = 0;
	unsigned i;

	(void)stage_ask(&stage_alice, ours, SLOTQ_CONNECT, LONG_MS, 0);
	stage_release(&stage_alice, stage_expect(SAID_GRANTED).grant);
	fds[1] = stage_outsider_try(SLOT1);
	(void)stage_ask(&stage_alice, ours, SLOTQ_CONNECT, LONG_MS, 0);
	for (i = 0; stage_now_ms < end_ms; i++) {
		unsigned which = i / 10 % 2;
		struct stage_said said;

		/* Each holds for 190 ms, and is away for 10. */
		if (i % 10 == 0 && fds[which] >= 0) {
			stage_outsider_close(fds[which], names[which]);
			fds[which] = -EBADF;
		} else if (i % 10 == 1) {
			fds[which] = stage_outsider_try(names[which]);
		}
		stage_pass(10);
		said = stage_said();
		if (said.what != SAID_GRANTED)
			continue;
		grants++;
		stage_release(&stage_alice, said.grant);
		(void)stage_ask(&stage_alice, ours, SLOTQ_CONNECT, LONG_MS, 0);
	}
	for (i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			stage_outsider_close(fds[i], names[i]);
	return grants;
}

START_TEST(ours_do_not_starve)
{
	/* Each of them gives back fifty times meanwhile. */
	ck_assert_uint_ge(beside_two(CONNECT), 20);
}
END_TEST

/*
 * An attempt by hci1 takes its time, and a worker waits to try the same peripheral by hci0: that
 * leaves hci0 neither idle nor to the outsider.
 */
START_TEST(a_device_elsewhere_leaves_no_radio_to_them)
{
	uint64_t end_ms = stage_now_ms + 8000;
	struct {
		unsigned ours, theirs;
	} turns = { 0 };
	struct stage_said said = { 0 };
	const char *name = SLOT0;
	int fd = -EBADF;
	unsigned i;

	(void)stage_get(&stage_bob, DEVICE " connect:hci1");
	(void)stage_wait_for(&stage_worker, DEVICE " " CONNECT);
	(void)stage_wait_for(&stage_alice, CONNECT);
	for (i = 0; stage_now_ms < end_ms; i++) {
		if (fd >= 0 && i % 15 == 5) {
			stage_outsider_close(fd, name);
			fd = -EBADF;
		} else if (i % 15 == 0) {
			fd = outsider_connect(&name);
			turns.theirs += fd >= 0;
		}
		stage_pass(10);
		if (said.what == SAID_GRANTED) {
			stage_release(&stage_alice, said.grant);
			(void)stage_wait_for(&stage_alice, CONNECT);
		}
		said = stage_said();
		turns.ours += said.what == SAID_GRANTED;
	}
	ck_assert_uint_ge(turns.theirs, 10);
	ck_assert_uint_ge(turns.ours, turns.theirs);
}
END_TEST

/* What is kept for one that waits is kept no longer. */
START_TEST(nothing_is_kept_for_nobody)
{
	int fd = stage_outsider_try(SLOT1);
	uint32_t id = stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, 500, 0);

	ck_assert(!stage_is_free(SLOT0));
	if (_i == 0) {
		ck_assert_int_eq(arbiter_cancel(stage_arbiter, &stage_alice, id, stage_now_ms), 0);
	} else if (_i == 1) {
		stage_pass(500);
		(void)stage_expect(SAID_TIMED_OUT);
	} else {
		arbiter_owner_gone(stage_arbiter, &stage_alice, stage_now_ms);
	}
	ck_assert(stage_is_free(SLOT0));
	/* Though others wait for something else; and for one that does not wait at all. */
	(void)stage_get(&stage_bob, SCAN);
	(void)stage_ask(&stage_bob, SCAN, SLOTQ_SCAN, LONG_MS, 0);
	(void)stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, 0, 0);
	(void)stage_expect(SAID_TIMED_OUT);
	ck_assert(stage_is_free(SLOT0));
	(void)close(fd);
}
END_TEST

/* It is not kept from a program outside whose turn it is. */
START_TEST(what_is_kept_is_left_for_a_turn)
{
	uint64_t grant = stage_get(&stage_alice, CONNECT);
	int fd;

	ck_assert_int_lt(stage_outsider_try(SLOT0), 0);
	ck_assert_int_lt(stage_outsider_try(SLOT1), 0);
	stage_pass(10);
	(void)stage_ask(&stage_bob, CONNECT, SLOTQ_CONNECT, LONG_MS, 0);
	stage_release(&stage_alice, grant);
	stage_pass(10);
	fd = stage_outsider_try(SLOT0);
	ck_assert_int_ge(fd, 0);
	ck_assert(stage_is_free(SLOT1));
	stage_pass(1000);
	/* That turn is over: now it is Bob's. */
	ck_assert(!stage_is_free(SLOT1));
	stage_expect_nothing();
	stage_outsider_close(fd, SLOT0);
	(void)stage_expect(SAID_GRANTED);
}
END_TEST

/* --- where we may not make files --- */

static void setup_unwritable(void)
{
	stage_reset();
	stage_make_own_dir();
	stage_start();
	ck_assert_int_eq(fchown(stage_own_fd, 65534, 65534), 0);
	ck_assert_int_eq(fchmod(stage_dir_fd, 0755), 0);
	ck_assert_int_eq(setegid(65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
}

static void teardown_unwritable(void)
{
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	stage_end();
}

START_TEST(missing_files_are_locked_in_our_own_directory)
{
	uint64_t grant = stage_get(&stage_alice, CONNECT);

	ck_assert_int_lt(faccessat(stage_dir_fd, SLOT0, F_OK, 0), 0);
	ck_assert_int_eq(faccessat(stage_own_fd, SLOT0, F_OK, AT_EACCESS), 0);
	(void)stage_ask(&stage_bob, CONNECT, SLOTQ_CONNECT, 0, 0);
	(void)stage_expect(SAID_TIMED_OUT);
	/* A program outside makes the file while we hold: it is locked before that program can. */
	ck_assert_int_eq(seteuid(0), 0);
	(void)close(openat(stage_dir_fd, SLOT0, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	ck_assert_int_eq(seteuid(65534), 0);
	arbiter_outside(stage_arbiter, SLOT0, ARBITER_FILE_MADE, stage_now_ms);
	ck_assert(!stage_is_free(SLOT0));
	stage_release(&stage_alice, grant);
	ck_assert(stage_is_free(SLOT0));
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_no_missing_one)
{
	struct stage_said said;

	ck_assert_int_eq(seteuid(0), 0);
	(void)close(openat(stage_dir_fd, SLOT0, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	(void)close(openat(stage_dir_fd, SLOT1, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	ck_assert_int_eq(seteuid(65534), 0);
	(void)stage_ask(&stage_alice, CONNECT, SLOTQ_CONNECT, LONG_MS, 0);
	said = stage_expect(SAID_REFUSED);
	ck_assert_int_eq(said.reason, ARBITER_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(said.text, "may not be read"));
}
END_TEST

Suite *suite_foreign(void);
Suite *suite_foreign(void)
{
	const TTest *const tests[] = {
		one_connect_of_ours_leaves_them_none,
		default_is_the_default_adapter,
		a_lock_that_goes_after_its_close_is_seen_soon,
		a_lock_that_goes_without_a_close_is_seen_in_a_second,
		one_that_tried_in_vain_has_its_turn,
		a_turn_that_is_not_taken_ends,
		those_who_were_first_go_first,
		recovery_waits_for_nobody_outside,
		it_does_not_starve,
		ours_do_not_starve,
		a_device_elsewhere_leaves_no_radio_to_them,
		what_is_kept_is_left_for_a_turn,
	};
	Suite *suite = suite_create("foreign");
	TCase *tc = tcase_create("foreign");
	TCase *counts = tcase_create("counts");
	TCase *unwritable = tcase_create("unwritable");
	size_t i;

	tcase_add_checked_fixture(tc, stage_set_up, stage_end);
	for (i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, nothing_is_kept_for_nobody, 0, 3);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(counts, stage_reset, stage_end);
	tcase_add_loop_test(counts, together_they_never_exceed_the_count, 0, 8);
	suite_add_tcase(suite, counts);
	if (geteuid() == 0) {
		tcase_add_checked_fixture(unwritable, setup_unwritable, teardown_unwritable);
		tcase_add_test(unwritable, missing_files_are_locked_in_our_own_directory);
		tcase_add_test(unwritable, a_file_that_may_not_be_read_is_no_missing_one);
	}
	suite_add_tcase(suite, unwritable);
	return suite;
}
