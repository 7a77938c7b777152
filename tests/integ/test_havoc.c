/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_havoc.c - any process of bleherd and of what is below it is killed, stopped or
 * starved every 200 ms under 20 programs: each request is answered once, nothing is written twice,
 * no lock has two holders or a dead one, nothing grows, and who has nothing to do with it goes on.
 *
 * STORM_S (12) is how long, STORM_SEED repeats a schedule. `make storm T=600 SEED=N`.
 */
#include "ipc/bleherd.h"
#include "tests/support/churn.h"
#include "tests/support/growth.h"
#include "tests/support/havoc.h"
#include "tests/support/storm.h"
#include "tests/support/witness.h"
#include "tests/support/world.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_havoc(void);

enum {
	STORMERS = 12,
	READERS = HAVOC_ADAPTERS,
	LOCKERS = 6,
	DEVICES = STORMERS + READERS,
	BLOWS_MAX = 20000,
	SAMPLE_EVERY = 5, /* blows */
	CALM_BLOWS = 10,  /* at the beginning none is dealt: what the machine itself does */
	SETTLE_MS = 1500, /* after what others suffered */
	PAUSE_MS = 50,	  /* of who has nothing to do with it: 95 of 100 */
	LONG_S = 60,	  /* from here on figures mean something */
	QUIET_S = 20,	  /* until all is as before */
	END_S = 120,
	PACE_MS = 10, /* of a client: the write log is to be read at the end */
	FDS_MORE = 4,
	KIB_MORE = 1024,
};

static const uint64_t FIRST = 0xc0aabb000000;

static struct world *world;
static struct havoc *havoc;
static struct witness_lock *lock;
static struct witness_reads *reads[READERS];
static pid_t lockers[LOCKERS];
static unsigned counts[HAVOC_TARGETS][HAVOC_ACTS];
static struct havoc_blow blows[BLOWS_MAX];
static int64_t dealt_us[BLOWS_MAX]; /* 0: not dealt */

static void kill_locker(void *ctx, uint32_t which);

static void start(void)
{
	/* Restarts at once and without end: the pace of restarts has its own test. */
	static const char *const options[] = { "--adapters",  "2",
					       "--devices",   "14",
					       "--notify-ms", "50",
					       "--set",	      "workers.restart_base_ms=20",
					       "--set",	      "workers.restart_max_ms=40",
					       "--set",	      "workers.crash_loop_deaths=0",
					       NULL };

	ck_assert_int_eq(setenv("BLEHERD_MAY_DIE", "1", 1), 0);
	world = world_start(options);
	havoc = havoc_new(world, kill_locker, NULL);
	storm_pace_ms = PACE_MS;
	storm_beginnings = havoc_sim_beginnings(havoc);
}

static void stop(void)
{
	havoc = havoc_free(havoc);
	world = world_stop(world);
}

static uint32_t number_of(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* --- those that lock --- */

/* Its lock is free with it, and it is nobody's fault. */
static void kill_locker(void *ctx, uint32_t which)
{
	int number = (int)(which % LOCKERS);
	int holder = number + 1;

	(void)ctx;
	lock->doomed[number] = 1;
	ck_assert_int_eq(kill(lockers[number], SIGKILL), 0);
	ck_assert_int_eq(waitpid(lockers[number], NULL, 0), lockers[number]);
	(void)__atomic_compare_exchange_n((int *)&lock->holder, &holder, 0, false, __ATOMIC_SEQ_CST,
					  __ATOMIC_SEQ_CST);
	lockers[number] = witness_lock_start(lock, (uint32_t)number);
}

/* What was done around that time. */
static void show_clash(const struct witness_clash *clash)
{
	char text[64];

	printf("%d has it under %" PRIu64 " and %d, for %" PRId64 " us, under %" PRIu64 ":\n",
	       clash->other, clash->grant, clash->holder, clash->at_us - clash->since_us,
	       clash->other_grant);
	for (size_t i = 0; i < BLOWS_MAX; i++)
		if (dealt_us[i] > clash->at_us - 1000000 && dealt_us[i] < clash->at_us + 250000)
			printf("  %" PRId64 " ms before: %s\n", (clash->at_us - dealt_us[i]) / 1000,
			       havoc_blow_text(&blows[i], text));
}

static void expect_one_holder(void)
{
	uint32_t turns = 0;

	for (size_t i = 0; i < LOCKERS; i++)
		turns += lock->turns[i];
	printf("lock: turns %u, two at once %u, old numbers %u, lost while held %u;", turns,
	       lock->two, lock->old, lock->lost);
	for (size_t i = 1; i < WITNESS_CLASSES; i++)
		if (lock->classes[i] > 0)
			printf(" %s %u", bh_class_name((enum bh_class)i), lock->classes[i]);
	printf("\n");
	for (size_t i = 0; i < lock->two && i < WITNESS_CLASHES_MAX; i++)
		show_clash(&lock->clashes[i]);
	(void)fflush(stdout);
	ck_assert_uint_gt(turns, 0);
	ck_assert_uint_eq(lock->two, 0);
	ck_assert_uint_eq(lock->old, 0);
}

/* --- those that read: pauses --- */

/* The longest read that was under way in that time; -1: none was. */
static int64_t longest_us(const struct witness_reads *of, int64_t from_us, int64_t to_us)
{
	int64_t longest = -1;

	for (uint32_t i = 0; i < of->n; i++) {
		const struct witness_read *read = &of->reads[i];

		if (read->ended_us >= from_us && read->began_us < to_us &&
		    read->ended_us - read->began_us > longest)
			longest = read->ended_us - read->began_us;
	}
	return longest;
}

static int by_time(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Prints p50, p95, the longest; the 95th in milliseconds. */
static uint32_t show_pauses(const char *what, int64_t *us, size_t n)
{
	int64_t median, late;

	if (n == 0)
		return 0;
	qsort(us, n, sizeof(*us), by_time);
	median = us[n / 2];
	late = us[n * 95 / 100];
	printf("%s: %zu, p50 %.1f ms, p95 %.1f ms, longest %.1f ms\n", what, n,
	       (double)median / 1000, (double)late / 1000, (double)us[n - 1] / 1000);
	(void)fflush(stdout);
	return (uint32_t)(late / 1000);
}

/* The blows of the rounds in which one worker alone suffers, as seen over the other adapter. */
static uint32_t judge_pauses(size_t n, int64_t calm_from_us, int64_t calm_to_us)
{
	static int64_t pauses[BLOWS_MAX];
	int64_t settled_us = 0;
	size_t n_pauses = 0;
	uint32_t calm, p95;

	for (int64_t us = calm_from_us; us < calm_to_us; us += HAVOC_EVERY_MS * 1000)
		for (size_t r = 0; r < READERS; r++)
			if (longest_us(reads[r], us, us + HAVOC_EVERY_MS * 1000) >= 0)
				pauses[n_pauses++] =
					longest_us(reads[r], us, us + HAVOC_EVERY_MS * 1000);
	calm = show_pauses("200 ms before the storm", pauses, n_pauses);
	n_pauses = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t pause;

		if (dealt_us[i] == 0)
			continue;
		if (!blows[i].is_alone) {
			settled_us = dealt_us[i] + (int64_t)(blows[i].for_ms + SETTLE_MS) * 1000;
			continue;
		}
		if (i > 0 && blows[i - 1].is_alone && blows[i - 1].which != blows[i].which)
			settled_us = dealt_us[i] + (int64_t)SETTLE_MS * 1000;
		pause = longest_us(reads[1 - blows[i].which], dealt_us[i],
				   dealt_us[i] + HAVOC_EVERY_MS * 1000);
		if (dealt_us[i] > settled_us && pause >= 0)
			pauses[n_pauses++] = pause;
	}
	p95 = show_pauses("pauses of who has nothing to do with it", pauses, n_pauses);
	return p95 > calm ? p95 - calm : 0;
}

static void show_reads(void)
{
	uint32_t classes[WITNESS_CLASSES] = { 0 };
	uint32_t n = 0;

	for (size_t r = 0; r < READERS; r++)
		for (uint32_t i = 0; i < reads[r]->n; i++, n++)
			classes[reads[r]->reads[i].error % WITNESS_CLASSES]++;
	printf("reads %u;", n);
	for (size_t i = 1; i < WITNESS_CLASSES; i++)
		if (classes[i] > 0)
			printf(" %s %u", bh_class_name((enum bh_class)i), classes[i]);
	printf("\n");
}

/* --- at rest --- */

struct rest {
	uint32_t kib, fds;
};

struct lists {
	unsigned ready, sessions;
	bool is_done;
};

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	((struct lists *)ctx)->ready += strcmp(adapter->state, "ready") == 0;
}

static void on_session(void *ctx, const struct bh_session_row *row)
{
	(void)row;
	((struct lists *)ctx)->sessions++;
}

static void on_list(void *ctx, const struct bh_result *result)
{
	(void)result;
	((struct lists *)ctx)->is_done = true;
}

static bool is_at_rest(struct bh_client *bh)
{
	struct lists lists = { 0 };

	ck_assert_int_eq(bh_list_adapters(bh, on_adapter, on_list, &lists), 0);
	while (!lists.is_done)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	lists.is_done = false;
	ck_assert_int_eq(bh_list_sessions(bh, 0, on_session, on_list, &lists), 0);
	while (!lists.is_done)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	return lists.ready == HAVOC_ADAPTERS && lists.sessions == 0;
}

/* What the daemon uses while it has nobody but us, and all of its adapters. */
static struct rest await_rest(const char *when)
{
	int64_t limit_us = churn_now_us() + (int64_t)QUIET_S * 1000000;
	struct bh_client *bh;
	struct rest rest;

	ck_assert_int_eq(bh_new(&bh, NULL, "rest"), 0);
	while (!is_at_rest(bh) || havoc_zombies(havoc) > 0)
		ck_assert_msg(churn_now_us() < limit_us, "%s: not all is as it should be", when);
	rest.kib = growth_kib(havoc_daemon(havoc));
	rest.fds = growth_fds(havoc_daemon(havoc));
	bh_free(bh);
	return rest;
}

/* Who has a lock lives. */
static void expect_no_dead_holder(void)
{
	struct run run =
		run_command("bleherd locks --json | grep -o '\"pid\": *[0-9]*' | tr -dc '0-9\\n' |"
			    "while read -r p; do kill -0 $p || echo $p has ended; done");

	ck_assert_msg(run.status == 0 && *run.out == '\0', "%s%s", run.out, run.err);
	run_done(&run);
}

/* --- the storm --- */

static size_t storm(size_t n, int64_t begin_us)
{
	size_t dealt = 0;
	char text[64];

	for (size_t i = 0; i < n; i++) {
		havoc_run_until(havoc, begin_us + (int64_t)i * HAVOC_EVERY_MS * 1000);
		if (getenv("STORM_TELL"))
			fprintf(stderr, "%zu: %s\n", i, havoc_blow_text(&blows[i], text));
		if (havoc_deal(havoc, &blows[i])) {
			dealt_us[i] = churn_now_us();
			counts[blows[i].target][blows[i].act]++;
			dealt++;
		}
		if (i % SAMPLE_EVERY == 0)
			growth_sample();
	}
	havoc_rest(havoc);
	for (struct havoc_blow b = { 0 }; b.target < HAVOC_TARGETS; b.target++)
		printf("%s: killed %u, stopped %u, starved %u\n",
		       havoc_target_name((enum havoc_target)b.target), counts[b.target][HAVOC_KILL],
		       counts[b.target][HAVOC_STOP], counts[b.target][HAVOC_STARVE]);
	return dealt;
}

/*
 * What bleherd's own deaths, bluetoothd's and D-Bus's do to a request is `interrupted`, or nothing.
 * Those below end links and take adapters, too: that is said as what it is, at most for all that a
 * program had open at each of them.
 */
static void expect_typed(const struct storm_report *r)
{
	static const enum bh_class classes[] = { BH_CLASS_LINK_LOST, BH_CLASS_ADAPTER_GONE };
	const unsigned below = counts[HAVOC_SIM][HAVOC_KILL] + counts[HAVOC_BUS][HAVOC_KILL] +
			       counts[HAVOC_BLUEZ][HAVOC_KILL];
	uint32_t typed = 0, n;
	const char *at;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		at = strstr(r->classes, bh_class_name(classes[i]));
		if (at && sscanf(at + strlen(bh_class_name(classes[i])), "=%u", &n) == 1)
			typed += n;
	}
	ck_assert_msg(typed == r->failed, "client %u: answers %s", r->client, r->classes);
	ck_assert_uint_le(r->failed, STORM_DEPTH * below);
}

static void end_witnesses(const pid_t *readers)
{
	int status;

	lock->is_over = 1;
	for (size_t i = 0; i < READERS; i++)
		reads[i]->is_over = 1;
	for (size_t i = 0; i < LOCKERS + READERS; i++) {
		pid_t pid = i < LOCKERS ? lockers[i] : readers[i - LOCKERS];

		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			      "witness %zu ended with %d", i, status);
	}
}

static void begin_clients(struct storm_client *clients, pid_t *readers)
{
	static const char *const adapters[] = { "hci0", "hci1" };

	lock = witness_memory(sizeof(*lock));
	for (uint32_t i = 0; i < STORMERS; i++) {
		clients[i] = storm_start(i, FIRST + i, "/dev/null");
		growth_watch(clients[i].pid);
	}
	for (uint32_t i = 0; i < READERS; i++) {
		reads[i] = witness_memory(sizeof(*reads[i]));
		readers[i] = witness_read_start(reads[i], FIRST + STORMERS + i, adapters[i]);
		growth_watch(readers[i]);
	}
	for (uint32_t i = 0; i < LOCKERS; i++)
		lockers[i] = witness_lock_start(lock, i);
	for (uint32_t i = 0; i < READERS; i++)
		while (reads[i]->n < 10)
			havoc_run_until(havoc, churn_now_us() + 1000);
}

START_TEST(test_havoc)
{
	const uint32_t seconds = number_of("STORM_S", 12), seed = number_of("STORM_SEED", 1);
	size_t n = (size_t)seconds * 1000 / HAVOC_EVERY_MS, found;
	struct storm_client clients[STORMERS];
	uint32_t asked = 0, failed = 0;
	struct rest before, after;
	pid_t readers[READERS];
	int64_t calm_us, begin_us;

	printf("STORM_SEED=%u STORM_S=%u\n", seed, seconds);
	(void)fflush(stdout);
	n = n > BLOWS_MAX ? BLOWS_MAX : n;
	havoc_plan(seed, blows, n);
	before = await_rest("before");
	begin_clients(clients, readers);
	calm_us = churn_now_us();
	begin_us = calm_us + (int64_t)CALM_BLOWS * HAVOC_EVERY_MS * 1000;
	ck_assert_uint_gt(storm(n, begin_us), n / 2);
	end_witnesses(readers);
	expect_one_holder();
	show_reads();
	for (uint32_t i = 0; i < STORMERS; i++) {
		const struct storm_report r = storm_end_counted(&clients[i]);

		expect_typed(&r);
		asked += r.asked;
		failed += r.failed;
	}
	after = await_rest("after");
	printf("requests %u, failed %u; the daemon at rest: KiB %u then %u, descriptors %u then "
	       "%u\n",
	       asked, failed, before.kib, after.kib, before.fds, after.fds);
	(void)fflush(stdout);
	expect_no_dead_holder();
	ck_assert_uint_gt(asked, n);
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	ck_assert_uint_gt(found, 0);
	ck_assert_uint_le(after.fds, before.fds + FDS_MORE);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
	ck_assert_uint_le(after.kib, before.kib + KIB_MORE);
#endif
	if (judge_pauses(n, calm_us, begin_us) > PAUSE_MS)
		ck_assert_msg(seconds < LONG_S, "who has nothing to do with it pauses");
	growth_expect_flat();
}
END_TEST

Suite *suite_havoc(void)
{
	Suite *suite = suite_create("havoc");
	TCase *tc = tcase_create("world");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, number_of("STORM_S", 12) + END_S);
	tcase_add_test(tc, test_havoc);
	suite_add_tcase(suite, tc);
	return suite;
}
