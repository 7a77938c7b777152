/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_handover.c - the daemon is restarted under twenty programs, its socket held open
 * as systemd holds it: no request is lost or answered twice, nothing is written twice, and all are
 * served again at once.
 */
#include "ipc/bleherd.h"
#include "ipc/bleherd_device.h"
#include "tests/support/door.h"
#include "tests/support/storm.h"
#include "tests/support/world.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENTS = 20,
	ROUNDS = 2,
	HASH_LEN = 16,
	BACK_MS = 5000, /* the promise is one second, on a machine that has nothing else to do */
};

static struct world *world;
static struct door door;

static void went_well(struct run run)
{
	ck_assert_msg(run.status == 0, "%s", run.err);
	run_done(&run);
}

static void start(void)
{
	static const char *const options[] = { "--adapters",  "2",  "--devices", "20",
					       "--notify-ms", "50", NULL };

	ck_assert_int_eq(setenv("BLEHERD_MAY_DIE", "1", 1), 0);
	world = world_start(options);
	door_open(&door, world);
	/* Its own, to be replaced. */
	went_well(run_command("cd $BLEHERD_WORLD && mkdir bin && "
			      "from=$(dirname $(command -v bleherdd)) && "
			      "cp $from/bleherdd $from/bleherd-* bin"));
	(void)snprintf(door.program, sizeof(door.program), "%s/bin/bleherdd",
		       getenv("BLEHERD_WORLD"));
}

static void stop(void)
{
	door_close(&door);
	world = world_stop(world);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- what of it can be seen from outside --- */

struct rows {
	unsigned served;
	bool is_done;
	enum bh_class class;
};

static void on_row(void *ctx, const struct bh_session_row *row)
{
	struct rows *rows = ctx;

	rows->served += strcmp(row->state, "served") == 0;
}

static void on_rows(void *ctx, const struct bh_result *result)
{
	struct rows *rows = ctx;

	rows->is_done = true;
	rows->class = result->error;
}

/* Of the daemon that is there, or comes. */
static unsigned count_served(struct bh_client *bh)
{
	struct rows rows = { 0 };

	ck_assert_int_eq(bh_list_sessions(bh, 0, on_row, on_rows, &rows), 0);
	while (!rows.is_done)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	return rows.class == BH_CLASS_NONE ? rows.served : 0;
}

static void await_all_served(struct bh_client *bh)
{
	while (count_served(bh) < CLIENTS)
		;
}

/* --- what the peripherals saw --- */

struct air {
	json_int_t connects;
	json_int_t values[CLIENTS];
};

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static struct air look_at_air(void)
{
	char *text = world_ask(world, "stats");
	json_t *stats = json_loads(text, 0, NULL);
	struct air air = { 0 };
	const char *address;
	json_t *device;
	size_t i;

	ck_assert_msg(stats != NULL, "%s", text);
	air.connects = number(json_object_get(stats, "totals"), "connects");
	json_array_foreach(json_object_get(stats, "devices"), i, device)
	{
		address = json_string_value(json_object_get(device, "address"));
		air.values[strtoul(address + strlen("C0:AA:BB:00:00:"), NULL, 16)] =
			number(device, "notifications");
	}
	json_decref(stats);
	free(text);
	return air;
}

/* Each of them is listened to. */
static void await_values(const struct air *since)
{
	struct air now;
	size_t i = 0;

	while (i < CLIENTS) {
		now = look_at_air();
		while (i < CLIENTS && now.values[i] >= since->values[i] + 3)
			i++;
	}
}

/* --- ways to restart it --- */

static void kill_it(struct bh_client *bh)
{
	(void)bh;
	ck_assert(WIFSIGNALED(door_end(&door, SIGKILL)));
}

static void stop_it(struct bh_client *bh)
{
	int status = door_end(&door, SIGTERM);

	(void)bh;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
}

static const char ID[] = BLEHERD_VERSION "-";

/* The same program, of another build: each name is renamed over, as a package manager does. */
static void replace(const char *name)
{
	char path[160], next[168];
	struct stat st;
	size_t found = 0;
	char *map, *at;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/bin/%s", getenv("BLEHERD_WORLD"), name);
	(void)snprintf(next, sizeof(next), "%s.new", path);
	went_well(run_command("cp -p '%s' '%s'", path, next));
	fd = open(next, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	(void)close(fd);
	for (at = map; (at = memmem(at, (size_t)(map + st.st_size - at), ID, strlen(ID))); at++) {
		/* See BUILD_ID in the Makefile. */
		at += strlen(ID);
		if (strspn(at, "0123456789abcdef") != HASH_LEN)
			continue;
		at[0] = at[0] == '0' ? '1' : '0';
		found++;
	}
	ck_assert_uint_gt(found, 0);
	(void)munmap(map, (size_t)st.st_size);
	ck_assert_int_eq(rename(next, path), 0);
}

struct workers {
	pid_t pid; /* of one */
	bool is_done;
};

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	struct workers *workers = ctx;

	workers->pid = (pid_t)adapter->worker_pid;
}

static void on_adapters(void *ctx, const struct bh_result *result)
{
	struct workers *workers = ctx;

	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	workers->is_done = true;
}

static pid_t a_worker(struct bh_client *bh)
{
	struct workers workers = { 0 };

	ck_assert_int_eq(bh_list_adapters(bh, on_adapter, on_adapters, &workers), 0);
	while (!workers.is_done)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	return workers.pid;
}

static void kill_a_worker(struct bh_client *bh)
{
	pid_t pid = a_worker(bh);
	pid_t next;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	do
		next = a_worker(bh);
	while (next == pid || next <= 0);
	await_all_served(bh);
}

static void upgrade_it(struct bh_client *bh)
{
	static const char *const NAMES[] = { "bleherd-worker", "bleherd-lockd", "bleherdd" };
	size_t i;

	for (i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		replace(NAMES[i]);
	/* The old daemon goes on with what it opened: a worker that dies now comes back. */
	kill_a_worker(bh);
	stop_it(bh);
}

static const struct {
	const char *name;
	void (*end)(struct bh_client *bh);
	bool keeps_links; /* they are there for the next one; else workers end them as they go */
} WAYS[] = {
	{ "kill -9", kill_it, true },
	{ "stop", stop_it, false },
	{ "upgrade", upgrade_it, false },
};

START_TEST(test_restart)
{
	struct storm_client clients[CLIENTS];
	struct bh_client *bh;
	int64_t began_ms, took_ms;
	struct air before;
	size_t found;
	uint32_t i;

	door_start(&door);
	ck_assert_int_eq(bh_new(&bh, NULL, "judge"), 0);
	bh_stay(bh, NULL, NULL);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = storm_start(i, 0xc0aabb000000 + i, "/dev/null");
	await_all_served(bh);
	await_values(&(struct air){ 0 });
	for (i = 0; i < ROUNDS; i++) {
		before = look_at_air();
		WAYS[_i].end(bh);
		began_ms = now_ms();
		door_start(&door);
		await_all_served(bh);
		took_ms = now_ms() - began_ms;
		printf("%s: all served %d ms after the start\n", WAYS[_i].name, (int)took_ms);
		(void)fflush(stdout);
		ck_assert_int_lt(took_ms, BACK_MS);
		await_values(&before);
		if (WAYS[_i].keeps_links)
			ck_assert_int_eq(look_at_air().connects, before.connects);
	}
	for (i = 0; i < CLIENTS; i++)
		ck_assert_uint_ge(storm_end_well(&clients[i]).moved, ROUNDS);
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	ck_assert_uint_gt(found, CLIENTS);
	bh_free(bh);
}
END_TEST

/* --- programs for one request --- */

static void await_a_caller(void)
{
	struct pollfd p = { .fd = door.fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, -1), 1);
}

/* It comes while nobody is there, and is served by who is started for it. */
START_TEST(test_one_shot)
{
	struct run run =
		run_command("cd $BLEHERD_WORLD; mkfifo answer; exec 3<>answer; "
			    "bleherd read C0:AA:BB:00:00:01 2a29 --timeout 20 --json >&3 2>&3 & "
			    "echo $!");

	went_well(run);
	await_a_caller();
	door_start(&door);
	run = run_command("timeout 25 head -n 1 $BLEHERD_WORLD/answer");
	ck_assert_msg(strstr(run.out, "\"hex\""), "%s%s", run.out, run.err);
	run_done(&run);
}
END_TEST

/* Nobody starts it: said as it is, with the status of a daemon that is not there. */
START_TEST(test_one_shot_alone)
{
	struct run run = run_command("bleherd read C0:AA:BB:00:00:01 2a29 --timeout 1");

	ck_assert_int_eq(run.status, 69);
	ck_assert_str_eq(run.out, "");
	ck_assert_msg(strstr(run.err, "no-daemon: the daemon's socket is there"), "%s", run.err);
	run_done(&run);
}
END_TEST

Suite *suite_handover(void);
Suite *suite_handover(void)
{
	Suite *suite = suite_create("handover");
	TCase *tc = tcase_create("restart");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_restart, 0, sizeof(WAYS) / sizeof(WAYS[0]));
	tcase_add_test(tc, test_one_shot);
	tcase_add_test(tc, test_one_shot_alone);
	suite_add_tcase(suite, tc);
	return suite;
}
