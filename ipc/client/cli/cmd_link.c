/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_link.c - `bleherd connect` and `bleherd disconnect`: a link, and the end of one.
 */
#include <stdio.h>

#include "ipc/class.h"
#include "ipc/client/cli/link.h"
#include "ipc/client/cli/table.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

static void connected_json(const struct link *link)
{
	json_t *object = link_json(link, &link->connected.timings);

	(void)json_object_set_new(object, "attempts", json_integer(link->connected.attempts));
	(void)json_object_set_new(object, "mtu", json_integer(link->connected.mtu));
	out_json(&link->cli->out, object);
}

static int connected_table(const struct link *link)
{
	static const char *const titles[] = { "ADDRESS", "ADAPTER", "ATTEMPTS", "MTU",
					      "QUEUE",	 "CONNECT", "SERVICES", "TOTAL" };
	struct table table __attribute__((cleanup(table_clear))) = TABLE_INIT;
	const struct reply *reply = &link->connected;
	const uint32_t spans[] = { reply->timings.queue_ms, reply->timings.connect_ms,
				   reply->timings.services_ms, reply->timings.total_ms };
	char numbers[2][12];
	char durations[ARRAY_LEN(spans)][WORDS_SHORT_LEN];
	const char *cells[] = { link->cli->address, reply->adapter, numbers[0],	  numbers[1],
				durations[0],	    durations[1],   durations[2], durations[3] };
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(&table, titles[i], i >= 2, false);
	(void)snprintf(numbers[0], sizeof(numbers[0]), "%u", reply->attempts);
	(void)snprintf(numbers[1], sizeof(numbers[1]), "%u", reply->mtu);
	for (i = 0; i < ARRAY_LEN(spans); i++)
		words_duration(spans[i], durations[i]);
	r = table_row(&table, cells);
	if (r < 0)
		return cli_fail_errno(link->cli, r, "the table");
	table_write(&table, link->cli->out.stream, 80, 0, link->cli->out.has_styles);
	return CLI_DONE;
}

static bool is_gone(const void *ctx)
{
	const struct link *link = ctx;

	return link->is_lost || link->is_closed;
}

static int hold(struct link *link)
{
	struct cli *cli = link->cli;
	uint32_t hold_ms = cli->opt.hold_ms;
	enum cli_wait outcome;

	if (hold_ms == 0 && !cli->out.is_json && cli->out.is_tty)
		cli_note(cli, "held until Ctrl-C");
	outcome = cli_wait(cli, is_gone, link, hold_ms ? clock_now_ms() + hold_ms : 0);
	if (outcome == CLI_WAIT_DEADLINE)
		return CLI_DONE;
	if (outcome == CLI_WAIT_OVER)
		return cli_fail(cli, link->why_class, link->why_text,
				class_advice((enum err_class)link->why_class));
	return cli_fail_wait(cli, outcome, "the link");
}

static int connect_with(struct link *link)
{
	struct cli *cli = link->cli;
	int r;

	link->shows_events = false;
	r = link_start(link, "connecting");
	if (r == 0)
		r = link_wait(link, &link->connected);
	if (r != 0)
		return r;
	if (cli->out.is_json)
		connected_json(link);
	else
		r = connected_table(link);
	if (r != 0 || !cli->opt.given[OPTION_HOLD])
		return r;
	link->shows_events = true;
	return hold(link);
}

int cmd_connect(struct cli *cli)
{
	struct link link;
	uint64_t address;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r != 0)
		return r;
	r = cli_open(cli);
	if (r != 0)
		return r;
	link = LINK_INIT(cli, address);
	r = connect_with(&link);
	link_end(&link);
	cli_close(cli);
	return r;
}

int cmd_disconnect(struct cli *cli)
{
	struct reply reply = { .is_done = false };
	uint64_t address;
	json_t *object;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r != 0)
		return r;
	r = cli_open(cli);
	if (r != 0)
		return r;
	out_progress(&cli->out, "ending the link of %s", cli->address);
	r = bh_link_drop(cli->client, address, reply_take, &reply);
	if (r < 0)
		r = cli_fail_errno(cli, r, "ending the link");
	else
		r = reply_wait(cli, &reply, "the end of the link");
	cli_close(cli);
	out_progress_end(&cli->out);
	if (r != 0)
		return r;
	if (!cli->out.is_json) {
		(void)fprintf(cli->out.stream, "the link of %s has ended\n", cli->address);
		return CLI_DONE;
	}
	object = json_object();
	(void)json_object_set_new(object, "address", json_string(cli->address));
	(void)json_object_set_new(object, "disconnected", json_true());
	out_json(&cli->out, object);
	return CLI_DONE;
}
