/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/switch.c - the program that acts: it writes a value that was never written before to
 * BM6-1 (fff3), reads it back and compares, again and again, over the link that the collector uses
 * too.
 *
 * A write that was under way when its worker died is answered `interrupted`: bleherd does not guess
 * and does not write twice. Such a write is read back; whether it had arrived is then known.
 */
#include <stdio.h>
#include <string.h>

#include "contrib/demo/client.h"

#define PERIPHERAL 1
#define PAUSE_MS   80
#define RETRY_MS   300

struct switcher {
	struct client *client;
	struct bh_session *session;
	char value[32];
	uint32_t count;
	bool uncertain; /* the last write was interrupted */
	bool broken;	/* to be opened anew by the next wake-up */
	uint64_t asked_at_us;
};

static void tell(const struct switcher *switcher, enum report_kind kind, const char *text)
{
	struct report report = {
		.kind = kind,
		.peripheral = PERIPHERAL,
		.took_us = report_clock_us() - switcher->asked_at_us,
		.number = switcher->count,
	};
	const char *adapter = bh_session_adapter(switcher->session);

	if (adapter)
		report_text(report.adapter, sizeof(report.adapter), adapter, strlen(adapter));
	report_text(report.text, sizeof(report.text), text, strlen(text));
	client_report(switcher->client, &report);
}

static void give_up(struct switcher *switcher, const char *what, enum bh_class class,
		    const char *text)
{
	if (switcher->client->stopping) {
		client_done(switcher->client);
		return;
	}
	client_report_error(switcher->client, PERIPHERAL, class, what, text);
	switcher->broken = true;
	client_wake_in(switcher->client, RETRY_MS);
}

static void on_read_back(void *ctx, const struct bh_result *result)
{
	struct switcher *switcher = ctx;
	char text[32];
	bool is_same;

	if (result->error != BH_CLASS_NONE) {
		give_up(switcher, "read fff3", result->error, result->text);
		return;
	}
	report_text(text, sizeof(text), result->value, result->len_bytes);
	tell(switcher, REPORT_READ, text);
	is_same = result->len_bytes == strlen(switcher->value) &&
		  memcmp(result->value, switcher->value, result->len_bytes) == 0;
	/* After an interrupted write both values are right; what counts is that we know now. */
	if (is_same || !switcher->uncertain)
		tell(switcher, is_same ? REPORT_SAME : REPORT_DIFFERENT, text);
	switcher->uncertain = false;
	if (switcher->client->stopping)
		client_done(switcher->client);
	else
		client_wake_in(switcher->client, PAUSE_MS);
}

static void on_written(void *ctx, const struct bh_result *result)
{
	struct switcher *switcher = ctx;
	struct bh_uuid uuid = client_uuid("fff3");
	int r;

	if (result->error != BH_CLASS_NONE && result->error != BH_CLASS_INTERRUPTED) {
		give_up(switcher, "write fff3", result->error, result->text);
		return;
	}
	switcher->uncertain = result->error == BH_CLASS_INTERRUPTED;
	tell(switcher, switcher->uncertain ? REPORT_INTERRUPTED : REPORT_WRITTEN, switcher->value);
	switcher->asked_at_us = report_clock_us();
	r = bh_read(switcher->session, &uuid, CLIENT_TIMEOUT_MS, on_read_back, switcher);
	if (r < 0)
		give_up(switcher, "read fff3", BH_CLASS_INTERNAL, strerror(-r));
}

static void write_next(struct switcher *switcher)
{
	struct bh_uuid uuid = client_uuid("fff3");
	int r;

	switcher->count++;
	(void)snprintf(switcher->value, sizeof(switcher->value), "%s-%04u",
		       switcher->count % 2 ? "on" : "off", switcher->count);
	switcher->asked_at_us = report_clock_us();
	r = bh_write(switcher->session, &uuid, (const uint8_t *)switcher->value,
		     strlen(switcher->value), false, CLIENT_TIMEOUT_MS, on_written, switcher);
	if (r < 0)
		give_up(switcher, "write fff3", BH_CLASS_INTERNAL, strerror(-r));
}

static void on_connected(void *ctx, const struct bh_result *result)
{
	struct switcher *switcher = ctx;

	if (result->error != BH_CLASS_NONE) {
		give_up(switcher, "connect", result->error, result->text);
		return;
	}
	tell(switcher, REPORT_CONNECTED, "");
	write_next(switcher);
}

static void on_news(void *ctx, struct bh_session *session _unused_,
		    const struct bh_session_news *news)
{
	struct switcher *switcher = ctx;
	static const enum report_kind kinds[] = {
		[BH_SESSION_MOVED] = REPORT_MOVED,
		[BH_SESSION_WAITS] = REPORT_WAITS,
		[BH_SESSION_LINK_LOST] = REPORT_LINK_LOST,
	};

	if (switcher->client->stopping)
		return;
	if (news->event != BH_SESSION_CLOSED)
		tell(switcher, kinds[news->event], news->text);
	if (news->event == BH_SESSION_CLOSED || news->event == BH_SESSION_LINK_LOST)
		give_up(switcher, "session", news->error, news->text);
}

static void open_session(struct switcher *switcher)
{
	int r = bh_session_open(&switcher->session, switcher->client->bh,
				report_address(PERIPHERAL), NULL, CLIENT_TIMEOUT_MS, on_news, NULL,
				switcher);

	switcher->asked_at_us = report_clock_us();
	if (r == 0)
		r = bh_connect(switcher->session, CLIENT_TIMEOUT_MS, on_connected, switcher);
	if (r < 0)
		give_up(switcher, "session", BH_CLASS_INTERNAL, strerror(-r));
}

static int start(struct client *client)
{
	struct switcher *switcher = calloc(1, sizeof(*switcher));

	if (!switcher)
		return -ENOMEM;
	client->state = switcher;
	switcher->client = client;
	open_session(switcher);
	return 0;
}

static void wake(struct client *client)
{
	struct switcher *switcher = client->state;

	if (client->stopping) {
		client_done(client);
		return;
	}
	if (!switcher->broken) {
		write_next(switcher);
		return;
	}
	switcher->broken = false;
	switcher->uncertain = false;
	switcher->session = bh_session_close(switcher->session);
	open_session(switcher);
}

static void stop(struct client *client)
{
	/* Between two writes: wake() ends it at once; else the answer does. */
	if (client->wake_at_us != CLIENT_NEVER)
		client_wake_in(client, 0);
}

const struct role role_switch = {
	.name = "switch",
	.what = "writes to BM6-1 and reads back, over the collector's link",
	.start = start,
	.wake = wake,
	.stop = stop,
};
