/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_reload.c - SIGHUP: what the files say holds, and nobody loses anything by it.
 */
#include "ipc/bleherd.h"
#include "tests/support/answer.h"
#include "tests/support/storm.h"
#include "tests/support/world.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 20, RELOADS = 200, WAIT_MS = 15000 };

static struct world *world;
static struct bh_client *bh;
static char kind[32]; /* of the last event of a reload */
static char text[512];
static unsigned n_said;
static bool is_following;
static unsigned n_restarts; /* of lockd */

/* --- the story that the daemon tells --- */

static void on_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	is_following = true;
	n_restarts += strcmp(event->kind, "arbiter-up") == 0;
	if (strncmp(event->kind, "reload", strlen("reload")) != 0)
		return;
	(void)snprintf(kind, sizeof(kind), "%s", event->kind);
	(void)snprintf(text, sizeof(text), "%s", event->text);
	n_said++;
}

static void start_with(const char *const *options)
{
	world = world_start(options);
	n_said = n_restarts = 0;
	is_following = false;
	ck_assert_int_eq(bh_new(&bh, NULL, "reloader"), 0);
	ck_assert_int_eq(bh_events(bh, true, true, on_event, NULL, NULL), 0);
	while (!is_following)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
}

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "4", NULL };

	start_with(options);
}

static void stop(void)
{
	bh_free(bh);
	world = world_stop(world);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A file of conf.d, whole at any moment. */
static void put(const char *name, const char *lines)
{
	const char *dir = getenv("BLEHERD_WORLD");
	char path[256];
	char new[264];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/conf.d", dir);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/conf.d/%s.conf", dir, name);
	(void)snprintf(new, sizeof(new), "%s.new", path);
	file = fopen(new, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(lines, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(new, path), 0);
}

/* Until the daemon has said what became of it. */
static void reload(void)
{
	uint64_t until_ms = now_ms() + WAIT_MS;
	unsigned before = n_said;

	ck_assert_int_eq(kill(world_daemon_pid(world), SIGHUP), 0);
	while (n_said == before) {
		ck_assert_msg(now_ms() < until_ms, "nothing is said of the reload");
		ck_assert_int_ge(bh_wait(bh, 100), 0);
	}
}

static void expect(const char *wanted_kind, const char *wanted_text)
{
	ck_assert_str_eq(kind, wanted_kind);
	ck_assert_str_eq(text, wanted_text);
}

/* --- nobody loses anything --- */

static void start_many(void)
{
	static const char *const options[] = { "--adapters",  "2",  "--devices", "20",
					       "--notify-ms", "50", "--sim",	 "--experimental",
					       NULL };

	start_with(options);
}

static const char *const VARIANTS[] = {
	"[daemon]\nlog_level = warn\n[links]\nlinger_ms = 10\n[workarounds]\nstale = no\n",
	"[locks]\nage_step_ms = 9\nper_user = 99\n[scan]\nmode = passive\n[links]\ntotal = 40\n",
	"[locks]\nhold_connect_ms = 1000\n[device name:*]\nlinger_ms = 2000\n[retry]\nattempts = 6\n",
	"[locks]\nnonsense\nconect = 3\n",
	"[device C0:AA:BB:00:00:03]\nstrategy = persistent\n[links]\nper_adapter = 30\n",
	"[links]\ntotal = 60\n[escalation]\nprofile = sensor\n[profile sensor]\nattempts = 9\n",
};

static void judge(struct storm_client *client)
{
	struct storm_report r = storm_end(client);

	printf("client %u: asked %u ok %u interrupted %u failed %u (%s) moved %u\n", r.client,
	       r.asked, r.ok, r.interrupted, r.failed, r.classes, r.moved);
	(void)fflush(stdout);
	ck_assert_uint_gt(r.asked, 0);
	ck_assert_uint_eq(r.ok, r.asked);
	ck_assert_uint_eq(r.unanswered, 0);
	ck_assert_uint_eq(r.twice, 0);
	ck_assert_uint_eq(r.wrong, 0);
	ck_assert_uint_eq(r.notified_twice, 0);
	/* No worker was replaced, so none had to move. */
	ck_assert_uint_eq(r.moved, 0);
}

START_TEST(test_storm_of_reloads)
{
	struct storm_client clients[CLIENTS];
	unsigned failed = 0;
	size_t found;
	uint32_t i;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = storm_start(i, 0xc0aabb000000 + i, "/dev/null");
	for (i = 0; i < RELOADS; i++) {
		put("50-storm", VARIANTS[i % (sizeof(VARIANTS) / sizeof(VARIANTS[0]))]);
		reload();
		failed += strcmp(kind, "reload-failed") == 0;
		/* The pace of this storm, not a wait for anything. */
		(void)poll(NULL, 0, 50);
	}
	ck_assert_uint_eq(failed, RELOADS / 6);
	for (i = 0; i < CLIENTS; i++)
		judge(&clients[i]);
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	ck_assert_uint_gt(found, CLIENTS);
	/* Nor was lockd, but for its start. */
	ck_assert_uint_eq(n_restarts, 1);
}
END_TEST

/* --- a wrong one costs nothing --- */

START_TEST(test_wrong_file)
{
	char wanted[256];
	struct run run;

	put("10-right", "[sessions]\nmax_per_client = 1\n");
	reload();
	expect("reloaded", "sessions.max_per_client");
	put("10-right", "[sessions]\nmax_per_client = 9\n");
	put("20-wrong", "[sessions]\nmax_per_clint = 9\n\nnonsense\n");
	reload();
	(void)snprintf(wanted, sizeof(wanted),
		       "%s/conf.d/20-wrong.conf:2: key max_per_clint is not known in [sessions]; "
		       "the nearest is max_per_client; and more: bleherdd --check-config",
		       getenv("BLEHERD_WORLD"));
	expect("reload-failed", wanted);
	/* All of them; as it was; and nothing of the file that is right. */
	run = run_command("bleherdd --config $BLEHERD_CONFIG --check-config 2>&1 | "
			  "grep -c 20-wrong.conf; bleherd connect C0:AA:BB:00:00:01 --json");
	ck_assert_msg(strncmp(run.out, "2\n", 2) == 0 && run.status == 0, "%s%s", run.out, run.err);
	run_done(&run);
	put("20-wrong", "");
	reload();
	expect("reloaded", "sessions.max_per_client");
	reload();
	expect("reloaded", "nothing has changed");
}
END_TEST

START_TEST(test_takes_a_restart)
{
	struct run run;

	put("10", "[daemon]\nlog_level = warn\nruntime_dir = /elsewhere\n[bluez]\nmgmt =\n"
		  "[workers]\ntick_window_ms = 9000\n");
	reload();
	expect("reloaded", "daemon.log_level; needs a restart: daemon.runtime_dir, bluez.mgmt, "
			   "workers.tick_window_ms");
	run = run_command("bleherd read C0:AA:BB:00:00:01 2a29");
	ck_assert_msg(run.status == 0, "%s", run.err);
	run_done(&run);
}
END_TEST

/* --- what is new holds --- */

static void wait_for(const char *command)
{
	struct run run = run_command("until %s; do :; done", command);

	ck_assert_msg(run.status == 0, "never: %s", command);
	run_done(&run);
}

START_TEST(test_device_becomes_persistent)
{
	static const char LINK[] = "bleherd adapters | awk '{ n += $5 } END { exit n != %d }'";
	char command[128];

	put("10", "[device name:*00:01]\nstrategy = persistent\n"
		  "[device C0:AA:BB:00:00:02]\nstrategy = persistent\n");
	reload();
	expect("reloaded", "[device]");
	(void)snprintf(command, sizeof(command), LINK, 1);
	wait_for("bleherd device C0:AA:BB:00:00:02 --json | grep -q '\"keeper\": *\"held\"'");
	put("10", "");
	reload();
	(void)snprintf(command, sizeof(command), LINK, 0);
	wait_for(command);
}
END_TEST

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	bool *is_lost = ctx;

	(void)session;
	*is_lost |= news->event == BH_SESSION_LINK_LOST && news->error == BH_CLASS_LIMIT;
}

/* A session that was there before is held to it, too. */
START_TEST(test_link_limits)
{
	uint64_t until_ms = now_ms() + WAIT_MS;
	struct bh_session *session;
	struct bh_answer answer;
	bool is_lost = false;

	ck_assert_int_eq(bh_session_open(&session, bh, 0xc0aabb000001, NULL, WAIT_MS, on_news, NULL,
					 &is_lost),
			 0);
	ck_assert_int_eq(bh_connect_sync(session, WAIT_MS, &answer), 0);
	bh_answer_clear(&answer);
	put("10", "[links]\nidle_ms = 100\n");
	reload();
	while (!is_lost) {
		ck_assert_msg(now_ms() < until_ms, "its link stays");
		ck_assert_int_ge(bh_wait(bh, 100), 0);
	}
}
END_TEST

/* A lock is held over it, and who waits has his place; a third one meets the new limit. */
START_TEST(test_locks)
{
	struct run run;

	run = run_command("cd $BLEHERD_WORLD; mkfifo up go; mkdir conf.d; "
			  "bleherd lock hci0 connect -- sh -c 'echo >up; read x <go; echo first' & "
			  "read x <up; bleherd lock hci0 connect -- echo second & w=$!; "
			  "until bleherd locks --json | grep -q waits; do :; done; "
			  "printf '[locks]\nper_user = 2\n' >conf.d/1.conf; "
			  "kill -HUP $BLEHERD_DAEMON_PID; "
			  "until bleherd events | grep -q 'reloaded: locks.per_user'; do :; done; "
			  "bleherd lock hci1 connect -- echo third && exit 9; "
			  "echo >go; wait $w; exit $?");
	ck_assert_msg(run.status == 0, "%d: %s%s", run.status, run.out, run.err);
	ck_assert_str_eq(run.out, "first\nsecond\n");
	ck_assert_msg(strstr(run.err, "2 of user") != NULL, "%s", run.err);
	run_done(&run);
}
END_TEST

/* Of a read, from the workers: what they say comes when it comes. */
static void expect_debug_lines(bool are_wanted)
{
	struct run run = run_command(
		"cd $BLEHERD_WORLD; n=$(wc -c <bleherdd.log); "
		"bleherd read C0:AA:BB:00:00:01 2a29 >r || exit 9; "
		"lines() { tail -c +$((n + 1)) bleherdd.log | grep -c '^worker'; }; "
		"%s",
		are_wanted ? "until [ $(lines) -gt 0 ]; do :; done" : "[ $(lines) -eq 0 ]");

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	run_done(&run);
}

START_TEST(test_log_level)
{
	put("10", "[daemon]\nlog_level = error\n");
	reload();
	expect_debug_lines(false);
	put("10", "[daemon]\nlog_level = debug\n");
	reload();
	expect_debug_lines(true);
}
END_TEST

/* --- systemd --- */

static int notified = -1;
static char notify_path[64];

static void start_notified(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(notify_path, sizeof(notify_path), "/tmp/bh-notify.%d", (int)getpid());
	(void)unlink(notify_path);
	notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, notify_path, sizeof(notify_path));
	ck_assert_int_eq(bind(notified, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", notify_path, 1), 0);
	start();
}

static void stop_notified(void)
{
	stop();
	(void)close(notified);
	(void)unlink(notify_path);
}

static void expect_state(const char *wanted)
{
	struct pollfd p = { .fd = notified, .events = POLLIN };
	char state[256] = "";

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_gt(recv(notified, state, sizeof(state) - 1, 0), 0);
	ck_assert_msg(strncmp(state, wanted, strlen(wanted)) == 0, "%s", state);
}

START_TEST(test_systemd)
{
	char state[256];
	int i;

	/* Of the start, and of dbus-daemon, which says it as well. */
	while (recv(notified, state, sizeof(state), MSG_DONTWAIT) >= 0)
		;
	for (i = 0; i < 2; i++) {
		put("10", i == 0 ? "[locks]\nper_user = 2\n" : "nonsense");
		reload();
		expect_state("RELOADING=1\nMONOTONIC_USEC=");
		expect_state("READY=1");
	}
}
END_TEST

Suite *suite_reload(void);
Suite *suite_reload(void)
{
	Suite *suite = suite_create("reload");
	TCase *tc = tcase_create("one");
	TCase *many = tcase_create("many");
	TCase *systemd = tcase_create("systemd");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_wrong_file);
	tcase_add_test(tc, test_takes_a_restart);
	tcase_add_test(tc, test_device_becomes_persistent);
	tcase_add_test(tc, test_link_limits);
	tcase_add_test(tc, test_locks);
	tcase_add_test(tc, test_log_level);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(many, start_many, stop);
	tcase_set_timeout(many, 110);
	tcase_add_test(many, test_storm_of_reloads);
	suite_add_tcase(suite, many);
	tcase_add_checked_fixture(systemd, start_notified, stop_notified);
	tcase_set_timeout(systemd, 60);
	tcase_add_test(systemd, test_systemd);
	suite_add_tcase(suite, systemd);
	return suite;
}
