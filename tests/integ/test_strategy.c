/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_strategy.c - persistent and on-demand over all processes: what the peripheral
 * sees of it, and what the events say.
 */
#include "ipc/bleherd.h"
#include "tests/support/world.h"

#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Suite *suite_strategy(void);

#define DEVICE	     "C0:AA:BB:00:00:01"
#define SET(key, to) "--set", "device " DEVICE "." key "=" to

static const uint64_t ADDRESS = 0xc0aabb000001;

/* F41's: back within 5 s of reappearing; what may be slow here is the machine. */
enum { WAIT_MS = 30000, BACK_MS = 5000, KEEPER_LEN = 32 };

static struct world *world;
static struct bh_client *client;

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- events, in the order in which they come --- */

static struct {
	char kind[32];
	char text[160];
} news[1024];
static size_t n_news;
static size_t next_news; /* that expect() looks at */
static char worker[16];	 /* adapter of the last `connected` */

static void on_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	if (event->address != ADDRESS && strcmp(event->kind, "worker-ready") != 0)
		return;
	ck_assert_uint_lt(n_news, sizeof(news) / sizeof(news[0]));
	(void)snprintf(news[n_news].kind, sizeof(news[0].kind), "%s", event->kind);
	(void)snprintf(news[n_news].text, sizeof(news[0].text), "%s", event->text);
	n_news++;
	if (strcmp(event->kind, "connected") == 0)
		(void)snprintf(worker, sizeof(worker), "%s", event->adapter);
}

static void run_until(const bool *is_over)
{
	uint64_t until_ms = now_ms() + WAIT_MS;

	while (!*is_over && now_ms() < until_ms)
		ck_assert_int_eq(bh_wait(client, 20), 0);
	ck_assert(*is_over);
}

/* The next event of that kind, skipping others. */
static const char *expect(const char *kind)
{
	uint64_t until_ms = now_ms() + WAIT_MS;

	for (;;) {
		while (next_news < n_news)
			if (strcmp(news[next_news++].kind, kind) == 0)
				return news[next_news - 1].text;
		ck_assert_msg(now_ms() < until_ms, "no event %s", kind);
		ck_assert_int_eq(bh_wait(client, 20), 0);
	}
}

/* --- what the peripheral saw --- */

static unsigned counter(const char *key)
{
	return world_counter(world, DEVICE, key);
}

/* So many more reads arrive there. */
static void expect_reads(unsigned more)
{
	uint64_t until_ms = now_ms() + WAIT_MS;
	unsigned wanted = counter("reads") + more;

	while (counter("reads") < wanted) {
		ck_assert_msg(now_ms() < until_ms, "it is not polled");
		ck_assert_int_eq(bh_wait(client, 20), 0);
	}
}

/* --- what one chooses --- */

static void choose(enum bh_strategy strategy, uint32_t interval_ms)
{
	struct bh_answer answer;

	ck_assert_int_eq(bh_strategy_set_sync(client, ADDRESS, strategy, interval_ms, &answer), 0);
	bh_answer_clear(&answer);
}

static struct {
	char keeper[KEEPER_LEN];
	bool is_done;
} told;

static void on_device(void *ctx, const struct bh_device *device)
{
	(void)ctx;
	(void)snprintf(told.keeper, sizeof(told.keeper), "%s", device->keeper);
}

static void on_told(void *ctx, const struct bh_result *result)
{
	(void)ctx;
	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	told.is_done = true;
}

static void expect_keeper(const char *state)
{
	uint64_t until_ms = now_ms() + WAIT_MS;

	do {
		ck_assert_msg(now_ms() < until_ms, "it is %s, not %s", told.keeper, state);
		told.is_done = false;
		ck_assert_int_eq(bh_strategy_get(client, ADDRESS, on_device, on_told, NULL), 0);
		while (!told.is_done)
			ck_assert_int_eq(bh_wait(client, 20), 0);
	} while (strcmp(told.keeper, state) != 0);
}

static void begin(const char *const *options)
{
	world = world_start(options);
	n_news = next_news = 0;
	ck_assert_int_eq(bh_new(&client, NULL, "test"), 0);
	ck_assert_int_eq(bh_events(client, true, true, on_event, NULL, NULL), 0);
}

static void start_persistent(void)
{
	static const char *const options[] = { "--adapters",
					       "2",
					       "--devices",
					       "3",
					       SET("strategy", "persistent"),
					       SET("check", "read:2a19"),
					       SET("check_interval_ms", "50"),
					       SET("check_timeout_ms", "1000"),
					       SET("reconnect_base_ms", "50"),
					       SET("reconnect_max_ms", "200"),
					       NULL };

	begin(options);
}

static void start_by_service(void)
{
	static const char *const options[] = {
		"--adapters", "2",
		"--devices",  "3",
		"--set",      "device service:fff0.strategy=persistent",
		"--set",      "device name:BM6-1.reconnect_base_ms=50",
		"--set",      "device name:BM6-2.strategy=on-demand",
		NULL
	};

	begin(options);
}

static void start_plain(void)
{
	static const char *const options[] = {
		"--adapters", "2", "--devices", "3", SET("linger_ms", "200"), NULL
	};

	begin(options);
}

static void stop(void)
{
	client = bh_free(client);
	world = world_stop(world);
}

static pid_t worker_pid;

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	(void)ctx;
	if (strcmp(adapter->name, worker) == 0)
		worker_pid = (pid_t)adapter->worker_pid;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	*(bool *)ctx = true;
}

static void kill_worker(void)
{
	bool is_listed = false;

	ck_assert_int_eq(bh_list_adapters(client, on_adapter, on_done, &is_listed), 0);
	run_until(&is_listed);
	ck_assert_int_gt(worker_pid, 0);
	ck_assert_int_eq(kill(worker_pid, SIGKILL), 0);
}

/* --- */

START_TEST(test_F32_one_connect)
{
	unsigned i;

	(void)expect("connected");
	for (i = 0; i < 5; i++) {
		choose(BH_STRATEGY_UNKNOWN, 30 + 10 * i);
		expect_reads(3);
	}
	kill_worker();
	(void)expect("worker-ready");
	(void)expect("connected");
	expect_reads(3);
	ck_assert_int_eq(counter("connects"), 1);
	ck_assert_int_eq(counter("disconnects"), 0);
}
END_TEST

START_TEST(test_reconnects)
{
	unsigned i;

	(void)expect("connected");
	for (i = 0; i < 4; i++) {
		expect_reads(1);
		world_fault(world, "drop " DEVICE);
		(void)expect("disconnected");
		(void)expect("connected");
	}
	ck_assert_int_eq(counter("connects"), 5);
	/* Let go, it ends without anybody who wants it. */
	choose(BH_STRATEGY_ON_DEMAND, 0);
	(void)expect("strategy");
	(void)expect("disconnected");
	ck_assert_int_eq(counter("connects"), counter("disconnects"));
}
END_TEST

/* It stops answering, is switched off, and comes back. */
START_TEST(test_F41_restarted)
{
	uint64_t back_at_ms;

	(void)expect("connected");
	expect_reads(1);
	world_fault(world, "mute " DEVICE " on");
	(void)expect("device-silent");
	world_fault(world, "silent " DEVICE " on");
	world_fault(world, "mute " DEVICE " off");
	(void)expect("device-gone");
	back_at_ms = now_ms();
	world_fault(world, "silent " DEVICE " off");
	(void)expect("device-back");
	(void)expect("connected");
	ck_assert_uint_le(now_ms() - back_at_ms, BACK_MS);
	expect_reads(3);
}
END_TEST

/* --- */

enum { READS = 8 };

static unsigned n_answered;
static unsigned n_failed;

static void on_read(void *ctx, const struct bh_result *result)
{
	bool *is_answered = ctx;

	/* Not twice. */
	ck_assert(!*is_answered);
	*is_answered = true;
	n_answered++;
	n_failed += result->error != BH_CLASS_NONE;
}

START_TEST(test_F33_100_switches)
{
	struct bh_session *session;
	bool answered[100][READS] = { { false } };
	bool is_connected = false;
	struct bh_uuid uuid;
	unsigned i;
	unsigned j;

	ck_assert_int_eq(bh_parse_uuid("2a19", &uuid), 0);
	ck_assert_int_eq(bh_session_open(&session, client, ADDRESS, NULL, 0, NULL, NULL, NULL), 0);
	ck_assert_int_eq(bh_connect(session, 0, on_done, &is_connected), 0);
	run_until(&is_connected);
	for (i = 0; i < 100; i++) {
		for (j = 0; j < READS; j++)
			ck_assert_int_eq(bh_read(session, &uuid, 0, on_read, &answered[i][j]), 0);
		choose(i % 2 ? BH_STRATEGY_ON_DEMAND : BH_STRATEGY_PERSISTENT, BH_INTERVAL_SAME);
	}
	while (n_answered < 100 * READS)
		ck_assert_int_eq(bh_wait(client, 1000), 0);
	ck_assert_uint_eq(n_failed, 0);
	/* The link was there: nobody tells of it again. */
	choose(BH_STRATEGY_PERSISTENT, BH_INTERVAL_SAME);
	expect_keeper("held");
	choose(BH_STRATEGY_ON_DEMAND, BH_INTERVAL_SAME);
	/* A program had it all the time. */
	ck_assert_int_eq(counter("connects"), 1);
	(void)bh_session_close(session);
	(void)expect("disconnected");
	ck_assert_int_eq(counter("disconnects"), 1);
}
END_TEST

/* Nobody asked for it: that it advertises that service is enough. */
START_TEST(test_by_service)
{
	struct run run = run_command("bleherd devices --json");

	run_done(&run);
	(void)expect("connected");
	world_fault(world, "drop " DEVICE);
	(void)expect("disconnected");
	(void)expect("connected");
	expect_keeper("held");
	run = run_command("bleherd strategy C0:AA:BB:00:00:02");
	ck_assert_msg(strstr(run.out, "on-demand") != NULL, "%s", run.out);
	run_done(&run);
}
END_TEST

/* The command line: what a person chooses, and what is refused. */
START_TEST(test_command)
{
	static const struct {
		const char *args;
		int status;
		const char *words;
	} LINES[] = {
		{ DEVICE, 0, "on-demand" },
		{ DEVICE " persistent --json", 0, "\"strategy\":\"persistent\"" },
		{ DEVICE " --json", 0, "\"keeper\":\"" },
		{ DEVICE " allways", 2, "on-demand and persistent" },
		{ DEVICE " --interval 5", 1, "check = read:UUID or gatt" },
		{ DEVICE " on-demand", 0, "on-demand" },
		{ "C0:AA:BB:00:00:99", 0, "on-demand" },
		{ "C0:AA:BB", 2, "is no address" },
	};
	struct run run;
	size_t i;

	for (i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
		run = run_command("bleherd strategy %s", LINES[i].args);
		ck_assert_msg(run.status == LINES[i].status, "%s: %d: %s", LINES[i].args,
			      run.status, run.err);
		ck_assert_msg(strstr(run.out, LINES[i].words) || strstr(run.err, LINES[i].words),
			      "%s: %s%s", LINES[i].args, run.out, run.err);
		run_done(&run);
	}
	/* Somebody has to have heard it before it is listed. */
	run = run_command("bleherd devices --json");
	ck_assert_ptr_nonnull(strstr(run.out, "\"strategy\":\"on-demand\""));
	run_done(&run);
}
END_TEST

Suite *suite_strategy(void)
{
	Suite *suite = suite_create("strategy");
	TCase *kept = tcase_create("persistent");
	TCase *service = tcase_create("by service");
	TCase *plain = tcase_create("chosen");

	tcase_add_checked_fixture(kept, start_persistent, stop);
	tcase_set_timeout(kept, 120);
	tcase_add_test(kept, test_F32_one_connect);
	tcase_add_test(kept, test_reconnects);
	tcase_add_test(kept, test_F41_restarted);
	suite_add_tcase(suite, kept);
	tcase_add_checked_fixture(service, start_by_service, stop);
	tcase_set_timeout(service, 120);
	tcase_add_test(service, test_by_service);
	suite_add_tcase(suite, service);
	tcase_add_checked_fixture(plain, start_plain, stop);
	tcase_set_timeout(plain, 120);
	tcase_add_test(plain, test_F33_100_switches);
	tcase_add_test(plain, test_command);
	suite_add_tcase(suite, plain);
	return suite;
}
