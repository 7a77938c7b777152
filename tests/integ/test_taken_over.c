/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_taken_over.c - the worker of hci0 is hostile in every way that taken_over.c
 * knows, life after life; a program on hci1 notices nothing.
 */
#include "ipc/bleherd.h"
#include "ipc/guard/confine.h"
#include "tests/support/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READS_MAX = 500000, QUIET_READS = 300, LOOK_EVERY = 100, P95_MS = 50, ROUNDS = 2 };

/* Of an adapter, each second; one second's may come at once. supervisor/worker_rules.c */
enum { SAID_PER_S = 1000 };

static const uint64_t ADDRESS = 0xc0aabb000000;
static const char *const PLANS[] = { "break-out",     "reach-across", "flood-supervisor",
				     "flood-others",  "scribble",     "send-descriptors",
				     "break-the-form" };

static struct world *world;

static void start(bool is_hostile)
{
	/* Restarts at once and without end: all plans come to their turn, soon. */
	static const char *const options[] = { "--set", "workers.restart_base_ms=20",
					       "--set", "workers.restart_max_ms=40",
					       "--set", "workers.crash_loop_deaths=0",
					       NULL };
	const char *bin = getenv("BLEHERD_BIN");
	char folder[256];

	(void)snprintf(folder, sizeof(folder), "%s/../tests/taken-over", bin ? bin : "build/bin");
	if (is_hostile)
		ck_assert_int_eq(setenv("BLEHERD_LIBEXEC", folder, 1), 0);
	world = world_start(options);
	(void)unsetenv("BLEHERD_LIBEXEC");
}

static FILE *open_log(void)
{
	char path[512];
	FILE *log;

	(void)snprintf(path, sizeof(path), "%s/bleherdd.log", getenv("BLEHERD_WORLD"));
	log = fopen(path, "re");
	ck_assert_ptr_nonnull(log);
	return log;
}

/* How often a plan was carried out, by the log; what it was let do is shown. */
static unsigned times_done(const char *plan, unsigned *out_let_through)
{
	FILE *log = open_log();
	char line[512];
	char wanted[64];
	unsigned n = 0;

	(void)snprintf(wanted, sizeof(wanted), "taken-over=%s\n", plan);
	while (fgets(line, sizeof(line), log)) {
		n += strstr(line, wanted) ? 1 : 0;
		if (!strstr(line, "let-through="))
			continue;
		++*out_let_through;
		(void)fputs(line, stderr);
	}
	(void)fclose(log);
	return n;
}

static size_t lines_with(const char *words)
{
	FILE *log = open_log();
	char line[512];
	size_t n = 0;

	while (fgets(line, sizeof(line), log))
		n += strstr(line, words) ? 1 : 0;
	(void)fclose(log);
	return n;
}

static bool all_done(void)
{
	unsigned let_through = 0;
	size_t i;

	for (i = 0; i < sizeof(PLANS) / sizeof(PLANS[0]); i++)
		if (times_done(PLANS[i], &let_through) < ROUNDS)
			return false;
	return true;
}

static double ms_of(struct timespec from)
{
	struct timespec to;

	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

/* Reads and writes on hci1 until enough happened beside; each must do. */
static double p95_of_neighbour(bool is_hostile, double *out_worst)
{
	static double took[READS_MAX];
	static const uint8_t value[] = { 1, 2, 3, 4 };
	struct bh_session *session = NULL;
	struct bh_client *client = NULL;
	struct bh_answer answer;
	struct bh_uuid uuid;
	struct timespec began;
	size_t n = 0;

	ck_assert_int_eq(bh_parse_uuid("fff3", &uuid), 0);
	ck_assert_int_eq(bh_new(&client, NULL, "neighbour"), 0);
	ck_assert_int_eq(bh_session_open_sync(&session, client, ADDRESS, "hci1", 10000, &answer),
			 0);
	ck_assert_int_eq(bh_connect_sync(session, 10000, &answer), 0);
	do {
		(void)clock_gettime(CLOCK_MONOTONIC, &began);
		ck_assert_msg(bh_write_sync(session, &uuid, value, sizeof(value), false, 10000,
					    &answer) == 0,
			      "write %zu: %s", n, answer.text);
		bh_answer_clear(&answer);
		ck_assert_msg(bh_read_sync(session, &uuid, 10000, &answer) == 0, "read %zu: %s", n,
			      answer.text);
		ck_assert_uint_eq(answer.len_bytes, sizeof(value));
		bh_answer_clear(&answer);
		took[n++] = ms_of(began);
	} while (n < READS_MAX &&
		 (n < QUIET_READS || n % LOOK_EVERY != 0 || (is_hostile && !all_done())));
	/* Nobody moved it. */
	ck_assert_str_eq(bh_session_adapter(session), "hci1");
	bh_session_close(session);
	bh_free(client);
	qsort(took, n, sizeof(took[0]), by_size);
	*out_worst = took[n - 1];
	return took[n * 95 / 100];
}

START_TEST(nothing_works_and_nobody_notices)
{
	unsigned let_through = 0;
	struct timespec began;
	double worst;
	double quiet;
	double p95;
	size_t i;

	start(false);
	quiet = p95_of_neighbour(false, &worst);
	printf("beside a good worker: p95 %.1f ms, worst %.1f ms\n", quiet, worst);
	world = world_stop(world);
	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	start(true);
	p95 = p95_of_neighbour(true, &worst);
	printf("beside a hostile one: p95 %.1f ms, worst %.1f ms\n", p95, worst);
	(void)fflush(stdout);
	for (i = 0; i < sizeof(PLANS) / sizeof(PLANS[0]); i++) {
		let_through = 0;
		ck_assert_msg(times_done(PLANS[i], &let_through) >= ROUNDS, "%s", PLANS[i]);
	}
	ck_assert_uint_eq(let_through, 0);
	/* Nor did the flood drown the log. */
	ck_assert_double_le((double)lines_with("event=link-waits"),
			    SAID_PER_S * (1 + ms_of(began) / 1e3));
	ck_assert_uint_gt(lines_with("event=flood adapter=hci0"), 0);
	ck_assert_double_le(p95, quiet * 5 > P95_MS ? quiet * 5 : P95_MS);
	world = world_stop(world);
}
END_TEST

static void stop(void)
{
	world = world_stop(world);
}

Suite *suite_taken_over(void);

Suite *suite_taken_over(void)
{
	Suite *suite = suite_create("taken_over");
	TCase *tc = tcase_create("hostile worker");

	tcase_add_checked_fixture(tc, NULL, stop);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, nothing_works_and_nobody_notices);
	suite_add_tcase(suite, tc);
	return suite;
}
