/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_verbs.c - every verb of the command line against the fake, as a program would
 * use it: --json, and its status.
 */
#include "tests/support/answer.h"
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

static struct world *world;

static void start(void)
{
	static const char *const options[] = { "--adapters",  "2",  "--devices", "5",
					       "--notify-ms", "20", NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "no number \"%s\" in %s", key, json_dumps(object, 0));
	return json_integer_value(value);
}

static const char *error_class(const json_t *answer)
{
	return answer_text(json_object_get(answer, "error"), "class");
}

START_TEST(test_devices)
{
	json_t *answer = answer_of(0, "devices");
	json_t *devices = json_object_get(answer, "devices");
	json_t *device;
	json_t *sighting;
	size_t i;
	size_t j;

	ck_assert_uint_eq(json_array_size(devices), 5);
	json_array_foreach(devices, i, device)
	{
		json_t *adapters = json_object_get(device, "adapters");

		ck_assert_uint_eq(json_array_size(adapters), 2);
		json_array_foreach(adapters, j, sighting)
			ck_assert_int_lt(number(sighting, "rssi"), 0);
	}
	json_decref(answer);
}
END_TEST

START_TEST(test_connect_read_write)
{
	json_t *answer = answer_of(0, "connect C0:AA:BB:00:00:01");

	ck_assert_int_eq(strncmp(answer_text(answer, "adapter"), "hci", 3), 0);
	ck_assert_int_ge(number(answer, "attempts"), 1);
	ck_assert_int_ge(number(answer, "connect_ms"), 0);
	ck_assert_int_ge(number(answer, "services_ms"), 0);
	json_decref(answer);

	json_decref(answer_of(0, "write C0:AA:BB:00:00:01 fff3 00ff1234"));
	answer = answer_of(0, "read C0:AA:BB:00:00:01 0000fff3-0000-1000-8000-00805f9b34fb");
	ck_assert_str_eq(answer_text(answer, "hex"), "00ff1234");
	json_decref(answer);

	json_decref(answer_of(0, "write C0:AA:BB:00:00:01 fff3 abcd --no-response"));
	answer = answer_of(0, "read C0:AA:BB:00:00:01 0000fff3");
	ck_assert_str_eq(answer_text(answer, "hex"), "abcd");
	json_decref(answer);
}
END_TEST

START_TEST(test_long_values)
{
	char args[1200];
	char hex[601];
	json_t *answer;
	size_t i;

	for (i = 0; i < 300; i++)
		(void)snprintf(hex + 2 * i, 3, "%02zx", i * 7 % 256);
	(void)snprintf(args, sizeof(args), "write C0:AA:BB:00:00:02 fff6 %s", hex);
	json_decref(answer_of(0, "%s", args));
	answer = answer_of(0, "read C0:AA:BB:00:00:02 fff6");
	ck_assert_str_eq(answer_text(answer, "hex"), hex);
	json_decref(answer);
}
END_TEST

START_TEST(test_services)
{
	struct run run = run_command("bleherd services C0:AA:BB:00:00:03 --json");

	ck_assert_int_eq(run.status, 0);
	ck_assert_ptr_nonnull(strstr(run.out, "fff0"));
	ck_assert_ptr_nonnull(strstr(run.out, "fff3"));
	ck_assert_ptr_nonnull(strstr(run.out, "180f"));
	run_done(&run);
}
END_TEST

static size_t count_lines_with(const char *out, const char *what)
{
	size_t n = 0;

	for (out = strstr(out, what); out; out = strstr(out + 1, what))
		n++;
	return n;
}

START_TEST(test_notify)
{
	struct run run = run_command("bleherd notify C0:AA:BB:00:00:04 fff4 --count 10 --json");
	unsigned long counter;
	unsigned long last = 0;
	const char *at;

	ck_assert_msg(run.status == 0, "status %d: %s%s", run.status, run.out, run.err);
	ck_assert_uint_eq(count_lines_with(run.out, "\"hex\""), 10);
	/* The counter is little-endian: its first octet grows by one, without a gap. */
	for (at = strstr(run.out, "\"hex\""); at; at = strstr(at + 1, "\"hex\"")) {
		at += strcspn(at, ":") + 1;
		at += strcspn(at, "\"") + 1;
		counter = strtoul(at, NULL, 16) >> 24;
		ck_assert_msg(last == 0 || counter == last + 1, "%lu after %lu", counter, last);
		last = counter;
	}
	run_done(&run);
}
END_TEST

START_TEST(test_status_adapters_events_locks)
{
	json_t *answer = answer_of(0, "status");

	ck_assert_int_eq(number(answer, "adapters"), 2);
	ck_assert(json_is_true(json_object_get(answer, "bluez")));
	ck_assert(json_is_true(json_object_get(answer, "arbiter")));
	json_decref(answer);
	answer = answer_of(0, "adapters");
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "adapters")), 2);
	json_decref(answer);
	json_decref(answer_of(0, "connect C0:AA:BB:00:00:00"));
	{
		struct run run = run_command("bleherd events --json | grep -c '\"connected\"'");

		ck_assert_int_ge(strtol(run.out, NULL, 10), 1);
		run_done(&run);
		run = run_command("bleherd locks --json");
		ck_assert_int_eq(run.status, 0);
		run_done(&run);
	}
}
END_TEST

START_TEST(test_scan)
{
	struct run run = run_command("bleherd scan --duration 1 --service fff0 --json");

	ck_assert_int_eq(run.status, 0);
	ck_assert_ptr_nonnull(strstr(run.out, "C0:AA:BB:00:00:00"));
	ck_assert_ptr_nonnull(strstr(run.out, "C0:AA:BB:00:00:04"));
	run_done(&run);
	run = run_command("bleherd scan --duration 0.5 --service 1234 --json");
	ck_assert_int_eq(run.status, 0);
	ck_assert_ptr_null(strstr(run.out, "C0:AA:BB"));
	run_done(&run);
}
END_TEST

START_TEST(test_disconnect_of_others)
{
	struct run run = run_command("bleherd connect C0:AA:BB:00:00:02 --hold 20 --json > "
				     "$BLEHERD_WORLD/hold & "
				     "while ! [ -s $BLEHERD_WORLD/hold ]; do "
				     "kill -0 $! || exit 9; done; "
				     "bleherd disconnect C0:AA:BB:00:00:02; echo status=$?; "
				     "wait $!; echo held=$?");

	ck_assert_msg(strstr(run.out, "status=0") != NULL, "%s%s", run.out, run.err);
	ck_assert_msg(strstr(run.out, "held=1") != NULL, "%s%s", run.out, run.err);
	run_done(&run);
	json_decref(answer_of(1, "disconnect C0:AA:BB:00:00:02"));
}
END_TEST

/* BlueZ says "le-connection-abort-by-local" of both; the kernel's word makes the difference. */
START_TEST(test_cause_of_a_refusal)
{
	json_t *answer = answer_of(0, "connect C0:AA:BB:00:00:01");

	json_decref(answer);
	/* It would linger, and be there for the next. */
	answer = answer_of(0, "disconnect C0:AA:BB:00:00:01");
	json_decref(answer);
	world_fault(world, "refuse C0:AA:BB:00:00:01 9 0x0d answered");
	answer = answer_of(1, "connect C0:AA:BB:00:00:01 --timeout 2");
	ck_assert_str_eq(error_class(answer), "out-of-slots");
	json_decref(answer);
	world_fault(world, "refuse C0:AA:BB:00:00:01 9 0x3e answered");
	answer = answer_of(1, "connect C0:AA:BB:00:00:01 --timeout 2");
	ck_assert_str_eq(error_class(answer), "aborted-local");
	json_decref(answer);
	world_fault(world, "refuse C0:AA:BB:00:00:01 0");
}
END_TEST

START_TEST(test_known_errors)
{
	json_t *answer = answer_of(1, "read C0:AA:BB:00:00:01 fff9");

	ck_assert_str_eq(error_class(answer), "gatt-missing");
	json_decref(answer);
	answer = answer_of(1, "connect C0:AA:BB:00:00:77 --timeout 2");
	ck_assert_str_eq(error_class(answer), "not-found");
	json_decref(answer);
	answer = answer_of(1, "write C0:AA:BB:00:00:01 2a29 00");
	ck_assert_str_eq(error_class(answer), "gatt-refused");
	json_decref(answer);
}
END_TEST

Suite *suite_verbs(void);
Suite *suite_verbs(void)
{
	Suite *suite = suite_create("verbs");
	TCase *tc = tcase_create("fake");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 40);
	tcase_add_test(tc, test_devices);
	tcase_add_test(tc, test_connect_read_write);
	tcase_add_test(tc, test_long_values);
	tcase_add_test(tc, test_services);
	tcase_add_test(tc, test_notify);
	tcase_add_test(tc, test_status_adapters_events_locks);
	tcase_add_test(tc, test_scan);
	tcase_add_test(tc, test_disconnect_of_others);
	tcase_add_test(tc, test_known_errors);
	tcase_add_test(tc, test_cause_of_a_refusal);
	suite_add_tcase(suite, tc);
	return suite;
}
