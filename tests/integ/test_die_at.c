/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_die_at.c - a worker, or lockd, is killed at its N-th system call while a program
 * goes through a story, before the call and after it: the story ends well for every N. Every
 * N is `make die-at-n`; here each of a stride, $DIE_AT_STRIDE.
 */
#include "tests/integ/story.h"
#include "tests/support/stand_in.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	ADDRESS_LOW = 1,
	STORY_MS = 20000,
	/* As many deaths as the usual test has time for: about 8 in a second. */
	STRIDE = 3,
	CALLS_MAX = 5000, /* of one story */
};

static struct world *world;
static struct stand_in stand_in;

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

static void stop(void)
{
	world = world_stop(world);
	stand_in_free(&stand_in);
}

static uint32_t stride(void)
{
	const char *text = getenv("DIE_AT_STRIDE");

	return text ? (uint32_t)strtoul(text, NULL, 10) : STRIDE;
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

static const char *where_it_was(char out[96], uint32_t n, bool at_exit)
{
	(void)snprintf(out, 96, "killed %s call %u (number %u, pid %u)",
		       at_exit ? "after" : "before", n, stand_in.page->died_in,
		       stand_in.page->died_pid);
	return out;
}

static bool tell_with_a_death(struct bh_client *bh, uint32_t n, bool at_exit, struct tally *tally)
{
	int64_t end = now_ms() + STORY_MS;
	struct story story;
	char where[96];
	bool has_died;

	stand_in_arm(&stand_in, n, at_exit);
	story_begin(&story, bh, 0xc0aabb000000 + ADDRESS_LOW, ++tally->stories);
	while (!story.is_over && now_ms() < end)
		ck_assert_int_ge(bh_wait(bh, 1000), 0);
	has_died = stand_in_disarm(&stand_in);
	story_check(&story, world, where_it_was(where, n, at_exit), &tally->interrupted);
	tally->deaths += has_died;
	return has_died;
}

START_TEST(test_worker)
{
	struct tally tally = { 0 };
	bool lives[2] = { false, false };
	struct bh_client *bh;
	uint32_t n;

	ck_assert_int_eq(bh_new(&bh, NULL, "story"), 0);
	for (n = 1; n < CALLS_MAX && !(lives[0] && lives[1]); n += stride()) {
		lives[0] = lives[0] || !tell_with_a_death(bh, n, false, &tally);
		lives[1] = lives[1] || !tell_with_a_death(bh, n + stride() / 2, true, &tally);
	}
	bh_free(bh);
	printf("%u stories, %u deaths, last call %u, %u writes interrupted\n", tally.stories,
	       tally.deaths, n, tally.interrupted);
	(void)fflush(stdout);
	ck_assert_uint_gt(tally.deaths * stride(), 100);
	ck_assert_uint_lt(n, CALLS_MAX);
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
	suite_add_tcase(suite, tc);
	return suite;
}
