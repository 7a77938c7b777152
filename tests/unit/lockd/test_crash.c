/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Holders that die, stop or fork at the worst moment, and a lockd that runs out of descriptors. */
#include "tests/support/runner.h"
#include "tests/unit/lockd/rig.h"

#include "ipc/control.pb-c.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#define CONNECT	  "connect:hci0"
#define SCAN	  "scan:hci0"
#define SLOT0	  "bleak-cm-hci0-slot-0.lock"
#define SCAN_FILE "bleak-cm-hci0-scan.lock"
#define GRANTED	  BH__LOCK__TYPE__GRANTED
#define DIRTY	  BH__CTL__TYPE__LOCK_DIRTY
#define OVERDUE	  BH__CTL__TYPE__LOCK_OVERDUE
#define REVOKED	  BH__LOCK__TYPE__REVOKED
#define REFUSED	  BH__LOCK__TYPE__REFUSED

enum { LONG_MS = 60000, ROUNDS = 200 };

static struct rig rig;
static struct chan *b;

/* Short leases of scans; what is dirty stays so until it is said to be clean. */
static void start(uint32_t scan_hold_ms, uint32_t grace_ms)
{
	unsigned i;

	rig_start(&rig, 1);
	rig_kill_lockd(&rig);
	rig.options.foreign_slots = 2;
	rig.options.limits.dirty_ms = LONG_MS;
	rig.options.limits.grace_ms = grace_ms;
	rig.options.limits.hold_total_ms = 200;
	for (i = 0; i < SLOTQ_CLASSES; i++)
		rig.options.limits.hold_ms[i] = 3600000;
	rig.options.limits.hold_ms[SLOTQ_SCAN] = scan_hold_ms;
	rig_start_lockd(&rig);
	b = rig_peer(&rig, "b", false);
}

static void setup(void)
{
	start(60, 30);
}

/* Leases that end in each of many rounds. */
static void setup_short(void)
{
	start(8, 4);
}

static void teardown(void)
{
	b = chan_free(b);
	rig_stop(&rig);
}

static void ask(struct chan *chan, uint32_t id, uint32_t timeout_ms, const char *name)
{
	rig_acquire(chan, &(struct rig_request){ id, 0, timeout_ms, { name } });
}

/* In a class whose lease is long: it keeps what it gets until it gives it back. */
static void ask_for_long(struct chan *chan, uint32_t id, const char *name)
{
	rig_acquire(chan, &(struct rig_request){
				  id, BH__LOCK__CLASS__CLASS_INTERACTIVE, LONG_MS, { name } });
}

START_TEST(killed_while_it_connects)
{
	struct rig_agent agent;
	struct rig_told told;
	uint64_t grant;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, i, LONG_MS, CONNECT);
		grant = rig_agent_expect(&agent, GRANTED, i);
		ask(b, i, LONG_MS, CONNECT);
		rig_agent_kill(&agent);
		told = rig_wait_told(&rig, DIRTY);
		ck_assert_uint_eq(told.grant, grant);
		ck_assert_str_eq(told.adapter, "hci0");
		rig_expect_silence(&rig, b);
		ck_assert(!rig_is_lockable(&rig, SLOT0));
		rig_clean(&rig, grant);
		rig_release(b, rig_expect(&rig, b, GRANTED, i));
	}
}
END_TEST

START_TEST(killed_with_the_grant_in_flight)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct rig_agent agent;
	uint64_t grant;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		ask(a, i, 0, CONNECT);
		grant = rig_expect(&rig, a, GRANTED, i);
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, i, LONG_MS, CONNECT);
		rig_agent_acquire(&agent, 10000 + i, 0, CONNECT); /* answered: the first waits */
		(void)rig_agent_expect(&agent, BH__LOCK__TYPE__TIMED_OUT, 10000 + i);
		rig_agent_signal(&agent, SIGSTOP);
		ask(b, i, LONG_MS, CONNECT);
		rig_expect_silence(&rig, b);
		rig_release(a, grant); /* the agent's now, who cannot read */
		rig_expect_silence(&rig, a);
		rig_agent_kill(&agent);
		rig_clean(&rig, rig_wait_told(&rig, DIRTY).grant);
		rig_release(b, rig_expect(&rig, b, GRANTED, i));
		rig_expect_silence(&rig, b);
	}
	chan_free(a);
}
END_TEST

/* The word that it has gone overtakes what it said last: control is read first. */
START_TEST(one_that_gives_back_and_ends_leaves_no_dirt)
{
	uint32_t number;
	struct chan *a;
	uint64_t grant;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		number = rig.next_peer;
		a = rig_peer(&rig, "a", false);
		ask(a, i, LONG_MS, CONNECT);
		grant = rig_expect(&rig, a, GRANTED, i);
		ask(b, i, LONG_MS, CONNECT);
		rig_expect_silence(&rig, b);
		ck_assert_int_eq(kill(rig.lockd, SIGSTOP), 0);
		rig_release(a, grant);
		chan_free(a);
		rig_peer_gone(&rig, number);
		ck_assert_int_eq(kill(rig.lockd, SIGCONT), 0);
		rig_release(b, rig_expect(&rig, b, GRANTED, i));
		rig_expect_silence(&rig, b);
	}
	ck_assert_uint_eq(rig.n_told, 0);
}
END_TEST

START_TEST(stopped_for_longer_than_its_lease)
{
	struct rig_agent agent;
	uint64_t grant;
	uint64_t next;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, 1, LONG_MS, SCAN);
		grant = rig_agent_expect(&agent, GRANTED, 1);
		rig_agent_signal(&agent, SIGSTOP);
		ask_for_long(b, i, SCAN);
		next = rig_expect(&rig, b, GRANTED, i);
		ck_assert_uint_eq(rig_wait_told(&rig, OVERDUE).grant, grant);
		/* Its duplicate is open and was locked: it is not any more. */
		rig_agent_signal(&agent, SIGCONT);
		ck_assert_uint_eq(rig_agent_expect(&agent, REVOKED, 0), grant);
		ck_assert_uint_eq(rig_agent_expect(&agent, REVOKED, 0), grant);
		rig_agent_renew(&agent, 2, grant);
		(void)rig_agent_expect(&agent, REFUSED, 2);
		rig_agent_release(&agent, grant);
		rig_agent_acquire(&agent, 3, 0, SCAN);
		(void)rig_agent_expect(&agent, BH__LOCK__TYPE__TIMED_OUT, 3);
		rig_agent_kill(&agent);
		rig_release(b, next);
	}
}
END_TEST

START_TEST(renewed_in_time_it_stays)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct rig_answer answer;
	uint64_t grant;
	uint32_t i;

	ask(a, 1, 0, SCAN);
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, GRANTED);
	ck_assert_uint_eq(answer.lease_ms, 60);
	grant = answer.grant;
	/* Far beyond the lease and the total: nobody waits. */
	for (i = 0; i < 40; i++) {
		rig_renew(a, 2 + i, grant);
		rig_wait(&rig, a, &answer);
		ck_assert_uint_eq(answer.type, BH__LOCK__TYPE__RENEWED);
		ck_assert_uint_eq(answer.lease_ms, 60);
		ck_assert(!answer.is_wanted);
		(void)poll(NULL, 0, 10); /* time passes: that is what is tested */
	}
	ask(b, 1, LONG_MS, SCAN);
	rig_expect_silence(&rig, b);
	rig_renew(a, 100, grant);
	rig_wait(&rig, a, &answer);
	ck_assert(answer.is_wanted);
	/* No more leases: it is revoked, gives up, and the other one has it. */
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, REVOKED);
	ck_assert_uint_eq(answer.grace_ms, 30);
	ck_assert_int_eq(answer.reason, BH__LOCK__REASON__REASON_EXPIRED);
	rig_release(a, grant);
	(void)rig_expect(&rig, b, GRANTED, 1);
	chan_free(a);
}
END_TEST

START_TEST(a_helper_that_keeps_the_descriptor_keeps_nothing)
{
	struct rig_agent agent;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		rig_agent_start(&rig, &agent, "agent");
		rig_agent_acquire(&agent, 1, LONG_MS, SCAN);
		(void)rig_agent_expect(&agent, GRANTED, 1);
		rig_agent_fork(&agent);
		rig_agent_renew(&agent, 2, 1); /* answered: it has forked */
		rig_agent_wait(&agent, REFUSED, 2);
		ask_for_long(b, i, SCAN);
		rig_agent_die(&agent);
		/* The helper has the channel's duplicate, too: the lease ends it, not that. */
		rig_release(b, rig_expect(&rig, b, GRANTED, i));
		(void)rig_wait_told(&rig, OVERDUE);
		rig_agent_forget(&agent);
	}
}
END_TEST

static void hello_to_whom_may_refuse(struct chan *chan)
{
	Bh__Lock__Hello msg = BH__LOCK__HELLO__INIT;

	(void)!chan_send(chan, BH__LOCK__TYPE__HELLO, 2, 0, &msg.base, NULL, 0);
}

/* As many as it takes, each of which waits for the one before; who is refused, is so with words. */
static void fill_and_leave(void)
{
	enum { N = 64 };
	struct chan *peers[N + 1] = { NULL };
	struct rig_answer answer;
	uint32_t first = rig.next_peer;
	uint64_t grant = 0;
	uint32_t n;
	uint32_t i;

	for (n = 0; n < N; n++) {
		peers[n] = rig_peer(&rig, "many", false);
		hello_to_whom_may_refuse(peers[n]);
		rig_wait(&rig, peers[n], &answer);
		if (answer.type != BH__LOCK__TYPE__HELLO_OK)
			break;
		ask(peers[n], 1, LONG_MS, CONNECT);
		if (n == 0)
			grant = rig_expect(&rig, peers[0], GRANTED, 1);
	}
	/* One too many is told so, and costs those who are there nothing. */
	ck_assert_uint_gt(n, 4);
	ck_assert_uint_lt(n, N);
	ck_assert_uint_eq(answer.type, REFUSED);
	ck_assert_int_eq(answer.reason, BH__LOCK__REASON__REASON_LIMIT);
	ck_assert_uint_eq(answer.id, 0);
	rig_wait(&rig, peers[n], &answer);
	ck_assert_uint_eq(answer.type, 0);
	for (i = 0; i < n; i++) {
		rig_release(peers[i], grant);
		if (i + 1 < n)
			grant = rig_expect(&rig, peers[i + 1], GRANTED, 1);
	}
	for (i = 0; i <= n; i++) {
		chan_free(peers[i]);
		rig_peer_gone(&rig, first + i);
	}
}

START_TEST(out_of_descriptors)
{
	uint32_t i;

	b = chan_free(b);
	rig_kill_lockd(&rig);
	rig.fd_limit = 96;
	rig_start_lockd(&rig);
	for (i = 1; i <= ROUNDS; i++) {
		fill_and_leave();
		/* And when they have gone there is room again. */
		b = rig_peer(&rig, "b", false);
		ask(b, i, LONG_MS, SCAN);
		(void)rig_expect(&rig, b, GRANTED, i);
		b = chan_free(b);
		rig_peer_gone(&rig, rig.next_peer - 1);
	}
}
END_TEST

START_TEST(an_adapter_that_comes_back_with_its_number)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct rig_answer answer;
	uint64_t grant;
	uint64_t old;
	uint32_t id;
	uint32_t i;

	rig_adapters(&rig, "hci0 hci1", "hci0");
	for (i = 0; i < ROUNDS; i++) {
		id = 1 + 10 * i;
		ask(a, id, 0, CONNECT);
		old = rig_expect(&rig, a, GRANTED, id);
		rig_adapter_lost(&rig, "hci0");
		rig_adapters(&rig, "hci1", "hci1");
		rig_wait(&rig, a, &answer);
		ck_assert_uint_eq(answer.type, REVOKED);
		ck_assert_int_eq(answer.reason, BH__LOCK__REASON__REASON_ADAPTER_GONE);
		ask(b, id, LONG_MS, CONNECT);
		rig_wait(&rig, b, &answer);
		ck_assert_uint_eq(answer.type, REFUSED);
		ck_assert_ptr_nonnull(strstr(answer.text, "no adapter hci0; there is hci1"));
		rig_adapters(&rig, "hci0 hci1", "hci0");
		rig_expect_silence(&rig, b);
		ask(b, id + 1, LONG_MS, CONNECT);
		grant = rig_expect(&rig, b, GRANTED, id + 1);
		ck_assert_uint_gt(grant, old);
		/* The old number opens nothing on the new one. */
		rig_renew(a, id + 2, old);
		(void)rig_expect(&rig, a, REFUSED, id + 2);
		rig_acquire_under(a, &(struct rig_request){ id + 3, 0, 0, { CONNECT } }, 0, old);
		rig_wait(&rig, a, &answer);
		ck_assert_int_eq(answer.reason, BH__LOCK__REASON__REASON_FENCED);
		rig_release(a, old);
		rig_expect_silence(&rig, a);
		ck_assert(!rig_is_lockable(&rig, SLOT0));
		rig_release(b, grant);
		rig_expect_silence(&rig, b);
	}
	chan_free(a);
}
END_TEST

START_TEST(versions)
{
	struct chan *a = rig_peer(&rig, "a", false);
	struct rig_answer answer;

	rig_hello(a, 1, 1);
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, BH__LOCK__TYPE__HELLO_OK);
	ck_assert_int_eq(answer.reason, 1);
	rig_hello(a, 2, 7);
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, REFUSED);
	ck_assert_int_eq(answer.reason, BH__LOCK__REASON__REASON_VERSION);
	ck_assert_ptr_nonnull(strstr(answer.text, "version 1 of lock.proto, not 7"));
	rig_wait(&rig, a, &answer);
	ck_assert_uint_eq(answer.type, 0);
	chan_free(a);
}
END_TEST

Suite *suite_crash(void);
Suite *suite_crash(void)
{
	Suite *suite = suite_create("crash");
	TCase *tc = tcase_create("crash");
	TCase *brief = tcase_create("short");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, killed_while_it_connects);
	tcase_add_test(tc, killed_with_the_grant_in_flight);
	tcase_add_test(tc, one_that_gives_back_and_ends_leaves_no_dirt);
	tcase_add_test(tc, renewed_in_time_it_stays);
	tcase_add_test(tc, out_of_descriptors);
	tcase_add_test(tc, an_adapter_that_comes_back_with_its_number);
	tcase_add_test(tc, versions);
	suite_add_tcase(suite, tc);
	tcase_set_timeout(brief, 120);
	tcase_add_checked_fixture(brief, setup_short, teardown);
	tcase_add_test(brief, stopped_for_longer_than_its_lease);
	tcase_add_test(brief, a_helper_that_keeps_the_descriptor_keeps_nothing);
	suite_add_tcase(suite, brief);
	return suite;
}
