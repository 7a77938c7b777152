/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_rotate.c - one adapter fails: the connect comes through on the other one within
 * its deadline, and the events tell the story.
 */
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world *world;
static char device[18];
static unsigned best; /* the adapter that hears it best */

static json_t *ask(int status, const char *verb, const char *args, unsigned timeout_s)
{
	struct run run = run_command("bleherd %s %s --json --timeout %u", verb, args, timeout_s);
	json_error_t error;
	json_t *answer = json_loads(run.out, JSON_DISABLE_EOF_CHECK, &error);

	ck_assert_msg(run.status == status, "%s %s: status %d\n%s%s", verb, args, run.status,
		      run.out, run.err);
	ck_assert_msg(answer != NULL, "%s %s: no JSON\n%s", verb, args, run.out);
	run_done(&run);
	return answer;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	ck_assert_msg(value != NULL, "no \"%s\" in %s", key, json_dumps(object, 0));
	return value;
}

/* A device that one adapter hears better, by less than three failures weigh. */
static void choose(void)
{
	json_t *answer = ask(0, "devices", "", 10);
	json_t *it;
	size_t i;

	json_array_foreach(json_object_get(answer, "devices"), i, it)
	{
		json_t *seen = json_object_get(it, "adapters");
		json_int_t rssi[2] = { -200, -200 };
		json_t *one;
		size_t j;

		json_array_foreach(seen, j, one)
		{
			json_int_t rssi_dbm = json_integer_value(json_object_get(one, "rssi"));

			rssi[text(one, "adapter")[3] == '1'] = rssi_dbm;
		}
		best = rssi[1] > rssi[0];
		if (rssi[best] - rssi[!best] < 6 || rssi[best] - rssi[!best] > 13 ||
		    rssi[!best] == -200)
			continue;
		(void)snprintf(device, sizeof(device), "%s", text(it, "address"));
		break;
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
	answer = ask(0, "connect", device, 10);
	ck_assert_str_eq(text(answer, "adapter"), other);
	json_decref(answer);
	expect_told(3, "connect-failed", "aborted-local");
	expect_told(1, "escalated", "clear: ");
	expect_told(1, "escalated", "rotate: ");
	expect_told(1, "escalated", "rotate helped");
	/* It is remembered for a while: the next one goes there at once. */
	answer = ask(0, "connect", device, 10);
	ck_assert_str_eq(text(answer, "adapter"), other);
	json_decref(answer);
	expect_told(3, "connect-failed", "aborted-local");
}
END_TEST

/* No room: nothing else is tried there. */
START_TEST(test_one_adapter_is_full)
{
	json_t *answer;

	world_fault(world, "refuse-adapter %u 1000 full", best);
	answer = ask(0, "connect", device, 5);
	ck_assert_int_eq(text(answer, "adapter")[3], best ? '0' : '1');
	json_decref(answer);
	expect_told(1, "connect-failed", "out-of-slots");
	expect_told(1, "escalated", "rotate helped");
}
END_TEST

/* Whoever names an adapter gets that one, or its error. */
START_TEST(test_bound_to_an_adapter)
{
	char args[64];
	json_t *answer;

	world_fault(world, "refuse-adapter %u 1000", best);
	(void)snprintf(args, sizeof(args), "%s --adapter hci%u", device, best);
	answer = ask(1, "connect", args, 20);
	ck_assert_str_eq(text(json_object_get(answer, "error"), "class"), "aborted-local");
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
	answer = ask(1, "connect", device, 20);
	ck_assert_str_eq(text(json_object_get(answer, "error"), "class"), "aborted-local");
	json_decref(answer);
	expect_told(4, "connect-failed", "aborted-local");
	expect_told(1, "connect-failed", "attempt 4 after rotate: aborted-local; given up");
}
END_TEST

/* The deadline is the program's, however many rungs are left. */
START_TEST(test_deadline)
{
	json_t *answer;

	world_fault(world, "hang-adapter %u on", best);
	answer = ask(1, "connect", device, 1);
	ck_assert_str_eq(text(json_object_get(answer, "error"), "class"), "deadline");
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
		json_decref(ask(1, "connect", args, 20));
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
		json_decref(ask(1, "connect", args, 20));
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
