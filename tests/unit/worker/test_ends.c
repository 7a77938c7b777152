/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An attempt that ends before its time, in every state that it may be in and in every way that a
 * program may end it (F30): the program is told at once, and nothing is left that keeps others from
 * the adapter.
 */
#include "tests/unit/worker/stranger.h"

#include "ipc/class.h"
#include "ipc/clock.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

Suite *suite_ends(void);

/* SOON_MS: a loaded machine, and not one of the limits of the attempt's states. */
enum { LONG_MS = 60000, SHORT_MS = 700, SOON_MS = 900 };

static struct harness h;
static size_t other; /* another program, about another device */

enum how { CANCELLED, OVERDUE, CLOSED, KILLED, HOW_COUNT };

static uint32_t send_connect(size_t seat, uint32_t timeout_ms)
{
	Bh__Connect connect = BH__CONNECT__INIT;

	connect.has_timeout_ms = 1;
	connect.timeout_ms = timeout_ms;
	return harness_send(&h, seat, BH__TYPE__CONNECT, &connect.base);
}

static void send_cancel(size_t seat, uint32_t id)
{
	Bh__Empty empty = BH__EMPTY__INIT;

	harness_send_id(&h, seat, BH__TYPE__CANCEL, id, &empty.base);
}

static void introduce(size_t seat)
{
	ck_assert_uint_eq(harness_connect(&h, seat)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_eq(harness_disconnect(&h, seat)->type, BH__TYPE__DONE);
}

/* --- into the state; each says how it is left clean by others --- */

static uint32_t seeking(size_t a, uint32_t timeout_ms)
{
	uint32_t id;

	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	stranger_removes(&h);
	id = send_connect(a, timeout_ms);
	harness_stat_wait(&h, "discovering", 1);
	return id;
}

/* Another program's attempt has the one slot. */
static uint32_t locking(size_t a, uint32_t timeout_ms)
{
	introduce(a);
	introduce(other);
	harness_fault(&h, "silent C0:AA:BB:00:00:01 on");
	(void)send_connect(other, LONG_MS);
	harness_stat_wait(&h, "connecting", 1);
	return send_connect(a, timeout_ms);
}

/* A discovery that does not stop. */
static uint32_t preparing(size_t a, uint32_t timeout_ms)
{
	Bh__Scan scan = BH__SCAN__INIT;
	size_t s = harness_attach(&h, 9, true, 0);

	introduce(a);
	(void)harness_send(&h, s, BH__TYPE__SCAN, &scan.base);
	harness_stat_wait(&h, "discovering", 1);
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 StopDiscovery 1");
	return send_connect(a, timeout_ms);
}

static uint32_t connecting(size_t a, uint32_t timeout_ms)
{
	uint32_t id;

	introduce(a);
	harness_fault(&h, "silent C0:AA:BB:00:00:00 on");
	id = send_connect(a, timeout_ms);
	harness_stat_wait(&h, "connecting", 1);
	return id;
}

/* bluetoothd does not end the Connect of somebody who has left. */
static uint32_t cancelling(size_t a, uint32_t timeout_ms)
{
	size_t b = harness_attach(&h, 8, false, HARNESS_DEVICE(0));
	uint32_t id = connecting(b, LONG_MS);

	harness_fault(&h, "no-reply C0:AA:BB:00:00:00 Disconnect 1");
	send_cancel(b, id);
	(void)harness_answer(&h, b, id);
	return send_connect(a, timeout_ms);
}

static uint32_t resolving(size_t a, uint32_t timeout_ms)
{
	uint32_t id;

	harness_fault(&h, "mute C0:AA:BB:00:00:00 on");
	id = send_connect(a, timeout_ms);
	harness_stat_wait(&h, "links", 1);
	return id;
}

/* The supervisor says: later. */
static uint32_t resting(size_t a, uint32_t timeout_ms)
{
	uint32_t id;

	introduce(a);
	h.retries = 1;
	h.rest_ms = LONG_MS;
	harness_fault(&h, "refuse C0:AA:BB:00:00:00 1 answered");
	id = send_connect(a, timeout_ms);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	return id;
}

static const struct {
	uint32_t (*enter)(size_t a, uint32_t timeout_ms);
	enum err_class late; /* of the deadline */
	unsigned discovering;
	/* How long bluetoothd's silence may keep the adapter: two limits of states. */
	uint32_t left_ms;
} STATES[] = {
	{ seeking, CLASS_DEADLINE, 0, SOON_MS }, { locking, CLASS_LOCK_TIMEOUT, 0, SOON_MS },
	{ preparing, CLASS_DEADLINE, 1, 4000 },	 { connecting, CLASS_DEADLINE, 0, SOON_MS },
	{ cancelling, CLASS_DEADLINE, 0, 4000 }, { resolving, CLASS_DEADLINE, 0, SOON_MS },
	{ resting, CLASS_DEADLINE, 0, SOON_MS },
};

/* --- the ways to end it --- */

static pid_t hold_for_us(size_t a)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	ck_assert(pid >= 0);
	if (pid > 0) {
		h.seats[a].chan = chan_free(h.seats[a].chan);
		return pid;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		(void)pause();
	_exit(1);
}

static void expect(size_t a, uint32_t id, enum err_class class)
{
	uint64_t began_ms = clock_now_ms();

	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), class);
	ck_assert_uint_lt(clock_now_ms() - began_ms, SHORT_MS + SOON_MS);
}

static void end(size_t a, uint32_t id, enum how how, enum err_class late)
{
	pid_t pid;

	/* The worker has it, as far as it goes. */
	harness_pump(&h, 50);
	switch (how) {
	case CANCELLED:
		send_cancel(a, id);
		expect(a, id, CLASS_CANCELLED);
		break;
	case OVERDUE:
		expect(a, id, late);
		break;
	case CLOSED:
		h.seats[a].chan = chan_free(h.seats[a].chan);
		break;
	case KILLED:
		pid = hold_for_us(a);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		break;
	case HOW_COUNT:
		break;
	}
}

/* The supervisor is told, or nobody would see what became of it; once, and of that session. */
static void expect_told(uint32_t session, enum how how, enum err_class late)
{
	static const char GIVEN_UP[] = "given up after ";
	const struct harness_frame *f;
	Bh__Event *event = NULL;
	size_t i, n = 0;

	do {
		bh__event__free_unpacked(event, NULL);
		f = harness_wait(&h, &h.up, BH__CTL__TYPE__EVENT, 0);
		event = bh__event__unpack(NULL, f->len, f->body);
	} while (event->session != session);
	ck_assert_str_eq(event->kind, "connect-failed");
	ck_assert_msg(strncmp(event->text, GIVEN_UP, strlen(GIVEN_UP)) == 0, "%s", event->text);
	ck_assert_uint_eq(event->address, HARNESS_DEVICE(0));
	ck_assert_int_eq((int)event->class_, (int)(how == OVERDUE ? late : CLASS_CANCELLED));
	bh__event__free_unpacked(event, NULL);
	for (i = 0; i < h.up.n_frames; i++) {
		if (h.up.frames[i].type != BH__CTL__TYPE__EVENT)
			continue;
		event = bh__event__unpack(NULL, h.up.frames[i].len, h.up.frames[i].body);
		n += event->session == session;
		bh__event__free_unpacked(event, NULL);
	}
	ck_assert_uint_eq(n, 1);
}

START_TEST(test_F30_nothing_half_open)
{
	const size_t state = (size_t)_i / HOW_COUNT;
	const enum how how = (enum how)(_i % HOW_COUNT);
	uint64_t began_ms;
	uint32_t id;
	size_t a, c;

	harness_start(&h, 3, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	other = harness_attach(&h, 2, false, HARNESS_DEVICE(1));
	c = harness_attach(&h, 3, false, HARNESS_DEVICE(2));
	introduce(c);
	id = STATES[state].enter(a, how == OVERDUE ? SHORT_MS : LONG_MS);
	end(a, id, how, STATES[state].late);
	expect_told(1, how, STATES[state].late);
	began_ms = clock_now_ms();
	harness_fault(&h, "silent C0:AA:BB:00:00:01 off");
	harness_stat_wait(&h, "discovering", STATES[state].discovering);
	/* Nobody holds the adapter, and nothing is pending. */
	ck_assert_uint_eq(harness_connect(&h, c)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, STATES[state].left_ms);
	harness_stat_wait(&h, "connecting", 0);
	ck_assert_uint_eq(harness_disconnect(&h, c)->type, BH__TYPE__DONE);
	(void)harness_disconnect(&h, other);
	harness_stat_wait(&h, "links", 0);
	/* Nor does it come up when the peripheral is heard again. */
	harness_fault(&h, "mute C0:AA:BB:00:00:00 off");
	harness_fault(&h, "silent C0:AA:BB:00:00:00 off");
	harness_pump(&h, 200);
	ck_assert_uint_eq(harness_stat(&h, "links"), 0);
	ck_assert_uint_eq(harness_stat(&h, "connecting"), 0);
	harness_stop(&h);
}
END_TEST

/*
 * Who gives up before a Connect does has learnt nothing. Who gives up a Connect that hangs: the
 * supervisor counts it, since nobody else will ever say so.
 */
START_TEST(a_connect_that_hung_is_told)
{
	static const uint32_t TIMEOUTS_MS[] = { SHORT_MS, 5500 };
	const struct harness_frame *f;
	Bh__Ctl__AttemptFailed *failed;
	uint32_t id;
	size_t a;

	harness_start(&h, 1, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	id = connecting(a, TIMEOUTS_MS[_i]);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_DEADLINE);
	harness_stat_wait(&h, "connecting", 0);
	if (_i == 0) {
		harness_pump(&h, 100);
		ck_assert_uint_eq(harness_count(&h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0), 0);
		harness_stop(&h);
		return;
	}
	f = harness_wait(&h, &h.up, BH__CTL__TYPE__ATTEMPT_FAILED, 0);
	failed = bh__ctl__attempt_failed__unpack(NULL, f->len, f->body);
	ck_assert_uint_eq(f->id, 0);
	ck_assert(failed->cut);
	ck_assert_uint_eq(failed->address, HARNESS_DEVICE(0));
	ck_assert_int_eq((int)failed->class_, (int)CLASS_NOT_FOUND);
	bh__ctl__attempt_failed__free_unpacked(failed, NULL);
	harness_stop(&h);
}
END_TEST

/* --- while something is found out or cleared away: that may go on, with nobody kept waiting --- */

static void others_link(size_t a)
{
	introduce(a);
	stranger_connects(&h);
	/* The worker has heard of it by now, too: the same bus told it before. */
	harness_pump(&h, 50);
}

static void checking(size_t a)
{
	others_link(a);
	h.is_mute = true;
}

static void curing(size_t a)
{
	others_link(a);
	harness_fault(&h, "lose C0:AA:BB:00:00:00 phantom");
	harness_fault(&h, "no-reply AA:BB:CC:00:00:00 RemoveDevice 9");
}

static void ending(size_t a)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	size_t b = harness_attach(&h, 8, false, HARNESS_DEVICE(0));

	(void)a;
	ck_assert_uint_eq(harness_connect(&h, b)->type, BH__TYPE__CONNECTED);
	harness_fault(&h, "lose C0:AA:BB:00:00:00 stuck");
	/* Sessions are read side by side: a connect that comes first would join the link. The
	 * ends of earlier links were told before. */
	h.up.n_taken = h.up.n_frames;
	(void)harness_send(&h, b, BH__TYPE__DISCONNECT, &empty.base);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__LINK_END, 0);
}

static void (*const MESSES[])(size_t a) = { checking, curing, ending };

START_TEST(test_F30_in_the_middle_of_a_cure)
{
	const enum how how = (enum how)(_i % HOW_COUNT);
	uint64_t began_ms;
	size_t a, c;

	harness_start(&h, 3, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	c = harness_attach(&h, 3, false, HARNESS_DEVICE(2));
	introduce(c);
	MESSES[_i / HOW_COUNT](a);
	end(a, send_connect(a, how == OVERDUE ? SHORT_MS : LONG_MS), how, CLASS_DEADLINE);
	began_ms = clock_now_ms();
	ck_assert_uint_eq(harness_connect(&h, c)->type, BH__TYPE__CONNECTED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, SOON_MS);
	ck_assert_uint_eq(harness_disconnect(&h, c)->type, BH__TYPE__DONE);
	/* Another program's link is not ours to end. */
	if (MESSES[_i / HOW_COUNT] == checking)
		ck_assert_int_eq(harness_kernel_lists(&h, HARNESS_DEVICE(0)), 1);
	h.is_mute = false;
	harness_stop(&h);
}
END_TEST

/* bluetoothd answers neither Disconnect nor, until later, Connect: with a link that nobody wants.
 */
START_TEST(test_F30_connect_that_comes_true_later)
{
	uint64_t began_ms;
	uint32_t id;
	size_t a;

	harness_start(&h, 1, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	introduce(a);
	h.is_mgmt_lost = true;
	harness_fault(&h, "connect-ms C0:AA:BB:00:00:00 4500");
	harness_fault(&h, "no-reply C0:AA:BB:00:00:00 Disconnect 1");
	id = send_connect(a, LONG_MS);
	harness_stat_wait(&h, "connecting", 1);
	began_ms = clock_now_ms();
	send_cancel(a, id);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_CANCELLED);
	ck_assert_uint_lt(clock_now_ms() - began_ms, SOON_MS);
	/* Its program leaves, too: the link would be nobody's. */
	h.seats[a].chan = chan_free(h.seats[a].chan);
	harness_pump(&h, 3800);
	h.is_mgmt_lost = false;
	harness_stat_wait(&h, "connects", 2);
	harness_stat_wait(&h, "links", 0);
	ck_assert_uint_eq(harness_stat(&h, "connecting"), 0);
	harness_stop(&h);
}
END_TEST

/*
 * The Connect comes true, the Disconnect of its cancelling is never answered, and MGMT cannot end
 * it: a second Disconnect does. When the first one runs out the link is long forgotten (`make
 * asan`).
 */
START_TEST(test_F30_disconnect_that_is_not_answered)
{
	uint32_t id;
	size_t a;

	harness_start(&h, 1, NULL);
	(void)harness_wait(&h, &h.up, BH__CTL__TYPE__READY, 0);
	a = harness_attach(&h, 1, false, HARNESS_DEVICE(0));
	introduce(a);
	h.is_mgmt_lost = true;
	harness_fault(&h, "connect-ms C0:AA:BB:00:00:00 1500");
	harness_fault(&h, "no-reply C0:AA:BB:00:00:00 Disconnect 1");
	id = send_connect(a, LONG_MS);
	harness_stat_wait(&h, "connecting", 1);
	send_cancel(a, id);
	ck_assert_int_eq(harness_class(harness_answer(&h, a, id)), CLASS_CANCELLED);
	h.seats[a].chan = chan_free(h.seats[a].chan);
	harness_stat_wait(&h, "connects", 1);
	harness_stat_wait(&h, "links", 0);
	harness_pump(&h, 5500);
	harness_stop(&h);
}
END_TEST

Suite *suite_ends(void)
{
	Suite *s = suite_create("ends");
	TCase *c = tcase_create("ends");

	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, test_F30_nothing_half_open, 0, (int)(ARRAY_LEN(STATES) * HOW_COUNT));
	tcase_add_loop_test(c, test_F30_in_the_middle_of_a_cure, 0,
			    (int)(ARRAY_LEN(MESSES) * HOW_COUNT));
	tcase_add_loop_test(c, a_connect_that_hung_is_told, 0, 2);
	tcase_add_test(c, test_F30_connect_that_comes_true_later);
	tcase_add_test(c, test_F30_disconnect_that_is_not_answered);
	suite_add_tcase(s, c);
	return s;
}
