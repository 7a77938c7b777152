/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_bluez.c - what bleherd works with goes, hangs or changes: D-Bus, bluetoothd, an
 * adapter's number, LE, its power. Whoever waits is served afterwards, by itself, and the events
 * say why.
 */
#include "tests/support/world.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_bluez(void);

#define DEVICE "C0:AA:BB:00:00:01"

static struct world *world;

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "3", NULL };

	world = world_start(options);
}

static void start_one(void)
{
	static const char *const options[] = { "--adapters", "1", "--devices", "3", NULL };

	world = world_start(options);
}

static void start_power_no(void)
{
	static const char *const options[] = { "--adapters", "1",     "--devices",
					       "3",	     "--set", "workarounds.power=no",
					       NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

static void expect(struct run run)
{
	ck_assert_msg(run.status == 0, "status %d\n%s%s", run.status, run.out, run.err);
	run_done(&run);
}

static void wait_event(const char *kind, const char *words)
{
	struct run run = run_command("timeout 25 sh -c 'until bleherd events --json | grep "
				     "\"event.:.%s\" | grep -q \"%s\"; do :; done'",
				     kind, words);

	if (run.status != 0) {
		run_done(&run);
		run = run_command("bleherd events");
		ck_abort_msg("no event %s with %s in\n%s%s", kind, words, run.out, run.err);
	}
	run_done(&run);
}

/* A command beside the test; it ends with it. Its output goes to a file of the world. */
static pid_t beside(const char *command, const char *file)
{
	char line[512];
	pid_t parent = getpid();
	pid_t pid;

	(void)snprintf(line, sizeof(line), "exec %s > $BLEHERD_WORLD/%s 2>&1 < /dev/null", command,
		       file);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		(void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

static int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	(void)status_of(pid);
}

static unsigned count_values(void)
{
	struct run run = run_command("grep -c '|\\|^{' $BLEHERD_WORLD/values");
	unsigned n = (unsigned)strtoul(run.out, NULL, 10);

	run_done(&run);
	return n;
}

/* Some more values than @n have been heard. */
static void expect_values(unsigned n)
{
	expect(run_command(
		"timeout 25 sh -c 'until [ $(grep -c \"|\\|^{\" $BLEHERD_WORLD/values) -gt %u ]; "
		"do :; done'",
		n + 2));
}

/* D-Bus ends, and bluetoothd with it: who asks meanwhile waits, who listened hears again. */
START_TEST(test_bus_restarts)
{
	unsigned n;
	pid_t reader;
	pid_t listener = beside("bleherd notify " DEVICE " fff4 --reconnect", "values");

	expect_values(0);
	world_bus_kill(world);
	wait_event("bus-absent", "trying every second");
	wait_event("bluez-gone", "no connection to the system bus");
	reader = beside("bleherd read " DEVICE " 2a29 --timeout 25", "read");
	wait_event("waiting", "bluez-gone");
	n = count_values();
	world_bus_start(world);
	wait_event("bluez-back", "");
	ck_assert_int_eq(status_of(reader), 0);
	expect_values(n);
	end(listener);
	/* No worker was to blame. */
	expect(run_command("! bleherd deaths | grep worker"));
}
END_TEST

/* D-Bus takes two answers with it: what may be asked twice is, and of the write that is said. */
START_TEST(test_bus_dies_under_way)
{
	pid_t reader, writer;
	char *written;
	size_t len;

	world_fault(world, "no-reply " DEVICE " ReadValue 1 done");
	world_fault(world, "no-reply " DEVICE " WriteValue 1 done");
	reader = beside("bleherd read " DEVICE " 2a29 --timeout 28", "read");
	while (world_counter(world, DEVICE, "reads") == 0)
		;
	writer = beside("bleherd write " DEVICE " fff3 01 --json --timeout 28", "write");
	do {
		written = world_writes(world);
		len = strlen(written);
		free(written);
	} while (len == 0);
	world_bus_kill(world);
	ck_assert_int_eq(status_of(writer), 1);
	expect(run_command("grep '\"interrupted\"' $BLEHERD_WORLD/write"));
	world_bus_start(world);
	ck_assert_int_eq(status_of(reader), 0);
}
END_TEST

/* A worker that starts while bluetoothd hangs is not taken for what hangs. */
START_TEST(test_hangs_at_start)
{
	world_fault(world, "hang-bluetoothd 13000");
	expect(run_command(
		"kill -KILL $(bleherd adapters --json | grep -o '\"worker_pid\":[0-9]*' | "
		"cut -d: -f2)"));
	wait_event("worker-died", "SIGKILL");
	expect(run_command("bleherd read " DEVICE " 2a29 --timeout 28"));
	expect(run_command("[ $(bleherd deaths --json | grep -o SIGKILL | wc -l) = 1 ] && "
			   "! bleherd events | grep worker-loop"));
}
END_TEST

/* A number is only a name: what a program has of an adapter it has when it is back. */
START_TEST(test_renumbered)
{
	pid_t listener =
		beside("bleherd notify " DEVICE " fff4 --reconnect --adapter hci0", "values");
	pid_t holder;
	unsigned n;

	/* Nobody is sought any more when the radio is somebody's. */
	expect_values(0);
	holder = beside("bleherd lock hci0 scan sleep 60", "lock");
	expect(run_command(
		"timeout 25 sh -c 'until bleherd locks | grep scan:hci0 | grep -q sleep; do :; done'"));
	world_fault(world, "unplug 0");
	wait_event("adapter-removed", "hci0");
	/* What was locked of the old number is not locked of any. */
	ck_assert_int_eq(status_of(holder), 75);
	n = count_values();
	world_fault(world, "plug 0");
	wait_event("adapter-added", "hci2");
	expect_values(n);
	wait_event("moved", "now on hci2");
	expect(run_command("bleherd lock hci2 scan --timeout 10 true"));
	end(listener);
}
END_TEST

/* bluetoothd without LE: it is said, nobody waits in vain for it, and it may come back. */
START_TEST(test_no_le)
{
	struct run run;
	pid_t reader;

	world_fault(world, "le 0 off");
	wait_event("le-off", "ControllerMode");
	run = run_command("bleherd read " DEVICE " 2a29 --timeout 2");
	ck_assert_msg(run.status == 1 && strstr(run.err, "Low Energy"), "%d: %s", run.status,
		      run.err);
	run_done(&run);
	expect(run_command("bleherd adapters | grep 'Low Energy'"));
	reader = beside("bleherd read " DEVICE " 2a29 --timeout 25", "read");
	wait_event("waiting", "adapter-gone");
	world_fault(world, "le 0 on");
	wait_event("le-on", "");
	ck_assert_int_eq(status_of(reader), 0);
}
END_TEST

static void switch_off(void)
{
	world_fault(world, "powered 0 off");
	expect(run_command("timeout 25 sh -c 'until bleherd adapters | grep -q \"not powered\"; "
			   "do :; done'"));
}

/* No answer but that one. */
static void expect_no_power(void)
{
	struct run run = run_command("bleherd read " DEVICE " 2a29 --json");

	ck_assert_msg(run.status == 1 && strstr(run.out, "\"not-powered\""), "%d: %s%s", run.status,
		      run.out, run.err);
	run_done(&run);
}

/* Nobody wants the adapter: it stays off. Then somebody does; who switches it off again means it.
 */
START_TEST(test_F25_switched_on)
{
	switch_off();
	expect(run_command("! bleherd events | grep ' power: '"));
	expect(run_command("bleherd read " DEVICE " 2a29"));
	wait_event("cured", "power: switched on");
	switch_off();
	expect_no_power();
}
END_TEST

/* A scan that runs hears on, by itself: its adapter is what it asked for. */
START_TEST(test_F25_under_a_scan)
{
	pid_t scan = beside("bleherd scan --adapter hci0 --duration 60 --json", "values");

	expect_values(0);
	world_fault(world, "powered 0 off");
	wait_event("cured", "power: switched on");
	expect_values(count_values());
	end(scan);
}
END_TEST

/* What is blocked stays off, and that is said once. */
START_TEST(test_F25_rfkill)
{
	world_fault(world, "rfkill 0 on");
	expect_no_power();
	wait_event("stuck", "rfkill");
	expect_no_power();
	expect(run_command("[ $(bleherd events | grep -c ' stuck: power: ') = 1 ]"));
	world_fault(world, "rfkill 0 off");
	world_fault(world, "powered 0 on");
	expect(run_command("bleherd read " DEVICE " 2a29"));
}
END_TEST

START_TEST(test_F25_switch)
{
	switch_off();
	expect_no_power();
	expect(run_command("! bleherd events | grep ' power: '"));
}
END_TEST

/* A program in a container: it is served like others, and shown without a pid. */
START_TEST(test_other_pid_namespace)
{
	struct run run = run_command("sh tests/integ/foreign.sh %s",
				     geteuid() == 0 ? "" : "--map-root-user");

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	ck_assert_str_eq(run.out, "read=0\nshown=0\nunder=0\n1\n");
	run_done(&run);
}
END_TEST

static void add(Suite *suite, const char *name, void (*fixture)(void), const TTest *test)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, fixture, stop);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test);
	suite_add_tcase(suite, tc);
}

Suite *suite_bluez(void)
{
	Suite *suite = suite_create("bluez");

	add(suite, "bus", start, test_bus_restarts);
	add(suite, "bus under way", start_one, test_bus_dies_under_way);
	add(suite, "hangs", start_one, test_hangs_at_start);
	add(suite, "renumbered", start, test_renumbered);
	add(suite, "no le", start_one, test_no_le);
	add(suite, "power", start_one, test_F25_switched_on);
	add(suite, "power under a scan", start, test_F25_under_a_scan);
	add(suite, "rfkill", start_one, test_F25_rfkill);
	add(suite, "power = no", start_power_no, test_F25_switch);
	add(suite, "foreign", start, test_other_pid_namespace);
	return suite;
}
