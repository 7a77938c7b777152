/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_reject.c - a program that does not like its link, through all processes: what
 * follows is what follows any failed attempt.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_reject(void);

enum { BAD_LINKS = 2, LINKS_MAX = 8, TIMEOUT_MS = 25000 };

static struct world *world;
static struct bh_client *client;
static struct bh_uuid battery_level;

/* The adapters of the links that the program was given, in turn. */
struct tour {
	unsigned bad; /* so many of them it rejects */
	unsigned n;
	char adapters[LINKS_MAX][16];
};

static void start(void)
{
	static const char *const options[] = {
		"--adapters", "2", "--devices", "12", "--set", "escalation.profile=on-demand", NULL
	};

	world = world_start(options);
	ck_assert_int_eq(bh_new(&client, NULL, NULL), 0);
	ck_assert_int_eq(bh_parse_uuid("2a19", &battery_level), 0);
}

static void stop(void)
{
	client = bh_free(client);
	world = world_stop(world);
}

static void note_heard_by_both(void *ctx, const struct bh_device *device)
{
	uint64_t *address = ctx;
	size_t i, heard = 0;

	for (i = 0; i < device->n_sightings; i++)
		heard += device->sightings[i].rssi_dbm != BH_RSSI_UNKNOWN ? 1 : 0;
	if (heard == 2)
		*address = device->address;
}

static void note_end(void *ctx, const struct bh_result *result)
{
	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	*(bool *)ctx = true;
}

/* A session on a peripheral that both adapters hear. */
static struct bh_session *open_session(void)
{
	/* It listens until there is something to show. */
	struct run run = run_command("bleherd devices");
	struct bh_session *session;
	struct bh_answer answer;
	struct note {
		uint64_t address; /* first: it is the items' ctx, too */
		bool is_done;
	} note = { 0 };
	int r;

	run_done(&run);
	while (note.address == 0) {
		note.is_done = false;
		ck_assert_int_eq(bh_list_devices(client, note_heard_by_both, NULL, &note.address),
				 0);
		ck_assert_int_eq(bh_get_status(client, NULL, note_end, &note.is_done), 0);
		while (!note.is_done)
			ck_assert_int_eq(bh_wait(client, -1), 0);
	}
	r = bh_session_open_sync(&session, client, note.address, NULL, 0, &answer);
	ck_assert_msg(r == 0, "%d: %s", r, answer.text);
	return session;
}

static int look(void *ctx, struct bh_session *session, char out_why[BH_WHY_LEN])
{
	struct tour *tour = ctx;
	struct bh_answer answer;

	ck_assert_uint_lt(tour->n, LINKS_MAX);
	(void)snprintf(tour->adapters[tour->n++], 16, "%s", bh_session_adapter(session));
	ck_assert_int_eq(bh_read_sync(session, &battery_level, 0, &answer), 0);
	bh_answer_clear(&answer);
	(void)snprintf(out_why, BH_WHY_LEN, "link %u is odd", tour->n);
	return tour->n <= tour->bad;
}

static void expect_told(const char *words)
{
	struct run run = run_command("bleherd events");

	ck_assert_msg(strstr(run.out, words) != NULL, "not told: '%s'\n%s", words, run.out);
	run_done(&run);
}

/* Two are rejected, the third passes: the other adapter first, and all is counted on. */
START_TEST(test_third_link_passes)
{
	struct bh_session *session = open_session();
	struct tour tour = { .bad = BAD_LINKS };
	struct bh_answer answer;
	int r;

	r = bh_connect_checked_sync(session, TIMEOUT_MS, NULL, 0, look, &tour, &answer);
	ck_assert_msg(r == 0, "%d: %s", r, answer.text);
	ck_assert_uint_eq(tour.n, BAD_LINKS + 1);
	ck_assert_str_ne(tour.adapters[0], tour.adapters[1]);
	ck_assert_str_eq(answer.adapter, tour.adapters[2]);
	expect_told("attempt 1: validation");
	expect_told("next elsewhere");
	expect_told("rotate: validation, attempt 1");
	expect_told("attempt 2: validation");
	/* It is a link like any other. */
	ck_assert_int_eq(bh_read_sync(session, &battery_level, 0, &answer), 0);
	bh_answer_clear(&answer);
	(void)bh_session_close(session);
}
END_TEST

/* None passes: four links, as many as a request has attempts, and the program's own words. */
START_TEST(test_none_passes)
{
	struct bh_session *session = open_session();
	struct tour tour = { .bad = LINKS_MAX };
	struct bh_answer answer;

	ck_assert_int_eq(
		bh_connect_checked_sync(session, TIMEOUT_MS, NULL, 0, look, &tour, &answer), 1);
	ck_assert_int_eq(answer.error, BH_CLASS_VALIDATION);
	ck_assert_msg(strstr(answer.text, "link 4 is odd") != NULL, "%s", answer.text);
	ck_assert_uint_eq(tour.n, 4);
	expect_told("attempt 4");
	expect_told("given up");
	(void)bh_session_close(session);
}
END_TEST

Suite *suite_reject(void)
{
	Suite *s = suite_create("reject");
	TCase *c = tcase_create("reject");

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_third_link_passes);
	tcase_add_test(c, test_none_passes);
	suite_add_tcase(s, c);
	return s;
}
