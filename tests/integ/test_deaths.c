/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_deaths.c - processes of the daemon that are killed, stopped or starved: what
 * `bleherd deaths` says, and that what the others have goes on.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_deaths(void);

enum { FLOODERS = 8, IN_FLIGHT = 1000 };

static struct world *world;

static void start(void)
{
	static const char *const options[] = {
		"--adapters", "2", "--devices", "3", "--set", "workers.tick_window_ms=1000", NULL,
	};

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

static pid_t pid_of(const char *child)
{
	char pattern[64];
	struct run run;
	pid_t pid;

	(void)snprintf(pattern, sizeof(pattern), "^bleherd-%s", child);
	run = run_command("pgrep -P %d -f '%s'", world_daemon_pid(world), pattern);
	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	pid = (pid_t)strtol(run.out, NULL, 10);
	run_done(&run);
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* Waits until the events have one of that kind with these words. */
static void wait_event(const char *kind, const char *words)
{
	struct run run = run_command("timeout 25 sh -c 'until bleherd events --json | grep "
				     "\"event.:.%s\" | grep -q \"%s\"; do :; done'",
				     kind, words);

	ck_assert_msg(run.status == 0, "no event %s with %s", kind, words);
	run_done(&run);
}

static const struct {
	int signal;
	const char *how;
} SIGNALS[] = {
	{ SIGABRT, "killed by SIGABRT\"" },
#if !defined(__SANITIZE_ADDRESS__)
	{ SIGSEGV, "killed by SIGSEGV\"" },
#endif
	{ SIGSTOP, "killed by SIGABRT, its loop hung\"" },
};

/* A worker that is hit by it leaves its steps and where it was; a read goes on. */
START_TEST(test_worker)
{
	pid_t pid;

	expect(run_command("bleherd read C0:AA:BB:00:00:01 2a29"));
	pid = pid_of("worker --adapter hci0");
	ck_assert_int_eq(kill(pid, SIGNALS[_i].signal), 0);
	wait_event("worker-died", "hci0");
	expect(run_command("bleherd deaths --json 1 | grep -F '%s'", SIGNALS[_i].how));
	expect(run_command("bleherd deaths --json 1 | grep '\"child\":\"worker hci0\"' | "
			   "grep '\"steps\":\\[{' | grep '\"backtrace\":\\[.*\"main+0x'"));
	expect(run_command("bleherd deaths | grep '^    main+0x'"));
	expect(run_command("bleherd read C0:AA:BB:00:00:01 2a29"));
}
END_TEST

/* The holder of a lock keeps it, while the arbiter stops, is killed, and the next one comes. */
START_TEST(test_stopped_lockd)
{
	struct run run;

	run = run_command(
		"mkfifo $BLEHERD_WORLD/go && bleherd lock hci0 scan -- "
		"sh -c 'echo held > $BLEHERD_WORLD/held; read line < $BLEHERD_WORLD/go' & "
		"until [ -s $BLEHERD_WORLD/held ]; do :; done; "
		"kill -STOP $(pgrep -P %d -f ^bleherd-lockd); "
		"until bleherd events --json | grep -q 'arbiter-down.*its loop hung'; do :; "
		"done; until bleherd locks --json | grep -q '\"resource.*scan'; do :; done; "
		"echo end > $BLEHERD_WORLD/go; wait $!",
		world_daemon_pid(world));
	ck_assert_msg(run.status == 0, "%d %s%s", run.status, run.out, run.err);
	run_done(&run);
	expect(run_command(
		"bleherd deaths --json | grep '\"child\":\"lockd\".*\"cause\":\"hung\"'"));
}
END_TEST

/* --- floods --- */

struct flood {
	struct bh_client *client;
	unsigned in_flight;
};

static void on_answer(void *ctx, const struct bh_result *result)
{
	(void)result;
	((struct flood *)ctx)->in_flight--;
}

/* Until the daemon has enough of it. */
static void flood_once(struct flood *flood)
{
	do {
		while (flood->in_flight < IN_FLIGHT &&
		       bh_get_status(flood->client, NULL, on_answer, flood) == 0)
			flood->in_flight++;
	} while (bh_wait(flood->client, -1) >= 0);
}

/* Asks as fast as it is answered, many questions at a time, until it is killed. */
static _Noreturn void be_flooder(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct flood flood = { .in_flight = 0 };

		if (bh_new(&flood.client, NULL, "flood") < 0)
			_exit(1);
		flood_once(&flood);
		bh_free(flood.client);
	}
}

/* The watchdog comes before clients: a stopped worker is ended in time while they flood. */
START_TEST(test_flood)
{
	pid_t flooders[FLOODERS];
	pid_t pid;
	size_t i;

	expect(run_command("bleherd read C0:AA:BB:00:00:01 2a29"));
	pid = pid_of("worker --adapter hci0");
	for (i = 0; i < FLOODERS; i++) {
		flooders[i] = fork();
		ck_assert_int_ge(flooders[i], 0);
		if (flooders[i] == 0)
			be_flooder();
	}
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	wait_event("worker-died", "its loop hung");
	expect(run_command("bleherd read C0:AA:BB:00:00:01 2a29"));
	for (i = 0; i < FLOODERS; i++) {
		/* It went on to the end. */
		ck_assert_int_eq(waitpid(flooders[i], NULL, WNOHANG), 0);
		(void)kill(flooders[i], SIGKILL);
		(void)waitpid(flooders[i], NULL, 0);
	}
}
END_TEST

START_TEST(test_command)
{
	struct run run = run_command("bleherd deaths");

	ck_assert_int_eq(run.status, 0);
	ck_assert_str_eq(run.out, "");
	ck_assert_ptr_nonnull(strstr(run.err, "nothing has died"));
	run_done(&run);
	expect(run_command("bleherd deaths --json | grep -x '{\"deaths\":\\[\\]}'"));
	run = run_command("bleherd deaths 33");
	ck_assert_int_eq(run.status, 2);
	ck_assert_ptr_nonnull(strstr(run.err, "no number from 1 to 32"));
	run_done(&run);
}
END_TEST

Suite *suite_deaths(void)
{
	Suite *suite = suite_create("deaths");
	TCase *tc = tcase_create("deaths");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_command);
	tcase_add_loop_test(tc, test_worker, 0, (int)(sizeof(SIGNALS) / sizeof(SIGNALS[0])));
	tcase_add_test(tc, test_stopped_lockd);
	tcase_add_test(tc, test_flood);
	suite_add_tcase(suite, tc);
	return suite;
}
