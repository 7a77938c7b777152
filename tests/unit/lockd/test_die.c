/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Death at every system call: lockd, or a client, ends at the N-th one of an acquire-release cycle,
 * for every N. Afterwards what was free is free and what was held is held.
 */
#include "tests/support/runner.h"
#include "tests/unit/lockd/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CONNECT "connect:hci0"
#define SLOT0	"bleak-cm-hci0-slot-0.lock"
#define SLOT1	"bleak-cm-hci0-slot-1.lock"
#define GRANTED BH__LOCK__TYPE__GRANTED

enum { LONG_MS = 60000, N_MAX = 2000 };

static struct rig rig;

static void setup(void)
{
	rig_start(&rig, 1);
	rig_kill_lockd(&rig);
	rig.options.foreign_slots = 2;
}

static void teardown(void)
{
	rig_stop(&rig);
}

/* What lockd may not live to read or answer. */
static void send_acquire(struct chan *chan, uint32_t id)
{
	Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;
	char name[] = CONNECT;
	char *names[] = { name };

	msg.resources = names;
	msg.n_resources = 1;
	msg.has_timeout_ms = 1;
	msg.timeout_ms = LONG_MS;
	(void)!chan_send(chan, BH__LOCK__TYPE__ACQUIRE, id, 0, &msg.base, NULL, 0);
}

static void send_release(struct chan *chan, uint64_t grant)
{
	Bh__Lock__Release msg = BH__LOCK__RELEASE__INIT;

	msg.has_grant = 1;
	msg.grant = grant;
	(void)!chan_send(chan, BH__LOCK__TYPE__RELEASE, 0, 0, &msg.base, NULL, 0);
}

static void send_hello(struct chan *chan)
{
	Bh__Lock__Hello msg = BH__LOCK__HELLO__INIT;

	(void)!chan_send(chan, BH__LOCK__TYPE__HELLO, 9, 0, &msg.base, NULL, 0);
}

/*
 * Two clients, one after the other; lockd may end at any moment. *out_held: what a holds then,
 * nothing once it has asked for release.
 */
static void cycle(struct chan *a, struct chan *b, struct rig_answer *out_held)
{
	struct rig_answer answer;

	send_acquire(a, 1);
	rig_wait(&rig, a, out_held);
	if (out_held->type != GRANTED)
		return;
	send_acquire(b, 1);
	send_hello(b);
	rig_wait(&rig, b, &answer); /* b waits by now */
	if (answer.type == 0)
		return;
	ck_assert_uint_eq(answer.type, BH__LOCK__TYPE__HELLO_OK);
	send_release(a, out_held->grant);
	rig_close_fds(out_held);
	out_held->type = 0;
	rig_wait(&rig, b, &answer);
	send_release(b, answer.grant);
	rig_close_fds(&answer);
}

/* The next lockd, and what is held is handed back. */
static void check_the_next(struct rig_answer *held)
{
	struct chan *a;
	struct chan *b;
	uint64_t grant;

	if (held->type == GRANTED)
		ck_assert(!rig_is_lockable(&rig, SLOT0) && !rig_is_lockable(&rig, SLOT1));
	rig.die_at = 0;
	rig_start_lockd(&rig);
	a = rig_peer(&rig, "a", false);
	b = rig_peer(&rig, "b", false);
	if (held->type == GRANTED) {
		rig_held(a, held->grant, CONNECT, held->fds, held->n_fds);
		rig_expect_silence(&rig, a);
		rig_acquire(b, &(struct rig_request){ 1, 0, 0, { CONNECT } });
		(void)rig_expect(&rig, b, BH__LOCK__TYPE__TIMED_OUT, 1);
		rig_close_fds(held);
		rig_release(a, held->grant);
		rig_expect_silence(&rig, a);
	}
	rig_acquire(b, &(struct rig_request){ 2, 0, 0, { CONNECT } });
	grant = rig_expect(&rig, b, GRANTED, 2);
	rig_release(b, grant);
	rig_expect_silence(&rig, b);
	ck_assert(rig_is_lockable(&rig, SLOT0) && rig_is_lockable(&rig, SLOT1));
	chan_free(a);
	chan_free(b);
	rig_kill_lockd(&rig);
}

START_TEST(lockd_dies_at_each_of_its_calls)
{
	struct rig_answer held;
	unsigned long n;
	unsigned n_held = 0;
	int status = RIG_DIED;
	struct chan *a;
	struct chan *b;

	for (n = 1; status == RIG_DIED; n++) {
		ck_assert_uint_lt(n, N_MAX);
		rig.die_at = n;
		rig_start_lockd(&rig);
		a = rig_peer_unless_dead(&rig, "a");
		b = rig_peer_unless_dead(&rig, "b");
		cycle(a, b, &held);
		n_held += held.type == GRANTED;
		chan_free(a);
		chan_free(b);
		rig_hang_up(&rig);
		status = rig_wait_lockd(&rig);
		check_the_next(&held);
	}
	ck_assert_int_eq(status, 0);
	ck_assert_uint_gt(n, 20); /* it did run through a cycle */
	ck_assert_uint_gt(n_held, 3);
}
END_TEST

/* --- a client --- */

static void client(int fd)
{
	struct rig_answer answer;
	struct chan *chan = NULL;

	if (chan_new(&chan, fd, rig.buf, CHAN_BODY_CONTROL) < 0)
		_exit(1);
	send_acquire(chan, 1);
	rig_wait(&rig, chan, &answer);
	rig_close_fds(&answer);
	send_release(chan, answer.grant);
	chan_free(chan);
	_exit(0);
}

static int run_client(unsigned long die_at)
{
	struct doom doom;
	int status;
	pid_t pid;
	int fd;

	doom_new(&doom, die_at);
	doom_begin(&doom);
	fd = rig_peer_fd(&rig, "doomed", false);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		rig_keep_only(&fd, 1);
		doom_run_traced(&doom);
		client(fd);
	}
	(void)close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(a_client_dies_at_each_of_its_calls)
{
	struct chan *b;
	unsigned long n;
	int status = RIG_DIED;

	rig.die_at = 0;
	rig_start_lockd(&rig);
	b = rig_peer(&rig, "b", false);
	for (n = 1; status == RIG_DIED; n++) {
		ck_assert_uint_lt(n, N_MAX);
		status = run_client(n);
		rig_acquire(b, &(struct rig_request){ (uint32_t)n, 0, LONG_MS, { CONNECT } });
		rig_release(b, rig_expect(&rig, b, GRANTED, (uint32_t)n));
	}
	ck_assert_int_eq(status, 0);
	ck_assert_uint_gt(n, 4);
	rig_expect_silence(&rig, b);
	ck_assert(rig_is_lockable(&rig, SLOT0) && rig_is_lockable(&rig, SLOT1));
	chan_free(b);
}
END_TEST

Suite *suite_die(void);
Suite *suite_die(void)
{
	Suite *suite = suite_create("die");
	TCase *tc = tcase_create("die");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lockd_dies_at_each_of_its_calls);
	tcase_add_test(tc, a_client_dies_at_each_of_its_calls);
	suite_add_tcase(suite, tc);
	return suite;
}
