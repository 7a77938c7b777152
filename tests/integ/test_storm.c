/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_storm.c - workers are killed 500 times at random moments while eight programs
 * pipeline requests: nobody is left without an answer, nobody gets two, nothing is written twice.
 */
#include "ipc/bleherd.h"
#include "tests/support/storm.h"
#include "tests/support/world.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8, KILLS = 500, ADAPTERS_MAX = 4 };

static struct world *world;

static void start(void)
{
	/* Restarts at once and without end: the pace of restarts has its own test. */
	static const char *const options[] = { "--adapters",  "2",
					       "--devices",   "8",
					       "--notify-ms", "20",
					       "--set",	      "workers.restart_base_ms=20",
					       "--set",	      "workers.restart_max_ms=40",
					       "--set",	      "workers.crash_loop_deaths=0",
					       NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

struct workers {
	size_t n;
	pid_t pids[ADAPTERS_MAX];
	bool is_done;
};

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	struct workers *workers = ctx;

	if (adapter->worker_pid > 0 && workers->n < ADAPTERS_MAX)
		workers->pids[workers->n++] = (pid_t)adapter->worker_pid;
}

static void on_listed(void *ctx, const struct bh_result *result)
{
	struct workers *workers = ctx;

	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	workers->is_done = true;
}

static void kill_one(struct bh_client *bh)
{
	struct workers workers = { 0 };

	ck_assert_int_eq(bh_list_adapters(bh, on_adapter, on_listed, &workers), 0);
	while (!workers.is_done)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	if (workers.n > 0)
		(void)kill(workers.pids[(size_t)random() % workers.n], SIGKILL);
}

static void pause_up_to(long max_us)
{
	struct timespec t = { .tv_nsec = random() % max_us * 1000 };

	(void)nanosleep(&t, NULL);
}

START_TEST(test_kill_workers)
{
	struct storm_client clients[CLIENTS];
	struct bh_client *bh;
	uint32_t asked = 0;
	size_t found;
	uint32_t i;

	srandom(4711);
	ck_assert_int_eq(bh_new(&bh, NULL, "killer"), 0);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = storm_start(i, 0xc0aabb000000 + i, "/dev/null");
	for (i = 0; i < KILLS; i++) {
		pause_up_to(90000);
		kill_one(bh);
	}
	for (i = 0; i < CLIENTS; i++)
		asked += storm_end_well(&clients[i]).asked;
	ck_assert_uint_gt(asked, KILLS);
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	ck_assert_uint_gt(found, KILLS);
	bh_free(bh);
}
END_TEST

Suite *suite_storm(void);
Suite *suite_storm(void)
{
	Suite *suite = suite_create("storm");
	TCase *tc = tcase_create("workers");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 110);
	tcase_add_test(tc, test_kill_workers);
	suite_add_tcase(suite, tc);
	return suite;
}
