/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_plan.c - what stands in a fault plan: understood, refused, and in which
 * words.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/fake.h"
#include "contrib/sim/model.h"
#include "contrib/sim/plan_run.h"
#include "contrib/sim/radio.h"
#include "tests/unit/sim/plan_bench.h"

static struct plan_bench bench;

static void setup(void)
{
	plan_bench_open(&bench, PLAN_FAKE, 2, 3);
}

static void teardown(void)
{
	plan_bench_close(&bench);
}

/* The plan's only rule. */
static const struct plan_rule *rule_of(const char *text)
{
	plan_bench_read(&bench, text);
	ck_assert_uint_eq(bench.plan->rule_count, 1);
	return &bench.plan->rules[0];
}

static void refused(const char *text, const char *complaint)
{
	char *error = NULL;
	struct plan *plan = NULL;

	ck_assert_int_eq(plan_parse(&plan, "p", text, bench.face, &bench.checker, &error), -EINVAL);
	ck_assert_ptr_null(plan);
	ck_assert_str_eq(error, complaint);
	free(error);
}

START_TEST(test_head)
{
	const struct plan_head *head;

	plan_bench_read(&bench, "# a comment\n\n"
				"title  Two  words\n"
				"adapters 2\ndevices 12\nnotify-ms 50\n"
				"set device service:fff0.notify=start\nset links.linger_ms=200\n"
				"sim --links=2\nlab: sim --trace\n");
	head = &bench.plan->head;
	ck_assert_str_eq(head->title, "Two words");
	ck_assert_uint_eq(head->adapters, 2);
	ck_assert_uint_eq(head->devices, 12);
	ck_assert_uint_eq(head->notify_ms, 50);
	ck_assert_uint_eq(head->set_count, 2);
	ck_assert_str_eq(head->sets[0], "device service:fff0.notify=start");
	ck_assert_uint_eq(head->sim_count, 1);
	ck_assert_str_eq(head->sims[0], "--links=2");
	ck_assert_uint_eq(bench.plan->rule_count, 0);
}
END_TEST

START_TEST(test_when)
{
	const struct plan_rule *rule = rule_of("at 1500 drop C0:AA:BB:00:00:01");

	ck_assert_int_eq(rule->when, PLAN_AT);
	ck_assert_uint_eq(rule->time_ms, 1500);
	ck_assert_str_eq(rule->kind, "drop");
	ck_assert_str_eq(rule->command, "drop C0:AA:BB:00:00:01");
	ck_assert_int_eq(rule->target.sort, PLAN_DEVICE);
	ck_assert_uint_eq(rule->target.index, 1);
	rule = rule_of("silent any on");
	ck_assert_uint_eq(rule->time_ms, 0);
	ck_assert_int_eq(rule->target.pick, PLAN_ANY);
	rule = rule_of("every 2min for 3s hang-adapter 1 on");
	ck_assert_int_eq(rule->when, PLAN_EVERY);
	ck_assert_uint_eq(rule->time_ms, 120000);
	ck_assert_uint_eq(rule->for_ms, 3000);
	ck_assert_int_eq(rule->target.sort, PLAN_ADAPTER);
	rule = rule_of("chance 0.25% on ReadValue C0:AA:BB:00:00:02 while connected it  drop it");
	ck_assert_int_eq(rule->when, PLAN_CHANCE);
	ck_assert_uint_eq(rule->permyriad, 25);
	ck_assert_str_eq(rule->trigger, "ReadValue");
	ck_assert_uint_eq(rule->on.index, 2);
	ck_assert_int_eq(rule->condition.state, PLAN_CONNECTED);
	rule = rule_of("nth 3 on StartDiscovery 1 while not discovering 0 no-reply it "
		       "StartDiscovery 1");
	ck_assert_uint_eq(rule->nth, 3);
	ck_assert_int_eq(rule->on.sort, PLAN_ADAPTER);
	ck_assert(rule->condition.negated);
	ck_assert_int_eq(rule->target.sort, PLAN_OBJECT);
}
END_TEST

START_TEST(test_processes)
{
	const struct plan_rule *rule = rule_of("every 5s for 3s stop worker any");

	ck_assert_int_eq(rule->doer, PLAN_SOAK);
	ck_assert_int_eq(rule->verb, PLAN_STOP);
	ck_assert_int_eq(rule->target.sort, PLAN_WORKER);
	ck_assert_int_eq(rule->target.pick, PLAN_ANY);
	ck_assert_str_eq(rule->kind, "stop-worker");
	rule = rule_of("at 3s kill client 4");
	ck_assert_int_eq(rule->target.sort, PLAN_CLIENT);
	ck_assert_uint_eq(rule->target.index, 4);
	/* The fake's bluetoothd is the sim's; the real one is a process. */
	rule = rule_of("every 10s for 2s kill bluetoothd");
	ck_assert_int_eq(rule->doer, PLAN_SIM);
	ck_assert_str_eq(rule->kind, "kill-bluetoothd");
	ck_assert_str_eq(rule->command, "restart-bluetoothd 2000 kill");
	ck_assert(rule->timed);
	rule = rule_of("for 2s stop bluetoothd");
	ck_assert_str_eq(rule->command, "hang-bluetoothd 2000");
	plan_bench_close(&bench);
	plan_bench_open(&bench, PLAN_LAB, 2, 3);
	rule = rule_of("every 10s kill bluetoothd");
	ck_assert_int_eq(rule->doer, PLAN_SOAK);
	ck_assert_uint_eq(rule->for_ms, 1000);
}
END_TEST

/* A command that takes its time itself is told the rule's, and the rule is told its. */
START_TEST(test_own_time)
{
	const struct plan_rule *rule = rule_of("for 2s restart-bluetoothd kill");

	ck_assert_str_eq(rule->command, "restart-bluetoothd 2000 kill");
	rule = rule_of("restart-bluetoothd 700");
	ck_assert_uint_eq(rule->for_ms, 700);
	ck_assert_str_eq(rule->command, "restart-bluetoothd 700");
	rule = rule_of("restart-bluetoothd");
	ck_assert_uint_eq(rule->for_ms, 1000);
	rule = rule_of("hang-bluetoothd 300");
	ck_assert_uint_eq(rule->for_ms, 300);
}
END_TEST

START_TEST(test_faces)
{
	const char *const text = "fake: every 1s release-monitors any\n"
				 "lab: nth 1 on LE_Create_Connection parameters it 24 200\n"
				 "drop C0:AA:BB:00:00:00\n";

	plan_bench_read(&bench, text);
	ck_assert_uint_eq(bench.plan->rule_count, 2);
	ck_assert_str_eq(bench.plan->rules[0].kind, "release-monitors");
	refused("release-monitors 0\nnth 1 on LE_Create_Connection drop it",
		"p:2: the fake bluetoothd sees no 'LE_Create_Connection'; bleherd-faults(5) lists "
		"what it sees");
	plan_bench_close(&bench);
	plan_bench_open(&bench, PLAN_LAB, 2, 3);
	plan_bench_read(&bench, text);
	ck_assert_uint_eq(bench.plan->rule_count, 2);
	ck_assert_str_eq(bench.plan->rules[0].kind, "parameters");
	refused("release-monitors 0",
		"p:1: no command 'release-monitors' on this face; bleherd-faults(5) lists them");
	refused("nth 1 on StartDiscovery drop any",
		"p:1: the radio sees no 'StartDiscovery'; bleherd-faults(5) lists what it sees");
}
END_TEST

START_TEST(test_mistakes)
{
	static const struct {
		const char *line, *complaint;
	} rows[] = {
		{ "dorp any", "no command 'dorp' on this face; bleherd-faults(5) lists them" },
		{ "drop C0:AA:BB:00:00:03", "no such address 'C0:AA:BB:00:00:03'" },
		{ "hang-adapter 2 on", "no such adapter '2'" },
		{ "hang-adapter any maybe", "usage: hang-adapter N on|off" },
		{ "at x drop any", "at wants a time, as 500ms, 3s or 2min, not 'x'" },
		{ "at 5h drop any", "at wants a time, as 500ms, 3s or 2min, not '5h'" },
		{ "every 99999999min drop any",
		  "every wants a time, as 500ms, 3s or 2min, not '99999999min'" },
		{ "every 0 drop any", "every wants more than 0" },
		{ "at 5", "no command; bleherd-faults(5) lists them" },
		{ "chance 101% on Connect drop it", "chance wants 0.01% to 100%, not '101%'" },
		{ "chance 0.001% on Connect drop it", "chance wants 0.01% to 100%, not '0.001%'" },
		{ "chance 5 on Connect drop it", "chance wants 0.01% to 100%, not '5'" },
		{ "nth 0 on Connect drop it", "nth wants a number from 1, not '0'" },
		{ "nth 2 Connect drop it", "after it: on METHOD, as `nth 3 on Connect`" },
		{ "while connected any drop it", "before while: at, every, chance or nth" },
		{ "every 5s while connected BM6 drop it", "connected wants an address, any or it" },
		{ "every 5s while connected it drop any",
		  "nothing before `while` names whom `it` could be" },
		{ "every 5s while unplug drop any",
		  "while unplug: no line of this plan has `for TIME unplug`" },
		{ "every 5s drop it", "nothing before it names a device that `it` could be" },
		{ "nth 1 on StartDiscovery drop it",
		  "nothing before it names a device that `it` could be" },
		{ "for 3s drop any", "drop is a moment, nothing ends it: without for" },
		{ "for 3s hang-adapter 0 off",
		  "hang-adapter is a moment, nothing ends it: without for" },
		{ "for 3s for 4s silent any on", "two times for" },
		{ "for 3s hang-bluetoothd 200", "hang-bluetoothd: `for` or a number, not both" },
		{ "hang-bluetoothd", "hang-bluetoothd wants `for TIME` before it" },
		{ "kill wroker 1",
		  "kill wants worker N, lockd, daemon, bluetoothd or client N, not 'wroker'" },
		{ "stop client 1",
		  "stop wants worker N, lockd, daemon or bluetoothd, not 'client'" },
		{ "kill worker", "kill worker wants a number or any" },
		{ "kill lockd now", "unexpected 'now'" },
		{ "for 2s kill lockd", "kill lockd is a moment: without for" },
		{ "stop lockd", "stop lockd wants `for TIME` before it" },
		{ "chance 1% on Connect kill lockd",
		  "what happens to processes goes by at and every" },
		{ "adapters 0", "adapters wants a number from 1 to 64" },
		{ "devices many", "devices wants a number from 1 to 65536" },
		{ "set linger", "set wants SECTION.KEY=VALUE, as links.linger_ms=200" },
		{ "sim links", "sim wants one option of bleherd-sim, as --connect-ms=50" },
		{ "title", "title wants 1 to 79 characters" },
		{ "lab:  \nfake:", NULL },
	};
	char complaint[256];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(complaint, sizeof(complaint), "p:1: %s", rows[i].complaint);
		refused(rows[i].line,
			rows[i].complaint ? complaint : "p:2: nothing after the face's name");
	}
	refused("\nadapters 2\nevery 5s kill worker 2\n",
		"p:3: no adapter 2: the plan has 2, from 0 up");
}
END_TEST

START_TEST(test_endings)
{
	static const struct {
		const char *command, *ending;
	} rows[] = {
		{ "hang-adapter 1 on", "hang-adapter 1 off" },
		{ "powered 0 off", "powered 0 on" },
		{ "le 1 off", "le 1 on" },
		{ "mute C0:AA:BB:00:00:01 replies", "mute C0:AA:BB:00:00:01 off" },
		{ "refuse C0:AA:BB:00:00:01 3 0x3e", "refuse C0:AA:BB:00:00:01 0" },
		{ "no-reply C0:AA:BB:00:00:01 Connect 2 done",
		  "no-reply C0:AA:BB:00:00:01 Connect 0" },
		{ "connect-ms C0:AA:BB:00:00:01 900", "connect-ms C0:AA:BB:00:00:01 default" },
		{ "unplug 1", "plug 1" },
		{ "plug 1", NULL },
		{ "drop C0:AA:BB:00:00:01", NULL },
		{ "powered 0 on", NULL },
		{ "hang-adapter 1 off", NULL },
	};
	char ending[PLAN_LINE_CHARS];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(plan_ending(rows[i].command, ending, sizeof(ending)),
				 rows[i].ending != NULL);
		if (rows[i].ending)
			ck_assert_str_eq(ending, rows[i].ending);
	}
}
END_TEST

/* A plan says addresses that the model has. */
START_TEST(test_addresses)
{
	char text[24], own[MODEL_ADDRESS_CHARS];

	plan_address(PLAN_DEVICE, 2, text, sizeof(text));
	model_address_format(model_device(bench.model, 2)->address, own);
	ck_assert_str_eq(text, own);
	plan_address(PLAN_ADAPTER, 1, text, sizeof(text));
	model_address_format(model_adapter(bench.model, 1)->address, own);
	ck_assert_str_eq(text, own);
}
END_TEST

/* Whatever the file is: an answer, never a crash. */
START_TEST(test_noise)
{
	static const char *const words[] = {
		"at",		"every", "5s",
		"chance",	"5%",	 "on",
		"Connect",	"nth",	 "3",
		"while",	"not",	 "connected",
		"any",		"it",	 "for",
		"drop",		"\n",	 "kill",
		"worker",	"lab:",	 "C0:AA:BB:00:00:01",
		"hang-adapter", "\t",	 "off",
	};
	unsigned state = 12345;
	char text[512];

	for (int i = 0; i < 20000; i++) {
		struct plan *plan = NULL;
		char *error = NULL;
		size_t len = 0;

		for (int n = 0; n < i % 12; n++) {
			state = state * 1103515245 + 12345;
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ",
						words[state / 65536 % ARRAY_LEN(words)]);
		}
		text[len] = '\0';
		if (plan_parse(&plan, "p", text, PLAN_FAKE, &bench.checker, &error) < 0)
			ck_assert_ptr_nonnull(error);
		free(error);
		plan_free(plan);
	}
}
END_TEST

Suite *suite_plan(void);

Suite *suite_plan(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_head);
	tcase_add_test(tc, test_when);
	tcase_add_test(tc, test_processes);
	tcase_add_test(tc, test_own_time);
	tcase_add_test(tc, test_faces);
	tcase_add_test(tc, test_mistakes);
	tcase_add_test(tc, test_endings);
	tcase_add_test(tc, test_addresses);
	tcase_add_test(tc, test_noise);
	suite_add_tcase(suite, tc);
	return suite;
}
