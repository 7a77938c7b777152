/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_stuck.c - stuck links through all processes: what a person sees of them.
 */
#include "ipc/base.h"
#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

#include <check.h>
#include <string.h>

Suite *suite_stuck(void);

static struct world *world;
static struct client *other;

static void start(void)
{
	static const char *const options[] = { "--adapters", "1", "--devices", "2", NULL };

	world = world_start(options);
	other = client_new();
}

/* BlueZ soon forgets whom it does not hear. */
static void start_forgetful(void)
{
	static const char *const options[] = { "--adapters",	     "2", "--devices", "2", "--sim",
					       "--temporary-ms=300", NULL };

	world = world_start(options);
	other = client_new();
}

static void stop(void)
{
	other = client_free(other);
	world = world_stop(world);
}

static void expect(const char *command, int status, const char *words)
{
	struct run run = run_command("%s", command);

	ck_assert_msg(run.status == status, "%s: status %d, not %d: %s", command, run.status,
		      status, run.err);
	ck_assert_msg(strstr(run.out, words) || strstr(run.err, words), "%s: no '%s' in: %s%s",
		      command, words, run.out, run.err);
	run_done(&run);
}

/* Another program's link becomes a phantom: ours is had all the same, and the events say how. */
START_TEST(test_phantom)
{
	client_discover(other, "hci0/0");
	ck_assert_str_eq(client_call(other, "hci0/0", "Connect"), "");
	world_fault(world, "lose C0:AA:BB:00:00:00 phantom");
	expect("bleherd connect C0:AA:BB:00:00:00 --validate read:2a19", 0, "hci0");
	expect("bleherd events", 0, "cured: phantom: waited, RemoveDevice; gone");
}
END_TEST

/* Only the kernel has another program's link: nobody hears the peripheral, so nobody finds it. */
static void lose_to_kernel(void)
{
	client_discover(other, "hci0/0");
	ck_assert_str_eq(client_call(other, "hci0/0", "Connect"), "");
	world_fault(world, "lose C0:AA:BB:00:00:00 orphan");
	client_wait(other, "-hci0/0;");
}

/* Who seeks it has it within his time, though nobody hears it. */
START_TEST(test_orphan_sought)
{
	lose_to_kernel();
	expect("bleherd read C0:AA:BB:00:00:00 2a19 --timeout 3", 0, "");
	expect("bleherd events", 0, "cured: orphan handle: MGMT Disconnect; gone");
}
END_TEST

/* And where nobody wants it: it takes a place of the adapter and the peripheral's only link. */
START_TEST(test_orphan_unwanted)
{
	struct run run;

	lose_to_kernel();
	run = run_command(
		"timeout 25 sh -c 'until bleherd events | grep -q \"cured: orphan handle\"; "
		"do :; done'; bleherd events");
	ck_assert_msg(strstr(run.out, "cured: orphan handle"), "%s", run.out);
	run_done(&run);
}
END_TEST

/* A bad connect from its begin to its end, in the order in which it happened. */
START_TEST(test_story)
{
	static const char *const lines[] = {
		"session-opened: for bleherd",	   "connect-failed: attempt 1: aborted-local: ",
		"connect-failed: attempt 2: ",	   "escalated: clear: ",
		"connect-failed: given up after ",
	};
	struct run run;
	const char *at;
	size_t i;

	/* Known, or it would be sought instead of connected. */
	expect("bleherd connect C0:AA:BB:00:00:00", 0, "hci0");
	expect("bleherd disconnect C0:AA:BB:00:00:00", 0, "");
	world_fault(world, "refuse C0:AA:BB:00:00:00 2 answered");
	world_fault(world, "silent C0:AA:BB:00:00:00 on");
	expect("bleherd connect C0:AA:BB:00:00:00 --timeout 4", 1, "deadline");
	/* The daemon hears of the end when the program has it. */
	run = run_command("bleherd events --follow --timeout 10 | sed '/given up after/q'");
	run_done(&run);
	run = run_command("bleherd events");
	at = strstr(run.out, " connected: on ");
	for (i = 0; i < ARRAY_LEN(lines) && at; i++)
		at = strstr(at, lines[i]);
	ck_assert_msg(at != NULL, "no '%s' in its place:\n%s", lines[i - 1], run.out);
	run_done(&run);
}
END_TEST

/* The link that nobody can end: the adapter is reset, where nothing else is on it. */
START_TEST(test_not_ended)
{
	client_discover(other, "hci0/0");
	ck_assert_str_eq(client_call(other, "hci0/0", "Connect"), "");
	world_fault(world, "lose C0:AA:BB:00:00:00 stuck");
	expect("bleherd connect C0:AA:BB:00:00:00 --validate read:2a19 --timeout 40", 0, "hci0");
	expect("bleherd events", 0, "stuck: dead link: ");
	expect("bleherd events", 0, "reset hci0: a link is stuck there, and nothing else is on it");
	expect("bleherd events", 0, "reset helped");
}
END_TEST

/* The check is the person's: what is not there is named. */
START_TEST(test_validate)
{
	expect("bleherd connect C0:AA:BB:00:00:01 --validate gatt --validate char:FFF3", 0, "hci0");
	expect("bleherd connect C0:AA:BB:00:00:01 --validate char:1234 --timeout 1", 1,
	       "to pass its check");
	expect("bleherd connect C0:AA:BB:00:00:01 --validate chr:1234", 2, "gatt, char:UUID");
}
END_TEST

Suite *suite_stuck(void)
{
	Suite *s = suite_create("stuck");
	TCase *c = tcase_create("stuck");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, test_phantom);
	tcase_add_test(c, test_story);
	tcase_add_test(c, test_not_ended);
	tcase_add_test(c, test_validate);
	suite_add_tcase(s, c);

	c = tcase_create("unseen");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, start_forgetful, stop);
	tcase_add_test(c, test_orphan_sought);
	tcase_add_test(c, test_orphan_unwanted);
	suite_add_tcase(s, c);
	return s;
}
