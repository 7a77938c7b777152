/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/collector.c - the program that listens: it holds three peripherals, subscribes to
 * their counter (fff4) and checks that no value is lost or comes twice.
 *
 * What an application has to do about a lost link is here, in on_news(): connect and subscribe
 * again. What it has to do about a dead worker is nothing.
 */
#include <stdio.h>
#include <string.h>

#include "contrib/demo/client.h"

#define HELD	    3 /* peripherals 0, 1, 2 */
#define RETRY_MS    300
#define VALUE_BYTES 4

struct link {
	struct client *client;
	struct bh_session *session;
	uint32_t peripheral;
	uint32_t last; /* the peripheral's count; 0: none yet */
	bool excused;  /* the link or the worker went since: the next gap is not a loss */
	bool broken;   /* to be opened anew by the next wake-up */
	uint64_t asked_at_us;
};

struct collector {
	struct link links[HELD];
};

static void tell(const struct link *link, enum report_kind kind, uint32_t number)
{
	struct report report = {
		.kind = kind,
		.peripheral = link->peripheral,
		.took_us = report_clock_us() - link->asked_at_us,
		.number = number,
	};
	const char *adapter = bh_session_adapter(link->session);

	if (adapter)
		report_text(report.adapter, sizeof(report.adapter), adapter, strlen(adapter));
	client_report(link->client, &report);
}

/* The session is closed in wake(), not in the callback of one of its own requests. */
static void give_up(struct link *link, const char *what, enum bh_class class, const char *text)
{
	if (link->client->stopping)
		return;
	client_report_error(link->client, link->peripheral, class, what, text);
	link->broken = true;
	client_wake_in(link->client, RETRY_MS);
}

static void on_value(void *ctx, const uint8_t *value, size_t len_bytes, uint64_t seq _unused_,
		     uint32_t lost _unused_)
{
	struct link *link = ctx;
	uint32_t count;

	if (len_bytes != VALUE_BYTES) {
		give_up(link, "notification", BH_CLASS_VALIDATION, "not 4 bytes long");
		return;
	}
	count = (uint32_t)value[0] | (uint32_t)value[1] << 8 | (uint32_t)value[2] << 16 |
		(uint32_t)value[3] << 24;
	if (link->last && count <= link->last) {
		tell(link, REPORT_TWICE, count);
		return;
	}
	if (link->last && count > link->last + 1) {
		tell(link, link->excused ? REPORT_MISSED : REPORT_GAP, count - link->last - 1);
		link->excused = false;
	}
	link->last = count;
	tell(link, REPORT_VALUE, count);
}

static void on_subscribed(void *ctx, const struct bh_result *result)
{
	struct link *link = ctx;

	if (result->error == BH_CLASS_NONE) {
		tell(link, REPORT_SUBSCRIBED, 0);
		return;
	}
	/* A lost link ends the subscription too, but that is told to on_news(). */
	if (result->error != BH_CLASS_LINK_LOST)
		give_up(link, "subscribe", result->error, result->text);
}

static void on_connected(void *ctx, const struct bh_result *result)
{
	struct link *link = ctx;
	struct bh_uuid counter = client_uuid("fff4");
	int r;

	if (result->error != BH_CLASS_NONE) {
		give_up(link, "connect", result->error, result->text);
		return;
	}
	tell(link, REPORT_CONNECTED, result->attempts);
	link->asked_at_us = report_clock_us();
	r = bh_subscribe(link->session, &counter, CLIENT_TIMEOUT_MS, on_value, on_subscribed, link,
			 NULL);
	if (r < 0)
		give_up(link, "subscribe", BH_CLASS_INTERNAL, strerror(-r));
}

static void connect_link(struct link *link)
{
	int r;

	link->asked_at_us = report_clock_us();
	r = bh_connect(link->session, CLIENT_TIMEOUT_MS, on_connected, link);
	if (r < 0)
		give_up(link, "connect", BH_CLASS_INTERNAL, strerror(-r));
}

static void on_news(void *ctx, struct bh_session *session _unused_,
		    const struct bh_session_news *news)
{
	struct link *link = ctx;
	struct report report = { .peripheral = link->peripheral, .error = news->error };

	if (link->client->stopping)
		return;
	if (news->event == BH_SESSION_CLOSED) {
		give_up(link, "session", news->error, news->text);
		return;
	}
	link->excused = true;
	report.kind = news->event == BH_SESSION_LINK_LOST ? REPORT_LINK_LOST
		      : news->event == BH_SESSION_MOVED	  ? REPORT_MOVED
							  : REPORT_WAITS;
	report_text(report.adapter, sizeof(report.adapter), news->adapter, strlen(news->adapter));
	report_text(report.text, sizeof(report.text), news->text, strlen(news->text));
	client_report(link->client, &report);
	if (news->event == BH_SESSION_LINK_LOST)
		connect_link(link);
}

static void open_link(struct link *link)
{
	int r = bh_session_open(&link->session, link->client->bh, report_address(link->peripheral),
				NULL, CLIENT_TIMEOUT_MS, on_news, NULL, link);

	if (r < 0) {
		give_up(link, "session", BH_CLASS_INTERNAL, strerror(-r));
		return;
	}
	/* No need to wait for the session: requests keep their order. */
	connect_link(link);
}

static int start(struct client *client)
{
	struct collector *collector = calloc(1, sizeof(*collector));

	if (!collector)
		return -ENOMEM;
	client->state = collector;
	for (uint32_t i = 0; i < HELD; i++) {
		collector->links[i].client = client;
		collector->links[i].peripheral = i;
		open_link(&collector->links[i]);
	}
	return 0;
}

static void wake(struct client *client)
{
	struct collector *collector = client->state;

	for (uint32_t i = 0; i < HELD && !client->stopping; i++) {
		struct link *link = &collector->links[i];

		if (!link->broken)
			continue;
		link->broken = false;
		link->excused = true;
		link->session = bh_session_close(link->session);
		open_link(link);
	}
}

static void stop(struct client *client)
{
	struct collector *collector = client->state;

	for (uint32_t i = 0; i < HELD; i++)
		collector->links[i].session = bh_session_close(collector->links[i].session);
	client_done(client);
}

const struct role role_collector = {
	.name = "collector",
	.what = "holds BM6-0, BM6-1, BM6-2 and takes their notifications",
	.start = start,
	.wake = wake,
	.stop = stop,
};
