/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values by signal: StartNotify, who else has it, and the signals; worker/notify_state.h.
 *
 * bluetoothd sends a signal for each session on a characteristic, to everybody: with two of them
 * every value comes twice, and nothing tells that from two equal values. So we have one only where
 * nobody else does, and are the guest of who does: a program, or a StartNotify of a worker that was
 * killed under it, whose session bluetoothd keeps for good (contrib/lab/README.md). That somebody
 * has it on is seen by Notifying: it comes on before the answer, or was on.
 */
#include "worker/notify_state.h"

#include "worker/gatt.h"

#include <string.h>

/* A session survives its link. */
static bool is_alone(const struct sub *sub)
{
	const struct gatt_chrc *chrc = sub_chrc(sub);

	return sub->notifying == SUB_NOTIFYING_ON || (chrc && chrc->has_session);
}

static void begin(struct sub *sub, bool is_guest)
{
	struct gatt_chrc *chrc = sub_chrc(sub);

	if (chrc)
		chrc->has_session = !is_guest;
	sub->state = SUB_SIGNALS;
	sub->is_guest = is_guest;
	sub->is_leaving = false;
	/* It was had before, and what came while there were two sessions was not passed on. */
	if (is_guest && sub->was_on)
		sub_tell_gap(sub);
	sub_tell_done(sub);
}

static void on_yielded(void *ctx, const struct bus_result *result)
{
	struct sub *sub = ctx;
	struct link *link = sub->link;

	(void)result;
	sub->call = NULL;
	if (TAILQ_EMPTY(&sub->subscribers))
		sub_free(sub);
	else if (sub->notifying == SUB_NOTIFYING_OFF)
		sub_start_signals(sub); /* whoever had it has gone */
	else
		begin(sub, true);
	link_review(link);
}

static void yield(struct sub *sub)
{
	sub->state = SUB_YIELDING;
	sub->notifying = SUB_NOTIFYING_UNSAID;
	if (sub_call(sub, "StopNotify", on_yielded) < 0)
		begin(sub, false);
}

static void on_started(void *ctx, const struct bus_result *result)
{
	struct sub *sub = ctx;
	struct link *link = sub->link;

	sub->call = NULL;
	if (!result->reply && sub_clear_leftover(sub, result))
		return;
	if (!result->reply) {
		sub_fail(sub, result->class, result->text);
	} else if (TAILQ_EMPTY(&sub->subscribers)) {
		sub->state = SUB_SIGNALS;
		sub_stop(sub);
	} else if (is_alone(sub)) {
		begin(sub, false);
	} else {
		yield(sub);
	}
	link_review(link);
}

void sub_start_signals(struct sub *sub)
{
	sub->state = SUB_STARTING;
	sub->notifying = SUB_NOTIFYING_UNSAID;
	sub->is_guest = false;
	sub_want_values(sub, true);
	if (sub_call(sub, "StartNotify", on_started) < 0)
		sub_fail(sub, CLASS_BLUEZ_GONE, "the subscription could not be sent");
}

void notify_notifying(struct links *links, uint64_t addr, uint16_t chrc, bool is_on, bool is_left)
{
	struct link *link = links_find(links, addr);
	struct sub *sub = link ? sub_find(link, chrc) : NULL;

	if (!sub || is_left)
		return;
	sub->notifying = is_on ? SUB_NOTIFYING_ON : SUB_NOTIFYING_OFF;
	if (is_on || sub->state != SUB_SIGNALS || sub->call)
		return;
	/* Our host has ended it. */
	sub_tell_gap(sub);
	sub_start(sub);
	link_review_later(link, 0);
}

void notify_flush(struct links *links)
{
	struct sub *sub = TAKE_PTR(links->due);
	struct span values[NOTIFY_READS_MAX];
	const struct value *v;
	size_t n = 0;

	if (!sub)
		return;
	TAILQ_FOREACH(v, &sub->due, entry)
	values[n++] = (struct span){ .data = v->data, .len = v->len };
	fanout_values(sub, values, n);
	sub_drop_values(&sub->due);
	sub->n_due = 0;
}

/*
 * Before StartNotify is answered a value is of an older link, but where this one had them on. While
 * the bus connection changes both hear all there is, each in its own time: until StopNotify is
 * answered the old one says what came, then the new one from its answer on.
 */
static bool takes_signals(const struct sub *sub, bool is_left)
{
	if (sub->state == SUB_SIGNALS)
		return sub->is_leaving == is_left;
	return sub->state == SUB_STARTING && sub->was_on && !sub->is_leaving && !is_left;
}

/*
 * dbus-daemon sends one signal after the other, and a program's wake-up costs more than all that is
 * done for a value here: those that one wake-up of ours finds are one message. Only of one
 * subscription at a time, so that the order among several stays.
 */
void notify_value(struct links *links, uint64_t addr, uint16_t chrc, const void *data, size_t len,
		  bool is_left)
{
	struct link *link = links_find(links, addr);
	struct sub *sub = link ? sub_find(link, chrc) : NULL;
	const struct span value = { .data = data, .len = len };

	if (!sub || !takes_signals(sub, is_left) || len > SUB_VALUE_MAX)
		return;
	/* It may be the echo of our own read: the answer, which comes next, tells. */
	if (gatt_is_reading(link, chrc) && fanout_keep(&sub->held, &value))
		return;
	if (links->due != sub)
		notify_flush(links);
	if (!fanout_keep(&sub->due, &value)) {
		notify_flush(links);
		fanout_values(sub, &value, 1);
		return;
	}
	links->due = sub;
	if (++sub->n_due == NOTIFY_READS_MAX)
		notify_flush(links);
}

static bool is_same(const struct value *v, const void *data, size_t len)
{
	return data && v->len == len && memcmp(v->data, data, len) == 0;
}

void notify_read_answered(struct link *link, uint16_t chrc, const void *data, size_t len)
{
	struct sub *sub = sub_find(link, chrc);
	struct value *echo = NULL;
	struct value *v;

	if (!sub || TAILQ_EMPTY(&sub->held))
		return;
	TAILQ_FOREACH(v, &sub->held, entry)
	if (is_same(v, data, len))
		echo = v;
	TAILQ_FOREACH(v, &sub->held, entry)
	{
		const struct span value = { .data = v->data, .len = v->len };

		if (v != echo)
			fanout_values(sub, &value, 1);
	}
	sub_drop_values(&sub->held);
}
