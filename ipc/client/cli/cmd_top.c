/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_top.c - `bleherd top`: what the daemon does, live. It asks for everything once a second
 * and follows the events; rates are the differences of counters.
 */
#include <string.h>

#include "ipc/client/cli/cli.h"
#include "ipc/client/cli/screen.h"
#include "ipc/client/cli/topview.h"
#include "ipc/clock.h"

enum { EVERY_MS = 1000, ANSWER_MS = 10000, QUESTIONS = 5 };

struct top {
	struct cli *cli;
	struct screen screen;
	struct topdata *now;   /* being filled */
	struct topdata *shown; /* NULL: nothing yet */
	unsigned n_answers;
	enum bh_class error; /* of an answer */
	char error_text[160];
	enum topview_sort sort;
	size_t n_events;
	struct topdata_event events[TOPDATA_EVENTS_MAX]; /* oldest first */
	uint64_t told_seq;				 /* --json: events up to here were shown */
	bool is_over;					 /* q */
};

/* --- answers --- */

static void on_status(void *ctx, const struct bh_status *status)
{
	topdata_status(((struct top *)ctx)->now, status);
}

static void on_adapter(void *ctx, const struct bh_adapter *adapter)
{
	topdata_adapter(((struct top *)ctx)->now, adapter);
}

static void on_device(void *ctx, const struct bh_device *device)
{
	topdata_device(((struct top *)ctx)->now, device);
}

static void on_session(void *ctx, const struct bh_session_row *row)
{
	topdata_session(((struct top *)ctx)->now, row);
}

static void on_locks(void *ctx, int fd)
{
	struct top *top = ctx;

	if (locktab_read(fd, &top->now->locks) < 0)
		top->now->locks.n_rows = 0;
	(void)close_fd(fd);
}

static void on_answer(void *ctx, const struct bh_result *result)
{
	struct top *top = ctx;

	top->n_answers++;
	if (result->error == BH_CLASS_NONE)
		return;
	top->error = result->error;
	(void)snprintf(top->error_text, sizeof(top->error_text), "%s", result->text);
}

/* While there is no arbiter nobody has a lock of it. */
static void on_locks_answer(void *ctx, const struct bh_result *result)
{
	(void)result;
	((struct top *)ctx)->n_answers++;
}

static void on_event(void *ctx, const struct bh_event *event)
{
	struct top *top = ctx;

	if (top->n_events == TOPDATA_EVENTS_MAX)
		memmove(top->events, top->events + 1, --top->n_events * sizeof(top->events[0]));
	topdata_event(&top->events[top->n_events++], event);
}

/* --- a sample --- */

static bool is_answered(const void *ctx)
{
	return ((const struct top *)ctx)->n_answers >= QUESTIONS;
}

static int ask(struct top *top)
{
	struct bh_client *client = top->cli->client;
	int r;

	top->now = topdata_new();
	if (!top->now)
		return -ENOMEM;
	top->now->at_ms = clock_now_ms();
	top->n_answers = 0;
	top->error = BH_CLASS_NONE;
	r = bh_get_status(client, on_status, on_answer, top);
	if (r == 0)
		r = bh_list_adapters(client, on_adapter, on_answer, top);
	if (r == 0)
		r = bh_list_devices(client, on_device, on_answer, top);
	if (r == 0)
		r = bh_list_sessions(client, 0, on_session, on_answer, top);
	if (r == 0)
		r = bh_get_locks(client, on_locks, on_locks_answer, top);
	return r;
}

static void take_keys(struct top *top)
{
	int key;

	while ((key = screen_key(&top->screen)) != 0) {
		if (key == 'q' || key == 'Q' || key == 4) /* or Ctrl-D */
			top->is_over = true;
		if (key == 's')
			top->sort = (top->sort + 1) % TOPVIEW_SORTS;
	}
}

/* cli_wait(), and keys; 0, else the exit status, told. */
static int wait_for(struct top *top, bool (*is_done)(const void *ctx), uint64_t until_ms,
		    enum cli_wait *out)
{
	struct cli *cli = top->cli;

	*out = cli_wait(cli, is_done, top, until_ms);
	if (*out == CLI_WAIT_WOKEN)
		take_keys(top);
	if (*out != CLI_WAIT_STOP && *out != CLI_WAIT_GONE)
		return 0;
	/* What is said now is to stay. */
	screen_off(&top->screen, cli->out.stream);
	return cli_fail_wait(cli, *out, "what the daemon does");
}

static int sample(struct top *top)
{
	uint64_t until_ms = clock_now_ms() + cli_timeout_ms(top->cli, ANSWER_MS);
	enum cli_wait outcome = CLI_WAIT_WOKEN;
	int r = ask(top);

	if (r < 0)
		return cli_fail_errno(top->cli, r, "asking what the daemon does");
	while (r == 0 && outcome == CLI_WAIT_WOKEN && !top->is_over)
		r = wait_for(top, is_answered, until_ms, &outcome);
	if (r != 0 || top->is_over)
		return r;
	if (outcome == CLI_WAIT_DEADLINE) {
		screen_off(&top->screen, top->cli->out.stream);
		return cli_fail_wait(top->cli, outcome, "what the daemon does");
	}
	if (top->error != BH_CLASS_NONE) {
		screen_off(&top->screen, top->cli->out.stream);
		return cli_fail(top->cli, top->error, top->error_text, "");
	}
	topdata_finish(top->now, top->shown);
	topdata_free(top->shown);
	top->shown = top->now;
	top->now = NULL;
	return 0;
}

/* --- showing it --- */

static int draw(struct top *top)
{
	struct out *out = &top->cli->out;
	struct topview view = {
		.is_styled = out->has_styles,
		.has_keys = top->screen.has_keys,
		.sort = top->sort,
		.events = top->events,
		.n_events = top->n_events,
	};
	size_t lines;
	size_t len;
	char *text = NULL;
	FILE *to;
	int r;

	out_size(out, &view.columns, &lines);
	if (top->screen.wake_fd == 0)
		return topview_show(top->shown, &view, out->stream);
	view.lines = lines;
	to = open_memstream(&text, &len);
	if (!to)
		return -ENOMEM;
	r = topview_show(top->shown, &view, to);
	if (fclose(to) != 0)
		r = -ENOMEM;
	if (r == 0)
		screen_draw(out->stream, text);
	free(text);
	return r;
}

static void say_json(struct top *top)
{
	size_t first = 0;

	while (first < top->n_events && top->events[first].seq <= top->told_seq)
		first++;
	out_json(&top->cli->out, topview_json(top->shown, top->events + first,
					      top->n_events - first, clock_wall_ms()));
	if (top->n_events > 0)
		top->told_seq = top->events[top->n_events - 1].seq;
}

static int show(struct top *top)
{
	int r = 0;

	out_progress_end(&top->cli->out);
	if (top->cli->out.is_json)
		say_json(top);
	else
		r = draw(top);
	return r < 0 ? cli_fail_errno(top->cli, r, "the picture") : 0;
}

static bool never(const void *ctx)
{
	(void)ctx;
	return false;
}

/* Keys and another size are answered at once. */
static int pause_until(struct top *top, uint64_t until_ms)
{
	enum cli_wait outcome = CLI_WAIT_WOKEN;
	int r = 0;

	while (r == 0 && outcome == CLI_WAIT_WOKEN && !top->is_over) {
		r = wait_for(top, never, until_ms, &outcome);
		if (r == 0 && outcome == CLI_WAIT_WOKEN && !top->is_over)
			r = show(top);
	}
	return r;
}

/* Rates take two samples; a terminal shows the first one meanwhile. */
static int run(struct top *top)
{
	struct cli *cli = top->cli;
	bool is_picture = cli->out.is_tty && !cli->out.is_json;
	bool is_endless = is_picture || cli->out.is_json;
	uint32_t left = is_endless ? UINT32_MAX : 1;
	uint64_t next_ms = clock_now_ms();
	bool has_before;
	int r = 0;

	if (cli->opt.given[OPTION_COUNT])
		left = cli->opt.count;
	while (r == 0 && left > 0 && !top->is_over) {
		has_before = top->shown != NULL;
		r = sample(top);
		if (r == 0 && !top->is_over && (is_picture || has_before)) {
			r = show(top);
			left--;
		}
		next_ms += EVERY_MS;
		if (r == 0 && left > 0)
			r = pause_until(top, next_ms);
	}
	return r;
}

int cmd_top(struct cli *cli)
{
	struct top *top;
	int r = cli_open(cli);

	if (r != 0)
		return r;
	top = calloc(1, sizeof(*top));
	if (!top)
		return cli_fail_errno(cli, -ENOMEM, "the picture");
	top->cli = cli;
	out_progress(&cli->out, "asking the daemon");
	r = bh_events(cli->client, true, true, on_event, NULL, top);
	if (r == 0 && cli->out.is_tty && !cli->out.is_json)
		r = screen_on(&top->screen, cli->out.stream);
	cli->wake_fd = top->screen.wake_fd;
	r = r < 0 ? cli_fail_errno(cli, r, "the terminal") : run(top);
	screen_off(&top->screen, cli->out.stream);
	cli->wake_fd = 0;
	/* Answers to what is open come in here. */
	cli_close(cli);
	topdata_free(top->now);
	topdata_free(top->shown);
	free(top);
	return r;
}
