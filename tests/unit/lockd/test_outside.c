/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs outside, and what they may do to the slot files. */
#include "tests/unit/lockd/rig.h"

#include "tests/support/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECT	  "connect:hci0"
#define SLOT0	  "bleak-cm-hci0-slot-0.lock"
#define SLOT1	  "bleak-cm-hci0-slot-1.lock"
#define SCAN_FILE "bleak-cm-hci0-scan.lock"
#define GRANTED	  BH__LOCK__TYPE__GRANTED
#define TIMED_OUT BH__LOCK__TYPE__TIMED_OUT
#define REFUSED	  BH__LOCK__TYPE__REFUSED

enum { LONG_MS = 60000, ROUNDS = 200 };

static struct rig rig;
static struct chan *a;
static struct chan *b;

static void setup(void)
{
	rig_start(&rig, 1);
	a = rig_peer(&rig, "a", false);
	b = rig_peer(&rig, "b", false);
}

static void teardown(void)
{
	a = chan_free(a);
	b = chan_free(b);
	rig_stop(&rig);
}

static void ask(struct chan *chan, uint32_t id, uint32_t timeout_ms, const char *name)
{
	rig_acquire(chan, &(struct rig_request){ id, 0, timeout_ms, { name } });
}

START_TEST(a_killed_outsider_makes_way)
{
	struct rig_agent outsider;

	rig_outsider_start(&rig, &outsider, SLOT0);
	ask(a, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, a);
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	/* Only this adapter's connect is concerned. */
	ask(b, 2, 0, "connect:hci1");
	(void)rig_expect(&rig, b, GRANTED, 2);
	ask(b, 3, 0, "scan:hci0");
	(void)rig_expect(&rig, b, GRANTED, 3);
	rig_agent_kill(&outsider);
	rig_release(a, rig_expect(&rig, a, GRANTED, 1));
	(void)rig_expect(&rig, b, GRANTED, 1);
}
END_TEST

START_TEST(deadlines_hold_while_an_outsider_does)
{
	struct rig_agent outsider;

	rig_outsider_start(&rig, &outsider, SLOT0);
	ask(a, 1, 0, CONNECT);
	(void)rig_expect(&rig, a, TIMED_OUT, 1);
	ask(a, 2, 250, CONNECT);
	ask(a, 3, 20, CONNECT);
	(void)rig_expect(&rig, a, TIMED_OUT, 3);
	(void)rig_expect(&rig, a, TIMED_OUT, 2);
	rig_agent_kill(&outsider);
	/* Free at once, with nobody waiting: no stale memory of the outsider. */
	ask(a, 4, 0, CONNECT);
	(void)rig_expect(&rig, a, GRANTED, 4);
}
END_TEST

START_TEST(maintenance_waits_for_outsiders)
{
	struct rig_agent outsider;

	rig_outsider_start(&rig, &outsider, SCAN_FILE);
	ask(a, 1, LONG_MS, "maintenance:hci0");
	rig_expect_silence(&rig, a);
	/* All or nothing: it does not sit on the slot meanwhile. */
	rig_wait_free(&rig, SLOT0);
	rig_agent_kill(&outsider);
	(void)rig_expect(&rig, a, GRANTED, 1);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
}
END_TEST

static void remove_slot0(void)
{
	ck_assert_int_eq(unlinkat(rig.dir_fd, SLOT0, 0), 0);
}

START_TEST(an_unlinked_file_is_made_again)
{
	uint64_t grant;
	struct stat st;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		ask(a, i, 0, CONNECT);
		grant = rig_expect(&rig, a, GRANTED, i);
		remove_slot0();
		rig_release(a, grant);
		ask(b, i, LONG_MS, CONNECT);
		grant = rig_expect(&rig, b, GRANTED, i);
		ck_assert_int_eq(fstatat(rig.dir_fd, SLOT0, &st, AT_SYMLINK_NOFOLLOW), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0660);
		ck_assert(!rig_is_lockable(&rig, SLOT0));
		rig_release(b, grant);
		rig_expect_silence(&rig, b);
	}
}
END_TEST

static void make_file(const char *name)
{
	int fd = openat(rig.dir_fd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

START_TEST(a_replaced_file_is_locked_too)
{
	uint64_t grant;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		ask(a, i, 0, CONNECT);
		grant = rig_expect(&rig, a, GRANTED, i);
		remove_slot0();
		make_file(SLOT0);
		rig_wait_taken(&rig, SLOT0);
		rig_release(a, grant);
		rig_expect_silence(&rig, a);
		ck_assert(rig_is_lockable(&rig, SLOT0));
	}
}
END_TEST

static void make_symlink(void)
{
	ck_assert_int_eq(symlinkat("victim", rig.dir_fd, SLOT0), 0);
}

static void make_fifo(void)
{
	ck_assert_int_eq(mkfifoat(rig.dir_fd, SLOT0, 0660), 0);
}

static void make_link(void)
{
	(void)unlinkat(rig.dir_fd, "other", 0);
	make_file("other");
	ck_assert_int_eq(linkat(rig.dir_fd, "other", rig.dir_fd, SLOT0, 0), 0);
}

static void make_foreign(void)
{
	make_file(SLOT0);
	/* Only root can give a file away; as another user there is nothing to test. */
	if (geteuid() == 0)
		ck_assert_int_eq(fchownat(rig.dir_fd, SLOT0, 12345, 12345, 0), 0);
}

static const struct {
	void (*make)(void);
	const char *word;
	bool needs_root;
} HOSTILE[] = {
	{ make_symlink, "symbolic link", false },
	{ make_fifo, "no regular file", false },
	{ make_link, "more than one name", false },
	{ make_foreign, "another user", true },
};

START_TEST(a_bad_file_is_refused_with_words)
{
	struct rig_answer answer;
	struct stat st;
	uint32_t i;

	if (HOSTILE[_i].needs_root && geteuid() != 0)
		return;
	for (i = 1; i <= ROUNDS; i++) {
		HOSTILE[_i].make();
		ask(a, i, LONG_MS, CONNECT);
		rig_wait(&rig, a, &answer);
		ck_assert_uint_eq(answer.type, REFUSED);
		ck_assert_msg(strstr(answer.text, HOSTILE[_i].word) != NULL, "%s", answer.text);
		ck_assert_int_lt(fstatat(rig.dir_fd, "victim", &st, 0), 0);
		/* Mended, it works. */
		remove_slot0();
		ask(b, i, 0, CONNECT);
		rig_release(b, rig_expect(&rig, b, GRANTED, i));
		rig_expect_silence(&rig, b);
		remove_slot0();
	}
}
END_TEST

START_TEST(a_file_of_root_is_good_enough)
{
	make_file(SLOT0); /* 0644 */
	ask(a, 1, 0, CONNECT);
	(void)rig_expect(&rig, a, GRANTED, 1);
}
END_TEST

/* --- two slots --- */

static void setup_two(void)
{
	rig_start(&rig, 2);
	a = rig_peer(&rig, "a", false);
	b = rig_peer(&rig, "b", false);
}

START_TEST(the_slot_that_is_free_is_taken)
{
	struct rig_agent outsider;
	uint64_t grant;

	rig_outsider_start(&rig, &outsider, SLOT0);
	ask(a, 1, 0, CONNECT);
	grant = rig_expect(&rig, a, GRANTED, 1);
	ck_assert(!rig_is_lockable(&rig, SLOT1));
	ask(b, 1, LONG_MS, CONNECT);
	rig_expect_silence(&rig, b);
	/* Ours comes free: no need to wait for the outsider. */
	rig_release(a, grant);
	(void)rig_expect(&rig, b, GRANTED, 1);
	rig_agent_kill(&outsider);
	ask(a, 2, LONG_MS, CONNECT);
	(void)rig_expect(&rig, a, GRANTED, 2);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
}
END_TEST

START_TEST(two_at_once_and_no_more)
{
	enum { N = 6 };
	struct chan *peers[N];
	uint64_t grants[N];
	uint32_t i;

	for (i = 0; i < N; i++) {
		peers[i] = rig_peer(&rig, "p", false);
		ask(peers[i], 1, LONG_MS, CONNECT);
		if (i >= 2)
			rig_expect_silence(&rig, peers[i]);
		else
			grants[i] = rig_expect(&rig, peers[i], GRANTED, 1);
	}
	for (i = 0; i < N; i++) {
		ck_assert(!rig_is_lockable(&rig, SLOT0));
		rig_release(peers[i], grants[i]);
		if (i + 2 < N)
			grants[i + 2] = rig_expect(&rig, peers[i + 2], GRANTED, 1);
		if (i + 3 < N)
			rig_expect_silence(&rig, peers[i + 3]);
		if (i + 2 < N)
			ck_assert(!rig_is_lockable(&rig, SLOT1));
		rig_expect_silence(&rig, peers[i]);
		if (i + 2 >= N)
			break;
	}
	for (i = 0; i < N; i++)
		chan_free(peers[i]);
}
END_TEST

Suite *suite_outside(void);
Suite *suite_outside(void)
{
	Suite *suite = suite_create("outside");
	TCase *one = tcase_create("one");
	TCase *two = tcase_create("two");

	tcase_set_timeout(one, 60);
	tcase_add_checked_fixture(one, setup, teardown);
	tcase_add_test(one, a_killed_outsider_makes_way);
	tcase_add_test(one, deadlines_hold_while_an_outsider_does);
	tcase_add_test(one, maintenance_waits_for_outsiders);
	tcase_add_test(one, an_unlinked_file_is_made_again);
	tcase_add_test(one, a_replaced_file_is_locked_too);
	tcase_add_loop_test(one, a_bad_file_is_refused_with_words, 0, (int)ARRAY_LEN(HOSTILE));
	tcase_add_test(one, a_file_of_root_is_good_enough);
	suite_add_tcase(suite, one);
	tcase_set_timeout(two, 60);
	tcase_add_checked_fixture(two, setup_two, teardown);
	tcase_add_test(two, the_slot_that_is_free_is_taken);
	tcase_add_test(two, two_at_once_and_no_more);
	suite_add_tcase(suite, two);
	return suite;
}
