/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/integ/test_examples.c - contrib/examples do what their README says. */
#include "tests/support/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world *world;

static void start(void)
{
	static const char *const options[] = { "--adapters",  "2",  "--devices", "3",
					       "--notify-ms", "20", NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

/* Runs a command with the examples in the PATH, expects @status. */
static struct run example(int status, const char *command)
{
	struct run run = run_command("PATH=$(dirname $(command -v bleherd))/../examples:"
				     "$PWD/contrib/examples:$PATH; %s",
				     command);

	ck_assert_msg(run.status == status, "%s: status %d\n%s%s", command, run.status, run.out,
		      run.err);
	return run;
}

/* The battery, as the command line reads it. */
START_TEST(test_poll)
{
	struct run run = example(0, "poll C0:AA:BB:00:00:01 2a19 1 2");
	struct run other = run_command("bleherd read C0:AA:BB:00:00:01 2a19 --json");
	const char *hex = strstr(other.out, "\"hex\":\"");
	long percent = strtol(run.out, NULL, 10);

	ck_assert_ptr_nonnull(hex);
	ck_assert_int_eq(percent, strtol(hex + strlen("\"hex\":\""), NULL, 16));
	ck_assert_ptr_nonnull(strstr(run.out, " % (hci"));
	ck_assert_ptr_nonnull(strstr(strchr(run.out, '\n') + 1, " % (hci"));
	run_done(&run);
	run_done(&other);
	/* What cannot be mended by trying again is told at once. */
	run = example(1, "poll C0:AA:BB:00:00:01 fff9 1 1");
	ck_assert_str_eq(run.out, "");
	ck_assert_ptr_eq(strstr(run.err, "poll: gatt-missing: "), run.err);
	run_done(&run);
}
END_TEST

/* A link that is lost is no end. */
START_TEST(test_subscribe)
{
	struct run run =
		example(0, "d=$BLEHERD_WORLD; subscribe C0:AA:BB:00:00:01 fff4 12 "
			   ">$d/v 2>$d/e & s=$!; trap 'kill $s 2>/dev/null || :' EXIT; "
			   "until [ -s $d/v ]; do :; done; "
			   "bleherd disconnect C0:AA:BB:00:00:01 >/dev/null; "
			   "wait $s || exit 1; wc -l <$d/v; grep -c 'ended the link' $d/e");

	ck_assert_str_eq(run.out, "12\n2\n");
	run_done(&run);
}
END_TEST

START_TEST(test_own_loop)
{
	struct run run = example(0, "printf '%s 2a29\\n' C0:AA:BB:00:00:00 C0:AA:BB:00:00:01 "
				    "C0:AA:BB:00:00:02 | own_loop | sort");

	ck_assert_str_eq(run.out, "C0:AA:BB:00:00:00 2a29 626c65686572642073696d\n"
				  "C0:AA:BB:00:00:01 2a29 626c65686572642073696d\n"
				  "C0:AA:BB:00:00:02 2a29 626c65686572642073696d\n");
	run_done(&run);
	run = example(1, "echo nonsense | own_loop");
	ck_assert_ptr_nonnull(strstr(run.err, "not a line"));
	run_done(&run);
}
END_TEST

/* While it has the radio another one waits in vain. */
START_TEST(test_with_lock)
{
	struct run run =
		example(0, "d=$BLEHERD_WORLD; with_lock hci0 30 >$d/l & l=$!; "
			   "trap 'kill $l' EXIT; until [ -s $d/l ]; do :; done; "
			   "bleherd lock hci0 scan --timeout 0 -- true 2>/dev/null; echo $?; "
			   "kill $l; wait $l; bleherd lock hci0 scan -- true; echo $?; "
			   "trap - EXIT");

	ck_assert_str_eq(run.out, "75\n0\n");
	run_done(&run);
	run = example(1, "with_lock hci9 1");
	ck_assert_ptr_eq(strstr(run.err, "adapter-gone: "), run.err);
	run_done(&run);
}
END_TEST

START_TEST(test_python)
{
	struct run run = example(0, "herd.py C0:AA:BB:00:00:01 3");
	const char *values = strchr(run.out, '\n');

	ck_assert_ptr_eq(strstr(run.out, "C0:AA:BB:00:00:01: made by bleherd sim, battery at "),
			 run.out);
	ck_assert_ptr_nonnull(values);
	ck_assert_int_gt(strtol(values, NULL, 10), 0);
	run_done(&run);
	run = example(1, "herd.py C0:AA:BB:00:00:01 none");
	ck_assert_ptr_nonnull(strstr(run.err, "--count"));
	run_done(&run);
}
END_TEST

/* Each says how it is called, and that there is no daemon. */
START_TEST(test_usage)
{
	static const char *const names[] = { "poll", "subscribe", "with_lock", "herd.py" };
	char command[64];
	struct run run;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(command, sizeof(command), "%s", names[i]);
		run = example(2, command);
		ck_assert_ptr_eq(strstr(run.err, "usage: "), run.err);
		run_done(&run);
	}
	run = example(69, "BLEHERD_SOCKET=/nonexistent poll C0:AA:BB:00:00:01");
	ck_assert_ptr_nonnull(strstr(run.err, "no daemon"));
	run_done(&run);
}
END_TEST

Suite *suite_examples(void);
Suite *suite_examples(void)
{
	Suite *suite = suite_create("examples");
	TCase *tc = tcase_create("world");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_poll);
	tcase_add_test(tc, test_subscribe);
	tcase_add_test(tc, test_own_loop);
	tcase_add_test(tc, test_with_lock);
	tcase_add_test(tc, test_python);
	tcase_add_test(tc, test_usage);
	suite_add_tcase(suite, tc);
	return suite;
}
