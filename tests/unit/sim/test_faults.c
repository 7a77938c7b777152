/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/sim/test_faults.c - the fault language: what is understood, refused, and by whom.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/model.h"

static struct model *model;
static struct faults *faults;
static struct fault_args last;
static unsigned runs;

static int run_note(void *face, const struct fault_args *args, struct fault_reply *reply _unused_)
{
	ck_assert_ptr_eq(face, &runs);
	last = *args;
	runs++;
	return 0;
}

static int run_fail(void *face _unused_, const struct fault_args *args _unused_,
		    struct fault_reply *reply _unused_)
{
	return -EBUSY;
}

static const struct fault_command table[] = {
	{ "drop", "d?n", "ADDR [REASON]", run_note },
	{ "powered", "ab", "N on|off", run_note },
	{ "no-reply", "twn?w", "ADDR METHOD N [done]", run_note },
	{ "nothing", "", "", run_note },
	{ "fails", "", "", run_fail },
	/* Also a row of the model's: the later one wins. */
	{ "silent", "db", "ADDR on|off", run_note },
};

static void setup(void)
{
	const struct model_config config = {
		.adapters = 2,
		.devices = 2,
		.seed = 1,
		.notify_ms = 200,
	};

	ck_assert_int_eq(model_new(&model, &config), 0);
	ck_assert_int_eq(faults_new(&faults, model), 0);
	ck_assert_int_eq(faults_register(faults, faults_model_table, faults_model_count, model), 0);
	ck_assert_int_eq(faults_register(faults, table, ARRAY_LEN(table), &runs), 0);
}

static void teardown(void)
{
	faults = faults_free(faults);
	model = model_free(model);
}

static void expect(const char *line, const char *reply)
{
	char *got = faults_run(faults, line);

	ck_assert_str_eq(got, reply);
	free(got);
}

START_TEST(test_arguments)
{
	expect("drop C0:AA:BB:00:00:01", "ok");
	ck_assert_ptr_eq(last.device, model_device(model, 1));
	ck_assert(!last.has_number[0]);
	expect("  drop\tc0:aa:bb:00:00:00  0x13 \r\n", "ok");
	ck_assert_ptr_eq(last.device, model_device(model, 0));
	ck_assert(last.has_number[0]);
	ck_assert_uint_eq(last.numbers[0], 0x13);
	expect("powered 1 off", "ok");
	ck_assert_ptr_eq(last.adapter, model_adapter(model, 1));
	ck_assert(!last.on);
	expect("no-reply AA:BB:CC:00:00:01 StartDiscovery 2 done", "ok");
	ck_assert_ptr_eq(last.adapter, model_adapter(model, 1));
	ck_assert_ptr_null(last.device);
	ck_assert_str_eq(last.words[0], "StartDiscovery");
	ck_assert_str_eq(last.words[1], "done");
	ck_assert_uint_eq(last.numbers[0], 2);
	expect("nothing", "ok");
	ck_assert_uint_eq(runs, 5);
}
END_TEST

START_TEST(test_mistakes)
{
	char longest[FAULT_LINE_CHARS + 1];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	expect("dorp C0:AA:BB:00:00:01", "error: unknown command 'dorp' (help lists them)");
	expect("drop C0:AA:BB:00:00:02", "error: no such address 'C0:AA:BB:00:00:02'");
	expect("drop AA:BB:CC:00:00:00", "error: no such address 'AA:BB:CC:00:00:00'");
	expect("drop BM6-1", "error: usage: drop ADDR [REASON]");
	expect("drop", "error: usage: drop ADDR [REASON]");
	expect("drop C0:AA:BB:00:00:01 8 9", "error: usage: drop ADDR [REASON]");
	expect("drop C0:AA:BB:00:00:01 -8", "error: usage: drop ADDR [REASON]");
	expect("drop C0:AA:BB:00:00:01 8x", "error: usage: drop ADDR [REASON]");
	expect("drop C0:AA:BB:00:00:01 99999999999999999999", "error: usage: drop ADDR [REASON]");
	expect("powered 2 on", "error: no such adapter '2'");
	expect("powered 1 maybe", "error: usage: powered N on|off");
	expect("no-reply C0:AA:BB:00:00:01 AMethodWithANameThatIsFarTooLongForIt 1",
	       "error: usage: no-reply ADDR METHOD N [done]");
	expect("", "error: an empty line");
	expect("fails", "error: Device or resource busy");
	expect(longest, "error: the line is longer than 255 characters");
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(test_empty_lines)
{
	static const char *const lines[] = { "", "\n", "   ", "# drop C0:AA:BB:00:00:01", " #x" };
	struct fault_call call;
	char *error = NULL;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		ck_assert_int_eq(faults_parse(faults, lines[i], &call, &error), FAULTS_EMPTY);
		ck_assert_ptr_null(error);
	}
}
END_TEST

START_TEST(test_model_rows)
{
	struct model_device *device = model_device(model, 0);

	expect("mute C0:AA:BB:00:00:00 replies", "ok");
	ck_assert_int_eq(device->mute, MODEL_MUTE_REPLIES);
	expect("mute C0:AA:BB:00:00:00 off", "ok");
	ck_assert_int_eq(device->mute, MODEL_MUTE_OFF);
	expect("mute C0:AA:BB:00:00:00 no", "error: usage: mute ADDR on|off|replies");
	expect("refuse C0:AA:BB:00:00:00 3", "ok");
	ck_assert_uint_eq(device->refuse, 3);
	expect("connect-ms C0:AA:BB:00:00:00 500", "ok");
	ck_assert_int_eq(device->connect_ms, 500);
	expect("connect-ms C0:AA:BB:00:00:00 99999999999", "error: Numerical result out of range");
	/* The later table's row of this name ran, not the model's. */
	expect("silent C0:AA:BB:00:00:00 on", "ok");
	ck_assert_uint_eq(runs, 1);
	ck_assert(!device->silent);
}
END_TEST

START_TEST(test_stats_and_help)
{
	char *text;

	ck_assert_int_eq(model_link_up(model_device(model, 1), 1), 0);
	text = faults_run(faults, "stats");
	ck_assert_ptr_nonnull(strstr(text, "\"totals\":{\"connects\":1,"));
	ck_assert_ptr_nonnull(strstr(text, "{\"address\":\"C0:AA:BB:00:00:01\",\"link\":1,"));
	ck_assert_ptr_null(strstr(text, "C0:AA:BB:00:00:00"));
	ck_assert_ptr_nonnull(strstr(text, "\"links\":1,\"links_max\":1"));
	free(text);
	text = faults_run(faults, "stats totals");
	ck_assert_ptr_null(strstr(text, "devices"));
	free(text);
	expect("stats all", "error: usage: stats [totals]");

	text = faults_run(faults, "help");
	ck_assert_ptr_nonnull(strstr(text, "; drop ADDR [REASON]"));
	/* Replaced rows are listed once. */
	ck_assert_ptr_null(strstr(strstr(text, "; silent") + 1, "; silent"));
	free(text);
}
END_TEST

/* Whatever comes in by the socket: an answer, never a crash. */
START_TEST(test_noise)
{
	static const char letters[] =
		"drop silent no-reply C0:AA:BB:00:00:01 0x9 on off #\t\n?\xff";
	unsigned state = 12345;
	char line[64];

	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)(i % 60);
		char *reply;

		for (size_t n = 0; n < len; n++) {
			state = state * 1103515245 + 12345;
			line[n] = letters[state / 65536 % (sizeof(letters) - 1)];
		}
		line[len] = '\0';
		reply = faults_run(faults, line);
		ck_assert_ptr_nonnull(reply);
		free(reply);
	}
}
END_TEST

Suite *suite_faults(void);

Suite *suite_faults(void)
{
	Suite *suite = suite_create("faults");
	TCase *tc = tcase_create("faults");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_arguments);
	tcase_add_test(tc, test_mistakes);
	tcase_add_test(tc, test_empty_lines);
	tcase_add_test(tc, test_model_rows);
	tcase_add_test(tc, test_stats_and_help);
	tcase_add_test(tc, test_noise);
	suite_add_tcase(suite, tc);
	return suite;
}
