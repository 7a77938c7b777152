/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_queries.c - many queries cost no descriptors and no bus connections (F27 of the
 * feature table): each worker has one connection, for good.
 */
#include "ipc/bleherd.h"
#include "tests/integ/sim_client.h"
#include "tests/support/world.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_queries(void);

enum { QUERIES = 10000, PER_ROUND = 50, ADAPTERS = 2, SPARE_FDS = 2 };

static const uint64_t DEVICES[ADAPTERS] = { 0xc0aabb000000, 0xc0aabb000001 };
static const char *const NAMES[ADAPTERS] = { "hci0", "hci1" };

static struct world *world;
static struct bh_client *client;
static struct bh_uuid battery_level;

static void start(void)
{
	static const char *const options[] = { "--adapters", "2", "--devices", "2", NULL };

	world = world_start(options);
	ck_assert_int_eq(bh_new(&client, NULL, NULL), 0);
	ck_assert_int_eq(bh_parse_uuid("2a19", &battery_level), 0);
}

static void stop(void)
{
	client = bh_free(client);
	world = world_stop(world);
}

static void note_end(void *ctx, const struct bh_result *result)
{
	ck_assert_msg(result->error == BH_CLASS_NONE, "%s", result->text);
	*(bool *)ctx = true;
}

static void wait_for(const bool *is_done)
{
	while (!*is_done)
		ck_assert_int_eq(bh_wait(client, -1), 0);
}

struct pids {
	bool is_done; /* first: it is note_end()'s ctx */
	size_t n;
	pid_t at[ADAPTERS + 1];
};

static void note_worker(void *ctx, const struct bh_adapter *adapter)
{
	struct pids *pids = ctx;

	ck_assert_uint_le(pids->n, ADAPTERS);
	pids->at[pids->n++] = (pid_t)adapter->worker_pid;
}

/* The daemon and its workers. */
static struct pids find_pids(void)
{
	struct pids pids = { .n = 1, .at = { world_daemon_pid(world) } };

	ck_assert_int_eq(bh_list_adapters(client, note_worker, note_end, &pids), 0);
	wait_for(&pids.is_done);
	ck_assert_uint_eq(pids.n, ADAPTERS + 1);
	return pids;
}

static int count_fds(pid_t pid)
{
	char path[32];
	int n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_msg(dir != NULL, "%s is gone", path);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* The number of a connection made now: the bus counts them. */
static unsigned long next_connection(void)
{
	struct client *bus = client_new();
	const char *name;
	unsigned long number;

	ck_assert_int_ge(sd_bus_get_unique_name(bus->bus, &name), 0);
	number = strtoul(strrchr(name, '.') + 1, NULL, 10);
	(void)client_free(bus);
	return number;
}

/* The daemon makes the workers' connections. */
static unsigned count_connections(pid_t pid)
{
	struct client *bus = client_new();
	sd_bus_creds *creds;
	unsigned n = 0;
	char **names;
	char **at;
	pid_t owner;

	ck_assert_int_ge(sd_bus_list_names(bus->bus, &names, NULL), 0);
	for (at = names; *at; at++) {
		/* One that has left meanwhile is none of theirs. */
		if (**at == ':' &&
		    sd_bus_get_name_creds(bus->bus, *at, SD_BUS_CREDS_PID, &creds) >= 0) {
			n += sd_bus_creds_get_pid(creds, &owner) >= 0 && owner == pid ? 1 : 0;
			sd_bus_creds_unref(creds);
		}
		free(*at);
	}
	free(names);
	(void)client_free(bus);
	return n;
}

static void read_once(struct bh_session *session)
{
	struct bh_answer answer;
	int r = bh_read_sync(session, &battery_level, 0, &answer);

	ck_assert_msg(r == 0, "%d: %s", r, answer.text);
	bh_answer_clear(&answer);
}

/* A program that comes, connects, reads and goes, on an adapter of its own choice. */
static void query_round(unsigned which)
{
	struct bh_session *session;
	struct bh_answer answer;
	bool is_done = false;
	unsigned i;
	int r;

	r = bh_session_open_sync(&session, client, DEVICES[which], NAMES[which], 0, &answer);
	ck_assert_msg(r == 0, "%d: %s", r, answer.text);
	ck_assert_int_eq(bh_connect_sync(session, 0, &answer), 0);
	for (i = 1; i < PER_ROUND; i++)
		read_once(session);
	ck_assert_int_eq(bh_disconnect_sync(session, &answer), 0);
	(void)bh_session_close(session);
	ck_assert_int_eq(bh_get_status(client, NULL, note_end, &is_done), 0);
	wait_for(&is_done);
}

START_TEST(test_F27_nothing_grows)
{
	int before[ADAPTERS + 1];
	unsigned long connection;
	struct pids pids;
	size_t i;
	int now;

	query_round(0);
	query_round(1);
	pids = find_pids();
	for (i = 0; i < pids.n; i++)
		before[i] = count_fds(pids.at[i]);
	connection = next_connection();
	for (i = 0; i < QUERIES / PER_ROUND; i++)
		query_round(i % ADAPTERS);
	ck_assert_uint_eq(next_connection(), connection + 1);
	ck_assert_uint_eq(count_connections(pids.at[0]), ADAPTERS);
	for (i = 0; i < pids.n; i++) {
		now = count_fds(pids.at[i]);
		ck_assert_msg(abs(now - before[i]) <= SPARE_FDS, "process %zu: %d fds, now %d", i,
			      before[i], now);
	}
}
END_TEST

Suite *suite_queries(void)
{
	Suite *s = suite_create("queries");
	TCase *c = tcase_create("queries");

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, test_F27_nothing_grows);
	suite_add_tcase(s, c);
	return s;
}
