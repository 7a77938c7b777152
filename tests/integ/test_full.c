/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_full.c - more sessions want a link than all adapters may have together: they
 * wait where they are, and have their turns.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

#include <check.h>
#include <string.h>
#include <time.h>

Suite *suite_full(void);

enum { SESSIONS = 12, WAIT_MS = 20000, MOVES_MAX = SESSIONS };

static struct world *world;
static struct bh_client *client;

struct holder {
	struct bh_session *session;
	bool is_answered;
	unsigned moves;
};

static void start(void)
{
	static const char *const options[] = { "--adapters", "3",
					       "--devices",  "12",
					       "--set",	     "links.per_adapter=1",
					       "--set",	     "links.total=1",
					       "--set",	     "links.linger_ms=0",
					       NULL };

	world = world_start(options);
	ck_assert_int_eq(bh_new(&client, NULL, "full"), 0);
}

static void stop(void)
{
	client = bh_free(client);
	world = world_stop(world);
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct holder *holder = ctx;

	(void)session;
	holder->moves += news->event == BH_SESSION_MOVED;
}

static void on_connected(void *ctx, const struct bh_result *result)
{
	struct holder *holder = ctx;

	ck_assert_msg(result->error == BH_CLASS_NONE, "%s", result->text);
	ck_assert(!holder->is_answered);
	holder->is_answered = true;
}

/* The one that has the link. */
static struct holder *served(struct holder *holders)
{
	for (;;) {
		for (size_t i = 0; i < SESSIONS; i++)
			if (holders[i].session && holders[i].is_answered)
				return &holders[i];
		ck_assert_int_eq(bh_wait(client, WAIT_MS), 0);
	}
}

/* A move is news to the program and the end of the queue: none of them has a use for many. */
START_TEST(test_turns)
{
	struct holder holders[SESSIONS] = { 0 };
	struct bh_answer answer;
	struct holder *holder;
	unsigned moves = 0;

	for (size_t i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(bh_session_open_sync(&holders[i].session, client,
						      0xc0aabb000000 + i, NULL, WAIT_MS, &answer),
				 0);
		bh_answer_clear(&answer);
		holders[i].session = bh_session_close(holders[i].session);
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(bh_session_open(&holders[i].session, client, 0xc0aabb000000 + i,
						 NULL, WAIT_MS, on_news, NULL, &holders[i]),
				 0);
		ck_assert_int_eq(bh_connect(holders[i].session, WAIT_MS, on_connected, &holders[i]),
				 0);
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		holder = served(holders);
		for (size_t j = 0; j < SESSIONS; j++)
			ck_assert(&holders[j] == holder || !holders[j].session ||
				  !holders[j].is_answered);
		ck_assert_int_eq(bh_disconnect_sync(holder->session, &answer), 0);
		bh_answer_clear(&answer);
		moves += holder->moves;
		holder->session = bh_session_close(holder->session);
	}
	ck_assert_msg(moves <= MOVES_MAX, "%u moves of %d sessions", moves, SESSIONS);
}
END_TEST

static void start_heard_by_one(void)
{
	static const char *const options[] = {
		"--adapters",	       "2",	"--devices",	     "2", "--set",
		"links.per_adapter=1", "--set", "links.linger_ms=0", NULL
	};

	world = world_start(options);
	ck_assert_int_eq(bh_new(&client, NULL, "full"), 0);
}

/* Whoever comes is not put into the line of the one that hears it. */
START_TEST(test_heard_by_the_full_one)
{
	static const char other[] = "C0:AA:BB:00:00:01";
	struct bh_session *holder;
	struct bh_answer answer;
	struct run run;

	run = run_command("bleherd scan --adapter hci0 --duration 2");
	ck_assert_ptr_nonnull(strstr(run.out, other));
	run_done(&run);
	ck_assert_int_eq(
		bh_session_open_sync(&holder, client, 0xc0aabb000000, "hci0", WAIT_MS, &answer), 0);
	bh_answer_clear(&answer);
	ck_assert_int_eq(bh_connect_sync(holder, WAIT_MS, &answer), 0);
	bh_answer_clear(&answer);
	run = run_command("bleherd connect %s --timeout 10 --json", other);
	ck_assert_msg(strstr(run.out, "\"adapter\":\"hci1\"") != NULL, "%s", run.out);
	run_done(&run);
	bh_session_close(holder);
}
END_TEST

/*
 * A session that sits on the adapter which was free when it came, and is full now, with a device
 * that no other has heard: the others are asked.
 */
START_TEST(test_waits_on_the_full_one)
{
	struct holder waiting = { .is_answered = false };
	struct bh_session *holder;
	struct bh_answer answer;
	struct run run;

	run = run_command("bleherd scan --adapter hci0 --duration 2");
	ck_assert_ptr_nonnull(strstr(run.out, "C0:AA:BB:00:00:01"));
	run_done(&run);
	ck_assert_int_eq(bh_session_open(&waiting.session, client, 0xc0aabb000001, NULL, WAIT_MS,
					 on_news, NULL, &waiting),
			 0);
	ck_assert_int_eq(
		bh_session_open_sync(&holder, client, 0xc0aabb000000, "hci0", WAIT_MS, &answer), 0);
	bh_answer_clear(&answer);
	ck_assert_int_eq(bh_connect_sync(holder, WAIT_MS, &answer), 0);
	bh_answer_clear(&answer);
	ck_assert_int_eq(bh_connect(waiting.session, WAIT_MS, on_connected, &waiting), 0);
	while (!waiting.is_answered)
		ck_assert_int_eq(bh_wait(client, WAIT_MS), 0);
	ck_assert_uint_eq(waiting.moves, 1);
	bh_session_close(waiting.session);
	bh_session_close(holder);
}
END_TEST

Suite *suite_full(void)
{
	Suite *suite = suite_create("full");
	TCase *tc = tcase_create("total");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, test_turns);
	suite_add_tcase(suite, tc);
	tc = tcase_create("heard by one");
	tcase_add_checked_fixture(tc, start_heard_by_one, stop);
	tcase_add_test(tc, test_heard_by_the_full_one);
	tcase_add_test(tc, test_waits_on_the_full_one);
	suite_add_tcase(suite, tc);
	return suite;
}
