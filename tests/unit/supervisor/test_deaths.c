/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_deaths.c - children that die in every way: what is known of it
 * afterwards, and what follows.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "ipc/clock.h"
#include "tests/unit/supervisor/rig.h"

Suite *suite_deaths(void);

static struct rig *rig;
static struct chan *data; /* of a session on RIG_SEEN, hci1 */
static uint32_t session;

static void quick(struct config *config)
{
	rig_quick(config);
	config->tick_window_ms = 1000;
	config->reset_cooldown_ms = 0; /* nothing but the rule that it is once */
}

static void start(void)
{
	rig = rig_start(quick);
	rig_follow(rig);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

static void open_session(const char *adapter)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;
	const Bh__SessionOpened *opened;
	struct chan_frame frame;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.adapter = (char *)(uintptr_t)adapter;
	msg.timeout_ms = 5000;
	rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	opened = chan_unpack(rig->control, &frame, &bh__session_opened__descriptor);
	session = opened->session;
	data = rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

/* Says it to the worker of the session, by a WRITE. */
static void say(const char *word)
{
	Bh__Write msg = BH__WRITE__INIT;

	msg.has_value = 1;
	msg.value.data = (uint8_t *)(uintptr_t)word;
	msg.value.len = strlen(word);
	rig_ask(rig, data, BH__TYPE__WRITE, &msg.base);
}

static void expect_moved(void)
{
	struct chan_frame frame;

	rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
	data = rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

/* The latest death, valid until the next frame is read; NULL: there is none. */
static const Bh__Death *last_death(void)
{
	Bh__DeathsRequest msg = BH__DEATHS_REQUEST__INIT;
	const Bh__Death *death = NULL;
	struct chan_frame frame;
	uint32_t id;

	msg.has_last = 1;
	msg.last = 1;
	id = rig_ask(rig, rig->control, BH__TYPE__DEATHS_REQUEST, &msg.base);
	for (;;) {
		rig_expect(rig, rig->control, 0, &frame);
		if (frame.id == id)
			break;
		chan_frame_done(&frame);
	}
	if (frame.type == BH__TYPE__DEATH)
		death = chan_unpack(rig->control, &frame, &bh__death__descriptor);
	ck_assert(frame.type == BH__TYPE__DONE || death);
	return death;
}

static bool has_frame(const Bh__Death *death, const char *name)
{
	size_t i;

	for (i = 0; i < death->n_frames; i++)
		if (strncmp(death->frames[i], name, strlen(name)) == 0)
			return true;
	return false;
}

static bool has_crumb(const Bh__Death *death, const char *text)
{
	size_t i;

	for (i = 0; i < death->n_crumbs; i++)
		if (strcmp(death->crumbs[i]->text, text) == 0)
			return true;
	return false;
}

/* --- what is known --- */

/* Its own timer ends it in the very function, and names it. */
START_TEST(test_spin)
{
	const Bh__Death *death;
	char crumb[48];

	ck_assert_ptr_null(last_death());
	open_session("hci1");
	say("spin");
	expect_moved();
	death = last_death();
	ck_assert_ptr_nonnull(death);
	ck_assert_str_eq(death->child, "worker hci1");
	ck_assert_str_eq(death->adapter, "hci1");
	ck_assert_str_eq(death->cause, "hung");
	ck_assert_str_eq(death->how, "killed by SIGABRT, its loop hung");
	ck_assert_uint_eq(death->signal, SIGABRT);
	ck_assert_uint_eq(death->session, session);
	ck_assert_uint_eq(death->address, RIG_SEEN);
	ck_assert_uint_ne(death->request, 0);
	(void)snprintf(crumb, sizeof(crumb), "write in session %u", session);
	ck_assert(has_crumb(death, crumb));
	ck_assert_msg(has_frame(death, "agent_spin_for_ever+0x"), "%zu frames, first %s",
		      death->n_frames, death->n_frames ? death->frames[0] : "");
	ck_assert_uint_lt(death->lived_ms, 60000);
}
END_TEST

/* Stopped, it is ended by the supervisor; its own words are of the moment that it goes on. */
START_TEST(test_stopped)
{
	const Bh__Death *death;

	open_session("hci1");
	say("stop");
	expect_moved();
	death = last_death();
	ck_assert_ptr_nonnull(death);
	ck_assert_str_eq(death->cause, "hung");
	ck_assert_uint_eq(death->signal, SIGABRT);
	ck_assert_uint_gt(death->n_frames, 0);
}
END_TEST

static const struct {
	const char *word;
	const char *how; /* NULL: no death */
	bool is_parked;
} EXITS[] = {
	{ "exit 00", "exited by itself", false },
	{ "exit 69", NULL, false },
	{ "exit 70", "exited: internal error", false },
	{ "exit 75", "exited: temporary failure", false },
	{ "exit 78", "exited: wrong configuration", true },
	{ "crash", "exited with status 3", false },
};

START_TEST(test_exits)
{
	const Bh__Death *death;
	struct chan_frame frame;

	open_session("hci1");
	say(EXITS[_i].word);
	if (EXITS[_i].is_parked)
		rig_expect(rig, rig->control, BH__TYPE__SESSION_WAITS, &frame);
	else
		expect_moved();
	death = last_death();
	if (!EXITS[_i].how) {
		ck_assert_ptr_null(death);
		return;
	}
	ck_assert_ptr_nonnull(death);
	ck_assert_str_eq(death->how, EXITS[_i].how);
	ck_assert(!death->has_signal && death->has_status);
	ck_assert_uint_eq(death->n_frames, 0);
	rig_expect_event(rig, EXITS[_i].is_parked ? "worker-parked" : "worker-ready", NULL);
}
END_TEST

/* More than are kept: the last 32, in order. */
START_TEST(test_many)
{
	Bh__DeathsRequest msg = BH__DEATHS_REQUEST__INIT;
	const Bh__Death *death;
	struct chan_frame frame;
	uint64_t expected = 0;
	unsigned i, n = 0;

	open_session("hci1");
	for (i = 0; i < 35; i++) {
		say("kill");
		expect_moved();
	}
	rig_ask(rig, rig->control, BH__TYPE__DEATHS_REQUEST, &msg.base);
	for (;; n++) {
		rig_expect(rig, rig->control, 0, &frame);
		if (frame.type == BH__TYPE__DONE)
			break;
		ck_assert_uint_eq(frame.type, BH__TYPE__DEATH);
		death = chan_unpack(rig->control, &frame, &bh__death__descriptor);
		ck_assert(expected == 0 || death->number == expected);
		expected = death->number + 1;
	}
	ck_assert_uint_eq(n, 32);
	ck_assert_uint_eq(expected, 36);
}
END_TEST

/* --- what follows --- */

/* Not parked: its adapter is switched off and on once, and it is tried again and again. */
START_TEST(test_crash_loop)
{
	unsigned i;

	open_session("hci1");
	for (i = 0; i < 3; i++) {
		say("kill");
		expect_moved();
	}
	rig_expect_event(rig, "worker-loop", "reset once");
	rig_expect_event(rig, "reset-done", NULL);
	ck_assert_uint_eq(rig->powers[0], 1);
	for (i = 0; i < 3; i++) {
		say("kill");
		expect_moved();
	}
	ck_assert_uint_eq(rig->powers[0], 1);
}
END_TEST

/* What it does never ends, but its loop turns: it is helped, and not killed for it. */
START_TEST(test_overrun)
{
	open_session("hci1");
	say("overrun");
	rig_expect_event(rig, "op-overdue", "discovery goes on far beyond its 10 ms: a new");
	rig_expect_event(rig, "op-overdue", "the adapter is reset");
	rig_expect_event(rig, "reset-done", NULL);
	ck_assert_uint_eq(rig->powers[0], 1);
	ck_assert_ptr_null(last_death());
}
END_TEST

/* The worker of that adapter, as the list of adapters says. */
static pid_t worker_of(const char *adapter)
{
	Bh__Empty empty = BH__EMPTY__INIT;
	const Bh__Adapter *item;
	struct chan_frame frame;
	pid_t pid = 0;

	rig_ask(rig, rig->control, BH__TYPE__ADAPTERS_REQUEST, &empty.base);
	for (;;) {
		rig_expect(rig, rig->control, 0, &frame);
		if (frame.type == BH__TYPE__DONE)
			break;
		item = chan_unpack(rig->control, &frame, &bh__adapter__descriptor);
		if (strcmp(item->name, adapter) == 0)
			pid = (pid_t)item->worker_pid;
		chan_frame_done(&frame);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

/*
 * As if a system call of it did not end: who traces it has to reap it first, and does not. Its
 * session goes elsewhere; its adapter has no worker until it is dead at last.
 */
START_TEST(test_unkillable)
{
	pid_t pid = worker_of("hci1");
	int status;

	open_session(NULL);
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	rig_expect_event(rig, "worker-unkillable", NULL);
	expect_moved();
	ck_assert_ptr_null(last_death());
	do
		ck_assert_int_eq(waitpid(pid, &status, __WALL), pid);
	while (!WIFSIGNALED(status));
	rig_expect_event(rig, "worker-ready", NULL);
	ck_assert_ptr_nonnull(last_death());
}
END_TEST

Suite *suite_deaths(void)
{
	Suite *suite = suite_create("deaths");
	TCase *tc = tcase_create("deaths");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_spin);
	tcase_add_test(tc, test_stopped);
	tcase_add_loop_test(tc, test_exits, 0, (int)ARRAY_LEN(EXITS));
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_crash_loop);
	tcase_add_test(tc, test_overrun);
	tcase_add_test(tc, test_unkillable);
	suite_add_tcase(suite, tc);
	return suite;
}
