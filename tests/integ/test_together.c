/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_together.c - sessions on one peripheral go to one adapter: it has one link, and
 * while it has that nobody else hears it.
 */
#include "ipc/bleherd_device.h"
#include "ipc/bleherd_sync.h"
#include "tests/support/answer.h"
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Both adapters hear it equally well. */
#define DEVICE "C0:AA:BB:00:00:01"

enum { PATIENCE_MS = 8000 };

static const uint64_t ADDRESS = 0xc0aabb000001;

static struct world *world;

/* A connect takes as long as it takes to begin something else meanwhile. */
static void start(void)
{
	static const char *const options[] = { "--adapters",   "2",    "--devices", "4",
					       "--connect-ms", "1500", NULL };

	world = world_start(options);
	/* All adapters hear all of them. */
	json_decref(answer_of(0, "devices --timeout 10"));
}

static void stop(void)
{
	world = world_stop(world);
}

static void expect(struct run run)
{
	ck_assert_msg(run.status == 0, "%d: %s%s", run.status, run.out, run.err);
	run_done(&run);
}

/*
 * The adapter that it is connecting on has others waiting for it, too, so that the other one is
 * better for whoever comes next; but not for this peripheral.
 */
START_TEST(test_while_it_connects)
{
	expect(run_command(
		"bleherd connect %s --timeout 25 >/dev/null 2>&1 & "
		"until on=$(bleherd events | grep '%s session-opened' | grep -o 'hci.$'); do :; "
		"done; "
		"for i in 0 2 3; do bleherd connect C0:AA:BB:00:00:0$i --adapter $on --timeout 25 "
		">/dev/null 2>&1 & done; "
		"until [ $(bleherd locks | grep -c \"connect:$on *waits\") -ge 3 ]; do :; done; "
		"bleherd connect %s --timeout 25 --json | grep '\"adapter\": *\"'$on",
		DEVICE, DEVICE, DEVICE));
}
END_TEST

struct story {
	struct bh_client *bh;
	struct bh_session *session;
	char adapter[8];
	bool has_all; /* rows */
	struct bh_answer answer;
};

static void on_row(void *ctx, const struct bh_session_row *row)
{
	struct story *story = ctx;

	if (strcmp(row->label, "story") == 0)
		(void)snprintf(story->adapter, sizeof(story->adapter), "%s", row->adapter);
}

static void on_rows(void *ctx, const struct bh_result *result)
{
	struct story *story = ctx;

	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	story->has_all = true;
}

/* Where its session is. */
static const char *ask_adapter(struct story *story)
{
	story->adapter[0] = '\0';
	story->has_all = false;
	ck_assert_int_eq(bh_list_sessions(story->bh, ADDRESS, on_row, on_rows, story), 0);
	while (!story->has_all)
		ck_assert_int_ge(bh_wait(story->bh, -1), 0);
	ck_assert_str_ne(story->adapter, "");
	return story->adapter;
}

/* A session that wants nothing yet is on one adapter, and a program that chose the other one gets
 * the link: from then on nobody but that adapter can reach it. */
START_TEST(test_another_has_it)
{
	struct story story = { .adapter = "" };
	struct bh_uuid uuid;
	char other[8];

	ck_assert_int_eq(bh_parse_uuid("2a29", &uuid), 0);
	ck_assert_int_eq(bh_new(&story.bh, NULL, "story"), 0);
	ck_assert_int_eq(bh_session_open_sync(&story.session, story.bh, ADDRESS, NULL, PATIENCE_MS,
					      &story.answer),
			 0);
	bh_answer_clear(&story.answer);
	(void)snprintf(other, sizeof(other), "hci%d", ask_adapter(&story)[3] == '0');
	expect(run_command(
		"bleherd notify %s fff4 --adapter %s > $BLEHERD_WORLD/notes 2>&1 & echo $! > $BLEHERD_WORLD/holder; "
		"until [ -s $BLEHERD_WORLD/notes ]; do :; done",
		DEVICE, other));
	ck_assert_int_eq(bh_read_sync(story.session, &uuid, PATIENCE_MS, &story.answer), 0);
	bh_answer_clear(&story.answer);
	ck_assert_str_eq(ask_adapter(&story), other);
	expect(run_command("kill $(cat $BLEHERD_WORLD/holder)"));
	bh_session_close(story.session);
	bh_free(story.bh);
}
END_TEST

Suite *suite_together(void);

Suite *suite_together(void)
{
	Suite *suite = suite_create("together");
	TCase *tc = tcase_create("world");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_while_it_connects);
	tcase_add_test(tc, test_another_has_it);
	suite_add_tcase(suite, tc);
	return suite;
}
