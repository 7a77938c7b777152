/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_rights.c - what supervisor and workers tell each other of rights: of many
 * sessions at once, and of programs that end with the denial.
 */
#include "ipc/bleherd.h"
#include "ipc/bleherd_sync.h"
#include "tests/support/world.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <time.h>

Suite *suite_rights(void);

enum { WAIT_MS = 15000 };

static struct world *world;
static struct bh_client *bh;

static void start(void)
{
	static const char *const options[] = { "--adapters", "1",
					       "--devices",  "1",
					       "--set",	     "workers.tick_window_ms=60000",
					       "--set",	     "access all.user=*",
					       "--set",	     "access all.allow=all",
					       NULL };

	world = world_start(options);
	ck_assert_int_eq(bh_new(&bh, NULL, "rights"), 0);
}

static void stop(void)
{
	bh_free(bh);
	world = world_stop(world);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Writing is not allowed any more. */
static void reload(void)
{
	struct run run =
		run_command("sed -i 's/^allow = all/allow = see, read/' $BLEHERD_CONFIG; "
			    "kill -HUP $BLEHERD_DAEMON_PID; "
			    "until bleherd events | grep -q 'reloaded: \\[access\\]'; do :; done");

	ck_assert_msg(run.status == 0, "%s%s", run.out, run.err);
	run_done(&run);
}

enum { CROWD = 12, EACH = 64 }; /* sessions.max_per_client */

static pid_t worker_pid;
static unsigned n_open;

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	(void)ctx;
	worker_pid = (pid_t)adapter->worker_pid;
}

static void on_listed(void *ctx, const struct bh_result *result)
{
	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	*(bool *)ctx = true;
}

static pid_t ask_worker_pid(void)
{
	bool is_over = false;

	ck_assert_int_eq(bh_list_adapters(bh, on_adapter, on_listed, &is_over), 0);
	while (!is_over)
		ck_assert_int_ge(bh_wait(bh, -1), 0);
	return worker_pid;
}

static void on_open(void *ctx, const struct bh_result *result)
{
	(void)ctx;
	ck_assert_int_eq(result->error, BH_CLASS_NONE);
	n_open++;
}

/* Its worker knows by then; it may be told a little after the reload. */
static void expect_denied(struct bh_session *session)
{
	uint64_t until_ms = now_ms() + WAIT_MS;
	struct bh_answer answer;
	struct bh_uuid uuid;
	enum bh_class class;

	ck_assert_int_eq(bh_parse_uuid("fff3", &uuid), 0);
	do {
		ck_assert_msg(now_ms() < until_ms, "it may still write");
		ck_assert_int_ge(bh_write_sync(session, &uuid, (const uint8_t *)"x", 1, false,
					       WAIT_MS, &answer),
				 0);
		class = answer.error;
		bh_answer_clear(&answer);
	} while (class != BH_CLASS_DENIED);
}

/* What it is told of each does not cost it its life, even where it does not read at the moment. */
START_TEST(of_many)
{
	struct bh_client *clients[CROWD];
	struct bh_session *session;
	pid_t pid;
	size_t i;

	n_open = 0;
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(bh_new(&clients[i], NULL, "crowd"), 0);
	for (i = 0; i < (size_t)CROWD * EACH; i++) {
		ck_assert_int_eq(bh_session_open(&session, clients[i / EACH], 0xc0aabb000000, NULL,
						 WAIT_MS, NULL, on_open, NULL),
				 0);
		while (n_open == i)
			ck_assert_int_ge(bh_wait(clients[i / EACH], -1), 0);
	}
	pid = ask_worker_pid();
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	reload();
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	/* The last one's, too. */
	expect_denied(session);
	ck_assert_int_eq(ask_worker_pid(), pid);
	for (i = 0; i < CROWD; i++)
		bh_free(clients[i]);
}
END_TEST

/* What a worker refuses is counted though the program ends with the answer. */
START_TEST(counted)
{
	struct run run;

	reload();
	run = run_command("for i in 1 2 3 4 5; do bleherd write C0:AA:BB:00:00:00 fff3 01; done; "
			  "bleherd status");
	ck_assert_msg(strstr(run.out, "denied      5 requests, uid ") != NULL, "%s%s", run.out,
		      run.err);
	run_done(&run);
}
END_TEST

Suite *suite_rights(void)
{
	Suite *suite = suite_create("rights");
	TCase *tc = tcase_create("rights");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, of_many);
	tcase_add_test(tc, counted);
	suite_add_tcase(suite, tc);
	return suite;
}
