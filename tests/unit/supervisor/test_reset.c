/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_reset.c - the reset of an adapter with fake children: what a program
 * sees of it, its frames, the events, who serves it. The chain itself: test_reset_chain.c.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ipc/class.h"
#include "ipc/control.pb-c.h"
#include "supervisor/mgmt_codec.h"
#include "tests/unit/supervisor/rig.h"
#include "tests/unit/supervisor/rig_lock.h"

Suite *suite_reset(void);

static struct rig *rig;

static void quick(struct config *config)
{
	config->restart_base_ms = 20;
	config->restart_max_ms = 40;
	config->rescue_prove_ms = 300;
	config->mgmt_timeout_ms = 300;
}

static void start(void)
{
	rig = rig_start(quick);
	/* Of the rescue's kinds none is possible here. */
	rig_tell_agents(rig, "steps", "22222");
	rig_follow(rig);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

static uint32_t ask(const char *adapter, int level, bool only_list)
{
	Bh__ResetAdapter msg = BH__RESET_ADAPTER__INIT;

	msg.adapter = (char *)(uintptr_t)adapter;
	msg.has_level = msg.has_only_list = 1;
	msg.level = (Bh__ResetLevel)level;
	msg.only_list = only_list;
	return rig_ask(rig, rig->control, BH__TYPE__RESET_ADAPTER, &msg.base);
}

/* The next answer is a step of that rung; what came of it contains @text. */
static void expect_step(uint32_t id, Bh__ResetLevel level, bool is_cured, const char *text)
{
	const Bh__ResetStep *msg;
	struct chan_frame frame;

	do
		rig_expect(rig, rig->control, 0, &frame);
	while (frame.id != id || frame.type == BH__TYPE__RESET_VICTIM);
	ck_assert_uint_eq(frame.type, BH__TYPE__RESET_STEP);
	msg = chan_unpack(rig->control, &frame, &bh__reset_step__descriptor);
	ck_assert_int_eq(msg->level, level);
	ck_assert_int_eq(msg->cured, is_cured);
	ck_assert_msg(strstr(msg->text, text), "\"%s\" is not in \"%s\"", text, msg->text);
}

static void expect_done(uint32_t id)
{
	struct chan_frame frame;

	do
		rig_expect(rig, rig->control, 0, &frame);
	while (frame.id != id || frame.type == BH__TYPE__RESET_VICTIM);
	ck_assert_uint_eq(frame.type, BH__TYPE__DONE);
}

static void expect_error(uint32_t id, enum err_class class, const char *text)
{
	const Bh__Error *msg;
	struct chan_frame frame;

	do
		rig_expect(rig, rig->control, 0, &frame);
	while (frame.id != id || frame.type == BH__TYPE__RESET_VICTIM);
	ck_assert_uint_eq(frame.type, BH__TYPE__ERROR);
	msg = chan_unpack(rig->control, &frame, &bh__error__descriptor);
	ck_assert_str_eq(class_name((enum err_class)msg->class_), class_name(class));
	ck_assert_msg(strstr(msg->text, text), "\"%s\" is not in \"%s\"", text, msg->text);
}

static void open_session(const char *adapter)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;
	struct chan_frame frame;

	msg.has_kind = msg.has_address = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.adapter = (char *)(uintptr_t)adapter;
	rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	(void)rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

static void expect_victim(uint32_t id, uint64_t address, bool is_session)
{
	const Bh__ResetVictim *msg;
	struct chan_frame frame;

	rig_expect(rig, rig->control, BH__TYPE__RESET_VICTIM, &frame);
	ck_assert_uint_eq(frame.id, id);
	msg = chan_unpack(rig->control, &frame, &bh__reset_victim__descriptor);
	ck_assert_str_eq(msg->adapter, "hci1");
	ck_assert_uint_eq(msg->address, address);
	ck_assert_int_eq(msg->has_session, is_session);
}

static uint32_t count_victims(void)
{
	uint32_t id = ask("hci1", 0, true);
	const Bh__Done *done;
	struct chan_frame frame;

	rig_expect(rig, rig->control, BH__TYPE__DONE, &frame);
	ck_assert_uint_eq(frame.id, id);
	done = chan_unpack(rig->control, &frame, &bh__done__descriptor);
	return done->count;
}

START_TEST(test_power_cycle_with_links)
{
	struct chan_frame frame;
	const Bh__Moved *moved;
	uint32_t id;

	open_session("hci1");
	rig_link(rig, 1, RIG_SEEN);
	while (count_victims() < 2)
		;
	id = ask("hci1", 0, false);
	expect_victim(id, RIG_SEEN, false);
	expect_victim(id, RIG_SEEN, true);
	rig_expect_event(rig, "resetting", "1 link and 1 session suffer");
	rig_expect_event(rig, "resetting", "a link will end");
	rig_expect_event(rig, "resetting", "a session of");
	rig_expect_event(rig, "worker-died", "asked to stop");
	rig_expect_event(rig, "moving", NULL);
	rig_expect_event(rig, "reset-step", "power: adverts are heard again");
	rig_expect_event(rig, "reset-done", "hci1 is reset");
	ck_assert_uint_eq(rig->powers[0], 1);
	ck_assert_uint_eq(rig->powers[1], 1);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, true, "adverts");
	expect_done(id);
	/* It wants that adapter only: it waited for it, and is served again. */
	rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
	moved = chan_unpack(rig->control, &frame, &bh__moved__descriptor);
	ck_assert_str_eq(moved->adapter, "hci1");
}
END_TEST

START_TEST(test_lock)
{
	struct chan *lock = lock_open(rig, rig->control);
	uint32_t id = ask("hci1", BH__RESET_LEVEL__RESET_POWER, false);

	expect_step(id, BH__RESET_LEVEL__RESET_POWER, true, "adverts");
	expect_done(id);
	/* As a peer of its own, before everybody, and given back. */
	lock_expect_told(rig, lock, "maintenance:hci1 class 1 worker 1");
	lock_expect_told(rig, lock, "released");
}
END_TEST

START_TEST(test_lock_held_by_another)
{
	struct chan_frame frame;
	Bh__Empty empty = BH__EMPTY__INIT;
	const Bh__Adapter *adapter;
	uint32_t id;

	open_session("hci1");
	rig_tell_agents(rig, "deny", "");
	id = ask("hci1", 0, false);
	expect_error(id, CLASS_LOCK_TIMEOUT, "others hold the adapter");
	rig_expect_event(rig, "reset-failed", "others hold");
	/* Nobody was harmed: it serves its session still. */
	ck_assert_uint_eq(rig->powers[0] + rig->powers[1], 0);
	rig_ask(rig, rig->control, BH__TYPE__ADAPTERS_REQUEST, &empty.base);
	do {
		rig_expect(rig, rig->control, BH__TYPE__ADAPTER, &frame);
		adapter = chan_unpack(rig->control, &frame, &bh__adapter__descriptor);
	} while (strcmp(adapter->name, "hci1") != 0);
	ck_assert_uint_eq(adapter->sessions, 1);
	ck_assert_str_eq(adapter->state, "ready");
	ck_assert_uint_eq(adapter->deaths, 0);
}
END_TEST

START_TEST(test_parked_arbiter)
{
	struct chan *lock = lock_open(rig, rig->control);
	uint32_t id;

	lock_command(rig, lock, "park");
	rig_expect_event(rig, "arbiter-parked", NULL);
	id = ask("hci1", 0, false);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, true, "adverts");
	expect_done(id);
}
END_TEST

START_TEST(test_next_rung)
{
	uint32_t id;

	rig->power_status = 5; /* as seen on a controller that answers nothing */
	rig_tell_agents(rig, "steps", "42222");
	id = ask("hci1", 0, false);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, false, "does not answer");
	expect_step(id, BH__RESET_LEVEL__RESET_DOWN_UP, false, "failed");
	expect_step(id, BH__RESET_LEVEL__RESET_USB, false, "not possible");
	expect_step(id, BH__RESET_LEVEL__RESET_REBIND, false, "not possible");
	expect_error(id, CLASS_NO_REPLY, "could not be reset: failed");
	/* Its worker is there again all the same. */
	rig_expect_event(rig, "reset-failed", NULL);
	rig_expect_event(rig, "worker-ready", NULL);
}
END_TEST

START_TEST(test_no_answer)
{
	uint32_t id;

	rig->is_mute = true;
	rig_tell_agents(rig, "steps", "44444");
	id = ask("hci1", 0, false);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, false, "did not answer");
	expect_step(id, BH__RESET_LEVEL__RESET_DOWN_UP, false, "failed");
	rig->is_mute = false;
	expect_step(id, BH__RESET_LEVEL__RESET_USB, false, "failed");
	expect_step(id, BH__RESET_LEVEL__RESET_REBIND, false, "failed");
	expect_error(id, CLASS_NO_REPLY, "could not be reset");
	/* The socket was opened anew: another reset finds it working. */
	id = ask("hci1", 0, false);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, true, "adverts");
	expect_done(id);
}
END_TEST

START_TEST(test_deaf)
{
	uint32_t id;

	rig_tell_agents(rig, "deaf", "");
	rig_tell_agents(rig, "steps", "12224");
	id = ask("hci1", 0, false);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, false, "hears no advert");
	expect_step(id, BH__RESET_LEVEL__RESET_DOWN_UP, false, "hears no advert");
	expect_step(id, BH__RESET_LEVEL__RESET_USB, false, "not possible");
	expect_step(id, BH__RESET_LEVEL__RESET_REBIND, false, "not possible");
	expect_step(id, BH__RESET_LEVEL__RESET_BLUETOOTHD, false, "failed");
	expect_error(id, CLASS_BLUEZ_GONE, "could not be reset");
	/* Not again at once: a bluetoothd that does not come back needs its time. */
	id = ask("hci1", BH__RESET_LEVEL__RESET_BLUETOOTHD, false);
	expect_step(id, BH__RESET_LEVEL__RESET_BLUETOOTHD, false, "less than a minute ago");
	expect_error(id, CLASS_BLUEZ_GONE, "could not be reset");
}
END_TEST

START_TEST(test_rfkill)
{
	uint32_t id;

	rig->power_status = MGMT_STATUS_RFKILLED;
	rig_tell_agents(rig, "steps", "44464");
	id = ask("hci1", 0, false);
	expect_step(id, BH__RESET_LEVEL__RESET_POWER, false, "blocked by rfkill");
	expect_step(id, BH__RESET_LEVEL__RESET_RFKILL, false, "switch of hardware");
	expect_error(id, CLASS_RFKILL, "switch of hardware");
	ck_assert_uint_eq(rig->powers[1], 1);
}
END_TEST

START_TEST(test_one_at_a_time)
{
	uint32_t second;

	rig_tell_agents(rig, "steps", "00000");
	(void)ask("hci1", BH__RESET_LEVEL__RESET_DOWN_UP, false);
	rig_expect_event(rig, "worker-died", "asked to stop");
	second = ask("hci0", 0, false);
	expect_error(second, CLASS_LOCK_TIMEOUT, "hci1 is being reset");
	/* Who would suffer may be asked all the same. */
	second = ask("hci0", 0, true);
	expect_done(second);
}
END_TEST

START_TEST(test_renumbered)
{
	struct chan_frame frame;
	const Bh__ResetStep *step;
	uint32_t id;

	rig_tell_agents(rig, "steps", "21222");
	id = ask("hci1", BH__RESET_LEVEL__RESET_USB, false);
	rig_expect_event(rig, "worker-died", "asked to stop");
	rig_renumber(rig, 1, 3);
	rig_expect_event(rig, "adapter-added", "hci3");
	rig_expect(rig, rig->control, BH__TYPE__RESET_STEP, &frame);
	step = chan_unpack(rig->control, &frame, &bh__reset_step__descriptor);
	ck_assert_str_eq(step->adapter, "hci3");
	ck_assert(step->cured);
	expect_done(id);
}
END_TEST

/* As systemd has it: a socket where each connection is a step. */
static int listen_as_systemd(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->config.rescue_socket);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static struct chan *take_step(int listener)
{
	const Bh__Ctl__RescueStep *step;
	struct chan_frame frame;
	struct chan *rescue;

	rescue = rig_wrap(rig, accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK),
			  CHAN_BODY_CONTROL);
	rig_expect(rig, rescue, BH__CTL__TYPE__RESCUE_STEP, &frame);
	step = chan_unpack(rescue, &frame, &bh__ctl__rescue_step__descriptor);
	ck_assert_int_eq(step->kind, BH__CTL__RESCUE_KIND__RESCUE_REBIND);
	ck_assert_uint_eq(step->index, 1);
	ck_assert_uint_eq(step->address, 0x02u);
	return rescue;
}

static void answer_step(struct chan *rescue)
{
	Bh__Ctl__RescueDone done = BH__CTL__RESCUE_DONE__INIT;

	done.has_outcome = 1;
	done.outcome = BH__CTL__RESCUE_OUTCOME__RESCUE_OK;
	(void)rig_ask(rig, rescue, BH__CTL__TYPE__RESCUE_DONE, &done.base);
}

START_TEST(test_rescue_socket)
{
	int listener = listen_as_systemd();
	uint32_t id = ask("hci1", BH__RESET_LEVEL__RESET_REBIND, false);

	answer_step(take_step(listener));
	expect_step(id, BH__RESET_LEVEL__RESET_REBIND, true, "adverts");
	expect_done(id);
	(void)close(listener);
}
END_TEST

/* The lock is handed to the next lockd and stays held. */
START_TEST(test_arbiter_dies)
{
	struct chan *lock = lock_open(rig, rig->control);
	int listener = listen_as_systemd();
	uint32_t id = ask("hci1", BH__RESET_LEVEL__RESET_REBIND, false);
	struct chan *rescue = take_step(listener);

	lock_command(rig, lock, "die");
	rig_expect_event(rig, "arbiter-up", NULL);
	lock = lock_open(rig, rig->control);
	lock_expect_told(rig, lock, "held 5 maintenance:hci1");
	answer_step(rescue);
	expect_step(id, BH__RESET_LEVEL__RESET_REBIND, true, "adverts");
	expect_done(id);
	lock_expect_told(rig, lock, "released");
	(void)close(listener);
}
END_TEST

/* A controller that takes its time: its coming back is an event, not found by looking now and then.
 */
START_TEST(test_slow_to_come_back)
{
	uint32_t id;

	rig_tell_agents(rig, "steps", "21222");
	id = ask("hci1", BH__RESET_LEVEL__RESET_USB, false);
	rig_expect_event(rig, "worker-died", "asked to stop");
	rig_plug(rig, 1, false);
	rig_expect_event(rig, "adapter-removed", "hci1");
	(void)poll(NULL, 0, 800);
	rig_plug(rig, 1, true);
	expect_step(id, BH__RESET_LEVEL__RESET_USB, true, "adverts");
	expect_done(id);
}
END_TEST

START_TEST(test_unknown)
{
	expect_error(ask("hci7", 0, false), CLASS_ADAPTER_GONE, "no such adapter");
	expect_error(ask("hci1", 77, false), CLASS_INVALID, "no such level");
}
END_TEST

Suite *suite_reset(void)
{
	Suite *suite = suite_create("reset");
	TCase *whole = tcase_create("whole");

	tcase_add_checked_fixture(whole, start, stop);
	tcase_set_timeout(whole, 10);
	tcase_add_test(whole, test_power_cycle_with_links);
	tcase_add_test(whole, test_lock);
	tcase_add_test(whole, test_lock_held_by_another);
	tcase_add_test(whole, test_parked_arbiter);
	tcase_add_test(whole, test_next_rung);
	tcase_add_test(whole, test_no_answer);
	tcase_add_test(whole, test_deaf);
	tcase_add_test(whole, test_rfkill);
	tcase_add_test(whole, test_one_at_a_time);
	tcase_add_test(whole, test_renumbered);
	tcase_add_test(whole, test_rescue_socket);
	tcase_add_test(whole, test_arbiter_dies);
	tcase_add_test(whole, test_slow_to_come_back);
	tcase_add_test(whole, test_unknown);
	suite_add_tcase(suite, whole);
	return suite;
}
