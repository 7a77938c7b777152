/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_rotate.c - one adapter fails: the connect comes through on the other one within
 * its deadline, and the events tell the story.
 */
#include "tests/support/answer.h"
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world *world;
static char device[18];
static unsigned best; /* the adapter that hears it best */

/* By how much one adapter hears it better; 0 if not both do. */
static int gap_db(const json_t *device_object, unsigned *out_best)
{
	int rssi_dbm[2] = { 0, 0 };
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(device_object, "adapters"), i, one)
		rssi_dbm[answer_text(one, "adapter")[3] == '1'] =
			(int)json_integer_value(json_object_get(one, "rssi"));
	if (rssi_dbm[0] == 0 || rssi_dbm[1] == 0)
		return 0;
	*out_best = rssi_dbm[1] > rssi_dbm[0];
	return abs(rssi_dbm[1] - rssi_dbm[0]);
}

/* A device that one adapter hears better, but by less than three failures weigh: 9 dB or so. */
static void choose(void)
{
	json_t *answer = answer_of(0, "devices --timeout 10");
	int nearest_db = 6;
	unsigned which;
	json_t *it;
	size_t i;

	json_array_foreach(json_object_get(answer, "devices"), i, it)
	{
		int off_db = abs(gap_db(it, &which) - 9);

		if (off_db >= nearest_db)
			continue;
		nearest_db = off_db;
		best = which;
		(void)snprintf(device, sizeof(device), "%s", answer_text(it, "address"));
	}
	ck_assert_msg(device[0] != '\0', "no device fits: %s", json_dumps(answer, 0));
	json_decref(answer);
}

static void begin(const char *const *options)
{
	world = world_start(options);
	device[0] = '\0';
	choose();
}

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "40", NULL };

	begin(options);
}

static void start_sensor(void)
{
	static const char *const options[] = { "--adapters", "2",     "--devices",
					       "12",	     "--set", "escalation.profile=sensor",
					       NULL };

	begin(options);
}

static void stop(void)
{
	world = world_stop(world);
}

/* How many lines of the events so far have both. */
static unsigned told(const char *kind, const char *words)
{
	struct run run = run_command("bleherd events | grep ' %s' | grep -c -- '%s'", kind, words);
	unsigned n = (unsigned)strtoul(run.out, NULL, 10);

	run_done(&run);
	return n;
}

static void expect_told(unsigned n, const char *kind, const char *words)
{
	struct run run;

	if (told(kind, words) == n)
		return;
	run = run_command("bleherd events");
	ck_abort_msg("'%s ... %s' was not told %u times:\n%s", kind, words, n, run.out);
}

START_TEST(test_one_adapter_refuses)
{
	char other[8];
	json_t *answer;

	(void)snprintf(other, sizeof(other), "hci%u", !best);
	world_fault(world, "refuse-adapter %u 1000", best);
	answer = answer_of(0, "connect %s --timeout 10", device);
	ck_assert_str_eq(answer_text(answer, "adapter"), other);
	json_decref(answer);
	expect_told(3, "connect-failed", "aborted-local");
	expect_told(1, "escalated", "clear: ");
	expect_told(1, "escalated", "rotate: ");
	expect_told(1, "escalated", "rotate helped");
	/* It is remembered for a while: the next one goes there at once. */
	answer = answer_of(0, "connect %s --timeout 10", device);
	ck_assert_str_eq(answer_text(answer, "adapter"), other);
	json_decref(answer);
	expect_told(3, "connect-failed", "aborted-local");
}
END_TEST

/* No room: nothing else is tried there. */
START_TEST(test_one_adapter_is_full)
{
	json_t *answer;

	world_fault(world, "refuse-adapter %u 1000 full", best);
	answer = answer_of(0, "connect %s --timeout 5", device);
	ck_assert_int_eq(answer_text(answer, "adapter")[3], best ? '0' : '1');
	json_decref(answer);
	expect_told(1, "connect-failed", "out-of-slots");
	expect_told(1, "escalated", "rotate helped");
}
END_TEST

/* Three that the same adapter hears better, by more than its last slot weighs. */
static void choose_three(char addresses[3][18])
{
	json_t *answer = answer_of(0, "devices --timeout 10");
	unsigned n = 0;
	unsigned which;
	json_t *it;
	size_t i;

	json_array_foreach(json_object_get(answer, "devices"), i, it)
	{
		if (n == 3 || gap_db(it, &which) < 16 || (n > 0 && which != best))
			continue;
		best = which;
		(void)snprintf(addresses[n++], 18, "%s", answer_text(it, "address"));
	}
	ck_assert_uint_eq(n, 3);
	json_decref(answer);
}

/* A link and then a refusal: who comes next does not even try there. */
START_TEST(test_slots_are_learned)
{
	char at[3][18];
	struct run hold;
	struct run ended;
	json_t *answer;

	choose_three(at);
	/* It has the reader's end, too: nobody's going ends it. */
	hold = run_command("mkfifo $BLEHERD_WORLD/up; exec 3<> $BLEHERD_WORLD/up; "
			   "bleherd connect %s --hold 60 --json >&3 2> /dev/null & "
			   "read line <&3; echo $!",
			   at[0]);
	world_fault(world, "refuse-adapter %u 1 full", best);
	answer = answer_of(0, "connect %s --timeout 10", at[1]);
	ck_assert_int_eq(answer_text(answer, "adapter")[3], best ? '0' : '1');
	json_decref(answer);
	expect_told(1, "connect-failed", "out-of-slots");
	answer = answer_of(0, "connect %s --timeout 10", at[2]);
	ck_assert_int_eq(answer_text(answer, "adapter")[3], best ? '0' : '1');
	json_decref(answer);
	expect_told(1, "connect-failed", "");
	/* There is room again, if only for one. */
	ended = run_command("kill %s", hold.out);
	ck_assert_int_eq(ended.status, 0);
	run_done(&ended);
	run_done(&hold);
	ended = run_command("bleherd events --follow | grep -m 1 'disconnected: on hci%u'", best);
	run_done(&ended);
	answer = answer_of(0, "connect %s --timeout 10", at[2]);
	ck_assert_int_eq(answer_text(answer, "adapter")[3], best ? '1' : '0');
	json_decref(answer);
}
END_TEST

/* Whoever names an adapter gets that one, or its error. */
START_TEST(test_bound_to_an_adapter)
{
	char args[64];
	json_t *answer;

	world_fault(world, "refuse-adapter %u 1000", best);
	(void)snprintf(args, sizeof(args), "%s --adapter hci%u", device, best);
	answer = answer_of(1, "connect %s --timeout 20", args);
	ck_assert_str_eq(answer_text(json_object_get(answer, "error"), "class"), "aborted-local");
	json_decref(answer);
	expect_told(0, "escalated", "rotate");
	expect_told(4, "connect-failed", "aborted-local");
	expect_told(1, "connect-failed", "given up");
}
END_TEST

/* Both refuse: four attempts in all, and the error is what happened. */
START_TEST(test_gives_up_with_the_true_class)
{
	json_t *answer;

	world_fault(world, "refuse-adapter 0 1000");
	world_fault(world, "refuse-adapter 1 1000");
	answer = answer_of(1, "connect %s --timeout 20", device);
	ck_assert_str_eq(answer_text(json_object_get(answer, "error"), "class"), "aborted-local");
	json_decref(answer);
	expect_told(4, "connect-failed", "aborted-local");
	expect_told(1, "connect-failed", "attempt 4 after rotate: aborted-local: .*; given up");
}
END_TEST

/* The deadline is the program's, however many rungs are left. */
START_TEST(test_deadline)
{
	json_t *answer;

	world_fault(world, "hang-adapter %u on", best);
	answer = answer_of(1, "connect %s --timeout 1", device);
	ck_assert_str_eq(answer_text(json_object_get(answer, "error"), "class"), "deadline");
	json_decref(answer);
}
END_TEST

/* With a profile that stops below it nothing is reset, however often it fails. */
START_TEST(test_sensor_is_never_reset)
{
	char args[64];
	unsigned i;

	world_fault(world, "refuse-adapter %u 1000", best);
	(void)snprintf(args, sizeof(args), "%s --adapter hci%u", device, best);
	for (i = 0; i < 2; i++)
		json_decref(answer_of(1, "connect %s --timeout 20", args));
	expect_told(8, "connect-failed", "aborted-local");
	expect_told(0, "escalated", "reset");
}
END_TEST

/* The same where it may be: asked for once, with the reason. */
START_TEST(test_battery_asks_for_a_reset)
{
	char args[64];
	unsigned i;

	world_fault(world, "refuse-adapter %u 1000", best);
	(void)snprintf(args, sizeof(args), "%s --adapter hci%u", device, best);
	for (i = 0; i < 3; i++)
		json_decref(answer_of(1, "connect %s --timeout 20", args));
	expect_told(1, "escalated", "reset hci");
	expect_told(1, "escalated", "nothing else is on it");
}
END_TEST

Suite *suite_rotate(void);

Suite *suite_rotate(void)
{
	Suite *suite = suite_create("rotate");
	TCase *tc = tcase_create("rotate");
	TCase *sensor = tcase_create("sensor");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_one_adapter_refuses);
	tcase_add_test(tc, test_one_adapter_is_full);
	tcase_add_test(tc, test_slots_are_learned);
	tcase_add_test(tc, test_bound_to_an_adapter);
	tcase_add_test(tc, test_gives_up_with_the_true_class);
	tcase_add_test(tc, test_deadline);
	tcase_add_test(tc, test_battery_asks_for_a_reset);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(sensor, start_sensor, stop);
	tcase_set_timeout(sensor, 60);
	tcase_add_test(sensor, test_sensor_is_never_reset);
	suite_add_tcase(suite, sensor);
	return suite;
}
