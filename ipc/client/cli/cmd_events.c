/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_events.c - `bleherd events`: what the daemon decided and why.
 *
 * With -n the history is asked for alone and its last lines are kept; what follows is asked for
 * after that, again with the history, and what was shown already is skipped by its number: nothing
 * can fall between the two.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/words.h"

struct kept {
	struct bh_event event;
	char kind[32];
	char adapter[16];
	char text[256];
};

struct events {
	struct cli *cli;
	struct reply reply;
	struct kept *ring; /* of n_ring; NULL: print at once */
	size_t n_ring;
	uint64_t n_seen;
	uint64_t skip_to; /* events up to this number were dealt with */
};

static void event_line(struct cli *cli, const struct bh_event *event)
{
	const char *style =
		event->error != BH_CLASS_NONE ? out_red(&cli->out) : out_bold(&cli->out);
	char clock[WORDS_SHORT_LEN];
	char address[18];
	char adapter[16];
	char kind[32];
	char text[256];

	words_clock(event->at_ms, clock);
	words_clean(event->adapter, adapter, sizeof(adapter));
	words_clean(event->kind, kind, sizeof(kind));
	words_clean(event->text, text, sizeof(text));
	(void)fprintf(cli->out.stream, "%s %-5s ", clock, *adapter ? adapter : "-");
	if (event->address != 0) {
		bh_format_address(event->address, address);
		(void)fprintf(cli->out.stream, "%s ", address);
	}
	(void)fprintf(cli->out.stream, "%s%s%s%s%s\n", style, kind, out_plain(&cli->out),
		      *text ? ": " : "", text);
}

static void show(struct cli *cli, const struct bh_event *event)
{
	out_progress_end(&cli->out);
	if (cli->out.is_json)
		out_json(&cli->out, out_event(event));
	else
		event_line(cli, event);
}

static void keep(struct kept *kept, const struct bh_event *event)
{
	(void)snprintf(kept->kind, sizeof(kept->kind), "%s", event->kind);
	(void)snprintf(kept->adapter, sizeof(kept->adapter), "%s", event->adapter);
	(void)snprintf(kept->text, sizeof(kept->text), "%s", event->text);
	kept->event = *event;
	kept->event.kind = kept->kind;
	kept->event.adapter = kept->adapter;
	kept->event.text = kept->text;
}

static void on_event(void *ctx, const struct bh_event *event)
{
	struct events *events = ctx;
	struct cli *cli = events->cli;

	/* Another daemon, whose events count from 1; the user is told by cli_stay(). */
	if (event->seq == 0) {
		events->skip_to = 0;
		return;
	}
	if (event->seq <= events->skip_to)
		return;
	events->skip_to = event->seq;
	if (cli->opt.adapter && strcmp(event->adapter, cli->opt.adapter) != 0)
		return;
	if (!cli->opt.given[OPTION_LAST] || !events->ring) {
		show(cli, event);
		return;
	}
	if (events->n_ring > 0)
		keep(&events->ring[events->n_seen % events->n_ring], event);
	events->n_seen++;
}

static void on_done(void *ctx, const struct bh_result *result)
{
	reply_take(&((struct events *)ctx)->reply, result);
}

static void show_kept(struct events *events)
{
	uint64_t from = events->n_seen > events->n_ring ? events->n_seen - events->n_ring : 0;

	for (; from < events->n_seen; from++)
		show(events->cli, &events->ring[from % events->n_ring].event);
	free(events->ring);
	events->ring = NULL;
}

static int ask(struct events *events, bool follow)
{
	struct cli *cli = events->cli;
	enum cli_wait outcome;
	int r;

	events->reply = (struct reply){ .is_done = false };
	r = bh_events(cli->client, true, follow, on_event, on_done, events);
	if (r < 0)
		return cli_fail_errno(cli, r, "asking for the events");
	if (!follow) {
		out_progress(&cli->out, "asking the daemon");
		return reply_wait(cli, &events->reply, "the events");
	}
	outcome = cli_wait(cli, reply_is_done, &events->reply, 0);
	if (outcome != CLI_WAIT_OVER)
		return cli_fail_wait(cli, outcome, "the events");
	return events->reply.error == BH_CLASS_NONE ? 0 : reply_fail(cli, &events->reply);
}

static int last_lines(struct events *events)
{
	enum { RING_MAX = 65536 };
	uint32_t wanted = events->cli->opt.last;
	int r;

	events->n_ring = wanted < RING_MAX ? wanted : RING_MAX;
	events->ring = calloc(events->n_ring + 1, sizeof(*events->ring));
	if (!events->ring)
		return cli_fail_errno(events->cli, -ENOMEM, "the last events");
	r = ask(events, false);
	if (r == 0)
		show_kept(events);
	return r;
}

int cmd_events(struct cli *cli)
{
	struct events events = { .cli = cli };
	bool follow = cli->opt.given[OPTION_FOLLOW];
	int r;

	r = cli_open(cli);
	if (r != 0)
		return r;
	if (follow)
		cli_stay(cli);
	if (cli->opt.given[OPTION_LAST])
		r = last_lines(&events);
	if (r == 0 && (follow || !cli->opt.given[OPTION_LAST]))
		r = ask(&events, follow);
	cli_close(cli);
	free(events.ring);
	return r;
}
