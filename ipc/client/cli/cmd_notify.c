/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/cmd_notify.c - `bleherd notify`: the values that a characteristic notifies.
 *
 *   start ──► subscribed ──► values ──count, duration──► 0
 *     ▲                        │ link lost, session closed
 *     └──── --reconnect ───────┴──► 1
 *
 * With --reconnect the daemon has a lost link again by itself; a new try is for what that gives up.
 * A move to another worker is an event and nothing else. A new try takes a new session: answers to
 * the old one end with it.
 */
#include <stdio.h>

#include "ipc/class.h"
#include "ipc/client/cli/link.h"
#include "ipc/client/cli/value.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum { RETRY_MIN_MS = 1000, RETRY_MAX_MS = 30000 };

struct notify {
	struct cli *cli;
	struct link link;
	struct bh_uuid uuid;
	struct reply subscribed;
	struct reply ended; /* the subscription, after it was there */
	uint64_t count;	    /* values in all */
	uint64_t base_seq;  /* what was numbered before the last reconnect */
	uint64_t last_seq;
	uint64_t until_ms; /* 0: no --duration */
	uint32_t retry_ms;
};

static void value_object(struct notify *notify, const uint8_t *value, size_t len, uint32_t lost)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "address", json_string(notify->cli->address));
	(void)json_object_set_new(object, "uuid", json_string(notify->cli->uuid));
	(void)json_object_set_new(object, "seq", json_integer((json_int_t)notify->last_seq));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)clock_wall_ms()));
	value_json(object, value, len);
	if (lost > 0)
		(void)json_object_set_new(object, "lost", json_integer(lost));
	out_json(&notify->cli->out, object);
}

static bool is_enough(const struct notify *notify)
{
	return notify->cli->opt.given[OPTION_COUNT] && notify->count >= notify->cli->opt.count;
}

static void on_value(void *ctx, const uint8_t *value, size_t len, uint64_t seq, uint32_t lost)
{
	struct notify *notify = ctx;
	struct cli *cli = notify->cli;
	char clock[WORDS_SHORT_LEN];

	/* What came in the same datagram as the last one wanted. */
	if (is_enough(notify))
		return;
	notify->count++;
	notify->last_seq = notify->base_seq + seq;
	if (cli->out.is_json) {
		value_object(notify, value, len, lost);
		return;
	}
	if (lost > 0)
		cli_note(cli, "%u values were lost before the next", lost);
	words_clock(clock_wall_ms(), clock);
	(void)fprintf(cli->out.stream, "%6llu  %s  ", (unsigned long long)notify->last_seq, clock);
	value_write_line(cli->out.stream, value, len);
}

static void on_subscribed(void *ctx, const struct bh_result *result)
{
	struct notify *notify = ctx;

	reply_take(notify->subscribed.is_done ? &notify->ended : &notify->subscribed, result);
}

/* A session, a link and the subscription: 0, or 1 with the outcome of the wait. */
static int subscribe(struct notify *notify, enum cli_wait *out_wait, int *out_status)
{
	struct cli *cli = notify->cli;
	struct bh_subscribe_options options = { .silence_ms = 0 };
	struct link *link = &notify->link;
	int r;

	link_end(link);
	*link = LINK_INIT(cli, link->address);
	link->shows_events = true;
	notify->subscribed = (struct reply){ .is_done = false };
	notify->ended = (struct reply){ .is_done = false };
	notify->base_seq = notify->last_seq;
	*out_wait = CLI_WAIT_GONE;
	r = link_start(link, "subscribing");
	if (r != 0) {
		*out_status = r;
		return 1;
	}
	options.resumes = cli->opt.given[OPTION_RECONNECT];
	r = bh_subscribe_with(link->session, &notify->uuid, link_timeout_ms(cli), &options,
			      on_value, on_subscribed, notify, NULL);
	if (r < 0) {
		*out_status = cli_fail_errno(cli, r, "subscribing");
		return 1;
	}
	*out_status = 0;
	r = link_try(link, &notify->subscribed, out_wait);
	if (r == 0)
		link_event(cli, "subscribed", link->connected.adapter, BH_CLASS_NONE, NULL);
	return r;
}

static bool is_over(const void *ctx)
{
	const struct notify *notify = ctx;

	return is_enough(notify) || notify->link.is_lost || notify->link.is_closed ||
	       notify->ended.is_done;
}

static int time_is_up(struct notify *notify)
{
	struct cli *cli = notify->cli;
	char text[80];

	if (!cli->opt.given[OPTION_COUNT])
		return CLI_DONE;
	(void)snprintf(text, sizeof(text), "%llu of %u values came in time",
		       (unsigned long long)notify->count, cli->opt.count);
	return cli_fail(cli, BH_CLASS_DEADLINE, text, "allow more time: --duration");
}

/*
 * The end of the subscription comes before the news of the link, and the session that would bring
 * those is about to be closed: the event is made here.
 */
static void tell_end(struct notify *notify)
{
	const struct reply *ended = &notify->ended;
	const char *event = ended->error == BH_CLASS_LINK_LOST ? "link-lost" : "ended";

	if (ended->is_done && !notify->link.is_lost && !notify->link.is_closed)
		link_event(notify->cli, event, notify->link.connected.adapter, ended->error,
			   ended->text);
}

static int report_end(struct notify *notify)
{
	struct link *link = &notify->link;
	enum bh_class class = link->why_class;

	/* The subscription's own end says more than the link's, where both are there. */
	if (notify->ended.is_done && notify->ended.error != BH_CLASS_NONE)
		return reply_fail(notify->cli, &notify->ended);
	if (class == BH_CLASS_NONE)
		class = BH_CLASS_LINK_LOST;
	return cli_fail(notify->cli, class, link->why_text, class_advice((enum err_class) class));
}

static bool never(const void *ctx)
{
	(void)ctx;
	return false;
}

/* What a new try cannot change. */
static bool is_hopeless(enum bh_class class)
{
	return class == BH_CLASS_GATT_MISSING || class == BH_CLASS_GATT_REFUSED ||
	       class == BH_CLASS_NO_DAEMON || class == BH_CLASS_INVALID || class == BH_CLASS_AUTH ||
	       class == BH_CLASS_KEY_MISSING;
}

/* After a try that failed: waits a while. 0 to try again, else the exit status, told. */
static int wait_to_retry(struct notify *notify, enum cli_wait outcome)
{
	const struct reply *failure = link_failure(&notify->link);
	struct cli *cli = notify->cli;
	uint64_t at_ms = clock_now_ms() + notify->retry_ms;
	bool ends_before = notify->until_ms != 0 && notify->until_ms < at_ms;

	if (outcome == CLI_WAIT_STOP || outcome == CLI_WAIT_GONE ||
	    (failure && is_hopeless(failure->error)))
		return link_report(&notify->link, outcome);
	link_event(cli, "retries", NULL, failure ? failure->error : BH_CLASS_DEADLINE,
		   failure ? failure->text : "no answer in time");
	link_end(&notify->link);
	notify->retry_ms =
		notify->retry_ms * 2 < RETRY_MAX_MS ? notify->retry_ms * 2 : RETRY_MAX_MS;
	outcome = cli_wait(cli, never, NULL, ends_before ? notify->until_ms : at_ms);
	if (outcome != CLI_WAIT_DEADLINE)
		return cli_fail_wait(cli, outcome, "the next try");
	return 0;
}

static bool is_time_up(const struct notify *notify)
{
	return notify->until_ms != 0 && clock_now_ms() >= notify->until_ms;
}

/* Connects anew until it works; 0, else the exit status, told. */
static int reconnect(struct notify *notify)
{
	enum cli_wait outcome;
	int status;
	int r;

	notify->retry_ms = RETRY_MIN_MS;
	while (!is_time_up(notify)) {
		if (subscribe(notify, &outcome, &status) == 0)
			return 0;
		r = status != 0 ? status : wait_to_retry(notify, outcome);
		if (r != 0)
			return r;
	}
	return 0;
}

static int watch(struct notify *notify)
{
	struct cli *cli = notify->cli;
	enum cli_wait outcome;
	int r;

	for (;;) {
		outcome = cli_wait(cli, is_over, notify, notify->until_ms);
		if (outcome == CLI_WAIT_OVER && is_enough(notify))
			return CLI_DONE;
		if (outcome == CLI_WAIT_DEADLINE)
			return time_is_up(notify);
		if (outcome != CLI_WAIT_OVER)
			return cli_fail_wait(cli, outcome, "values");
		tell_end(notify);
		if (!cli->opt.given[OPTION_RECONNECT] || is_hopeless(notify->ended.error))
			return report_end(notify);
		r = reconnect(notify);
		if (r != 0)
			return r;
	}
}

static int notify_with(struct notify *notify)
{
	struct cli *cli = notify->cli;
	enum cli_wait outcome;
	int status;

	if (subscribe(notify, &outcome, &status) != 0)
		return status != 0 ? status : link_report(&notify->link, outcome);
	if (cli->opt.given[OPTION_DURATION])
		notify->until_ms = clock_now_ms() + cli->opt.duration_ms;
	return watch(notify);
}

int cmd_notify(struct cli *cli)
{
	struct notify notify = { .cli = cli };
	uint64_t address;
	int r;

	r = cli_arg_address(cli, cli->args[0], &address);
	if (r == 0)
		r = cli_arg_uuid(cli, cli->args[1], &notify.uuid);
	if (r != 0)
		return r;
	r = cli_open(cli);
	if (r != 0)
		return r;
	cli_stay(cli);
	notify.link = LINK_INIT(cli, address);
	r = notify_with(&notify);
	link_end(&notify.link);
	cli_close(cli);
	return r;
}
