/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_device.c - what a person can see of devices and sessions: after a life on the
 * fake that follows a script, `bleherd device` tells its story.
 */
#include "ipc/bleherd.h"
#include "tests/support/answer.h"
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

Suite *suite_device(void);

#define DEVICE "C0:AA:BB:00:00:01"

static const uint64_t ADDRESS = 0xc0aabb000001;

enum { WAIT_MS = 30000, READS = 5, LOSSES = 3 };

static struct world *world;
static struct bh_client *client;
static struct bh_session *session;
static unsigned n_disconnected;

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	n_disconnected += event->address == ADDRESS && strcmp(event->kind, "disconnected") == 0;
}

static void start(void)
{
	static const char *const options[] = { "--adapters", "1", "--devices", "2", NULL };

	world = world_start(options);
	n_disconnected = 0;
	ck_assert_int_eq(bh_new(&client, NULL, "storyteller"), 0);
	ck_assert_int_eq(bh_events(client, true, true, on_event, NULL, NULL), 0);
}

static void stop(void)
{
	session = NULL;
	client = bh_free(client);
	world = world_stop(world);
}

static void done(int result, struct bh_answer *answer)
{
	ck_assert_msg(result == 0, "%d: %s", result, answer->text);
	bh_answer_clear(answer);
}

static void connect_it(void)
{
	struct bh_answer answer;

	done(bh_connect_sync(session, WAIT_MS, &answer), &answer);
}

static void wait_disconnected(unsigned wanted)
{
	uint64_t until_ms = now_ms() + WAIT_MS;

	while (n_disconnected < wanted) {
		ck_assert_msg(now_ms() < until_ms, "it is still connected");
		ck_assert_int_eq(bh_wait(client, 20), 0);
	}
}

/* Connected, read, dropped, some times; in the end connected and disconnected. */
static void live(void)
{
	struct bh_answer answer;
	struct bh_uuid uuid;
	unsigned i;

	ck_assert_int_eq(bh_parse_uuid("2a19", &uuid), 0);
	done(bh_session_open_sync(&session, client, ADDRESS, NULL, WAIT_MS, &answer), &answer);
	for (i = 0; i < LOSSES; i++) {
		connect_it();
		world_fault(world, "drop " DEVICE);
		wait_disconnected(i + 1);
	}
	connect_it();
	for (i = 0; i < READS; i++)
		done(bh_read_sync(session, &uuid, WAIT_MS, &answer), &answer);
}

static json_int_t count(const json_t *object, const char *list, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(object, list), key));
}

static const char *step(const json_t *object, size_t i, const char *key)
{
	return answer_text(json_array_get(json_object_get(object, "history"), i), key);
}

/* Usage comes within a second or so: until then it is asked again. */
static json_t *look_until_reads(void)
{
	uint64_t until_ms = now_ms() + WAIT_MS;
	json_t *answer;
	json_t *row;

	for (;;) {
		answer = answer_of(0, "device %s", DEVICE);
		row = json_array_get(json_object_get(answer, "sessions"), 0);
		if (count(answer, "counts", "requests") == READS + LOSSES + 1 &&
		    json_is_true(json_object_get(row, "holds_link")))
			return answer;
		json_decref(answer);
		ck_assert_msg(now_ms() < until_ms, "the requests are not counted");
		ck_assert_int_eq(bh_wait(client, 50), 0);
	}
}

START_TEST(test_story)
{
	struct bh_answer done_answer;
	json_t *answer;
	json_t *row;
	json_int_t last_ms = 0;
	size_t i;

	live();
	answer = look_until_reads();
	ck_assert_str_eq(answer_text(answer, "state"), "connected");
	ck_assert_str_eq(answer_text(answer, "health"), "healthy");
	ck_assert_str_eq(answer_text(answer, "adapter"), "hci0");
	ck_assert_int_eq(count(answer, "counts", "connects"), LOSSES + 1);
	ck_assert_int_eq(count(answer, "counts", "losses"), LOSSES);
	ck_assert_int_eq(count(answer, "counts", "transitions"), LOSSES * 3 + 2);
	row = json_array_get(json_object_get(answer, "sessions"), 0);
	ck_assert_str_eq(answer_text(row, "program"), "storyteller");
	for (i = 0; i < LOSSES * 3; i += 3) {
		ck_assert_str_eq(step(answer, i, "state"), "connecting");
		ck_assert_str_eq(step(answer, i + 1, "state"), "connected");
		ck_assert_str_eq(step(answer, i + 2, "state"), "disconnected");
		ck_assert_str_eq(step(answer, i + 2, "class"), "link-lost");
	}
	json_array_foreach(json_object_get(answer, "history"), i, row)
	{
		ck_assert_int_ge(json_integer_value(json_object_get(row, "at_ms")), last_ms);
		last_ms = json_integer_value(json_object_get(row, "at_ms"));
	}
	row = json_object_get(answer, "timings");
	ck_assert_int_eq(count(row, "connect", "count"), LOSSES + 1);
	ck_assert_int_eq(count(row, "query", "count"), READS);
	json_decref(answer);
	done(bh_disconnect_sync(session, &done_answer), &done_answer);
	answer = answer_of(0, "device %s", DEVICE);
	ck_assert_str_eq(answer_text(answer, "state"), "disconnected");
	ck_assert_str_eq(step(answer, LOSSES * 3 + 2, "state"), "disconnecting");
	ck_assert_int_eq(count(answer, "counts", "losses"), LOSSES);
	json_decref(answer);
}
END_TEST

/* What people read, and what is refused. */
START_TEST(test_commands)
{
	static const struct {
		const char *args;
		int status;
		const char *words;
	} LINES[] = {
		{ "device " DEVICE, 0, "health     unknown" },
		{ "device", 2, "it takes ADDR" },
		{ "device C0:AA", 2, "is no address" },
		{ "mark " DEVICE " unhealthy", 0, "" },
		{ "device " DEVICE, 0, "health     unhealthy" },
		{ "events", 0, "health: unhealthy: marked by " },
		{ "mark " DEVICE " degraded", 2, "healthy, unhealthy or unknown" },
		{ "mark " DEVICE, 2, "it takes ADDR" },
		{ "mark " DEVICE " healthy --json", 0, "\"health\":\"healthy\"" },
		{ "sessions", 0, "no program has a session" },
		{ "sessions --json", 0, "{\"sessions\":[]}" },
		{ "top", 0, "hci0     ready" },
		{ "top --json --count 1", 0, "\"requests_per_s\"" },
		{ "top --jsn", 2, "did you mean --json" },
		{ "tpo", 2, "did you mean 'top'" },
		{ "adapters --json", 0, "\"timings\":{}" },
		{ "help top", 0, "without a terminal" },
	};
	struct run run;
	size_t i;

	for (i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
		run = run_command("bleherd %s", LINES[i].args);
		ck_assert_msg(run.status == LINES[i].status, "%s: %d: %s", LINES[i].args,
			      run.status, run.err);
		ck_assert_msg(strcasestr(run.out, LINES[i].words) ||
				      strcasestr(run.err, LINES[i].words),
			      "%s: %s%s", LINES[i].args, run.out, run.err);
		run_done(&run);
	}
}
END_TEST

Suite *suite_device(void)
{
	Suite *suite = suite_create("device");
	TCase *tcase = tcase_create("device");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_story);
	tcase_add_test(tcase, test_commands);
	suite_add_tcase(suite, tcase);
	return suite;
}
