/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/logger.c - the program that comes by: tour after tour it connects to each of the six
 * peripherals, reads battery (2a19) and value (fff3), and lets go. Some of them are in use by the
 * others; it then shares their link.
 */
#include <stdio.h>
#include <string.h>

#include "contrib/demo/client.h"

#define PAUSE_MS 120 /* between two peripherals: people watch */

struct logger {
	struct client *client;
	struct bh_session *session; /* NULL between two peripherals */
	uint32_t peripheral;
	uint32_t tours;
	bool finished; /* with this peripheral; wake() goes on with the next one */
	bool tour_failed;
	uint64_t asked_at_us;
	uint64_t tour_from_us;
};

static void tell(const struct logger *logger, enum report_kind kind, uint32_t number,
		 const char *text)
{
	struct report report = {
		.kind = kind,
		.peripheral = logger->peripheral,
		.took_us = report_clock_us() - logger->asked_at_us,
		.number = number,
	};
	const char *adapter = logger->session ? bh_session_adapter(logger->session) : NULL;

	if (adapter)
		report_text(report.adapter, sizeof(report.adapter), adapter, strlen(adapter));
	report_text(report.text, sizeof(report.text), text, strlen(text));
	client_report(logger->client, &report);
}

/* The session is closed in wake(), not in the callback of one of its own requests. */
static void finish(struct logger *logger)
{
	logger->finished = true;
	client_wake_in(logger->client, 0);
}

/* True if the answer was an error, which ends this peripheral's turn. */
static bool has_failed(struct logger *logger, const char *what, const struct bh_result *result)
{
	if (result->error == BH_CLASS_NONE)
		return false;
	client_report_error(logger->client, logger->peripheral, result->error, what, result->text);
	logger->tour_failed = true;
	finish(logger);
	return true;
}

static void on_value(void *ctx, const struct bh_result *result)
{
	struct logger *logger = ctx;
	char text[32];

	if (has_failed(logger, "read fff3", result))
		return;
	report_text(text, sizeof(text), result->value, result->len_bytes);
	tell(logger, REPORT_READ, 0, text);
	finish(logger);
}

static void ask(struct logger *logger, const char *uuid_text, bh_result_cb done)
{
	struct bh_uuid uuid = client_uuid(uuid_text);
	int r;

	logger->asked_at_us = report_clock_us();
	r = bh_read(logger->session, &uuid, CLIENT_TIMEOUT_MS, done, logger);
	if (r < 0)
		(void)has_failed(
			logger, "read",
			&(struct bh_result){ .error = BH_CLASS_INTERNAL, .text = strerror(-r) });
}

static void on_battery(void *ctx, const struct bh_result *result)
{
	struct logger *logger = ctx;
	char text[32];

	if (has_failed(logger, "read 2a19", result))
		return;
	(void)snprintf(text, sizeof(text), "%u %%", result->len_bytes ? result->value[0] : 0u);
	tell(logger, REPORT_READ, 0, text);
	ask(logger, "fff3", on_value);
}

static void on_connected(void *ctx, const struct bh_result *result)
{
	struct logger *logger = ctx;

	if (has_failed(logger, "connect", result))
		return;
	tell(logger, REPORT_CONNECTED, result->attempts, "");
	ask(logger, "2a19", on_battery);
}

static void on_news(void *ctx, struct bh_session *session _unused_,
		    const struct bh_session_news *news)
{
	struct logger *logger = ctx;

	/* A lost link is told by the request that was open; here it is the worker that matters. */
	if (news->event == BH_SESSION_MOVED)
		tell(logger, REPORT_MOVED, 0, news->text);
	if (news->event == BH_SESSION_WAITS)
		tell(logger, REPORT_WAITS, 0, news->text);
}

static void visit(struct logger *logger)
{
	int r = bh_session_open(&logger->session, logger->client->bh,
				report_address(logger->peripheral), NULL, CLIENT_TIMEOUT_MS,
				on_news, NULL, logger);

	logger->finished = false;
	logger->asked_at_us = report_clock_us();
	if (r == 0)
		r = bh_connect(logger->session, CLIENT_TIMEOUT_MS, on_connected, logger);
	if (r < 0)
		(void)has_failed(
			logger, "session",
			&(struct bh_result){ .error = BH_CLASS_INTERNAL, .text = strerror(-r) });
}

static void end_tour(struct logger *logger)
{
	struct report report = {
		.kind = REPORT_TOUR,
		.peripheral = DEMO_NOBODY,
		.took_us = report_clock_us() - logger->tour_from_us,
	};

	logger->peripheral = 0;
	logger->tour_from_us = report_clock_us();
	if (!logger->tour_failed) {
		report.number = ++logger->tours;
		client_report(logger->client, &report);
	}
	logger->tour_failed = false;
}

static int start(struct client *client)
{
	struct logger *logger = calloc(1, sizeof(*logger));

	if (!logger)
		return -ENOMEM;
	client->state = logger;
	logger->client = client;
	logger->tour_from_us = report_clock_us();
	visit(logger);
	return 0;
}

static void wake(struct client *client)
{
	struct logger *logger = client->state;

	if (!logger->finished) {
		visit(logger);
		return;
	}
	logger->finished = false;
	logger->session = bh_session_close(logger->session);
	tell(logger, REPORT_RELEASED, 0, "");
	if (client->stopping) {
		client_done(client);
		return;
	}
	if (++logger->peripheral == DEMO_PERIPHERALS)
		end_tour(logger);
	client_wake_in(client, PAUSE_MS);
}

static void stop(struct client *client)
{
	struct logger *logger = client->state;

	/* In the middle of a visit: wake() ends the program after it. */
	if (!logger->session)
		client_done(client);
}

const struct role role_logger = {
	.name = "logger",
	.what = "visits all six in turn: connect, read twice, let go",
	.start = start,
	.wake = wake,
	.stop = stop,
};
