/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/class.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum {
	LINK_TIMEOUT_MS = 30000,
	GRACE_MS = 1000, /* for the daemon's own verdict at the deadline: it knows why */
};

uint32_t link_timeout_ms(const struct cli *cli)
{
	return cli_timeout_ms(cli, LINK_TIMEOUT_MS);
}

static void remember(struct link *link, enum bh_class class, const char *text)
{
	link->why_class = class;
	(void)snprintf(link->why_text, sizeof(link->why_text), "%s", text ? text : "");
}

void link_event(struct cli *cli, const char *event, const char *adapter, enum bh_class class,
		const char *text)
{
	uint64_t now_ms = clock_wall_ms();
	char clock[WORDS_SHORT_LEN];
	json_t *object;

	if (!cli->out.is_json) {
		words_clock(now_ms, clock);
		cli_note(cli, "%s %s%s%s%s%s", clock, event, adapter && *adapter ? " " : "",
			 adapter ? adapter : "", text && *text ? ": " : "", text ? text : "");
		return;
	}
	object = json_object();
	(void)json_object_set_new(object, "event", json_string(event));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)now_ms));
	(void)json_object_set_new(object, "address", json_string(cli->address));
	if (adapter && *adapter)
		(void)json_object_set_new(object, "adapter", out_string(adapter));
	if (class != BH_CLASS_NONE)
		(void)json_object_set_new(object, "class", out_string(bh_class_name(class)));
	if (text && *text)
		(void)json_object_set_new(object, "text", out_string(text));
	out_json(&cli->out, object);
}

static void show_news(struct link *link, const struct bh_session_news *news)
{
	static const char *const names[] = {
		[BH_SESSION_MOVED] = "moved",	      [BH_SESSION_WAITS] = "waits",
		[BH_SESSION_LINK_LOST] = "link-lost", [BH_SESSION_CLOSED] = "closed",
		[BH_SESSION_LINK_BACK] = "link-back", [BH_SESSION_GAP] = "gap",
	};

	/* That the daemon went is told by cli_stay(). */
	if (news->event == BH_SESSION_WAITS && news->error == BH_CLASS_NO_DAEMON)
		return;
	if ((size_t)news->event < ARRAY_LEN(names) && link->shows_events)
		link_event(link->cli, names[news->event], news->adapter, news->error, news->text);
}

static void on_news(void *ctx, struct bh_session *session, const struct bh_session_news *news)
{
	struct link *link = ctx;
	struct out *out = &link->cli->out;

	(void)session;
	link->is_waiting = news->event == BH_SESSION_WAITS;
	show_news(link, news);
	switch (news->event) {
	case BH_SESSION_MOVED:
		if (out->progress[0] != '\0')
			out_progress(out, "%s of %s on %s", link->what, link->cli->address,
				     news->adapter);
		return;
	case BH_SESSION_WAITS:
		remember(link, news->error, news->text);
		if (out->progress[0] != '\0')
			out_progress(out, "waiting: %s", news->text);
		return;
	case BH_SESSION_LINK_BACK:
	case BH_SESSION_GAP:
		return;
	case BH_SESSION_LINK_LOST:
		link->is_lost = !news->resumes;
		remember(link, news->error, news->text);
		return;
	case BH_SESSION_CLOSED:
		link->is_closed = true;
		remember(link, news->error, news->text);
		return;
	}
}

static void on_opened(void *ctx, const struct bh_result *result)
{
	struct link *link = ctx;

	reply_take(&link->opened, result);
	link->is_waiting = false;
	/* Nobody else says it where no link is asked for. */
	if (link->is_on_demand)
		(void)snprintf(link->connected.adapter, sizeof(link->connected.adapter), "%s",
			       link->opened.adapter);
	if (result->error == BH_CLASS_NONE && link->cli->out.progress[0] != '\0')
		out_progress(&link->cli->out, "connecting to %s on %s", link->cli->address,
			     result->adapter ? result->adapter : "?");
}

static void on_connected(void *ctx, const struct bh_result *result)
{
	struct link *link = ctx;

	reply_take(&link->connected, result);
	if (result->error == BH_CLASS_NONE && link->cli->out.progress[0] != '\0')
		out_progress(&link->cli->out, "%s of %s", link->what, link->cli->address);
}

static int open_session(struct link *link, const char *what)
{
	struct cli *cli = link->cli;
	int r;

	(void)snprintf(link->what, sizeof(link->what), "%s", what);
	out_progress(&cli->out, "looking for %s", cli->address);
	bh_fail_fast(cli->client, cli->opt.given[OPTION_FAIL_FAST]);
	r = bh_session_open(&link->session, cli->client, link->address, cli->opt.adapter,
			    link_timeout_ms(cli), on_news, on_opened, link);
	return r < 0 ? cli_fail_errno(cli, r, "opening a session") : 0;
}

int link_start_on_demand(struct link *link, const char *what)
{
	int r;

	link->is_on_demand = true;
	link->connected.is_done = true;
	r = open_session(link, what);
	if (r == 0)
		bh_fresh(link->session, link->cli->opt.given[OPTION_FRESH]);
	return r;
}

int link_start(struct link *link, const char *what)
{
	struct cli *cli = link->cli;
	int r = open_session(link, what);

	if (r != 0)
		return r;
	bh_exclusive(link->session, cli->opt.given[OPTION_EXCLUSIVE]);
	r = bh_connect_checked(link->session, link_timeout_ms(cli), cli->opt.checks,
			       cli->opt.n_checks, on_connected, link);
	return r < 0 ? cli_fail_errno(cli, r, "connecting") : 0;
}

/*
 * The first step that failed. The time of all of them ends in one instant, and the one that holds
 * the others up knows why: a later one's "deadline" is not looked at before it has answered.
 */
const struct reply *link_failure(const struct link *link)
{
	const struct reply *all[] = { &link->opened, &link->connected, link->last };
	size_t i;

	for (i = 0; i < ARRAY_LEN(all) && all[i] && all[i]->is_done; i++)
		if (all[i]->error != BH_CLASS_NONE)
			return all[i];
	return NULL;
}

static bool is_over(const void *ctx)
{
	const struct link *link = ctx;
	bool is_through = link->opened.is_done && link->connected.is_done && link->last->is_done;

	return is_through || link_failure(link) || link->is_closed;
}

int link_try(struct link *link, const struct reply *last, enum cli_wait *out_wait)
{
	uint64_t until_ms = clock_now_ms() + link_timeout_ms(link->cli) + GRACE_MS;

	link->last = last;
	*out_wait = cli_wait(link->cli, is_over, link, until_ms);
	out_progress_end(&link->cli->out);
	if (*out_wait != CLI_WAIT_OVER || link_failure(link) || !last->is_done)
		return 1;
	return 0;
}

static int report_deadline(struct link *link)
{
	char text[320];
	char waited[WORDS_SHORT_LEN];
	const char *doing = link->what;
	enum bh_class class = BH_CLASS_DEADLINE;

	words_duration(link_timeout_ms(link->cli), waited);
	if (!link->opened.is_done)
		doing = "looking for it";
	else if (!link->connected.is_done)
		doing = "connecting";
	(void)snprintf(text, sizeof(text), "%s took more than %s", doing, waited);
	if (link->is_waiting) {
		class = link->why_class;
		(void)snprintf(text, sizeof(text), "%s (waited %s)", link->why_text, waited);
	}
	return cli_fail(link->cli, class, text, class_advice((enum err_class) class));
}

int link_report(struct link *link, enum cli_wait outcome)
{
	const struct reply *failure = link_failure(link);

	link->cli->has_cost = true;
	if (failure)
		link->cli->cost = failure->timings;
	if (outcome == CLI_WAIT_OVER && failure)
		return reply_fail(link->cli, failure);
	if (outcome == CLI_WAIT_OVER)
		return cli_fail(link->cli, link->why_class, link->why_text,
				class_advice((enum err_class)link->why_class));
	if (outcome == CLI_WAIT_DEADLINE)
		return report_deadline(link);
	return cli_fail_wait(link->cli, outcome, link->what);
}

int link_wait(struct link *link, const struct reply *last)
{
	enum cli_wait outcome;

	if (link_try(link, last, &outcome) == 0)
		return 0;
	return link_report(link, outcome);
}

void link_end(struct link *link)
{
	link->session = bh_session_close(link->session);
}

json_t *link_json(const struct link *link, const struct bh_timings *timings)
{
	const struct bh_timings *connect = &link->connected.timings;
	json_t *object = json_object();
	struct bh_timings all = *timings;

	/* One that used a link tells also what that cost; sent at once, both waited for the same.
	 */
	if (all.connect_ms + all.services_ms + all.queue_ms == 0) {
		all.queue_ms = connect->queue_ms;
		all.connect_ms = connect->connect_ms;
		all.services_ms = connect->services_ms;
	}
	(void)json_object_set_new(object, "address", json_string(link->cli->address));
	(void)json_object_set_new(object, "adapter", out_string(link->connected.adapter));
	out_timings(object, &all);
	return object;
}
