/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_churn.c - 20 programs and 50 peripherals on 2 adapters, links dropping at
 * random: every request is answered once and in time, reads give what was written, notifications
 * come in order, adapters have no more links than they may, and nothing grows.
 *
 * CHURN_S (20) is how long, CHURN_SEED repeats a run: what is done, not when. `make churn T=600`.
 */
#include "tests/support/churn.h"
#include "tests/support/growth.h"
#include "tests/support/world.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

Suite *suite_churn(void);

enum {
	PROGRAMS = 20,
	DEVICES = 50,
	ADAPTERS = 2,
	PER_ADAPTER = 8,
	TOTAL = 12,
	FAULT_MS = 200, /* between two, at most */
	SILENT_MS = 1000,
	SAMPLE_MS = 1000,
	/* What is open when the time is over: each program's last episode. */
	END_MS = 90000,
};

static const uint64_t FIRST = 0xc0aabb000000;

static struct world *world;
static unsigned links_peak, total_peak;

static void start(void)
{
	static const char *const options[] = { "--adapters",
					       "2",
					       "--devices",
					       "50",
					       "--notify-ms",
					       "50",
					       "--connect-ms",
					       "10",
					       "--set",
					       "links.per_adapter=8",
					       "--set",
					       "links.total=12",
					       "--set",
					       "links.linger_ms=200",
					       NULL };

	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
}

static uint32_t number_of(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* --- what the radio saw --- */

static void look_at_links(void)
{
	char *stats = world_ask(world, "stats totals");
	const char *at = stats;
	unsigned total = 0, links, most;

	while ((at = strstr(at, "\"links\":")) != NULL) {
		ck_assert_int_eq(sscanf(at, "\"links\":%u,\"links_max\":%u", &links, &most), 2);
		total += links;
		links_peak = most > links_peak ? most : links_peak;
		at++;
	}
	free(stats);
	total_peak = total > total_peak ? total : total_peak;
	ck_assert_msg(links_peak <= PER_ADAPTER, "%u links on an adapter", links_peak);
	ck_assert_msg(total <= TOTAL, "%u links in all", total);
}

/* One of them at a time is silent. */
static void disturb(uint32_t *random, uint32_t *drops)
{
	static int64_t back_us;
	static uint32_t silent;
	uint32_t device = churn_random(random, DEVICES), dice = churn_random(random, 20);
	char command[64];
	char *answer;

	if (back_us > 0 && churn_now_us() > back_us) {
		world_fault(world, "silent C0:AA:BB:00:00:%02X off", silent);
		back_us = 0;
	}
	if (dice == 0 && back_us == 0) {
		world_fault(world, "silent C0:AA:BB:00:00:%02X on", device);
		silent = device;
		back_us = churn_now_us() + (int64_t)SILENT_MS * 1000;
	} else if (dice <= 2) {
		world_fault(world, "refuse C0:AA:BB:00:00:%02X 1", device);
	} else {
		/* Most of them have no link: the first that has. */
		for (uint32_t i = 0; i < DEVICES; i++) {
			(void)snprintf(command, sizeof(command), "drop C0:AA:BB:00:00:%02X",
				       (device + i) % DEVICES);
			answer = world_ask(world, command);
			dice = strncmp(answer, "ok", 2) == 0;
			free(answer);
			if (!dice)
				continue;
			(*drops)++;
			return;
		}
	}
}

static void pause_ms(uint32_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* --- what came of it --- */

static const bool is_expected[CHURN_CLASSES] = {
	[BH_CLASS_NONE] = true,		 [BH_CLASS_NOT_FOUND] = true,
	[BH_CLASS_OUT_OF_SLOTS] = true,	 [BH_CLASS_BUSY_SAME_DEVICE] = true,
	[BH_CLASS_ABORTED_LOCAL] = true, [BH_CLASS_ABORTED_REMOTE] = true,
	[BH_CLASS_LINK_LOST] = true,	 [BH_CLASS_LOCK_TIMEOUT] = true,
	[BH_CLASS_DEADLINE] = true,	 [BH_CLASS_LIMIT] = true,
	[BH_CLASS_INTERRUPTED] = true,
};

static void add(struct churn_report *sum, const struct churn_report *r)
{
	sum->asked += r->asked;
	sum->ok += r->ok;
	sum->twice += r->twice;
	sum->unanswered += r->unanswered;
	sum->shared += r->shared;
	sum->notified += r->notified;
	sum->doubled += r->doubled;
	sum->unannounced += r->unannounced;
	sum->link_losses += r->link_losses;
	sum->resumed += r->resumed;
	sum->moves += r->moves;
	sum->adverts += r->adverts;
	sum->longest_ms = r->longest_ms > sum->longest_ms ? r->longest_ms : sum->longest_ms;
	for (size_t i = 0; i < CHURN_CLASSES; i++)
		sum->classes[i] += r->classes[i];
	for (size_t i = 0; i < 5; i++)
		sum->episodes[i] += r->episodes[i];
}

static void show(const struct churn_report *sum, const struct churn_verdict *verdict)
{
	printf("episodes: on demand %u, held %u, listening %u, alone %u, scans %u\n",
	       sum->episodes[0], sum->episodes[1], sum->episodes[2], sum->episodes[3],
	       sum->episodes[4]);
	printf("requests %u, done %u, longest %u ms, unanswered %u, twice %u;", sum->asked, sum->ok,
	       sum->longest_ms, sum->unanswered, sum->twice);
	for (size_t i = 1; i < CHURN_CLASSES; i++)
		if (sum->classes[i] > 0)
			printf(" %s %u", bh_class_name((enum bh_class)i), sum->classes[i]);
	printf("\nreads %u, writes %u, arrived %u: doubles %u, missing %u, stale %u, odd %u, "
	       "not alone %u\n",
	       verdict->reads, verdict->writes, verdict->arrived, verdict->doubles,
	       verdict->missing, verdict->stale, verdict->odd, sum->shared);
	printf("values %u: doubled %u, unannounced losses %u; links lost %u, back %u, moves "
	       "%u, adverts %u; links of an adapter %u, in all %u\n",
	       sum->notified, sum->doubled, sum->unannounced, sum->link_losses, sum->resumed,
	       sum->moves, sum->adverts, links_peak, total_peak);
	(void)fflush(stdout);
}

static void judge(const struct churn_report *reports)
{
	static struct churn_report sum;
	struct churn_verdict verdict;
	char *writes = world_writes(world);

	for (size_t i = 0; i < PROGRAMS; i++)
		add(&sum, &reports[i]);
	verdict = churn_judge(reports, PROGRAMS, FIRST, writes);
	free(writes);
	show(&sum, &verdict);
	ck_assert_uint_eq(sum.unanswered, 0);
	ck_assert_uint_eq(sum.twice, 0);
	ck_assert_uint_le(sum.longest_ms, CHURN_LATE_MS);
	ck_assert_uint_eq(verdict.doubles, 0);
	ck_assert_uint_eq(verdict.missing, 0);
	ck_assert_uint_eq(verdict.stale, 0);
	ck_assert_uint_eq(verdict.odd, 0);
	ck_assert_uint_eq(sum.shared, 0);
	ck_assert_uint_eq(sum.doubled, 0);
	ck_assert_uint_eq(sum.unannounced, 0);
	for (size_t i = 0; i < CHURN_CLASSES; i++)
		ck_assert_msg(is_expected[i] || sum.classes[i] == 0, "%u answers %s",
			      sum.classes[i], bh_class_name((enum bh_class)i));
	/* Moving is no way of waiting. */
	ck_assert_uint_le(sum.moves, sum.asked / 10);
	/* It did happen: all kinds, and most of it well. */
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_gt(sum.episodes[i], 0);
	ck_assert_uint_gt(sum.link_losses, 0);
	ck_assert_uint_gt(sum.resumed, 0);
	ck_assert_uint_gt(sum.notified, 0);
	ck_assert_uint_gt(sum.adverts, 0);
	ck_assert_uint_gt(verdict.arrived, 0);
	ck_assert_uint_ge(sum.ok, sum.asked / 10 * 8);
}

static void await_programs(const pid_t *pids, const struct churn_report *reports)
{
	int64_t end_us = churn_now_us() + (int64_t)END_MS * 1000;
	int status;

	for (size_t i = 0; i < PROGRAMS; i++) {
		while (!reports[i].is_over && churn_now_us() < end_us &&
		       waitpid(pids[i], &status, WNOHANG | WNOWAIT) == 0) {
			look_at_links();
			pause_ms(50);
		}
		ck_assert_msg(churn_now_us() < end_us, "program %zu does not end", i);
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			      "program %zu ended with %d", i, status);
	}
}

START_TEST(test_churn)
{
	struct churn_report *reports = churn_reports(PROGRAMS);
	uint32_t seconds = number_of("CHURN_S", 20);
	uint32_t seed = number_of("CHURN_SEED", (uint32_t)getpid());
	int64_t end_us = churn_now_us() + (int64_t)seconds * 1000000;
	int64_t sample_us = churn_now_us();
	uint32_t random = seed * 2654435761u + PROGRAMS + 1, drops = 0;
	pid_t pids[PROGRAMS];

	printf("CHURN_SEED=%u CHURN_S=%u\n", seed, seconds);
	(void)fflush(stdout);
	growth_watch_daemon(world_daemon_pid(world));
	for (uint32_t i = 0; i < PROGRAMS; i++) {
		struct churn_plan plan = { .number = i,
					   .seed = seed,
					   .devices = DEVICES,
					   .first = FIRST,
					   .end_ms = end_us / 1000 };

		pids[i] = churn_start(&plan, &reports[i]);
		growth_watch(pids[i]);
	}
	while (churn_now_us() < end_us) {
		pause_ms(1 + churn_random(&random, FAULT_MS));
		disturb(&random, &drops);
		look_at_links();
		if (churn_now_us() < sample_us)
			continue;
		sample_us += (int64_t)SAMPLE_MS * 1000;
		growth_sample();
	}
	printf("drops %u\n", drops);
	await_programs(pids, reports);
	judge(reports);
	growth_expect_flat();
}
END_TEST

Suite *suite_churn(void)
{
	Suite *suite = suite_create("churn");
	TCase *tc = tcase_create("programs");
	const unsigned limit_s = number_of("CHURN_S", 20) + END_MS / 1000 + 20;

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, limit_s);
	tcase_add_test(tc, test_churn);
	suite_add_tcase(suite, tc);
	return suite;
}
