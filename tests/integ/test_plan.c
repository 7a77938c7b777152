/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_plan.c - a fault plan as the programs of a fake world meet it: on time, before
 * the call that sets it off, and gone when the plan rests. The text is unit-sim's affair.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

static struct world *world;
static struct client *client;
static char plan_path[] = "/tmp/bh-plan.XXXXXX";

static void start(const char *plan, bool wait)
{
	const char *const options[] = {
		"--no-daemon",
		"--devices",
		"3",
		"--faults",
		plan_path,
		"--sim",
		"--disconnect-ms=0",
		wait ? "--sim" : NULL,
		"--faults-wait",
		NULL,
	};
	FILE *f;
	int fd;

	memcpy(plan_path + strlen(plan_path) - 6, "XXXXXX", 6);
	fd = mkstemp(plan_path);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(plan, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	world = world_start(options);
	client = client_new();
}

static void teardown(void)
{
	client = client_free(client);
	world = world_stop(world);
	(void)unlink(plan_path);
}

static void ok(const char *error)
{
	ck_assert_str_eq(error, "");
}

static unsigned log_lines(const char *text)
{
	char line[512];
	unsigned n = 0;
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/faults.log", world_env("BLEHERD_WORLD"));
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	(void)fclose(f);
	return n;
}

/* The second connect fails, and no other. */
START_TEST(test_nth)
{
	start("nth 2 on Connect refuse it 1 answered\n", false);
	client_discover(client, "hci0/0");
	ok(client_call(client, "hci0/0", "Connect"));
	ok(client_call(client, "hci0/0", "Disconnect"));
	ck_assert_str_eq(client_call(client, "hci0/0", "Connect"),
			 "Failed: le-connection-abort-by-local");
	ok(client_call(client, "hci0/0", "Connect"));
	ck_assert_uint_eq(log_lines("\"kind\":\"refuse\""), 1);
	ck_assert_uint_eq(log_lines("\"where\":\"C0:AA:BB:00:00:00\""), 1);
}
END_TEST

/* bluetoothd dies, an adapter goes, of the very call that they were asked to carry out. */
START_TEST(test_gone_in_the_call)
{
	start("nth 1 on Connect for 200ms restart-bluetoothd kill\n"
	      "nth 2 on Connect for 200ms unplug it\n",
	      false);
	client_discover(client, "hci0/0");
	ck_assert_str_ne(client_call(client, "hci0/0", "Connect"), "");
	client_wait(client, "+hci0;");
	client_discover(client, "hci0/0");
	ck_assert_str_ne(client_call(client, "hci0/0", "Connect"), "");
	client_wait(client, "-hci0;");
	client_wait(client, "+hci2;");
	/* The signal comes before the line that the same turn of the sim writes: once it answers,
	 * that turn is over. */
	free(world_ask(world, "plan"));
	ck_assert_uint_eq(log_lines("\"where\":\"hci0\",\"end\":true"), 1);
	ck_assert_uint_eq(log_lines("\"for_ms\":200"), 2);
}
END_TEST

/* Nothing before it begins; everything back when it rests, with and without an end of its own. */
START_TEST(test_begin_and_rest)
{
	char *state;

	start("for 60s unplug 1\nrefuse any 1000 answered\nfor 60s stop bluetoothd\n"
	      "no-reply C0:AA:BB:00:00:00 Connect 1000\nevery 1ms drop any\n",
	      true);
	client_discover(client, "hci0/0");
	ok(client_call(client, "hci0/0", "Connect"));
	ok(client_call(client, "hci0/0", "Disconnect"));
	world_fault(world, "plan begin");
	state = world_ask(world, "plan begin");
	ck_assert_str_eq(state, "error: the plan has begun");
	free(state);
	(void)client_send(client, "hci0", "StartDiscovery");
	client_run(client, 100);
	ck_assert_ptr_null(strstr(client->trace, "hci0:Discovering=1;"));
	world_fault(world, "plan rest");
	client_wait(client, "hci0:Discovering=1;");
	client_wait(client, "+hci2;");
	ok(client_call(client, "hci0/0", "Connect"));
	state = world_ask(world, "plan");
	ck_assert_ptr_nonnull(strstr(state, "\"state\":\"resting\""));
	ck_assert_ptr_null(strstr(state, "\"under_way\":true"));
	free(state);
	ck_assert_uint_eq(log_lines("\"end\":true"), 2);
}
END_TEST

/* What the fake shares with the radio: each is noticed, and over when it ends. */
START_TEST(test_faults_of_the_air)
{
	unsigned pending;

	start("# nothing by itself\n", false);
	client_discover(client, "hci0/0");
	ok(client_call(client, "hci0/0", "Connect"));
	client_forget(client);
	world_fault(world, "vanish C0:AA:BB:00:00:00 on");
	client_wait(client, "hci0/0:Connected=0;");
	world_fault(world, "deaf C0:AA:BB:00:00:00 on");
	world_fault(world, "vanish C0:AA:BB:00:00:00 off");
	pending = client_send(client, "hci0/0", "Connect");
	client_run(client, 50);
	ck_assert(!client->calls[pending].done);
	world_fault(world, "deaf C0:AA:BB:00:00:00 off");
	client_wait_call(client, pending);
	client_forget(client);
	world_fault(world, "lost-disconnect 0 on");
	pending = client_send(client, "hci0/0", "Disconnect");
	client_run(client, 100);
	ck_assert(!client->calls[pending].done);
	ck_assert_ptr_null(strstr(client->trace, "hci0/0:Connected=0;"));
	/* The peripheral is free: only this adapter believes in the link. */
	client_discover(client, "hci1/0");
	ok(client_call(client, "hci1/0", "Connect"));

	world_fault(world, "early-drop C0:AA:BB:00:00:01 1");
	client_forget(client);
	ok(client_call(client, "hci1/1", "Connect"));
	client_wait(client, "hci1/1:Connected=0;");
	ok(client_call(client, "hci1/1", "Connect"));
	ck_assert(client_property(client, "hci1/1", "Connected"));
	world_fault(world, "connect-hang 1 on");
	pending = client_send(client, "hci1/2", "Connect");
	client_run(client, 50);
	ck_assert(!client->calls[pending].done);
	world_fault(world, "connect-hang 1 off");
	client_wait_call(client, pending);
	ck_assert(client_property(client, "hci1/2", "Connected"));
}
END_TEST

/* What the plans of the soak say of the daemon's configuration is understood by it. */
START_TEST(test_settings_of_plans)
{
	struct run run = run_command(
		"conf=$(mktemp) && trap 'rm -f $conf' EXIT; n=0; "
		"for p in contrib/soak/plans/*; do "
		"sed -nE 's/^((lab|fake): )?set ([^.]+)[.]([^=]+)=(.*)/"
		"[\\3]\\n\\4 = \\5/p' $p >$conf; n=$((n + $(wc -l <$conf))); "
		"${BLEHERD_BIN:-build/bin}/bleherdd --config $conf --check-config || { echo $p; exit 1; }; "
		"done; test $n -gt 20");

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	run_done(&run);
}
END_TEST

Suite *suite_plan(void);

Suite *suite_plan(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_nth);
	tcase_add_test(tc, test_gone_in_the_call);
	tcase_add_test(tc, test_begin_and_rest);
	tcase_add_test(tc, test_faults_of_the_air);
	suite_add_tcase(suite, tc);
	tc = tcase_create("settings");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_settings_of_plans);
	suite_add_tcase(suite, tc);
	return suite;
}
