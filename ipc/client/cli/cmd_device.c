/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/cmd_device.c - `bleherd device` and `bleherd mark`: how a device is and has been. */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/deviceview.h"
#include "ipc/client/cli/words.h"

enum { LINES_DEFAULT = 10 };

struct question {
	struct cli *cli;
	struct reply reply;
	struct reply sessions;
	struct deviceview *view;
};

static void on_device(void *ctx, const struct bh_device *device)
{
	deviceview_device(((struct question *)ctx)->view, device);
}

static void on_counts(void *ctx, const struct bh_device_counts *counts)
{
	deviceview_counts(((struct question *)ctx)->view, counts);
}

static void on_transition(void *ctx, const struct bh_transition *transition)
{
	deviceview_step(((struct question *)ctx)->view, transition);
}

static void on_timing(void *ctx, const struct bh_distribution *timing)
{
	deviceview_timing(((struct question *)ctx)->view, timing);
}

static void on_session(void *ctx, const struct bh_session_row *row)
{
	deviceview_session(((struct question *)ctx)->view, row);
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct question *)ctx)->reply, result);
}

static void on_sessions_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct question *)ctx)->sessions, result);
}

static int ask(struct question *question, uint64_t address)
{
	static const struct bh_device_items ITEMS = {
		.device = on_device,
		.counts = on_counts,
		.transition = on_transition,
		.timing = on_timing,
	};
	struct cli *cli = question->cli;
	int r;

	r = bh_device_info(cli->client, address, &ITEMS, on_done, question);
	if (r == 0)
		r = bh_list_sessions(cli->client, address, on_session, on_sessions_done, question);
	if (r < 0)
		return cli_fail_errno(cli, r, "asking for the device");
	r = reply_wait(cli, &question->reply, "the device");
	return r != 0 ? r : reply_wait(cli, &question->sessions, "its sessions");
}

static int show(struct question *question)
{
	struct cli *cli = question->cli;
	struct deviceview_style style = {
		.bold = out_bold(&cli->out),
		.red = out_red(&cli->out),
		.plain = out_plain(&cli->out),
		.lines = cli->opt.given[OPTION_LAST] ? cli->opt.last : LINES_DEFAULT,
	};
	size_t lines;
	int r;

	if (cli->out.is_json) {
		out_json(&cli->out, deviceview_json(question->view));
		return CLI_DONE;
	}
	out_progress_end(&cli->out);
	out_size(&cli->out, &style.columns, &lines);
	r = deviceview_show(question->view, cli->out.stream, &style);
	return r < 0 ? cli_fail_errno(cli, r, "the table") : CLI_DONE;
}

int cmd_device(struct cli *cli)
{
	struct question question = { .cli = cli };
	uint64_t address;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r == 0)
		r = cli_open(cli);
	if (r != 0)
		return r;
	question.view = calloc(1, sizeof(*question.view));
	out_progress(&cli->out, "asking the daemon");
	r = question.view ? ask(&question, address) : cli_fail_errno(cli, -ENOMEM, "the device");
	cli_close(cli);
	if (r == 0)
		r = show(&question);
	free(question.view);
	return r;
}

/* --- mark --- */

static int parse_health(struct cli *cli, const char *word, enum bh_health *out)
{
	/* `degraded` is what comes of failures: nobody would say it of a device. */
	static const enum bh_health ALL[] = { BH_HEALTH_UNKNOWN, BH_HEALTH_HEALTHY,
					      BH_HEALTH_UNHEALTHY };
	char clean[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(ALL); i++) {
		if (strcmp(word, bh_health_name(ALL[i])) != 0)
			continue;
		*out = ALL[i];
		return 0;
	}
	words_clean(word, clean, sizeof(clean));
	return cli_usage(cli, "a device is marked healthy, unhealthy or unknown, not '%s'", clean);
}

int cmd_mark(struct cli *cli)
{
	struct question question = { .cli = cli };
	enum bh_health health = BH_HEALTH_UNKNOWN;
	uint64_t address;
	json_t *object;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r == 0)
		r = parse_health(cli, cli->args[1], &health);
	if (r == 0)
		r = cli_open(cli);
	if (r != 0)
		return r;
	out_progress(&cli->out, "asking the daemon");
	r = bh_health_mark(cli->client, address, health, on_done, &question);
	if (r < 0)
		r = cli_fail_errno(cli, r, "marking the device");
	else
		r = reply_wait(cli, &question.reply, "the mark");
	cli_close(cli);
	if (r != 0 || !cli->out.is_json)
		return r;
	object = json_object();
	(void)json_object_set_new(object, "address", json_string(cli->address));
	(void)json_object_set_new(object, "health", json_string(bh_health_name(health)));
	out_json(&cli->out, object);
	return CLI_DONE;
}
