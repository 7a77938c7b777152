/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd is killed and started again: holders keep their locks and hand them back. */
#include "tests/unit/lockd/rig.h"

#include "tests/support/runner.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define CONNECT	  "connect:hci0"
#define DEVICE	  "device:C0:AA:BB:00:00:01"
#define SLOT0	  "bleak-cm-hci0-slot-0.lock"
#define SCAN_FILE "bleak-cm-hci0-scan.lock"
#define GRANTED	  BH__LOCK__TYPE__GRANTED
#define TIMED_OUT BH__LOCK__TYPE__TIMED_OUT
#define REVOKED	  BH__LOCK__TYPE__REVOKED

enum { LONG_MS = 60000 };

static struct rig rig;
static struct chan *a;
static struct chan *b;
static struct rig_answer held; /* a's grant, before the restart */

static void ask(struct chan *chan, uint32_t id, uint32_t timeout_ms, const char *name)
{
	rig_acquire(chan, &(struct rig_request){ id, 0, timeout_ms, { name } });
}

static void restart(void)
{
	rig_kill_lockd(&rig);
	a = chan_free(a);
	b = chan_free(b);
	rig_start_lockd(&rig);
	a = rig_peer(&rig, "a", false);
	b = rig_peer(&rig, "b", false);
}

/* a holds connect:hci0, lockd dies, another comes. */
static void setup(void)
{
	rig_start(&rig, 1);
	a = rig_peer(&rig, "a", false);
	ask(a, 1, 0, CONNECT);
	rig_wait(&rig, a, &held);
	ck_assert_uint_eq(held.type, GRANTED);
	restart();
}

static void teardown(void)
{
	rig_close_fds(&held);
	a = chan_free(a);
	b = chan_free(b);
	rig_stop(&rig);
}

START_TEST(a_grant_is_handed_back)
{
	int rounds;

	for (rounds = 0; rounds < 200; rounds++) {
		ck_assert(!rig_is_lockable(&rig, SLOT0));
		rig_held(a, held.grant, CONNECT, held.fds, held.n_fds);
		rig_held(a, held.grant, CONNECT, held.fds, held.n_fds); /* the second is ignored */
		rig_expect_silence(&rig, a);
		ask(b, 1, LONG_MS, CONNECT);
		rig_expect_silence(&rig, b);
		restart(); /* killed again with holder and waiter */
	}
	rig_held(a, held.grant, CONNECT, held.fds, held.n_fds);
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	/* a keeps its duplicate: the new lockd unlocks the description all the same. */
	rig_release(a, held.grant);
	ck_assert_uint_gt(rig_expect(&rig, b, GRANTED, 1), held.grant);
}
END_TEST

START_TEST(a_handed_back_grant_ends_with_its_holder)
{
	rig_held(a, held.grant, CONNECT, held.fds, held.n_fds);
	rig_expect_silence(&rig, a);
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	a = chan_free(a);
	(void)rig_expect(&rig, b, GRANTED, 1);
}
END_TEST

START_TEST(a_holder_that_says_nothing_is_an_outsider)
{
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	rig_close_fds(&held);
	(void)rig_expect(&rig, b, GRANTED, 1);
}
END_TEST

START_TEST(what_another_holds_does_not_come_back)
{
	struct rig_answer answer;
	int fd;

	rig_close_fds(&held);
	ask(b, 1, LONG_MS, CONNECT);
	(void)rig_expect(&rig, b, GRANTED, 1);
	fd = openat(rig.dir_fd, SLOT0, O_RDONLY | O_CLOEXEC);
	rig_held(a, held.grant, CONNECT, &fd, 1);
	(void)close(fd);
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, REVOKED);
	ck_assert_uint_eq(answer.grant, held.grant);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
	rig_expect_silence(&rig, b);
}
END_TEST

/* Descriptors that are no lock of that slot. */
static int open_nothing(void)
{
	return -EBADF;
}

static int open_other(void)
{
	return openat(rig.dir_fd, SCAN_FILE, O_RDONLY | O_CREAT | O_CLOEXEC, 0660);
}

static int open_null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int open_unlocked(void)
{
	return openat(rig.dir_fd, SLOT0, O_RDONLY | O_CLOEXEC);
}

static int (*const FORGERIES[])(void) = { open_nothing, open_other, open_null, open_unlocked };

START_TEST(a_forged_descriptor_is_revoked)
{
	struct rig_answer answer;
	int fd = FORGERIES[_i]();

	rig_held(b, held.grant - 1, CONNECT, &fd, fd >= 0 ? 1 : 0);
	(void)close_fd(fd);
	rig_wait(&rig, b, &answer);
	ck_assert_uint_eq(answer.type, REVOKED);
	ck_assert_uint_eq(answer.grant, held.grant - 1);
	/* The true holder is not harmed. */
	rig_held(a, held.grant, CONNECT, held.fds, held.n_fds);
	rig_expect_silence(&rig, a);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
}
END_TEST

START_TEST(a_grant_of_this_lockd_does_not_come_back)
{
	struct rig_answer answer;
	struct rig_answer mine;

	rig_close_fds(&held);
	ask(b, 1, LONG_MS, CONNECT);
	rig_wait(&rig, b, &mine);
	rig_release(b, mine.grant);
	rig_held(b, mine.grant, CONNECT, mine.fds, mine.n_fds);
	rig_wait(&rig, b, &answer);
	ck_assert_uint_eq(answer.type, REVOKED);
	rig_close_fds(&mine);
}
END_TEST

START_TEST(nothing_is_granted_until_it_has_settled)
{
	struct locktab_copy copy;

	/* A device has no file that would keep a newcomer out. */
	rig.options.settle_ms = 300;
	restart();
	rig_close_fds(&held);
	ask(b, 1, LONG_MS, DEVICE);
	rig_held(a, held.grant, DEVICE, NULL, 0);
	ask(b, 2, LONG_MS, CONNECT);
	(void)rig_expect(&rig, b, GRANTED, 2); /* settled, and 1 was not served before it */
	rig_expect_silence(&rig, b);
	rig_release(a, held.grant);
	(void)rig_expect(&rig, b, GRANTED, 1);
	ck_assert_int_eq(locktab_read(rig.table_fd, &copy), 0);
}
END_TEST

/* The lockd before had taken it away; its holder has not heard. */
START_TEST(what_was_taken_away_does_not_come_back)
{
	ck_assert_int_eq(flock(held.fds[0], LOCK_UN), 0);
	rig_held(a, held.grant, CONNECT, held.fds, held.n_fds);
	(void)rig_expect(&rig, a, REVOKED, 0);
	ck_assert(rig_is_lockable(&rig, SLOT0));
}
END_TEST

Suite *suite_restart(void);
Suite *suite_restart(void)
{
	Suite *suite = suite_create("restart");
	TCase *tc = tcase_create("restart");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_grant_is_handed_back);
	tcase_add_test(tc, a_handed_back_grant_ends_with_its_holder);
	tcase_add_test(tc, a_holder_that_says_nothing_is_an_outsider);
	tcase_add_test(tc, what_another_holds_does_not_come_back);
	tcase_add_loop_test(tc, a_forged_descriptor_is_revoked, 0, (int)ARRAY_LEN(FORGERIES));
	tcase_add_test(tc, what_was_taken_away_does_not_come_back);
	tcase_add_test(tc, a_grant_of_this_lockd_does_not_come_back);
	tcase_add_test(tc, nothing_is_granted_until_it_has_settled);
	suite_add_tcase(suite, tc);
	return suite;
}
