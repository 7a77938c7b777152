/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What peers of lockd do at worst: they die, stop, talk nonsense, never read, come in hundreds. */
#include "tests/unit/lockd/rig.h"

#include "tests/support/runner.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT	  "connect:hci0"
#define SLOT0	  "bleak-cm-hci0-slot-0.lock"
#define GRANTED	  BH__LOCK__TYPE__GRANTED
#define TIMED_OUT BH__LOCK__TYPE__TIMED_OUT

enum { LONG_MS = 60000, ROUNDS = 200 };

static struct rig rig;

static void setup(void)
{
	rig_start(&rig, 1);
}

static void teardown(void)
{
	rig_stop(&rig);
}

static void ask(struct chan *chan, uint32_t id, uint32_t timeout_ms, const char *name)
{
	rig_acquire(chan, &(struct rig_request){ id, 0, timeout_ms, { name } });
}

START_TEST(a_killed_holder_frees_and_one_is_next)
{
	struct chan *b = rig_peer(&rig, "b", false);
	struct chan *c = rig_peer(&rig, "c", false);
	struct rig_agent agent;
	uint64_t grant;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, i, LONG_MS, CONNECT);
		(void)rig_agent_expect(&agent, GRANTED, i);
		ask(b, i, LONG_MS, CONNECT);
		rig_expect_silence(&rig, b);
		ask(c, i, LONG_MS, CONNECT);
		rig_expect_silence(&rig, c);
		rig_agent_kill(&agent);
		grant = rig_expect(&rig, b, GRANTED, i);
		rig_expect_silence(&rig, c);
		rig_release(b, grant);
		rig_release(c, rig_expect(&rig, c, GRANTED, i));
		rig_expect_silence(&rig, c);
	}
	chan_free(b);
	chan_free(c);
}
END_TEST

START_TEST(a_killed_waiter_is_passed_over)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct chan *c = rig_peer(&rig, "c", false);
	struct locktab_copy copy;
	struct rig_agent agent;
	uint64_t grant;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		ask(a, i, 0, CONNECT);
		grant = rig_expect(&rig, a, GRANTED, i);
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, 7, 0, CONNECT);
		(void)rig_agent_expect(&agent, TIMED_OUT, 7);
		rig_agent_acquire(&agent, 8, LONG_MS, CONNECT);
		rig_agent_acquire(&agent, 9, 0, CONNECT); /* answered: 8 waits by now */
		(void)rig_agent_expect(&agent, TIMED_OUT, 9);
		ask(c, i, LONG_MS, CONNECT);
		rig_expect_silence(&rig, c);
		rig_agent_kill(&agent);
		rig_release(a, grant);
		rig_release(c, rig_expect(&rig, c, GRANTED, i));
		rig_expect_silence(&rig, c);
		ck_assert_int_eq(locktab_read(rig.table_fd, &copy), 0);
	}
	chan_free(a);
	chan_free(c);
}
END_TEST

START_TEST(a_stopped_holder_loses_its_lock_with_its_peer)
{
	struct chan *b = rig_peer(&rig, "b", false);
	struct rig_agent agent;
	uint32_t number;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		number = rig.next_peer;
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, 1, LONG_MS, CONNECT);
		(void)rig_agent_expect(&agent, GRANTED, 1);
		rig_agent_signal(&agent, SIGSTOP);
		ask(b, i, LONG_MS, CONNECT);
		rig_expect_silence(&rig, b);
		/* Its duplicate is open and it cannot run: lockd unlocks through its own. */
		rig_peer_gone(&rig, number);
		rig_release(b, rig_expect(&rig, b, GRANTED, i));
		rig_expect_silence(&rig, b);
		rig_agent_kill(&agent);
	}
	chan_free(b);
}
END_TEST

static const char *const GARBAGE[] = { "x", "HB", "BH\1\0\0\0\0\0\0\0\0\0\0\0\0\0 garbage",
				       "\x42\x48\1\0\3\0\0\0\1\0\0\0\0\0\0\0\xff\xff\xff" };

START_TEST(garbage_drops_one_peer_only)
{
	struct chan *a = rig_peer(&rig, "a", false);
	char byte;
	int fd;

	ask(a, 1, 0, CONNECT);
	(void)rig_expect(&rig, a, GRANTED, 1);
	fd = rig_peer_fd(&rig, "garbage", false);
	ck_assert_int_gt(send(fd, GARBAGE[_i], 1 + strlen(GARBAGE[_i]), MSG_NOSIGNAL), 0);
	ck_assert_int_le(recv(fd, &byte, 1, 0), 0); /* dropped: 0, or ECONNRESET */
	(void)close(fd);
	rig_expect_silence(&rig, a);
	ck_assert(!rig_is_lockable(&rig, SLOT0));
	chan_free(a);
}
END_TEST

START_TEST(broken_rules_drop_the_peer)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct chan *b = rig_peer(&rig, "b", false);
	struct rig_answer answer;

	ask(a, 0, 0, CONNECT); /* id 0 */
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, 0);
	chan_free(a);
	a = rig_peer(&rig, "a", false);
	ask(b, 1, 0, CONNECT);
	(void)rig_expect(&rig, b, GRANTED, 1);
	ask(a, 5, LONG_MS, CONNECT);
	ask(a, 5, LONG_MS, CONNECT); /* an id that is open */
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, 0);
	rig_expect_silence(&rig, b);
	chan_free(a);
	chan_free(b);
}
END_TEST

START_TEST(a_peer_that_never_reads_is_dropped)
{
	struct chan *a = rig_peer(&rig, "deaf", false);
	struct chan *b = rig_peer(&rig, "b", false);
	uint32_t id;
	int r = 0;

	/* Each is refused; the answers pile up until its queue is full. */
	for (id = 1; r == 0; id++) {
		Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;

		r = chan_send(a, BH__LOCK__TYPE__ACQUIRE, id, 0, &msg.base, NULL, 0);
		if (r == 0 || r == -ENOBUFS)
			r = chan_flush(a);
	}
	ck_assert(r == -EPIPE || r == -ECONNRESET);
	ask(b, 1, 0, CONNECT);
	(void)rig_expect(&rig, b, GRANTED, 1);
	chan_free(a);
	chan_free(b);
}
END_TEST

START_TEST(many_peers)
{
	enum { N = 300 };
	struct pollfd polls[N];
	struct chan *peers[N];
	int served;
	int i;

	/* None of them reads for a long time. */
	for (i = 0; i < N; i++) {
		peers[i] = rig_peer(&rig, "many", false);
		polls[i] = (struct pollfd){ .fd = chan_fd(peers[i]), .events = POLLIN };
		ask(peers[i], 1, LONG_MS, CONNECT);
	}
	for (served = 0; served < N; served++) {
		/* Never more than one has it; which of several sockets is read first is open. */
		ck_assert_int_eq(poll(polls, N, RIG_WAIT_MS), 1);
		for (i = 0; polls[i].revents == 0; i++)
			;
		polls[i].fd = -1;
		rig_release(peers[i], rig_expect(&rig, peers[i], GRANTED, 1));
	}
	for (i = 0; i < N; i++)
		chan_free(peers[i]);
}
END_TEST

Suite *suite_peers(void);
Suite *suite_peers(void)
{
	Suite *suite = suite_create("peers");
	TCase *tc = tcase_create("peers");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_killed_holder_frees_and_one_is_next);
	tcase_add_test(tc, a_killed_waiter_is_passed_over);
	tcase_add_test(tc, a_stopped_holder_loses_its_lock_with_its_peer);
	tcase_add_loop_test(tc, garbage_drops_one_peer_only, 0, (int)ARRAY_LEN(GARBAGE));
	tcase_add_test(tc, broken_rules_drop_the_peer);
	tcase_add_test(tc, a_peer_that_never_reads_is_dropped);
	tcase_add_test(tc, many_peers);
	suite_add_tcase(suite, tc);
	return suite;
}
