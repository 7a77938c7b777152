/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_plan_turn.c - when what of a plan happens, and to whom.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/plan_turn.h"
#include "tests/unit/sim/plan_bench.h"

#define TRACE_CHARS 8192

static struct plan_bench bench;
static struct plan_turn *turn;
static bool connected[4], discovering[2];
/* "[100 drop C0:...:01][200 -silent ...]": what was done, and what ended. */
static char trace[TRACE_CHARS];

static bool holds(void *data _unused_, enum plan_state state, unsigned index)
{
	return state == PLAN_CONNECTED ? connected[index] : discovering[index];
}

static void setup(void)
{
	memset(connected, 0, sizeof(connected));
	memset(discovering, 0, sizeof(discovering));
	plan_bench_open(&bench, PLAN_FAKE, 2, 4);
}

static void teardown(void)
{
	turn = plan_turn_free(turn);
	plan_bench_close(&bench);
}

static void begin_as(const char *text, enum plan_doer doer, uint64_t seed)
{
	const struct plan_scene scene = {
		.adapters = 2,
		.devices = 4,
		.clients = 3,
		.holds = holds,
	};

	turn = plan_turn_free(turn);
	plan_bench_read(&bench, text);
	ck_assert_int_eq(plan_turn_new(&turn, bench.plan, doer, seed, &scene), 0);
	trace[0] = '\0';
}

static void begin(const char *text)
{
	begin_as(text, PLAN_SIM, 1);
}

/* Does what is due until then, each at its time. */
static void run_until(uint64_t until_ms)
{
	struct plan_deed deed;
	uint64_t now_ms;

	while ((now_ms = plan_turn_next_at_ms(turn)) <= until_ms) {
		while (plan_turn_step(turn, now_ms, &deed)) {
			const size_t len = strlen(trace);

			ck_assert_uint_lt(len, sizeof(trace) - 200);
			(void)snprintf(trace + len, sizeof(trace) - len, "[%llu %s%s]",
				       (unsigned long long)deed.at_ms, deed.ends ? "-" : "",
				       deed.text);
		}
	}
}

static void see(uint64_t now_ms, const char *name, int device, int adapter)
{
	const struct plan_sight sight = { name, device, adapter };

	plan_turn_see(turn, now_ms, &sight);
	run_until(now_ms);
}

/* What is done is known to the time's end; nothing else is. */
static void expect(const char *text)
{
	ck_assert_str_eq(trace, text);
	trace[0] = '\0';
}

static unsigned count(const char *text)
{
	unsigned n = 0;

	for (const char *p = trace; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

START_TEST(test_at)
{
	begin("at 1s drop C0:AA:BB:00:00:01\nsilent C0:AA:BB:00:00:02 on\n"
	      "at 500 for 2s hang-adapter 1 on\n");
	run_until(0);
	expect("[0 silent C0:AA:BB:00:00:02 on]");
	run_until(2499);
	expect("[500 hang-adapter 1 on][1000 drop C0:AA:BB:00:00:01]");
	run_until(1000000);
	expect("[2500 -hang-adapter 1 off]");
	ck_assert_uint_eq(plan_turn_next_at_ms(turn), PLAN_NEVER_MS);
}
END_TEST

/* Half of the period more or less; each lasts its time, and one of a rule does at a time. */
START_TEST(test_every)
{
	uint64_t last_ms = 0;
	unsigned begun = 0;
	struct plan_deed deed;

	begin("every 10s for 2s deaf-adapter any on\n");
	while (plan_turn_next_at_ms(turn) < 1000000) {
		const uint64_t now_ms = plan_turn_next_at_ms(turn);

		ck_assert(plan_turn_step(turn, now_ms, &deed));
		if (deed.ends) {
			ck_assert_uint_eq(now_ms, last_ms + 2000);
			continue;
		}
		ck_assert_uint_ge(now_ms, last_ms + 5000);
		ck_assert_uint_le(now_ms, last_ms + 15000);
		last_ms = now_ms;
		begun++;
	}
	ck_assert_uint_ge(begun, 80);
	ck_assert_uint_le(begun, 125);

	/* Longer than the period: what is under way is not begun again. */
	begin("every 1s for 10s deaf-adapter 0 on\n");
	run_until(100000);
	ck_assert_uint_ge(count(" deaf-adapter 0 on]"), 8);
	ck_assert_uint_le(count(" deaf-adapter 0 on]"), 10);
}
END_TEST

START_TEST(test_any_is_anybody)
{
	begin("every 1s silent any on\n");
	run_until(100000);
	for (int i = 0; i < 4; i++) {
		char text[40];

		(void)snprintf(text, sizeof(text), "silent C0:AA:BB:00:00:%02d on", i);
		ck_assert_uint_ge(count(text), 10);
	}
}
END_TEST

/* The same seed, the same deeds; another rule in front, or another order, changes nothing. */
START_TEST(test_repeatable)
{
	char first[TRACE_CHARS];

	begin("every 3s drop any\n");
	run_until(60000);
	memcpy(first, trace, sizeof(first));
	begin("every 3s   drop  any\n");
	run_until(60000);
	ck_assert_str_eq(trace, first);
	begin_as("every 3s drop any\n", PLAN_SIM, 2);
	run_until(60000);
	ck_assert_str_ne(trace, first);

	begin("title more\n# and\nat 90s unplug 0\nchance 50% on Connect drop it\n"
	      "every 3s drop any\n");
	for (uint64_t at_ms = 0; at_ms < 60000; at_ms += 100)
		plan_turn_see(turn, at_ms, &(struct plan_sight){ "Disconnect", 1, 0 });
	run_until(60000);
	ck_assert_str_eq(trace, first);

	/* Two lines that are alike are two. */
	begin("every 30s drop any\nevery 30s drop any\n");
	ck_assert_uint_ne(bench.plan->rules[0].hash, bench.plan->rules[1].hash);
}
END_TEST

START_TEST(test_nth)
{
	begin("nth 3 on Connect C0:AA:BB:00:00:02 refuse it 1\n"
	      "nth 2 on StartDiscovery 1 for 500ms deaf-adapter it on\n");
	see(10, "Connect", 2, 0);
	see(20, "Connect", 1, 0);
	see(30, "Connect", 2, 1);
	see(40, "Disconnect", 2, 1);
	see(50, "StartDiscovery", -1, 1);
	see(60, "StartDiscovery", -1, 0);
	expect("");
	see(70, "Connect", 2, 1);
	expect("[70 refuse C0:AA:BB:00:00:02 1]");
	see(80, "StartDiscovery", -1, 1);
	expect("[80 deaf-adapter 1 on]");
	see(90, "StartDiscovery", -1, 1);
	see(100, "Connect", 2, 1);
	run_until(10000);
	expect("[580 -deaf-adapter 1 off]");
}
END_TEST

START_TEST(test_chance)
{
	begin("chance 20% on ReadValue any drop it\n");
	for (unsigned i = 0; i < 200; i++)
		see(i, "ReadValue", (int)(i % 4), 0);
	ck_assert_uint_ge(count("drop"), 20);
	ck_assert_uint_le(count("drop"), 65);
	begin("chance 100% on ReadValue drop it\n");
	see(5, "ReadValue", 3, 0);
	expect("[5 drop C0:AA:BB:00:00:03]");
	/* Whom it cannot be said of is left alone. */
	see(6, "ReadValue", -1, 0);
	expect("");
}
END_TEST

START_TEST(test_while)
{
	begin("at 10s for 10s hang-adapter 0 on\n"
	      "every 1s while connected any drop it\n"
	      "every 1s while hang-adapter unplug 1\n"
	      "chance 100% on Connect while not discovering any refuse it 1\n");
	run_until(9000);
	expect("");
	connected[2] = true;
	run_until(9999);
	ck_assert_ptr_nonnull(strstr(trace, " drop C0:AA:BB:00:00:02]"));
	ck_assert_uint_eq(count("unplug"), 0);
	connected[2] = false;
	run_until(19999);
	ck_assert_uint_ge(count("unplug 1"), 6);
	trace[0] = '\0';
	run_until(30000);
	expect("[20000 -hang-adapter 0 off]");
	see(30000, "Connect", 1, 0);
	expect("[30000 refuse C0:AA:BB:00:00:01 1]");
	discovering[1] = true;
	see(30001, "Connect", 1, 0);
	expect("");
}
END_TEST

/* What could not be begun does not end. */
START_TEST(test_failed)
{
	struct plan_deed deed;

	begin("at 1s for 1s unplug 0\n");
	ck_assert(plan_turn_step(turn, 1000, &deed));
	ck_assert_str_eq(deed.where, "hci0");
	ck_assert_uint_eq(deed.for_ms, 1000);
	plan_turn_failed(turn, &deed);
	run_until(10000);
	expect("");
	ck_assert_uint_eq(plan_turn_count(turn, 0).done, 0);
	ck_assert_uint_eq(plan_turn_count(turn, 0).failed, 1);
}
END_TEST

START_TEST(test_rest)
{
	begin("for 20s silent C0:AA:BB:00:00:01 on\nfor 20s hang-bluetoothd\nevery 1s drop any\n"
	      "chance 100% on Connect refuse it 1\n");
	run_until(0);
	expect("[0 silent C0:AA:BB:00:00:01 on][0 hang-bluetoothd 20000]");
	plan_turn_rest(turn, 300);
	run_until(300);
	/* Of what takes its own time nothing is to be undone at its end. */
	expect("[300 -silent C0:AA:BB:00:00:01 off][300 -]");
	see(400, "Connect", 1, 0);
	run_until(100000);
	expect("");
}
END_TEST

/* The sim leaves processes to the soak, and the soak the rest to the sim. */
START_TEST(test_doers)
{
	const char *const text = "at 1s for 2s stop worker any\nat 2s kill client 2\n"
				 "at 3s drop C0:AA:BB:00:00:01\n";
	struct plan_deed deed;

	begin_as(text, PLAN_SIM, 1);
	run_until(10000);
	expect("[3000 drop C0:AA:BB:00:00:01]");
	begin_as(text, PLAN_SOAK, 1);
	ck_assert(plan_turn_step(turn, 1000, &deed));
	ck_assert_int_eq(deed.rule->verb, PLAN_STOP);
	ck_assert_int_eq(deed.target.sort, PLAN_WORKER);
	ck_assert_str_eq(deed.where, deed.target.index ? "hci1" : "hci0");
	ck_assert_str_eq(deed.text, deed.target.index ? "stop worker 1" : "stop worker 0");
	ck_assert(plan_turn_step(turn, 2000, &deed));
	ck_assert_str_eq(deed.text, "kill client 2");
	ck_assert_str_eq(deed.where, "client 2");
	ck_assert(plan_turn_step(turn, 3000, &deed));
	ck_assert(deed.ends);
	ck_assert_int_eq(deed.target.sort, PLAN_WORKER);
	ck_assert(!plan_turn_step(turn, 100000, &deed));
}
END_TEST

/* After a pause of the whole machine things do not come all at once. */
START_TEST(test_slept)
{
	struct plan_deed deed;
	unsigned n = 0;

	begin("every 1s drop any\n");
	while (plan_turn_step(turn, 600000, &deed))
		n++;
	ck_assert_uint_le(n, 4);
}
END_TEST

Suite *suite_plan_turn(void);

Suite *suite_plan_turn(void)
{
	Suite *suite = suite_create("plan_turn");
	TCase *tc = tcase_create("plan_turn");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_at);
	tcase_add_test(tc, test_every);
	tcase_add_test(tc, test_any_is_anybody);
	tcase_add_test(tc, test_repeatable);
	tcase_add_test(tc, test_nth);
	tcase_add_test(tc, test_chance);
	tcase_add_test(tc, test_while);
	tcase_add_test(tc, test_failed);
	tcase_add_test(tc, test_rest);
	tcase_add_test(tc, test_doers);
	tcase_add_test(tc, test_slept);
	suite_add_tcase(suite, tc);
	return suite;
}
