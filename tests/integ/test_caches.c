/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_caches.c - what is answered from memory, over all processes: what it says, what
 * the peripheral sees of it, and when it is asked for anew.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Suite *suite_caches(void);

#define DEVICE	     "C0:AA:BB:00:00:01"
#define SET(key, to) "--set", "device " DEVICE "." key "=" to

enum { WAIT_MS = 30000 };

static struct world *world;

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static unsigned counter(const char *key)
{
	return world_counter(world, DEVICE, key);
}

/* --- what happens --- */

static struct bh_client *client;
static bool is_open, is_closed, is_up, is_down;

static void on_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	is_open |= strcmp(event->kind, "breaker-open") == 0;
	is_closed |= strcmp(event->kind, "breaker-closed") == 0;
	if (strcmp(event->kind, "connected") == 0)
		is_up = true;
	if (strcmp(event->kind, "disconnected") == 0)
		is_up = false;
	is_down = !is_up;
}

static void run_until(const bool *is_over)
{
	uint64_t until_ms = now_ms() + WAIT_MS;

	while (!*is_over && now_ms() < until_ms)
		ck_assert_int_eq(bh_wait(client, 20), 0);
	ck_assert(*is_over);
}

/* What is told is told when BlueZ shows it; what was told before an answer is before it. */
static void no_link(void)
{
	enum bh_strategy strategy;
	struct bh_answer answer;

	ck_assert_int_eq(bh_strategy_get_sync(client, 0xc0aabb000001, &strategy, &answer), 0);
	bh_answer_clear(&answer);
	run_until(&is_down);
}

static void start(const char *const *options)
{
	is_open = is_closed = is_up = false;
	is_down = true;
	world = world_start(options);
	ck_assert_int_eq(bh_new(&client, NULL, "test"), 0);
	ck_assert_int_eq(bh_events(client, true, true, on_event, NULL, NULL), 0);
}

static void stop(void)
{
	client = bh_free(client);
	world = world_stop(world);
}

/* --- the command line --- */

struct answer {
	bool is_cached;
	json_int_t link_ms, query_ms, total_ms;
	char class[32]; /* "": it worked */
	char hex[64];
};

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "no number \"%s\" in %s", key, json_dumps(object, 0));
	return json_integer_value(value);
}

/* F34: whatever it was, all of them are there, and the parts are no more than the whole. */
static struct answer ask(const char *args)
{
	struct run run = run_command("bleherd %s --json", args);
	json_t *object = json_loads(run.out, JSON_DISABLE_EOF_CHECK, NULL);
	const char *class, *hex;
	struct answer a;

	ck_assert_msg(object != NULL, "bleherd %s: %s%s", args, run.out, run.err);
	memset(&a, 0, sizeof(a));
	a.link_ms = number(object, "queue_ms") + number(object, "connect_ms") +
		    number(object, "services_ms");
	a.query_ms = number(object, "query_ms");
	a.total_ms = number(object, "total_ms");
	ck_assert(json_is_boolean(json_object_get(object, "cached")));
	a.is_cached = json_is_true(json_object_get(object, "cached"));
	ck_assert_int_le(a.link_ms + a.query_ms, a.total_ms + 5);
	if (a.is_cached)
		ck_assert_int_eq(a.link_ms + a.query_ms + a.total_ms, 0);
	class = json_string_value(json_object_get(json_object_get(object, "error"), "class"));
	ck_assert_int_eq(run.status, class ? 1 : 0);
	hex = json_string_value(json_object_get(object, "hex"));
	(void)snprintf(a.class, sizeof(a.class), "%s", class ? class : "");
	(void)snprintf(a.hex, sizeof(a.hex), "%s", hex ? hex : "");
	json_decref(object);
	run_done(&run);
	return a;
}

START_TEST(timings)
{
	static const char *const options[] = { "--adapters",
					       "2",
					       "--devices",
					       "3",
					       "--connect-ms",
					       "150",
					       "--sim",
					       "--gatt-ms",
					       "--sim",
					       "60",
					       SET("fixed", "2a29"),
					       SET("linger_ms", "20000"),
					       NULL };
	struct answer a;

	start(options);
	a = ask("read " DEVICE " 2a29");
	ck_assert_str_eq(a.class, "");
	ck_assert(!a.is_cached);
	ck_assert_int_ge(a.link_ms, 140);
	ck_assert_int_ge(a.query_ms, 55);
	a = ask("read " DEVICE " 2a19");
	ck_assert_int_eq(a.link_ms, 0);
	ck_assert_int_ge(a.query_ms, 55);
	ck_assert(ask("read " DEVICE " 2a29").is_cached);
	ck_assert_str_eq(ask("write " DEVICE " fff3 01").class, "");
	ck_assert_str_eq(ask("connect " DEVICE).class, "");
	ck_assert_str_eq(ask("services " DEVICE).class, "");
	ck_assert_str_eq(ask("read " DEVICE " 1234").class, "gatt-missing");
	world_fault(world, "silent " DEVICE " on");
	world_fault(world, "drop " DEVICE);
	no_link();
	a = ask("read " DEVICE " 2a19 --timeout 1");
	ck_assert_str_ne(a.class, "");
	a = ask("connect " DEVICE " --timeout 1");
	ck_assert_str_ne(a.class, "");
}
END_TEST

/* One adapter: each has a memory of its own. */
START_TEST(cleared)
{
	static const char *const options[] = {
		"--adapters",	       "1", "--devices", "3", SET("fixed", "2a29"),
		SET("linger_ms", "0"), NULL
	};
	struct run run;
	int i;

	start(options);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(ask("read " DEVICE " 2a29").is_cached, i > 0);
	ck_assert_int_eq(counter("reads"), 1);
	ck_assert(!ask("read " DEVICE " 2a29 --fresh").is_cached);
	no_link();
	ck_assert(ask("services " DEVICE).is_cached);
	ck_assert(!ask("services " DEVICE " --fresh").is_cached);
	no_link();
	run = run_command("bleherd services " DEVICE);
	ck_assert_ptr_nonnull(strstr(run.err, "(cached)"));
	ck_assert_ptr_nonnull(strstr(run.out, "2a29"));
	run_done(&run);
	run = run_command("bleherd clear-cache " DEVICE);
	ck_assert_int_eq(run.status, 0);
	run_done(&run);
	ck_assert(!ask("services " DEVICE).is_cached);
	no_link();
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(ask("read " DEVICE " 2a29").is_cached, i > 0);
	ck_assert_int_eq(counter("reads"), 3);
	no_link();
	world_fault(world, "bonded " DEVICE " on");
	run = run_command("bleherd clear-cache " DEVICE " --bluez");
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "paired"));
	run_done(&run);
	run = run_command("bleherd clear-cache " DEVICE " --bluez --bond");
	ck_assert_msg(run.status == 0, "%s", run.err);
	run_done(&run);
	ck_assert_str_eq(ask("read " DEVICE " 2a29").hex, "626c65686572642073696d");
}
END_TEST

/* F35: what it said before it was silent for so long is asked for once more. */
START_TEST(recovered)
{
	static const char *const options[] = {
		"--adapters", "1", "--devices", "3", SET("fixed", "2a29"), SET("linger_ms", "0"),
		SET("check", "gatt"), SET("check_interval_ms", "100"),
		SET("check_timeout_ms", "500"),
		/* One that does not make BlueZ forget it. */
		SET("profile", "on-demand"), SET("breaker_failures", "2"),
		SET("breaker_probe_ms", "200"), NULL
	};
	int i;

	start(options);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(ask("read " DEVICE " 2a29").is_cached, i > 0);
	world_fault(world, "silent " DEVICE " on");
	run_until(&is_open);
	ck_assert_int_eq(counter("reads"), 1);
	world_fault(world, "silent " DEVICE " off");
	run_until(&is_closed);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(ask("read " DEVICE " 2a29").is_cached, i > 0);
	ck_assert_int_eq(counter("reads"), 2);
}
END_TEST

Suite *suite_caches(void)
{
	Suite *s = suite_create("caches");
	TCase *c = tcase_create("caches");

	tcase_set_timeout(c, 90);
	tcase_add_checked_fixture(c, NULL, stop);
	tcase_add_test(c, timings);
	tcase_add_test(c, cleared);
	tcase_add_test(c, recovered);
	suite_add_tcase(s, c);
	return s;
}
