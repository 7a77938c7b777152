/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_device_log.c - what a program can learn of a device, after what fake
 * workers said of it.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/class.h"
#include "tests/unit/supervisor/rig.h"

Suite *suite_device_log(void);

static struct rig *rig;

static void quick(struct config *config)
{
	static const char SEEN[] = "C0:AA:BB:00:00:01";
	char error[DEVICE_RULES_ERROR_LEN];

	config->restart_base_ms = 20;
	config->restart_max_ms = 40;
	ck_assert_int_eq(device_rules_set(&config->devices, SEEN, "reconnect_base_ms", "10", error),
			 0);
	ck_assert_int_eq(device_rules_set(&config->devices, SEEN, "reconnect_max_ms", "20", error),
			 0);
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

/* --- a program --- */

static struct chan *open_session(void)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;
	struct chan_frame frame;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.timeout_ms = 2000;
	(void)rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	return rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

static void choose(Bh__Strategy strategy)
{
	Bh__StrategySet msg = BH__STRATEGY_SET__INIT;
	struct chan_frame frame;

	msg.has_address = msg.has_strategy = 1;
	msg.address = RIG_SEEN;
	msg.strategy = strategy;
	(void)rig_ask(rig, rig->control, BH__TYPE__STRATEGY_SET, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__DONE, &frame);
}

/* The answer to a mark: DONE or ERROR. */
static uint16_t mark(uint64_t address, int health)
{
	Bh__HealthMark msg = BH__HEALTH_MARK__INIT;
	struct chan_frame frame;
	uint32_t id;

	msg.has_address = msg.has_health = 1;
	msg.address = address;
	msg.health = (Bh__Health)health;
	id = rig_ask(rig, rig->control, BH__TYPE__HEALTH_MARK, &msg.base);
	do
		rig_expect(rig, rig->control, 0, &frame);
	while (frame.id != id);
	return frame.type;
}

/* What is known, as text: "connected healthy|1 connects ..." */
static char known[2048];

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	size_t len = strlen(known);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(known + len, sizeof(known) - len, format, args);
	va_end(args);
}

static void say_frame(struct chan_frame *frame)
{
	static const char *const STATES[] = { "",	   "disconnected",  "connecting",
					      "connected", "disconnecting", "error" };
	static const char *const HEALTHS[] = { "", "unknown", "healthy", "degraded", "unhealthy" };
	const Bh__Device *device;
	const Bh__DeviceInfo *info;
	const Bh__History *step;
	const Bh__Distribution *part;

	if (frame->type == BH__TYPE__DEVICE) {
		device = chan_unpack(rig->control, frame, &bh__device__descriptor);
		say("%s %s\n", STATES[device->state], HEALTHS[device->health]);
		if (device->requests > 0)
			say("requests %llu\nvalues %llu\n", (unsigned long long)device->requests,
			    (unsigned long long)device->values);
	} else if (frame->type == BH__TYPE__DEVICE_INFO) {
		info = chan_unpack(rig->control, frame, &bh__device_info__descriptor);
		say("%s connects %u losses %u failed %u given up %u\n", info->adapter,
		    info->connects, info->losses, info->attempts_failed, info->given_up);
	} else if (frame->type == BH__TYPE__HISTORY) {
		step = chan_unpack(rig->control, frame, &bh__history__descriptor);
		say("%s %s%s%s%s\n", STATES[step->state],
		    step->class_ ? class_name((enum err_class)step->class_) : "",
		    step->class_ ? " " : "", step->adapter ? step->adapter : "-", step->text);
	} else if (frame->type == BH__TYPE__DISTRIBUTION) {
		part = chan_unpack(rig->control, frame, &bh__distribution__descriptor);
		say("part %d: %u, %u to %u, %u, %u\n", part->part, part->count, part->min_ms,
		    part->max_ms, part->p50_ms, part->p95_ms);
	}
}

static void look(void)
{
	Bh__DeviceInfoRequest msg = BH__DEVICE_INFO_REQUEST__INIT;
	struct chan_frame frame;
	uint32_t id;

	known[0] = '\0';
	msg.has_address = 1;
	msg.address = RIG_SEEN;
	id = rig_ask(rig, rig->control, BH__TYPE__DEVICE_INFO_REQUEST, &msg.base);
	do {
		rig_expect(rig, rig->control, 0, &frame);
		if (frame.id == id)
			say_frame(&frame);
	} while (frame.id != id || frame.type != BH__TYPE__DONE);
}

static void expect(const char *text)
{
	ck_assert_msg(strstr(known, text), "no \"%s\" in:\n%s", text, known);
}

/* --- tests --- */

START_TEST(test_link)
{
	struct chan *session;

	look();
	ck_assert_str_eq(known, "disconnected unknown\n");
	session = open_session();
	rig_order(rig, session, "link 0");
	rig_expect_event(rig, "health", "healthy: it works");
	look();
	expect("connected healthy\nhci1 connects 1 losses 0 failed 0 given up 0\n"
	       "connecting hci1\nconnected hci1\npart 1: 1, 0 to 0, 0, 0\n");
	rig_order(rig, session, "lost 7");
	rig_expect_event(rig, "disconnected", NULL);
	look();
	expect("disconnected healthy\nhci1 connects 1 losses 1 failed 0 given up 0\n");
	expect("connected hci1\ndisconnected link-lost hci1\n");
}
END_TEST

/* The error of an opening on hci1. */
static const char *not_found(uint64_t address)
{
	static char text[256];
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;
	struct chan_frame frame;
	const Bh__Error *error;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = address;
	msg.adapter = (char *)(uintptr_t) "hci1";
	msg.timeout_ms = 200;
	(void)rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__ERROR, &frame);
	error = chan_unpack(rig->control, &frame, &bh__error__descriptor);
	ck_assert_int_eq(error->class_, CLASS_NOT_FOUND);
	(void)snprintf(text, sizeof(text), "%s", error->text);
	return text;
}

/* BlueZ has forgotten it, and it is silent: that it was there is not forgotten. */
START_TEST(test_forgotten)
{
	struct chan *session = open_session();

	rig_order(rig, session, "link 0");
	rig_expect_event(rig, "connected", NULL);
	rig_order(rig, session, "lost 7");
	rig_expect_event(rig, "disconnected", NULL);
	rig_order(rig, session, "forget");
	rig_order(rig, session, "link 0");
	rig_expect_event(rig, "connected", NULL);
	ck_assert_ptr_nonnull(
		strstr(not_found(RIG_SEEN),
		       "C0:AA:BB:00:00:01 was not seen in 0.2 s on hci1; last heard "));
	ck_assert_str_eq(not_found(0xc0aabb0000ff),
			 "C0:AA:BB:00:00:FF was not seen in 0.2 s on hci1");
}
END_TEST

/* Attempts that fail make it worse, links better, and each change is told once. */
START_TEST(test_attempts)
{
	unsigned i;

	rig_tell_agents(rig, "connect", "6");
	choose(BH__STRATEGY__STRATEGY_PERSISTENT);
	rig_expect_event(rig, "health", "degraded: 2 failures in a row, the last: aborted-remote");
	rig_expect_event(rig, "health", "unhealthy: 5 failures in a row");
	rig_tell_agents(rig, "connect", "-1");
	rig_expect_event(rig, "connected", NULL);
	look();
	expect("connected unhealthy\n");
	expect("\nerror aborted-remote hci");
	expect("\nconnecting hci");
	expect("\nconnected hci");
	for (i = 0; i < 2; i++) {
		struct chan *session = open_session();

		rig_order(rig, session, "lost 7");
		rig_expect_event(rig, "disconnected", NULL);
		if (i == 0)
			rig_expect_event(rig, "connected", NULL);
	}
	rig_expect_event(rig, "health", "healthy: it works again, 3 times by now");
}
END_TEST

START_TEST(test_marks)
{
	ck_assert_uint_eq(mark(RIG_SEEN, BH__HEALTH__HEALTH_UNHEALTHY), BH__TYPE__DONE);
	rig_expect_event(rig, "health", "unhealthy: marked by ");
	look();
	expect("disconnected unhealthy\n");
	/* No news: the next one is the one after it. */
	ck_assert_uint_eq(mark(RIG_SEEN, BH__HEALTH__HEALTH_UNHEALTHY), BH__TYPE__DONE);
	ck_assert_uint_eq(mark(RIG_SEEN, BH__HEALTH__HEALTH_HEALTHY), BH__TYPE__DONE);
	rig_expect_event(rig, "health", "h");
	look();
	expect("disconnected healthy\n");
	ck_assert_uint_eq(mark(RIG_SEEN, 0), BH__TYPE__ERROR);
	ck_assert_uint_eq(mark(RIG_SEEN, 5), BH__TYPE__ERROR);
	ck_assert_uint_eq(mark(0, BH__HEALTH__HEALTH_HEALTHY), BH__TYPE__ERROR);
}
END_TEST

/* What its worker says of requests, and of who holds the link. */
START_TEST(test_usage)
{
	Bh__SessionsRequest msg = BH__SESSIONS_REQUEST__INIT;
	struct chan *session = open_session();
	const Bh__SessionRow *row;
	struct chan_frame frame;
	uint32_t id;

	rig_order(rig, session, "use 10");
	rig_order(rig, session, "use 20");
	rig_order(rig, session, "link 0");
	rig_expect_event(rig, "connected", NULL);
	look();
	expect("requests 30\nvalues 6\n");
	expect("part 4: 30, 1 to 20, 8, 19\n");
	id = rig_ask(rig, rig->control, BH__TYPE__SESSIONS_REQUEST, &msg.base);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_ROW, &frame);
	ck_assert_uint_eq(frame.id, id);
	row = chan_unpack(rig->control, &frame, &bh__session_row__descriptor);
	ck_assert_uint_eq(row->address, RIG_SEEN);
	ck_assert_str_eq(row->adapter, "hci1");
	ck_assert_str_eq(row->state, "served");
	ck_assert(row->holds && !row->own);
	ck_assert_uint_eq(row->subscriptions, 2);
	ck_assert_uint_eq(row->pid, (uint32_t)getpid());
	rig_expect(rig, rig->control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__DONE);
	/* Of another device there is none. */
	msg.has_address = 1;
	msg.address = RIG_HIDDEN;
	(void)rig_ask(rig, rig->control, BH__TYPE__SESSIONS_REQUEST, &msg.base);
	rig_expect(rig, rig->control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__DONE);
}
END_TEST

/* With its worker its link is gone for whoever asks, until the next one takes it on. */
START_TEST(test_worker_died)
{
	struct chan *session = open_session();

	rig_order(rig, session, "link 0");
	rig_expect_event(rig, "connected", NULL);
	rig_order(rig, session, "kill");
	rig_expect_event(rig, "worker-died", NULL);
	look();
	expect("disconnected internal hci1its worker ended\n");
}
END_TEST

Suite *suite_device_log(void)
{
	Suite *suite = suite_create("device_log");
	TCase *tcase = tcase_create("device_log");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_link);
	tcase_add_test(tcase, test_forgotten);
	tcase_add_test(tcase, test_attempts);
	tcase_add_test(tcase, test_marks);
	tcase_add_test(tcase, test_usage);
	tcase_add_test(tcase, test_worker_died);
	suite_add_tcase(suite, tcase);
	return suite;
}
