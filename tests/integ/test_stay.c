/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_stay.c - the daemon is killed and started again under programs that stay: no
 * request is lost, none is answered twice, nothing is written twice, and notifications go on.
 */
#include "ipc/bleherd.h"
#include "tests/support/storm.h"
#include "tests/support/world.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 8, RESTARTS = 8 };

static struct world *world;
static pid_t daemon_pid; /* of the one that took over; 0: none did */

static void start(void)
{
	static const char *const options[] = { "--adapters",  "2",  "--devices", "8",
					       "--notify-ms", "20", NULL };

	ck_assert_int_eq(setenv("BLEHERD_MAY_DIE", "1", 1), 0);
	world = world_start(options);
	daemon_pid = 0;
}

static void kill_daemon(void)
{
	pid_t pid = daemon_pid > 0 ? daemon_pid : world_daemon_pid(world);
	struct pollfd dead = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	ck_assert_int_ge(dead.fd, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	/* Until then the next one would be the second one. */
	ck_assert_int_eq(poll(&dead, 1, -1), 1);
	(void)close(dead.fd);
	if (daemon_pid > 0)
		ck_assert_int_eq(waitpid(daemon_pid, NULL, 0), daemon_pid);
	daemon_pid = 0;
}

static void stop(void)
{
	if (daemon_pid > 0)
		kill_daemon();
	world = world_stop(world);
}

/* As systemd would; the world has put it into PATH. */
static void start_daemon(void)
{
	pid_t parent = getpid();
	char log[512];

	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(log, sizeof(log), "%s/bleherdd-2.log",
		       getenv("BLEHERD_TEST_LOGS") ? getenv("BLEHERD_TEST_LOGS")
						   : getenv("BLEHERD_WORLD"));
	(void)dup2(open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), STDERR_FILENO);
	if (getppid() == parent)
		(void)execlp("bleherdd", "bleherdd", "--config", getenv("BLEHERD_CONFIG"),
			     (char *)NULL);
	_exit(127);
}

struct counts {
	unsigned back;
	unsigned ended;
	uint64_t values;
};

static void on_daemon(void *ctx, struct bh_client *bh, const struct bh_daemon_news *news)
{
	struct counts *counts = ctx;

	(void)bh;
	counts->back += news->event == BH_DAEMON_BACK;
}

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	struct counts *counts = ctx;

	(void)value;
	(void)len_bytes;
	(void)lost;
	ck_assert_uint_gt(seq, counts->values);
	counts->values = seq;
}

static void on_subscribed(void *ctx, const struct bh_result *result)
{
	struct counts *counts = ctx;

	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	counts->ended++;
}

/* A program of its own, which is the first to hear of each daemon, and gets values of each. */
static void ride_out(struct bh_client *bh, struct counts *counts)
{
	uint64_t values = counts->values;
	unsigned back = counts->back;

	kill_daemon();
	start_daemon();
	while (counts->back == back || counts->values < values + 3)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
}

START_TEST(test_kill_daemon)
{
	struct storm_client clients[CLIENTS];
	struct counts counts = { 0 };
	struct bh_session *session;
	struct bh_client *bh;
	struct bh_uuid fff4;
	size_t found;
	uint32_t i;

	ck_assert_int_eq(bh_new(&bh, NULL, "killer"), 0);
	bh_stay(bh, on_daemon, &counts);
	ck_assert_int_eq(bh_parse_uuid("fff4", &fff4), 0);
	ck_assert_int_eq(
		bh_session_open(&session, bh, 0xc0aabb000000, NULL, 15000, NULL, NULL, NULL), 0);
	ck_assert_int_eq(bh_connect(session, 15000, NULL, NULL), 0);
	ck_assert_int_eq(
		bh_subscribe(session, &fff4, 15000, on_value, on_subscribed, &counts, NULL), 0);
	while (counts.values < 3)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = storm_start(i, 0xc0aabb000000 + i, "/dev/null");
	for (i = 0; i < CLIENTS; i++)
		storm_await_served(&clients[i]);
	for (i = 0; i < RESTARTS; i++)
		ride_out(bh, &counts);
	ck_assert_uint_eq(counts.ended, 1);
	for (i = 0; i < CLIENTS; i++)
		(void)storm_end_well(&clients[i]);
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	ck_assert_uint_gt(found, CLIENTS);
	bh_free(bh);
}
END_TEST

/* What goes on for as long as a person likes: two lines of its own, and on it goes. */
START_TEST(test_commands)
{
	struct run run;

	run = run_command(
		"d=$BLEHERD_WORLD; cd $d; at() { until grep -q \"$1\" $2; do :; done; }; "
		"bleherd notify C0:AA:BB:00:00:01 fff4 >n 2>n2 & p=$!; "
		"bleherd events --follow >e 2>e2 & p=\"$p $!\"; "
		"bleherd scan --duration 60 --json >s 2>s2 & p=\"$p $!\"; "
		"trap 'kill $p' EXIT; "
		"until [ -s n ] && [ -s e ] && [ -s s ]; do :; done; "
		"kill -9 $BLEHERD_DAEMON_PID; at waiting n2; at waiting e2; at daemon-gone s; "
		"bleherd status 2>/dev/null; echo status $?; "
		"while kill -0 $BLEHERD_DAEMON_PID 2>/dev/null; do :; done; "
		"bleherdd --config $BLEHERD_CONFIG 2>d2 & p=\"$p $!\"; "
		"at back n2; at back e2; at daemon-back s; "
		"n=$(wc -l <n); until [ $(wc -l <n) -gt $((n + 3)) ]; do :; done; "
		"at session-opened e; until tail -n 1 s | grep -q rssi; do :; done; "
		"grep -c -e waiting -e '^back' n2; cat e2 | sed 's/[0-9]* ms/N ms/'; wc -c <s2");
	ck_assert_msg(run.status == 0 || run.status == 143, "%d %s%s", run.status, run.out,
		      run.err);
	ck_assert_str_eq(run.out, "status 69\n2\nthe daemon went; waiting\nback after N ms\n0\n");
	run_done(&run);
}
END_TEST

Suite *suite_stay(void);
Suite *suite_stay(void)
{
	Suite *suite = suite_create("stay");
	TCase *tc = tcase_create("world");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, test_kill_daemon);
	tcase_add_test(tc, test_commands);
	suite_add_tcase(suite, tc);
	return suite;
}
