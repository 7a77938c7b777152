/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_resume.c - what happens to the machine rather than to a process: it
 * sleeps, its adapters change their numbers or lose LE, a process hangs in the kernel.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "ipc/class.h"
#include "ipc/clock.h"
#include "supervisor/devices.h"
#include "supervisor/escalation.h"
#include "supervisor/resume.h"
#include "tests/unit/supervisor/rig.h"

Suite *suite_resume(void);

/* --- the clocks --- */

START_TEST(test_clocks)
{
	struct resume resume = { .is_begun = false };

	/* What it slept before the first look was not in our time. */
	ck_assert_uint_eq(resume_look(&resume, 500000, 1000), 0);
	ck_assert(!resume_is_lenient(&resume, 1000));
	ck_assert_uint_eq(resume_look(&resume, 501000, 2000), 0);
	/* Late in reading the second clock, either way. */
	ck_assert_uint_eq(resume_look(&resume, 502010, 3000), 0);
	ck_assert_uint_eq(resume_look(&resume, 503000, 4020), 0);
	ck_assert(!resume_links_due(&resume, 4020));

	ck_assert_uint_eq(resume_look(&resume, 4104000, 5000), 3600000);
	ck_assert_uint_eq(resume_look(&resume, 4104100, 5100), 0);
	ck_assert(resume_is_lenient(&resume, 5000));
	ck_assert(resume_is_lenient(&resume, 5000 + RESUME_LENIENT_MS - 1));
	ck_assert(!resume_is_lenient(&resume, 5000 + RESUME_LENIENT_MS));
	ck_assert(!resume_links_due(&resume, 5000 + RESUME_LINKS_MS - 1));
	ck_assert(resume_links_due(&resume, 5000 + RESUME_LINKS_MS));
	ck_assert(!resume_links_due(&resume, 5000 + RESUME_LINKS_MS + 1));

	/* Short ones add up; a second one begins everything anew. */
	ck_assert_uint_eq(resume_look(&resume, 4119600, 20000), 0);
	ck_assert_uint_eq(resume_look(&resume, 4120300, 20100), 1200);
	ck_assert(resume_is_lenient(&resume, 20100));
	ck_assert(resume_links_due(&resume, 20100 + RESUME_LINKS_MS));
}
END_TEST

/* In a time namespace BOOTTIME may be behind. */
START_TEST(test_clock_behind)
{
	struct resume resume = { .is_begun = false };

	ck_assert_uint_eq(resume_look(&resume, 1000, 700000), 0);
	ck_assert_uint_eq(resume_look(&resume, 2000, 701000), 0);
	ck_assert_uint_eq(resume_look(&resume, 9000, 702000), 6000);
}
END_TEST

/* --- what it costs: nothing --- */

static struct escalation_answer failed(struct escalation *esc, uint32_t attempt, uint64_t now_ms)
{
	const struct escalation_failure failure = {
		.address = RIG_SEEN,
		.adapter = 0,
		.other = 1,
		.session = 1,
		.class = CLASS_ABORTED_LOCAL,
		.attempt = attempt,
		.left_ms = 600000,
		.is_heard = true,
		.is_alone = true,
	};
	struct profiles profiles;

	profiles_defaults(&profiles);
	return escalation_failed(esc, profiles_of(&profiles, ""), &failure, now_ms, 0);
}

START_TEST(test_not_counted)
{
	const struct escalation_limits limits = {
		.attempts = 3,
		.base_ms = 100,
		.max_ms = 5000,
		.half_life_ms = 600000,
		.reset_budget = 2,
		.reset_window_ms = 3600000,
	};
	struct escalation_answer answer;
	struct escalation *esc;
	uint32_t i;

	ck_assert_int_eq(escalation_new(&esc, &limits), 0);
	escalation_pardon(esc, 50000);
	for (i = 1; i <= 20; i++) {
		answer = failed(esc, i, 40000 + i);
		ck_assert_int_eq(answer.step, ESCALATION_RETRY);
		ck_assert(!answer.is_reset_due);
		ck_assert_uint_lt(answer.delay_ms, 1000);
	}
	ck_assert_uint_eq(escalation_failures(esc, RIG_SEEN, 0, 40100), 0);
	/* Then as ever. */
	answer = failed(esc, 1, 50000);
	ck_assert_uint_eq(answer.failures, 1);
	answer = failed(esc, 3, 50001);
	ck_assert_int_eq(answer.step, ESCALATION_GIVE_UP);
	escalation_free(esc);
}
END_TEST

START_TEST(test_unheard)
{
	const struct devices_report report = { .address = RIG_SEEN,
					       .adapter = 1,
					       .rssi_dbm = -50,
					       .has_connected = true,
					       .is_connected = true };
	const struct sighting *sighting;
	struct devices *devices;

	ck_assert_int_eq(devices_new(&devices), 0);
	ck_assert_int_ge(devices_report(devices, &report, 1000), 0);
	sighting = device_sighting(devices_find(devices, RIG_SEEN), 1);
	ck_assert_int_eq(sighting_rssi_dbm(sighting, 1000), -50);
	devices_unhear(devices);
	sighting = device_sighting(devices_find(devices, RIG_SEEN), 1);
	ck_assert_int_eq(sighting_rssi_dbm(sighting, 1000), DEVICES_RSSI_NONE);
	ck_assert(sighting->is_connected);
	devices_free(devices);
}
END_TEST

/* --- the daemon --- */

static struct rig *rig;
static struct chan *data;

static void start(void)
{
	rig = rig_start(rig_quick);
	rig_follow(rig);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

static void open_session(const char *adapter)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;
	struct chan_frame frame;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.adapter = (char *)(uintptr_t)adapter;
	msg.timeout_ms = 10000;
	rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	data = rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

static void expect_moved_to(const char *adapter)
{
	const Bh__Moved *moved;
	struct chan_frame frame;

	rig_expect(rig, rig->control, BH__TYPE__MOVED, &frame);
	moved = chan_unpack(rig->control, &frame, &bh__moved__descriptor);
	ck_assert_str_eq(moved->adapter, adapter);
	data = rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

/* The kernel has no link any more, BlueZ shows one: who has it is told so. */
START_TEST(test_sleep)
{
	open_session(NULL);
	rig_link(rig, 1, RIG_SEEN);
	rig_tell_agents(rig, "slept", "3600000");
	rig_expect_event(rig, "resumed", "3600 s");
	rig_expect_event(rig, "link-cut", "has slept");
	rig_expect_event(rig, "connecting", "hci1: cut c0aabb000001, link-lost");
	/* And again. */
	rig_tell_agents(rig, "slept", "3660000");
	rig_expect_event(rig, "resumed", "60 s");
}
END_TEST

/* What a program called hci1 is the adapter, not the number. */
START_TEST(test_renumbered)
{
	struct chan_frame frame;

	open_session("hci1");
	rig_plug(rig, 1, false);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_WAITS, &frame);
	/* Another one under its number is not it. */
	rig->addresses[3] = rig->addresses[1];
	rig->addresses[1] = 0x77;
	rig_plug(rig, 1, true);
	rig_expect_event(rig, "worker-ready", NULL);
	rig_plug(rig, 3, true);
	expect_moved_to("hci3");
}
END_TEST

START_TEST(test_no_le)
{
	open_session(NULL);
	/* Who is served there notices by itself; a new one goes elsewhere. */
	rig_settings(rig, 1, false);
	rig_expect_event(rig, "le-off", "ControllerMode");
	rig_order(rig, data, "kill");
	expect_moved_to("hci0");
	rig_settings(rig, 1, true);
	rig_expect_event(rig, "le-on", NULL);
	open_session("hci1");
}
END_TEST

/* Of one that is BR/EDR only nobody is served, and it is said why. */
START_TEST(test_never_le)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;
	const Bh__Error *error;
	struct chan_frame frame;

	rig->addresses[2] = 0x66;
	rig->has_no_le[2] = true;
	rig_plug(rig, 2, true);
	rig_expect_event(rig, "le-off", NULL);
	rig_expect_event(rig, "worker-ready", NULL);
	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.adapter = (char *)(uintptr_t) "hci2";
	msg.timeout_ms = 300;
	rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__ERROR, &frame);
	error = chan_unpack(rig->control, &frame, &bh__error__descriptor);
	ck_assert_int_eq((int)error->class_, CLASS_ADAPTER_GONE);
	ck_assert_ptr_nonnull(strstr(error->text, "no Low Energy"));
}
END_TEST

/* --- processes that hang where no signal reaches them, or never begin --- */

START_TEST(test_never_ready)
{
	open_session(NULL);
	rig_tell_agents(rig, "never-ready", "");
	rig_order(rig, data, "kill");
	rig_expect_event(rig, "worker-died", "not ready in time");
	expect_moved_to("hci0");
}
END_TEST

static pid_t rescue_pid(void)
{
	char command[96];
	unsigned pid = 0;

	(void)snprintf(command, sizeof(command), "pgrep -P %d -f ^bleherd-rescue", rig->daemon);
	while (pid == 0) {
		FILE *out;

		(void)rig_status(rig);
		out = popen(command, "r");
		ck_assert_ptr_nonnull(out);
		if (fscanf(out, "%u", &pid) != 1)
			pid = 0;
		(void)pclose(out);
	}
	return (pid_t)pid;
}

/* As if in D state: who traces it would have to reap it first. The reset ends, the daemon lives. */
START_TEST(test_rescue_stuck)
{
	Bh__ResetAdapter msg = BH__RESET_ADAPTER__INIT;
	int status;
	pid_t pid;

	rig_tell_agents(rig, "steps", "00000");
	msg.adapter = (char *)(uintptr_t) "hci1";
	msg.has_level = 1;
	msg.level = BH__RESET_LEVEL__RESET_RFKILL;
	(void)rig_ask(rig, rig->control, BH__TYPE__RESET_ADAPTER, &msg.base);
	pid = rescue_pid();
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	rig_expect_event(rig, "rescue-stuck", "SIGKILL");
	rig_expect_event(rig, "reset-failed", NULL);
	rig_expect_event(rig, "worker-ready", NULL);
	/* The next one says why that step is left out. */
	(void)rig_ask(rig, rig->control, BH__TYPE__RESET_ADAPTER, &msg.base);
	rig_expect_event(rig, "reset-failed", "hangs in the kernel");
	do
		ck_assert_int_eq(waitpid(pid, &status, __WALL), pid);
	while (!WIFSIGNALED(status));
}
END_TEST

Suite *suite_resume(void)
{
	Suite *suite = suite_create("resume");
	TCase *pure = tcase_create("pure");
	TCase *daemon = tcase_create("daemon");

	tcase_add_test(pure, test_clocks);
	tcase_add_test(pure, test_clock_behind);
	tcase_add_test(pure, test_not_counted);
	tcase_add_test(pure, test_unheard);
	suite_add_tcase(suite, pure);
	tcase_add_checked_fixture(daemon, start, stop);
	tcase_set_timeout(daemon, 60);
	tcase_add_test(daemon, test_sleep);
	tcase_add_test(daemon, test_renumbered);
	tcase_add_test(daemon, test_no_le);
	tcase_add_test(daemon, test_never_le);
	tcase_add_test(daemon, test_never_ready);
	tcase_add_test(daemon, test_rescue_stuck);
	suite_add_tcase(suite, daemon);
	return suite;
}
