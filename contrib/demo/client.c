/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/client.c - what the three programs have in common: loop, scan, reports.
 *
 * Started by child.c with fork and exec, PDEATHSIG set and SIGINT ignored (Ctrl-C is for the
 * conductor, which then tells us).
 */
#include "contrib/demo/client.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* Long enough for a person to see that it scans; the rest depends on what is heard. */
#define SCAN_AT_LEAST_US (1000 * 1000)
#define SCAN_AT_MOST_US	 (8000 * 1000)
#define ALL_ADAPTERS	 ((1u << DEMO_ADAPTERS) - 1)

static const struct role *const roles[PROGRAM_COUNT] = {
	[PROGRAM_COLLECTOR] = &role_collector,
	[PROGRAM_LOGGER] = &role_logger,
	[PROGRAM_SWITCH] = &role_switch,
};

const struct role *client_role(enum program program)
{
	return roles[program];
}

void client_report(const struct client *client _unused_, const struct report *report)
{
	struct report stamped = *report;

	stamped.at_us = report_clock_us();
	if (report_send(CLIENT_FD, &stamped) < 0)
		_exit(EXIT_FAILURE);
}

void client_report_error(const struct client *client, uint32_t peripheral, enum bh_class class,
			 const char *what, const char *text)
{
	struct report report = { .kind = REPORT_ERROR, .peripheral = peripheral, .error = class };

	if (client->stopping)
		return;
	(void)snprintf(report.text, sizeof(report.text), "%s: %s: %.60s", what,
		       bh_class_name(class), text);
	client_report(client, &report);
}

void client_done(struct client *client)
{
	client->done = true;
}

struct bh_uuid client_uuid(const char *text)
{
	struct bh_uuid uuid = { .octets = { 0 } };
	int r = bh_parse_uuid(text, &uuid);

	assert(r >= 0);
	(void)r;
	return uuid;
}

void client_wake_in(struct client *client, uint64_t delay_ms)
{
	client->wake_at_us = report_clock_us() + delay_ms * 1000;
}

/* A bit per adapter; 0 if it is one too many. */
static uint8_t adapter_bit(struct client *client, const char *name)
{
	for (unsigned i = 0; i < DEMO_ADAPTERS; i++) {
		char *known = client->adapters[i];

		if (!known[0])
			report_text(known, sizeof(client->adapters[i]), name, strlen(name));
		if (strcmp(known, name) == 0)
			return (uint8_t)(1u << i);
	}
	return 0;
}

static uint32_t heard_everywhere(const struct client *client)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < DEMO_PERIPHERALS; i++)
		count += client->heard[i] == ALL_ADAPTERS;
	return count;
}

static void end_scan(struct client *client)
{
	struct report report = {
		.kind = REPORT_SCANNED,
		.peripheral = DEMO_NOBODY,
		.took_us = report_clock_us() - client->scan_from_us,
		.number = heard_everywhere(client),
	};

	client->scan = bh_scan_stop(client->scan);
	client->scan_until_us = CLIENT_NEVER;
	client_report(client, &report);
}

static void on_advert(void *ctx, const struct bh_advert *advert)
{
	struct client *client = ctx;
	uint32_t peripheral = report_peripheral(advert->address);
	struct report report = { .kind = REPORT_SEEN, .peripheral = peripheral };
	uint8_t bit = adapter_bit(client, advert->adapter);

	if (peripheral == DEMO_NOBODY || client->heard[peripheral] & bit)
		return;
	client->heard[peripheral] |= bit;
	report_text(report.adapter, sizeof(report.adapter), advert->adapter,
		    strlen(advert->adapter));
	report_text(report.text, sizeof(report.text), advert->name, strlen(advert->name));
	client_report(client, &report);
	/* Not bh_scan_stop() in here: the scan whose callback this is would be gone under it. */
	if (heard_everywhere(client) == DEMO_PERIPHERALS)
		client->scan_until_us = client->scan_from_us + SCAN_AT_LEAST_US;
}

static void on_scan_ended(void *ctx, const struct bh_result *result)
{
	struct client *client = ctx;

	client_report_error(client, DEMO_NOBODY, result->error, "scan", result->text);
}

static int start_scan(struct client *client)
{
	struct bh_uuid uuid = client_uuid("fff0");
	struct bh_scan_filter filter = { .uuids = &uuid, .n_uuids = 1 };

	client->scan_from_us = report_clock_us();
	client->scan_until_us = client->scan_from_us + SCAN_AT_MOST_US;
	return bh_scan_start(&client->scan, client->bh, &filter, on_advert, on_scan_ended, client);
}

static int obey(struct client *client)
{
	enum command command;
	int r = report_receive_command(CLIENT_FD, &command);

	if (r <= 0)
		return r;
	if (command == COMMAND_GO)
		return client->role->start(client);
	client->stopping = true;
	/* Before the word was given there is nothing to finish. */
	if (client->state)
		client->role->stop(client);
	else
		client_done(client);
	return 0;
}

/* Milliseconds until the earlier of the library's, the scan's and the role's next instant. */
static int next_timeout_ms(const struct client *client)
{
	uint64_t now_us = report_clock_us(), next_us = client->wake_at_us;
	int bh_ms = bh_timeout_ms(client->bh), own_ms;

	if (client->scan_until_us < next_us)
		next_us = client->scan_until_us;
	if (next_us == CLIENT_NEVER)
		return bh_ms;
	own_ms = next_us <= now_us ? 0 : (int)((next_us - now_us + 999) / 1000);
	return bh_ms >= 0 && bh_ms < own_ms ? bh_ms : own_ms;
}

static int turn(struct client *client)
{
	struct pollfd fds[] = {
		{ .fd = bh_fd(client->bh), .events = POLLIN },
		{ .fd = CLIENT_FD, .events = POLLIN },
	};
	int r;

	if (poll(fds, ARRAY_LEN(fds), next_timeout_ms(client)) < 0 && errno != EINTR)
		return -errno;
	r = bh_process(client->bh);
	if (r < 0)
		return r;
	if (fds[1].revents)
		r = obey(client);
	if (r < 0)
		return r;
	if (report_clock_us() >= client->scan_until_us)
		end_scan(client);
	if (report_clock_us() >= client->wake_at_us) {
		client->wake_at_us = CLIENT_NEVER;
		client->role->wake(client);
	}
	return 0;
}

int client_main(const struct role *role)
{
	struct client client = {
		.role = role,
		.wake_at_us = CLIENT_NEVER,
		.scan_until_us = CLIENT_NEVER,
	};
	struct report bye = { .kind = REPORT_BYE, .peripheral = DEMO_NOBODY };
	int r = bh_new(&client.bh, NULL, role->name);

	if (r == 0)
		r = start_scan(&client);
	while (r >= 0 && !client.done)
		r = turn(&client);
	if (r < 0) {
		client_report_error(&client, DEMO_NOBODY, BH_CLASS_INTERNAL, "program",
				    strerror(-r));
		client.stopping = true;
	} else {
		client_report(&client, &bye);
	}
	client.scan = bh_scan_stop(client.scan);
	client.bh = bh_free(client.bh);
	free(client.state);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
