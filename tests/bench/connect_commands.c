/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/connect_commands.c - what connect-client does with its peripherals.
 */
#include "tests/bench/connect_client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { TURN_MS = 100, SCAN_AGAIN_US = 300000 };

static void sample(struct bench *bench, uint64_t us)
{
	if (bench->n_samples < SAMPLES_MAX)
		bench->samples_us[bench->n_samples++] = (uint32_t)us;
}

static void turn(struct bench *bench, uint64_t until_us)
{
	int r;

	if (now_us() > until_us)
		give_up("nothing happens any more");
	r = bh_wait(bench->bh, TURN_MS);
	if (r < 0 && r != -EINTR)
		give_up("bh_wait: %s", strerrorname_np(-r));
}

void await_open(struct bench *bench)
{
	const uint64_t until_us = now_us() + WAIT_MS * 1000ull;

	while (bench->open > 0)
		turn(bench, until_us);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	struct peripheral *p = ctx;

	if (result->error != BH_CLASS_NONE)
		give_up("%s: %s", bh_class_name(result->error), result->text);
	p->answered_us = now_us();
	p->bench->open--;
}

static void check(int r, const struct bh_answer *answer)
{
	if (r != 0)
		give_up("%s", r < 0 ? strerrorname_np(-r) : answer->text);
}

/* --- links --- */

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct bench *bench = ctx;

	for (size_t i = 0; i < bench->n; i++) {
		struct peripheral *p = &bench->peripherals[i];

		if (p->address == advert->address && !p->is_seen) {
			p->is_seen = true;
			bench->open--;
		}
	}
}

static void find(struct bench *bench, const char *adapter)
{
	const uint64_t until_us = now_us() + WAIT_MS * 1000ull;
	const struct bh_scan_filter filter = { .adapter = adapter };
	struct bh_scan *scan;

	for (size_t i = 0; i < bench->n; i++)
		bench->peripherals[i].is_seen = false;
	bench->open = bench->n;
	/*
	 * A thousand at once are more than the socket takes, and adverts that do not fit are lost;
	 * BlueZ says nothing of a device whose RSSI stays. A scan that begins is told what was
	 * heard so far: hence a new one now and then.
	 */
	while (bench->open > 0) {
		const uint64_t again_us = now_us() + SCAN_AGAIN_US;

		if (bh_scan_start(&scan, bench->bh, &filter, on_advert, NULL, bench) < 0)
			give_up("no scan");
		while (bench->open > 0 && now_us() < again_us)
			turn(bench, until_us);
		(void)bh_scan_stop(scan);
	}
}

/* "": by any adapter; "N": by each of so many. */
void do_find(struct bench *bench, const char *text)
{
	const unsigned adapters = (unsigned)strtoul(text, NULL, 10);
	char adapter[16];

	if (adapters == 0)
		find(bench, NULL);
	for (unsigned i = 0; i < adapters; i++) {
		(void)snprintf(adapter, sizeof(adapter), "hci%u", i);
		find(bench, adapter);
	}
}

/* "", or the adapters to spread them over: "hci%u" of so many. */
static void open_session(struct bench *bench, size_t at, unsigned adapters)
{
	struct peripheral *p = &bench->peripherals[at];
	struct bh_answer answer;
	char adapter[16];

	(void)snprintf(adapter, sizeof(adapter), "hci%u", adapters ? (unsigned)at % adapters : 0);
	check(bh_session_open_sync(&p->session, bench->bh, p->address, adapters ? adapter : NULL,
				   WAIT_MS, &answer),
	      &answer);
	bh_answer_clear(&answer);
}

void do_open(struct bench *bench, const char *text)
{
	const unsigned adapters = (unsigned)strtoul(text, NULL, 10);

	for (size_t i = 0; i < bench->n; i++)
		open_session(bench, i, adapters);
	for (size_t i = 0; i < bench->n; i++) {
		bench->open++;
		if (bh_connect(bench->peripherals[i].session, WAIT_MS, on_done,
			       &bench->peripherals[i]) < 0)
			give_up("no connect");
	}
	await_open(bench);
}

void do_close(struct bench *bench, const char *text _unused_)
{
	struct bh_answer answer;

	for (size_t i = 0; i < bench->n; i++) {
		struct peripheral *p = &bench->peripherals[i];

		check(bh_disconnect_sync(p->session, &answer), &answer);
		bh_answer_clear(&answer);
		p->session = bh_session_close(p->session);
	}
}

static void use(struct bench *bench, struct peripheral *p)
{
	struct bh_answer answer;

	check(bh_connect_sync(p->session, WAIT_MS, &answer), &answer);
	bh_answer_clear(&answer);
	check(bh_read_sync(p->session, &bench->echo, WAIT_MS, &answer), &answer);
	bh_answer_clear(&answer);
	check(bh_disconnect_sync(p->session, &answer), &answer);
	bh_answer_clear(&answer);
}

/* The sessions stay, as bleak's clients do; "N". They are open, and not connected. */
void do_cycle(struct bench *bench, const char *text)
{
	const size_t count = strtoul(text, NULL, 10);
	uint64_t at_us;

	for (size_t i = 0; i < count; i++) {
		at_us = now_us();
		use(bench, &bench->peripherals[i % bench->n]);
		sample(bench, now_us() - at_us);
	}
}

/* With a session of its own for each: "N". */
void do_fresh(struct bench *bench, const char *text)
{
	const size_t count = strtoul(text, NULL, 10);
	struct peripheral *p;
	uint64_t at_us;

	for (size_t i = 0; i < count; i++) {
		at_us = now_us();
		p = &bench->peripherals[i % bench->n];
		open_session(bench, i % bench->n, 0);
		use(bench, p);
		p->session = bh_session_close(p->session);
		sample(bench, now_us() - at_us);
	}
}

void do_read(struct bench *bench, const char *text)
{
	const size_t count = strtoul(text, NULL, 10);
	struct bh_answer answer;
	uint64_t at_us;

	for (size_t i = 0; i < count; i++) {
		at_us = now_us();
		check(bh_read_sync(bench->peripherals[i % bench->n].session, &bench->echo, WAIT_MS,
				   &answer),
		      &answer);
		bh_answer_clear(&answer);
		sample(bench, now_us() - at_us);
	}
}

/*
 * Writes without response that count from 1, of four octets: "N", each when the one before was
 * answered; "N OPEN": so many are open.
 */
void do_write(struct bench *bench, const char *text)
{
	struct peripheral *p = &bench->peripherals[0];
	char *rest;
	const uint32_t count = (uint32_t)strtoul(text, &rest, 10);
	const size_t open = strtoul(rest, NULL, 10);
	const uint64_t until_us = now_us() + WAIT_MS * 1000ull;
	uint8_t value[4];

	for (uint32_t i = 1; i <= count; i++) {
		for (unsigned octet = 0; octet < 4; octet++)
			value[octet] = (uint8_t)(i >> (24 - 8 * octet));
		bench->open++;
		if (bh_write(p->session, &bench->echo, value, sizeof(value), true, WAIT_MS, on_done,
			     p) < 0)
			give_up("no write");
		while (bench->open > (open ? open - 1 : 0))
			turn(bench, until_us);
	}
	await_open(bench);
}

/* "PID": a worker. Each session's time from there to the answer of a read. */
void do_kill(struct bench *bench, const char *text)
{
	const pid_t pid = (pid_t)strtol(text, NULL, 10);
	const uint64_t at_us = now_us();

	if (pid <= 1 || kill(pid, SIGKILL) < 0)
		give_up("no worker %s", text);
	for (size_t i = 0; i < bench->n; i++) {
		struct peripheral *p = &bench->peripherals[i];

		bench->open++;
		if (bh_read(p->session, &bench->echo, WAIT_MS, on_done, p) < 0)
			give_up("no read");
	}
	await_open(bench);
	for (size_t i = 0; i < bench->n; i++)
		sample(bench, bench->peripherals[i].answered_us - at_us);
}

/* --- notifications --- */

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq _unused_,
		     uint32_t lost)
{
	struct peripheral *p = ctx;
	uint32_t counter = 0;

	for (size_t i = 0; i < len_bytes && i < 4; i++)
		counter |= (uint32_t)value[i] << (8 * i);
	if (!p->bench->is_settling && p->counter > 0 && counter != p->counter + 1 + lost)
		give_up("value %u after %u, lost %u", counter, p->counter, lost);
	p->counter = counter;
	p->values++;
	p->lost += lost;
}

void do_subscribe(struct bench *bench, const char *text _unused_)
{
	struct bh_uuid uuid;

	if (bh_parse_uuid("fff4", &uuid) < 0)
		give_up("fff4");
	/* Where another program is subscribed too, values come twice for as long. */
	bench->is_settling = true;
	for (size_t i = 0; i < bench->n; i++) {
		struct peripheral *p = &bench->peripherals[i];

		bench->open++;
		p->counter = 0;
		p->values = 0;
		p->lost = 0;
		if (bh_subscribe(p->session, &uuid, WAIT_MS, on_value, on_done, p,
				 &p->subscription) < 0)
			give_up("no subscription");
	}
	await_open(bench);
	bench->is_settling = false;
}

void do_unsubscribe(struct bench *bench, const char *text _unused_)
{
	for (size_t i = 0; i < bench->n; i++) {
		struct peripheral *p = &bench->peripherals[i];

		bench->open++;
		if (bh_unsubscribe(p->session, p->subscription, on_done, p) < 0)
			give_up("no end of the subscription");
	}
	await_open(bench);
}

/* A program that is slower than the one that bursts loses some, and is told so. */
static uint64_t passed(const struct peripheral *p)
{
	return p->values + p->lost;
}

static void await_values(struct bench *bench, struct peripheral *p, uint64_t values)
{
	const uint64_t until_us = now_us() + WAIT_MS * 1000ull;

	while (passed(p) < values) {
		if (now_us() > until_us)
			give_up("%" PRIu64 " of %" PRIu64 " values, the last is %u, lost %" PRIu64,
				p->values, values, p->counter, p->lost);
		turn(bench, until_us + TURN_MS * 1000ull);
	}
}

/* "N": so many more, of each. */
void do_receive(struct bench *bench, const char *text)
{
	const uint64_t count = strtoull(text, NULL, 10);
	uint64_t *at = calloc(bench->n, sizeof(*at));

	if (!at)
		give_up("no memory");
	for (size_t i = 0; i < bench->n; i++)
		at[i] = passed(&bench->peripherals[i]);
	for (size_t i = 0; i < bench->n; i++)
		await_values(bench, &bench->peripherals[i], at[i] + count);
	free(at);
}

/* "N": so many since it subscribed, whenever they came or were lost. */
void do_reach(struct bench *bench, const char *text)
{
	for (size_t i = 0; i < bench->n; i++)
		await_values(bench, &bench->peripherals[i], strtoull(text, NULL, 10));
}

/* "N": so many more, for what must be over before anything counts. */
void do_settle(struct bench *bench, const char *text)
{
	bench->is_settling = true;
	do_receive(bench, text);
	bench->is_settling = false;
}

static int sim_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("BLEHERD_SIM_CONTROL");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path ? path : "");
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		give_up("the sim does not listen");
	return fd;
}

/* "N SIZE": N times SIZE notifications in one go, the next when all have come. */
void do_burst(struct bench *bench, const char *text)
{
	struct peripheral *p = &bench->peripherals[0];
	char name[18], command[64], answer[256];
	char *rest;
	const size_t count = strtoul(text, &rest, 10);
	const uint64_t size = strtoull(rest, NULL, 10);
	ssize_t n;

	if (bench->sim_fd < 0)
		bench->sim_fd = sim_connect();
	bh_format_address(p->address, name);
	(void)snprintf(command, sizeof(command), "burst %s %" PRIu64, name, size);
	for (size_t i = 0; i < count; i++) {
		const uint64_t values = passed(p) + size;

		n = send(bench->sim_fd, command, strlen(command), MSG_NOSIGNAL);
		if (n > 0)
			n = recv(bench->sim_fd, answer, sizeof(answer), 0);
		if (n < 2 || memcmp(answer, "ok", 2) != 0)
			give_up("burst: %.*s", (int)(n > 0 ? n : 0), answer);
		await_values(bench, p, values);
	}
}
