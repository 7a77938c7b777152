/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/storm.h"

#include "ipc/bleherd.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_MS = 15000,
	GRACE_MS = 20000,
	CLASSES_MAX = 32,
	REPORT_MS = 30000,
	VALUES_MAX = 1 << 22, /* of one client */
};

const volatile uint32_t *storm_beginnings;
uint32_t storm_pace_ms;

/* One place of the pipeline: a request under way, or free. */
struct place {
	struct client *client;
	uint32_t number; /* of the request: counts up */
	bool is_open;
	bool is_write;
};

struct client {
	struct storm_report report;
	struct bh_session *session;
	FILE *log;
	int report_fd;
	struct place places[STORM_DEPTH];
	struct bh_uuid fff3, fff4, name;
	uint32_t seen; /* last notification counter */
	uint32_t anew; /* how often the counters were seen to begin anew */
	uint64_t seq;  /* last number of a value of this subscription */
	uint32_t classes[CLASSES_MAX];
	bool is_subscribed;
	bool is_stopping;
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void count_ok(struct client *client)
{
	if (client->report.ok++ == 0)
		dprintf(client->report_fd, "served\n");
}

static void on_answer(void *ctx, const struct bh_result *result)
{
	struct place *place = ctx;
	struct client *client = place->client;

	if (!place->is_open) {
		client->report.twice++;
		return;
	}
	place->is_open = false;
	if ((uint32_t)result->error < CLASSES_MAX)
		client->classes[result->error]++;
	if (result->error == BH_CLASS_NONE)
		count_ok(client);
	else if (result->error == BH_CLASS_INTERRUPTED)
		client->report.interrupted++;
	else if (client->report.failed++ == 0)
		fprintf(stderr, "client %u, request %u: %s: %s\n", client->report.client,
			place->number, bh_class_name(result->error), result->text);
	if (place->is_write)
		fprintf(client->log, "%02x%06x %s\n", client->report.client, place->number,
			bh_class_name(result->error));
	else if (result->error == BH_CLASS_NONE && result->len_bytes == 0)
		client->report.wrong++;
}

/* Every third request is a write of a value that is written only once in the whole storm. */
static int ask(struct client *client, struct place *place)
{
	uint8_t value[4];

	place->number = client->report.asked++;
	place->is_open = true;
	place->is_write = place->number % 3 == 0;
	if (!place->is_write)
		return bh_read(client->session, &client->name, REQUEST_MS, on_answer, place);
	value[0] = (uint8_t)client->report.client;
	value[1] = (uint8_t)(place->number >> 16);
	value[2] = (uint8_t)(place->number >> 8);
	value[3] = (uint8_t)place->number;
	return bh_write(client->session, &client->fff3, value, sizeof(value), false, REQUEST_MS,
			on_answer, place);
}

/* Their counters begin anew with them, once each time; values from before may come long after. */
static bool is_anew(struct client *client)
{
	if (!storm_beginnings || client->anew == *storm_beginnings)
		return false;
	client->anew++;
	return true;
}

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq, uint32_t lost)
{
	struct client *client = ctx;
	uint32_t counter;

	(void)lost;
	client->report.notified_twice += seq <= client->seq;
	client->seq = seq;
	if (len_bytes < 4)
		return;
	counter = (uint32_t)value[0] | (uint32_t)value[1] << 8 | (uint32_t)value[2] << 16 |
		  (uint32_t)value[3] << 24;
	client->report.notified++;
	client->report.notified_twice += counter <= client->seen && !is_anew(client);
	client->seen = counter;
}

static void on_subscribed(void *ctx, const struct bh_result *result)
{
	struct client *client = ctx;

	client->is_subscribed = result->error == BH_CLASS_NONE;
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct client *client = ctx;

	(void)session;
	if (news->event == BH_SESSION_MOVED)
		client->report.moved++;
}

static uint32_t open_places(const struct client *client)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < STORM_DEPTH; i++)
		n += client->places[i].is_open;
	return n;
}

/* What is free is asked for; how long until there may be more. */
static int ask_all(struct client *client, int64_t *next_ms)
{
	int64_t now = now_ms();
	size_t i;

	if (now >= *next_ms) {
		*next_ms = now + storm_pace_ms;
		for (i = 0; i < STORM_DEPTH; i++)
			if (!client->places[i].is_open && ask(client, &client->places[i]) < 0)
				client->report.failed++;
	}
	return storm_pace_ms > 0 ? (int)(*next_ms - now) : 1000;
}

/* Until told to stop and all is answered; false: something stayed unanswered. */
static void run(struct client *client, struct bh_client *bh)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
			       { .fd = bh_fd(bh), .events = POLLIN } };
	int64_t end = INT64_MAX, next_ms = 0;
	int most_ms, left_ms;

	while (now_ms() < end) {
		if (!client->is_stopping && !client->is_subscribed) {
			client->is_subscribed = true;
			client->seq = 0;
			(void)bh_subscribe(client->session, &client->fff4, REQUEST_MS, on_value,
					   on_subscribed, client, NULL);
		}
		most_ms = client->is_stopping ? 1000 : ask_all(client, &next_ms);
		if (client->is_stopping && open_places(client) == 0)
			break;
		left_ms = bh_timeout_ms(bh);
		(void)poll(p, 2, left_ms < 0 || left_ms > most_ms ? most_ms : left_ms);
		if (bh_process(bh) < 0)
			break;
		if (p[0].revents && !client->is_stopping) {
			client->is_stopping = true;
			p[0].fd = -1;
			end = now_ms() + GRACE_MS;
		}
	}
	client->report.unanswered = open_places(client);
}

static void list_classes(struct client *client)
{
	char *out = client->report.classes;
	size_t left = sizeof(client->report.classes);
	size_t i;
	int n;

	for (i = 1; i < CLASSES_MAX; i++) {
		if (client->classes[i] == 0)
			continue;
		n = snprintf(out, left, "%s=%u,", bh_class_name((enum bh_class)i),
			     client->classes[i]);
		if (n < 0 || (size_t)n >= left)
			return;
		out += n;
		left -= (size_t)n;
	}
}

static void child(uint32_t number, uint64_t address, const char *log, int report_fd)
{
	struct client client = { .report = { .client = number }, .report_fd = report_fd };
	const struct storm_report *r = &client.report;
	struct bh_client *bh;
	size_t i;

	/* The flood is not to starve those whose behaviour is tested, nor the test. */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	client.log = fopen(log, "ae");
	for (i = 0; i < STORM_DEPTH; i++)
		client.places[i].client = &client;
	if (!client.log || bh_parse_uuid("fff3", &client.fff3) < 0 ||
	    bh_parse_uuid("fff4", &client.fff4) < 0 || bh_parse_uuid("2a29", &client.name) < 0 ||
	    bh_new(&bh, NULL, "storm") < 0)
		_exit(1);
	bh_stay(bh, NULL, NULL);
	if (bh_session_open(&client.session, bh, address, NULL, REQUEST_MS, on_news, NULL,
			    &client) < 0)
		_exit(1);
	dprintf(report_fd, "ready\n");
	run(&client, bh);
	list_classes(&client);
	(void)fclose(client.log);
	dprintf(report_fd, "%u %u %u %u %u %u %u %u %u %u %u %s.\n", r->client, r->asked, r->ok,
		r->interrupted, r->failed, r->twice, r->unanswered, r->wrong, r->notified,
		r->notified_twice, r->moved, r->classes);
	(void)bh_free(bh);
	_exit(0);
}

struct storm_client storm_start(uint32_t number, uint64_t address, const char *log)
{
	struct storm_client client;
	pid_t parent = getpid();
	char line[16];
	int in[2];
	int out[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	client.pid = fork();
	ck_assert_int_ge(client.pid, 0);
	if (client.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(in[0], STDIN_FILENO);
		(void)close(in[1]);
		if (getppid() == parent)
			child(number, address, log, out[1]);
		_exit(1);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	client.stop = in[1];
	client.report = fdopen(out[0], "r");
	ck_assert_ptr_nonnull(client.report);
	/* A line that it has read already poll() would not see. */
	(void)setvbuf(client.report, NULL, _IONBF, 0);
	/* Whoever is killed from here on is killed under it. */
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), client.report));
	return client;
}

void storm_await_served(struct storm_client *client)
{
	char line[16];

	ck_assert_ptr_nonnull(fgets(line, sizeof(line), client->report));
	ck_assert_str_eq(line, "served\n");
}

struct storm_report storm_end(struct storm_client *client)
{
	struct storm_report r = { 0 };
	struct pollfd p = { .fd = fileno(client->report), .events = POLLIN };
	char line[512] = "";

	/* A word, not just the end: clients started later hold copies of this pipe. */
	ck_assert_int_eq(write(client->stop, "x", 1), 1);
	(void)close(client->stop);
	do {
		ck_assert_msg(poll(&p, 1, REPORT_MS) == 1, "a storm client does not end");
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), client->report));
	} while (strcmp(line, "served\n") == 0);
	ck_assert_int_eq(sscanf(line, "%u %u %u %u %u %u %u %u %u %u %u %255s", &r.client, &r.asked,
				&r.ok, &r.interrupted, &r.failed, &r.twice, &r.unanswered, &r.wrong,
				&r.notified, &r.notified_twice, &r.moved, r.classes),
			 12);
	(void)fclose(client->report);
	(void)waitpid(client->pid, NULL, 0);
	return r;
}

/* --- the write log --- */

/* The written value of a line of the log; UINT32_MAX: none of ours. */
static uint32_t value_of_line(const char *line)
{
	const char *at = strstr(line, "\"hex\":\"");
	uint32_t value;

	if (!at)
		return UINT32_MAX;
	at += strlen("\"hex\":\"");
	value = (uint32_t)strtoul(at, NULL, 16);
	if (strcspn(at, "\"") != 8 || value >> 24 >= STORM_CLIENTS_MAX ||
	    (value & 0xffffff) >= VALUES_MAX)
		return UINT32_MAX;
	return value;
}

size_t storm_count_doubles(const struct world *world, size_t *out_found)
{
	uint8_t *seen = calloc(VALUES_MAX * (size_t)STORM_CLIENTS_MAX, 1);
	char *writes = world_writes(world);
	char *rest = writes;
	size_t doubles = 0;
	size_t found = 0;
	const char *line;
	uint32_t value;

	ck_assert_ptr_nonnull(seen);
	while ((line = strsep(&rest, "\n")) != NULL) {
		value = value_of_line(line);
		if (value == UINT32_MAX)
			continue;
		found++;
		doubles += seen[(value >> 24) * VALUES_MAX + (value & 0xffffff)]++ > 0;
	}
	*out_found = found;
	free(writes);
	free(seen);
	return doubles;
}

struct storm_report storm_end_counted(struct storm_client *client)
{
	const struct storm_report r = storm_end(client);

	printf("client %u: asked %u ok %u interrupted %u failed %u (%s) moved %u notified %u\n",
	       r.client, r.asked, r.ok, r.interrupted, r.failed, r.classes, r.moved, r.notified);
	(void)fflush(stdout);
	ck_assert_uint_eq(r.unanswered, 0);
	ck_assert_uint_eq(r.twice, 0);
	ck_assert_uint_eq(r.wrong, 0);
	ck_assert_uint_eq(r.notified_twice, 0);
	ck_assert_uint_eq(r.ok + r.interrupted + r.failed, r.asked);
	ck_assert_uint_gt(r.moved, 0);
	ck_assert_uint_gt(r.notified, 0);
	return r;
}

struct storm_report storm_end_well(struct storm_client *client)
{
	const struct storm_report r = storm_end_counted(client);

	ck_assert_uint_eq(r.failed, 0);
	return r;
}
