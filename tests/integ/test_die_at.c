/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_die_at.c - a worker, lockd or the daemon is killed at its N-th system call while
 * a program goes through a story, before the call and after it: the story ends well for every N.
 * Every N is `make die-at-n`; here it is one in a few.
 */
#include "ipc/bleherd_lock.h"
#include "tests/integ/story.h"
#include "tests/support/door.h"
#include "tests/support/stand_in.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	STORY_MS = 20000,
	CALLS_MAX = 5000, /* of one story */
};

static const uint64_t ADDRESS = 0xc0aabb000001;

static struct world *world;
static struct stand_in stand_in;
static struct door door;

static void begin(const char *program)
{
	/* Restarts at once and without end: the pace of restarts has its own test. */
	static const char *const options[] = { "--adapters",  "1",
					       "--devices",   "3",
					       "--notify-ms", "5",
					       "--set",	      "workers.restart_base_ms=10",
					       "--set",	      "workers.restart_max_ms=20",
					       "--set",	      "workers.crash_loop_deaths=0",
					       NULL };

	stand_in_new(&stand_in, program);
	world = world_start(options);
}

static void start_worker(void)
{
	begin("bleherd-worker");
}

static void start_lockd(void)
{
	begin("bleherd-lockd");
}

static void stop(void)
{
	world = world_stop(world);
	stand_in_free(&stand_in);
}

static void start_daemon(void)
{
	ck_assert_int_eq(setenv("BLEHERD_MAY_DIE", "1", 1), 0);
	begin("bleherdd");
	door_open(&door, world);
	(void)snprintf(door.program, sizeof(door.program), "%s", stand_in.path);
}

static void stop_daemon(void)
{
	door_close(&door);
	stop();
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What became of all of them. */
struct tally {
	unsigned deaths;
	unsigned interrupted;
	uint32_t stories;
};

/* One of the processes; what else is done beside the story, and seen to end well. */
struct role {
	uint32_t stride; /* as much as the usual test has time for */
	uint32_t calls_least;
	void (*begin)(struct bh_client *bh);
	bool (*is_over)(void);
	void (*wait)(struct bh_client *bh);
	void (*check)(const char *where);
};

static uint32_t stride_of(const struct role *role)
{
	const char *text = getenv("DIE_AT_STRIDE");

	return text ? (uint32_t)strtoul(text, NULL, 10) : role->stride;
}

static const char *where_it_was(char out[96], uint32_t n, bool at_exit)
{
	(void)snprintf(out, 96, "killed %s call %u (number %u, pid %u)",
		       at_exit ? "after" : "before", n, stand_in.page->died_in,
		       stand_in.page->died_pid);
	return out;
}

static bool tell_with_a_death(const struct role *role, struct bh_client *bh, uint32_t n,
			      bool at_exit, struct tally *tally)
{
	int64_t end = now_ms() + STORY_MS;
	struct story story;
	char where[96];
	bool has_died;

	stand_in_arm(&stand_in, n, at_exit);
	if (role->begin)
		role->begin(bh);
	story_begin(&story, bh, ADDRESS, ++tally->stories);
	while ((!story.is_over || (role->is_over && !role->is_over())) && now_ms() < end)
		role->wait(bh);
	has_died = stand_in_disarm(&stand_in);
	story_check(&story, world, where_it_was(where, n, at_exit), &tally->interrupted);
	if (role->check)
		role->check(where);
	tally->deaths += has_died;
	return has_died;
}

/* For each N, until the story is over before there are as many calls. */
static void die_everywhere(const struct role *role, struct bh_client *bh)
{
	uint32_t stride = stride_of(role);
	struct tally tally = { 0 };
	bool lives[2] = { false, false };
	uint32_t n;

	for (n = 1; n < CALLS_MAX && !(lives[0] && lives[1]); n += stride) {
		lives[0] = lives[0] || !tell_with_a_death(role, bh, n, false, &tally);
		lives[1] = lives[1] || !tell_with_a_death(role, bh, n + stride / 2, true, &tally);
	}
	bh_free(bh);
	printf("%u stories, %u deaths, last call %u, %u writes interrupted\n", tally.stories,
	       tally.deaths, n, tally.interrupted);
	(void)fflush(stdout);
	ck_assert_uint_ge(tally.deaths * stride, role->calls_least);
	ck_assert_uint_lt(n, CALLS_MAX);
}

static struct bh_client *new_client(void)
{
	struct bh_client *bh;

	ck_assert_int_eq(bh_new(&bh, NULL, "story"), 0);
	return bh;
}

static void just_wait(struct bh_client *bh)
{
	ck_assert_int_ge(bh_wait(bh, 1000), 0);
}

START_TEST(test_worker)
{
	static const struct role role = { .stride = 7, .calls_least = 60, .wait = just_wait };

	die_everywhere(&role, new_client());
}
END_TEST

START_TEST(test_worker_starts)
{
	static const struct role role = { .stride = 41, .calls_least = 100, .wait = just_wait };

	stand_in.page->from_birth = 1;
	die_everywhere(&role, new_client());
}
END_TEST

/* --- lockd --- */

/* Two locks on the radio that the story needs, too: one is held, one waits. */
static struct held {
	struct bh_lock *lock;
	unsigned answers;
	enum bh_class class;
	bool is_held;
	bool is_lost;
} locks[2];
static unsigned holders_most;

static void release(struct held *held)
{
	held->is_held = false;
	held->lock = bh_lock_release(held->lock);
}

static void on_lock_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	struct held *held = ctx;

	(void)lock;
	held->is_lost |= news->event == BH_LOCK_LOST;
}

static void on_held(void *ctx, const struct bh_result *result)
{
	struct held *held = ctx;

	held->answers++;
	held->class = result->error;
	held->is_held = result->error == BH_CLASS_NONE;
	if (locks[0].is_held && locks[1].is_held)
		holders_most = 2;
	if (held == &locks[1])
		release(held);
}

static void on_status(void *ctx, const struct bh_result *result)
{
	(void)ctx;
	(void)result;
	release(&locks[0]);
}

static void acquire(struct bh_client *bh, struct held *held)
{
	static const char *const RADIO[] = { "connect:hci0" };
	const struct bh_lock_request request = { .resources = RADIO,
						 .n_resources = 1,
						 .timeout_ms = 15000 };

	*held = (struct held){ .lock = NULL };
	ck_assert_int_eq(bh_lock_acquire(&held->lock, bh, &request, on_lock_news, on_held, held),
			 0);
}

static void begin_locks(struct bh_client *bh)
{
	int64_t end = now_ms() + STORY_MS;

	acquire(bh, &locks[0]);
	while (locks[0].answers == 0 && now_ms() < end)
		just_wait(bh);
	acquire(bh, &locks[1]);
	ck_assert_int_eq(bh_get_status(bh, NULL, on_status, NULL), 0);
}

static bool are_locks_over(void)
{
	return !locks[0].lock && locks[1].answers > 0;
}

static void check_locks(const char *where)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(locks); i++) {
		ck_assert_msg(locks[i].answers == 1, "%s: lock %zu: %u answers", where, i,
			      locks[i].answers);
		ck_assert_msg(locks[i].class == BH_CLASS_NONE, "%s: lock %zu: %s", where, i,
			      bh_class_name(locks[i].class));
		ck_assert_msg(!locks[i].is_lost, "%s: lock %zu was lost", where, i);
	}
	ck_assert_msg(holders_most < 2, "%s: two held it", where);
}

START_TEST(test_lockd)
{
	static const struct role role = { .stride = 19,
					  .calls_least = 40,
					  .begin = begin_locks,
					  .is_over = are_locks_over,
					  .wait = just_wait,
					  .check = check_locks };

	die_everywhere(&role, new_client());
}
END_TEST

START_TEST(test_lockd_starts)
{
	static const struct role role = { .stride = 47, .calls_least = 40, .wait = just_wait };

	stand_in.page->from_birth = 1;
	die_everywhere(&role, new_client());
}
END_TEST

/* --- the daemon --- */

/* Who starts it again is the test, as systemd would be. */
static void wait_and_restart(struct bh_client *bh)
{
	struct pollfd p[] = { { .fd = bh_fd(bh), .events = POLLIN },
			      { .fd = door.pidfd, .events = POLLIN } };
	int ms = bh_timeout_ms(bh);

	(void)poll(p, 2, ms >= 0 && ms < 1000 ? ms : 1000);
	if (p[1].revents) {
		ck_assert_int_eq(door_reap(&door), SIGKILL);
		door_start(&door);
	}
	ck_assert_int_ge(bh_process(bh), 0);
}

START_TEST(test_daemon)
{
	static const struct role role = { .stride = 7,
					  .calls_least = 20,
					  .wait = wait_and_restart };
	struct bh_client *bh;

	door_start(&door);
	bh = new_client();
	bh_stay(bh, NULL, NULL);
	die_everywhere(&role, bh);
}
END_TEST

START_TEST(test_daemon_starts)
{
	static const struct role role = { .stride = 131,
					  .calls_least = 100,
					  .wait = wait_and_restart };
	struct bh_client *bh;

	door_start(&door);
	bh = new_client();
	bh_stay(bh, NULL, NULL);
	stand_in.page->from_birth = 1;
	die_everywhere(&role, bh);
}
END_TEST

Suite *suite_die_at(void);
Suite *suite_die_at(void)
{
	Suite *suite = suite_create("die_at");
	TCase *tc = tcase_create("worker");

	tcase_add_checked_fixture(tc, start_worker, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_worker);
	tcase_add_test(tc, test_worker_starts);
	suite_add_tcase(suite, tc);
	tc = tcase_create("lockd");
	tcase_add_checked_fixture(tc, start_lockd, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_lockd);
	tcase_add_test(tc, test_lockd_starts);
	suite_add_tcase(suite, tc);
	tc = tcase_create("daemon");
	tcase_add_checked_fixture(tc, start_daemon, stop_daemon);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_daemon);
	tcase_add_test(tc, test_daemon_starts);
	suite_add_tcase(suite, tc);
	return suite;
}
