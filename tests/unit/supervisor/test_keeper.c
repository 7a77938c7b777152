/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_keeper.c - what the daemon does for a device by itself, over fake
 * workers (agent_keep.c): it keeps links, polls, and lets people choose.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ipc/class.h"
#include "tests/unit/supervisor/rig.h"

Suite *suite_keeper(void);

static struct rig *rig;

static void set(struct config *config, const char *who, const char *key, const char *value)
{
	char error[DEVICE_RULES_ERROR_LEN];

	ck_assert_msg(device_rules_set(&config->devices, who, key, value, error) == 0, "%s", error);
}

static const char SEEN[] = "C0:AA:BB:00:00:01";

static void quick(struct config *config)
{
	config->restart_base_ms = 20;
	config->restart_max_ms = 40;
	set(config, SEEN, "reconnect_base_ms", "10");
	set(config, SEEN, "reconnect_max_ms", "20");
	set(config, SEEN, "check", "read:2a19");
	set(config, SEEN, "check_timeout_ms", "4000");
	set(config, SEEN, "breaker_failures", "3");
	set(config, SEEN, "breaker_probe_ms", "100");
}

static void persistent(struct config *config)
{
	quick(config);
	set(config, SEEN, "strategy", "persistent");
}

static void patient(struct config *config)
{
	char error[PROFILE_ERROR_LEN];

	persistent(config);
	set(config, SEEN, "profile", "once");
	ck_assert_int_eq(profiles_set(&config->profiles, "once", "attempts", "1", error), 0);
}

static void polled(struct config *config)
{
	quick(config);
	set(config, SEEN, "check_interval_ms", "30");
}

static void by_name(struct config *config)
{
	set(config, "name:Thermo*", "strategy", "persistent");
	set(config, "name:Thermo*", "linger_ms", "7");
}

/* From the beginning on. */
static void start(void (*adjust)(struct config *config))
{
	Bh__EventsRequest request = BH__EVENTS_REQUEST__INIT;

	rig = rig_start(adjust);
	request.has_follow = request.has_history = 1;
	request.follow = request.history = 1;
	rig->events = rig_connect(rig);
	rig_ask(rig, rig->events, BH__TYPE__EVENTS_REQUEST, &request.base);
}

static void start_quick(void)
{
	start(quick);
}

static void start_persistent(void)
{
	start(persistent);
}

static void start_patient(void)
{
	start(patient);
}

static void start_polled(void)
{
	start(polled);
}

static void start_by_name(void)
{
	start(by_name);
}

static void stop(void)
{
	rig = rig_stop(rig);
}

/* --- a program --- */

static uint32_t ask_open(bool is_failing_fast)
{
	Bh__SessionOpen msg = BH__SESSION_OPEN__INIT;

	msg.has_kind = msg.has_address = msg.has_timeout_ms = msg.has_fail_fast = 1;
	msg.kind = BH__SESSION_KIND__SESSION_DEVICE;
	msg.address = RIG_SEEN;
	msg.timeout_ms = 2000;
	msg.fail_fast = is_failing_fast;
	return rig_ask(rig, rig->control, BH__TYPE__SESSION_OPEN, &msg.base);
}

static struct chan *open_session(void)
{
	struct chan_frame frame;

	(void)ask_open(false);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	return rig_wrap(rig, take_fd(&frame.fds[0]), CHAN_BODY_DATA);
}

static void said(const char *text)
{
	rig_expect_event(rig, "connecting", text);
}

/* The next thing that the worker says is this, whatever else happens. */
static void said_next(const char *text)
{
	const Bh__Event *event;
	struct chan_frame frame;

	do {
		rig_expect(rig, rig->events, BH__TYPE__EVENT, &frame);
		event = chan_unpack(rig->events, &frame, &bh__event__descriptor);
	} while (strcmp(event->kind, "connecting") != 0);
	ck_assert_str_eq(event->text, text);
}

enum { ASK = -1 };

struct answer {
	bool is_refused;
	Bh__Strategy strategy;
	char keeper[32];
	uint32_t circuit_failures;
	size_t n_sightings;
};

static struct answer choose(uint64_t address, int strategy, int interval_ms)
{
	Bh__StrategySet msg = BH__STRATEGY_SET__INIT;
	struct answer answer = { .is_refused = true };
	const Bh__Device *device;
	struct chan_frame frame;
	uint32_t id;

	msg.has_address = 1;
	msg.address = address;
	msg.has_strategy = strategy != ASK;
	msg.strategy = (Bh__Strategy)strategy;
	msg.has_check_interval_ms = interval_ms != ASK;
	msg.check_interval_ms = (uint32_t)interval_ms;
	id = rig_ask(rig, rig->control, BH__TYPE__STRATEGY_SET, &msg.base);
	do
		rig_expect(rig, rig->control, 0, &frame);
	while (frame.id != id); /* a session's MOVED may come first */
	if (frame.type == BH__TYPE__ERROR) {
		chan_frame_done(&frame);
		return answer;
	}
	ck_assert_uint_eq(frame.type, BH__TYPE__DEVICE);
	device = chan_unpack(rig->control, &frame, &bh__device__descriptor);
	ck_assert_ptr_nonnull(device);
	ck_assert_uint_eq(device->address, address);
	answer = (struct answer){ .strategy = device->strategy,
				  .circuit_failures = device->circuit_failures,
				  .n_sightings = device->n_sightings };
	(void)snprintf(answer.keeper, sizeof(answer.keeper), "%s",
		       device->keeper ? device->keeper : "");
	rig_expect(rig, rig->control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__DONE);
	chan_frame_done(&frame);
	return answer;
}

/* It is done. */
static void chosen(int strategy, int interval_ms)
{
	ck_assert(!choose(RIG_SEEN, strategy, interval_ms).is_refused);
}

static void expect_keeper(const char *state)
{
	ck_assert_str_eq(choose(RIG_SEEN, ASK, ASK).keeper, state);
}

/* --- the link --- */

START_TEST(test_held_and_lost)
{
	struct chan *program;
	unsigned i;

	said("keep 1");
	program = open_session();
	for (i = 0; i < 3; i++) {
		rig_order(rig, program, "lost 7");
		said_next("left");
		said_next("keep 1");
	}
}
END_TEST

/* The next worker finds it as it was: no pause, and nothing that was lost. */
START_TEST(test_worker_killed)
{
	struct chan *program;

	said("keep 1");
	program = open_session();
	rig_order(rig, program, "kill");
	said_next("keep 1");
	rig_expect_event(rig, "connected", "hci1");
	expect_keeper("held");
}
END_TEST

/* There is no adapter any more: nothing is held, until there is one. */
START_TEST(test_unplugged)
{
	said("keep 1");
	rig_expect_event(rig, "connected", "hci1");
	rig_plug(rig, 0, false);
	rig_expect_event(rig, "worker-died", NULL);
	rig_plug(rig, 1, false);
	rig_expect_event(rig, "moving", "hci1");
	expect_keeper("connecting");
	rig_plug(rig, 1, true);
	said("keep 1");
	rig_expect_event(rig, "connected", "hci1");
	expect_keeper("held");
}
END_TEST

START_TEST(test_F41_dead)
{
	struct chan *program;

	said("keep 1");
	program = open_session();
	rig_order(rig, program, "lost 19");
	rig_expect_event(rig, "device-silent", "left alone");
	expect_keeper("waiting-gone");
	/* It was not away: that says nothing yet. */
	rig_order(rig, program, "heard");
	/* Somebody reaches it: that is all that was to be waited for. */
	rig_order(rig, program, "link 0");
	said("unwatch");
	said("keep 1");
}
END_TEST

START_TEST(test_F41_back)
{
	struct chan *program = open_session();

	rig_tell_agents(rig, "connect", "1");
	chosen(BH__STRATEGY__STRATEGY_PERSISTENT, ASK);
	rig_expect_event(rig, "device-gone", "not heard any more");
	rig_tell_agents(rig, "connect", "-1");
	rig_order(rig, program, "heard");
	rig_expect_event(rig, "device-back", "connecting in 2 s");
	said("keep 1");
	rig_expect_event(rig, "connected", "hci1");
}
END_TEST

/* Its profile allows one attempt; after that it rests, and tries again. */
START_TEST(test_profile)
{
	struct chan *program;

	said("keep 1");
	program = open_session();
	rig_tell_agents(rig, "first", "");
	rig_tell_agents(rig, "connect", "7");
	rig_order(rig, program, "lost 7");
	said_next("left");
	said_next("keep 1");
	said_next("left");
	said_next("keep 1");
}
END_TEST

/* --- polls --- */

START_TEST(test_polls)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		said(i == 0 ? "keep 0" : "");
		said("check read");
		said_next("left");
	}
	/* One that is asked to be kept is polled on its link. */
	chosen(BH__STRATEGY__STRATEGY_PERSISTENT, ASK);
	said("keep 1");
	said_next("check read 4000");
	said_next("check read 4000");
	/* An interval that changes is begun at once, and 0 ends it. */
	chosen(ASK, 86400000);
	rig_expect_event(rig, "strategy", "every 86400000 ms");
	said("check read");
	chosen(ASK, 0);
	rig_expect_event(rig, "strategy", "not polled");
	chosen(BH__STRATEGY__STRATEGY_ON_DEMAND, ASK);
	said_next("keep 0");
	said_next("left");
}
END_TEST

START_TEST(test_F36_breaker)
{
	const Bh__Error *error;
	struct chan_frame frame;

	rig_tell_agents(rig, "check", "14");
	rig_expect_event(rig, "breaker-open", "after 3 failures; probing every");
	ck_assert_uint_ge(choose(RIG_SEEN, ASK, ASK).circuit_failures, 3);
	/* Programs get through, unless they would rather not. */
	(void)ask_open(true);
	rig_expect(rig, rig->control, 0, &frame);
	ck_assert_uint_eq(frame.type, BH__TYPE__ERROR);
	error = chan_unpack(rig->control, &frame, &bh__error__descriptor);
	ck_assert_uint_eq((enum err_class)error->class_, CLASS_NO_REPLY);
	ck_assert_ptr_nonnull(strstr(error->text, "circuit is open"));
	(void)open_session();
	rig_tell_agents(rig, "check", "0");
	rig_expect_event(rig, "breaker-closed", "recovered after");
	(void)ask_open(true);
	rig_expect(rig, rig->control, BH__TYPE__SESSION_OPENED, &frame);
	chan_frame_done(&frame);
}
END_TEST

/* --- choosing --- */

START_TEST(test_F33_switch)
{
	struct answer answer = choose(RIG_SEEN, ASK, ASK);
	unsigned i;

	ck_assert_uint_eq(answer.strategy, BH__STRATEGY__STRATEGY_ON_DEMAND);
	ck_assert_str_eq(answer.keeper, "");
	for (i = 0; i < 20; i++) {
		answer = choose(RIG_SEEN, BH__STRATEGY__STRATEGY_PERSISTENT, ASK);
		ck_assert_uint_eq(answer.strategy, BH__STRATEGY__STRATEGY_PERSISTENT);
		rig_expect_event(rig, "strategy", "persistent; chosen by a program");
		said_next("keep 1");
		answer = choose(RIG_SEEN, BH__STRATEGY__STRATEGY_ON_DEMAND, ASK);
		ck_assert_uint_eq(answer.strategy, BH__STRATEGY__STRATEGY_ON_DEMAND);
		rig_expect_event(rig, "strategy", "on-demand; chosen by a program");
		said_next("keep 0");
		said_next("left");
	}
}
END_TEST

/* A poll that runs is not given up by either switch, and not begun again. */
START_TEST(test_F33_switch_in_poll)
{
	unsigned i;

	said("check read");
	rig_tell_agents(rig, "check", "99");
	chosen(ASK, 1000);
	rig_expect_event(rig, "strategy", "every 1000 ms");
	/* Not answered from here on. */
	said("check read 4000");
	for (i = 0; i < 3; i++) {
		chosen(BH__STRATEGY__STRATEGY_PERSISTENT, ASK);
		said_next("keep 1");
		chosen(BH__STRATEGY__STRATEGY_ON_DEMAND, ASK);
		said_next("keep 0");
	}
	/* Its deadline, and a second for a worker that is late. */
	said_next("left");
}
END_TEST

START_TEST(test_bad_choices)
{
	struct answer nobody = choose(0xc0aabb0000ee, ASK, ASK);

	ck_assert(!nobody.is_refused);
	ck_assert_uint_eq(nobody.n_sightings, 0);
	ck_assert(choose(0, ASK, ASK).is_refused);
	ck_assert(choose(1ull << 50, BH__STRATEGY__STRATEGY_PERSISTENT, ASK).is_refused);
	ck_assert(choose(RIG_SEEN, 7, ASK).is_refused);
	ck_assert(choose(RIG_SEEN, ASK, 86400001).is_refused);
	/* Nothing says how that one is to be polled. */
	ck_assert(choose(0xc0aabb0000ee, ASK, 1000).is_refused);
}
END_TEST

/* --- what is known of a device --- */

START_TEST(test_named)
{
	struct chan *program = open_session();

	rig_order(rig, program, "named Oven");
	rig_order(rig, program, "named Thermo 2");
	/* Oven is none of ours, but it might have been. */
	said("rules 1000");
	said("keep 1");
	said_next("rules 7");
	ck_assert_uint_eq(choose(RIG_SEEN, ASK, ASK).strategy, BH__STRATEGY__STRATEGY_PERSISTENT);
}
END_TEST

START_TEST(test_identity)
{
	struct chan *program = open_session();

	rig_order(rig, program, "link 2");
	rig_order(rig, program, "link 2");
	rig_order(rig, program, "link 5");
	rig_expect_event(rig, "identity-changed", "other services than before");
	/* What the other worker remembers of it is not true any more either. */
	said("forget");
	rig_order(rig, program, "link 5");
	rig_order(rig, program, "link 0");
	rig_expect_event(rig, "identity-changed", "bond lost");
	/* Once, and what is not known is no change. */
	rig_order(rig, program, "link 0");
	rig_order(rig, program, "link 4");
	rig_expect_event(rig, "identity-changed", NULL);
	rig_order(rig, program, "heard");
	rig_order(rig, program, "lost 7");
	rig_expect_event(rig, "disconnected", NULL);
}
END_TEST

static TCase *add(Suite *suite, const char *name, void (*begin)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begin, stop);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return tc;
}

Suite *suite_keeper(void)
{
	Suite *suite = suite_create("keeper");
	TCase *tc = add(suite, "persistent", start_persistent);

	tcase_add_test(tc, test_held_and_lost);
	tcase_add_test(tc, test_worker_killed);
	tcase_add_test(tc, test_unplugged);
	tcase_add_test(tc, test_F41_dead);
	tc = add(suite, "on demand", start_quick);
	tcase_add_test(tc, test_F41_back);
	tcase_add_test(tc, test_F33_switch);
	tcase_add_test(tc, test_bad_choices);
	tcase_add_test(tc, test_identity);
	tc = add(suite, "profile", start_patient);
	tcase_add_test(tc, test_profile);
	tc = add(suite, "polled", start_polled);
	tcase_add_test(tc, test_polls);
	tcase_add_test(tc, test_F36_breaker);
	tcase_add_test(tc, test_F33_switch_in_poll);
	tc = add(suite, "named", start_by_name);
	tcase_add_test(tc, test_named);
	return suite;
}
