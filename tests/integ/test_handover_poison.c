/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_handover_poison.c - a session whose requests kill its worker is closed at the
 * second death. Nobody else loses anything, and the adapter is not given up for it.
 */
#include "ipc/bleherd.h"
#include "ipc/bleherd_device.h"
#include "tests/support/stand_in.h"
#include "tests/support/storm.h"
#include "tests/support/user.h"
#include "tests/support/world.h"

#include <check.h>
#include <string.h>
#include <sys/stat.h>

enum { WAIT_MS = 15000, SESSIONS_MAX = 10 };

static const uint64_t INNOCENT = 0xc0aabb000000;
static const uint64_t POISONOUS = 0xc0aabb000001;

static struct world *world;
static struct stand_in stand_in;

static void start(void)
{
	/* One death that counts would park the adapter. */
	static const char *const options[] = { "--adapters",  "1",
					       "--notify-ms", "20",
					       "--set",	      "workers.restart_base_ms=20",
					       "--set",	      "workers.restart_max_ms=40",
					       "--set",	      "workers.crash_loop_deaths=1",
					       "--set",	      "daemon.socket_mode=0666",
					       "--set",	      "access all.user=*",
					       "--set",	      "access all.allow=all",
					       NULL };

	stand_in_new(&stand_in, "bleherd-worker");
	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
	stand_in_free(&stand_in);
}

struct reply {
	unsigned n;
	enum bh_class class;
	char text[160];
};

static void on_reply(void *ctx, const struct bh_result *result)
{
	struct reply *reply = ctx;

	reply->n++;
	reply->class = result->error;
	(void)snprintf(reply->text, sizeof(reply->text), "%s", result->text);
}

/* The first member, so that one context is both callbacks'. */
struct row {
	struct reply reply;
	uint32_t session;
};

static void on_row(void *ctx, const struct bh_session_row *row)
{
	struct row *it = ctx;

	it->session = row->session;
}

static void await(struct bh_client *bh, const struct reply *reply)
{
	while (reply->n == 0)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
}

static struct bh_session *connected(struct bh_client *bh)
{
	struct bh_session *session;
	struct reply reply = { 0 };

	ck_assert_int_eq(bh_session_open(&session, bh, POISONOUS, NULL, WAIT_MS, NULL, NULL, NULL),
			 0);
	ck_assert_int_eq(bh_connect(session, WAIT_MS, on_reply, &reply), 0);
	await(bh, &reply);
	ck_assert_msg(reply.class == BH_CLASS_NONE, "%s", reply.text);
	return session;
}

static uint32_t id_of(struct bh_client *bh, uint64_t address)
{
	struct row row = { .session = 0 };

	ck_assert_int_eq(bh_list_sessions(bh, address, on_row, on_reply, &row), 0);
	await(bh, &row.reply);
	ck_assert_uint_ne(row.session, 0);
	return row.session;
}

static struct reply read_name(struct bh_client *bh, struct bh_session *session)
{
	struct reply reply = { 0 };
	struct bh_uuid name;

	ck_assert_int_eq(bh_parse_uuid("2a29", &name), 0);
	ck_assert_int_eq(bh_read(session, &name, WAIT_MS, on_reply, &reply), 0);
	await(bh, &reply);
	ck_assert_uint_eq(reply.n, 1);
	return reply;
}

/* As it comes; and with BlueZ's answer to it, which is when the second one is handled. */
START_TEST(test_poison)
{
	struct storm_client innocent = storm_start(0, INNOCENT, "/dev/null");
	struct bh_session *session;
	struct storm_report r;
	struct bh_client *bh;
	struct reply reply;
	size_t found;

	ck_assert_int_eq(bh_new(&bh, NULL, "poison"), 0);
	session = connected(bh);
	stand_in.page->poison_from = (uint32_t)_i + 1;
	stand_in.page->poison = id_of(bh, POISONOUS);
	reply = read_name(bh, session);
	ck_assert_msg(reply.class == BH_CLASS_INTERNAL, "%s", reply.text);
	ck_assert_msg(strstr(reply.text, "killed the worker twice"), "%s", reply.text);
	ck_assert_uint_eq(stand_in.page->n_poisoned, 2);
	bh_session_close(session);
	/* The adapter and the peripheral are as good as before. */
	session = connected(bh);
	reply = read_name(bh, session);
	ck_assert_msg(reply.class == BH_CLASS_NONE, "%s", reply.text);
	bh_session_close(session);
	r = storm_end(&innocent);
	ck_assert_uint_eq(r.unanswered + r.twice + r.wrong + r.failed + r.notified_twice, 0);
	ck_assert_uint_eq(r.ok + r.interrupted, r.asked);
	ck_assert_uint_eq(r.moved, 2);
	ck_assert_uint_eq(storm_count_doubles(world, &found), 0);
	bh_free(bh);
}
END_TEST

static unsigned served;

/* A session after the other, each with a request that kills its worker, until it is not served. */
static void poison_again_and_again(struct bh_client *bh, struct said *said)
{
	struct reply reply = { 0 };
	struct bh_session *session;

	stand_in.page->poison_from = 1;
	for (served = 0; served <= SESSIONS_MAX; served++) {
		reply = (struct reply){ 0 };
		ck_assert_int_eq(bh_session_open(&session, bh, POISONOUS, NULL, WAIT_MS, NULL,
						 on_reply, &reply),
				 0);
		await(bh, &reply);
		if (reply.class != BH_CLASS_NONE)
			break;
		stand_in.page->poison = id_of(bh, POISONOUS);
		reply = read_name(bh, session);
		bh_session_close(session);
		ck_assert_uint_ne(reply.class, BH_CLASS_NONE);
	}
	said->n = served;
	said->class = reply.class;
	(void)snprintf(said->text, sizeof(said->text), "%s", reply.text);
}

/* Who opens one poisonous session after the other is not served any more, and others are. */
START_TEST(test_poisonous_user)
{
	struct storm_client innocent;
	struct storm_report r;
	struct said said;

	if (!user_has_two())
		return;
	ck_assert_int_eq(chmod(world_env("BLEHERD_WORLD"), 0711), 0);
	innocent = storm_start(0, INNOCENT, "/dev/null");
	said = run_as(user_uid(), 0, poison_again_and_again);
	ck_assert_msg(said.class == BH_CLASS_DENIED, "%s: %s", bh_class_name(said.class),
		      said.text);
	ck_assert_msg(strstr(said.text, "killed workers 6 times"), "%s", said.text);
	ck_assert_uint_eq(said.n, 3);
	ck_assert_uint_eq(stand_in.page->n_poisoned, 6);
	r = storm_end(&innocent);
	ck_assert_uint_eq(r.unanswered + r.twice + r.wrong + r.failed + r.notified_twice, 0);
}
END_TEST

Suite *suite_handover_poison(void);
Suite *suite_handover_poison(void)
{
	Suite *suite = suite_create("handover_poison");
	TCase *tc = tcase_create("poison");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 40);
	tcase_add_loop_test(tc, test_poison, 0, 2);
	tcase_add_test(tc, test_poisonous_user);
	suite_add_tcase(suite, tc);
	return suite;
}
