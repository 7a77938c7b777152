/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_handover_moves.c - sessions are moved by a rotation and by a reset while their
 * programs have requests under way: each is answered once, and no write is done twice.
 */
#include "tests/support/storm.h"
#include "tests/support/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 6 };

static struct world *world;
static struct storm_client clients[CLIENTS];

static unsigned long count_subscribed(void)
{
	static const char KEY[] = "\"subscribes\":";
	char *stats = world_ask(world, "stats totals");
	const char *at = strstr(stats, KEY);
	unsigned long n = at ? strtoul(at + strlen(KEY), NULL, 10) : 0;

	free(stats);
	return n;
}

static void start(void)
{
	/*
	 * More than are connected to: a reset is over when an advert is heard. None is made
	 * unasked, which moves sessions, too.
	 */
	static const char *const options[] = { "--adapters",  "2",
					       "--devices",   "12",
					       "--notify-ms", "20",
					       "--set",	      "escalation.profile=sensor",
					       NULL };
	uint32_t i;

	world = world_start(options);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = storm_start(i, 0xc0aabb000000 + i, "/dev/null");
	while (count_subscribed() < CLIENTS)
		;
}

static void stop(void)
{
	world = world_stop(world);
}

static void expect(const char *words, const char *command)
{
	struct run run = run_command("%s", command);

	ck_assert_msg(run.status == 0, "%s: status %d: %s%s", command, run.status, run.out,
		      run.err);
	ck_assert_msg(strstr(run.out, words), "no '%s' in: %s", words, run.out);
	run_done(&run);
}

/* All together: requests on a link that was dropped may fail with that, and nothing else. */
static struct storm_report judge_all(void)
{
	struct storm_report all = { 0 };
	struct storm_report r;
	size_t found;
	uint32_t i;

	for (i = 0; i < CLIENTS; i++) {
		r = storm_end(&clients[i]);
		printf("client %u: asked %u ok %u interrupted %u failed %u (%s) moved %u "
		       "notified %u\n",
		       r.client, r.asked, r.ok, r.interrupted, r.failed, r.classes, r.moved,
		       r.notified);
		(void)fflush(stdout);
		ck_assert_uint_eq(r.unanswered, 0);
		ck_assert_uint_eq(r.twice, 0);
		ck_assert_uint_eq(r.wrong, 0);
		ck_assert_uint_eq(r.notified_twice, 0);
		ck_assert_uint_eq(r.ok + r.interrupted + r.failed, r.asked);
		all.moved += r.moved;
		all.failed += r.failed;
	}
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	ck_assert_uint_gt(found, CLIENTS);
	return all;
}

/* One that has no link at this moment has none to lose. */
static void drop(uint32_t device)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "drop C0:AA:BB:00:00:%02X", device);
	free(world_ask(world, command));
}

/* All links go, and one of the adapters makes no other. */
START_TEST(test_rotation)
{
	uint32_t i;

	world_fault(world, "refuse-adapter 0 100000");
	for (i = 0; i < CLIENTS; i++)
		drop(i);
	expect("hci1", "bleherd events --follow | grep -m 1 'rotate helped'");
	ck_assert_uint_ge(judge_all().moved, 1);
}
END_TEST

START_TEST(test_reset)
{
	expect("hci0 is reset", "bleherd reset hci0 --yes");
	expect("hci1 is reset", "bleherd reset hci1 --yes");
	ck_assert_uint_eq(judge_all().failed, 0);
}
END_TEST

Suite *suite_handover_moves(void);
Suite *suite_handover_moves(void)
{
	Suite *suite = suite_create("handover_moves");
	TCase *tc = tcase_create("moves");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_rotation);
	tcase_add_test(tc, test_reset);
	suite_add_tcase(suite, tc);
	return suite;
}
