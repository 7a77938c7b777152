/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs come to subscriptions and leave them; worker/notify.h. */
#include "worker/notify_state.h"

#include "worker/gatt.h"
#include "worker/resume.h"

static bool is_on(const struct sub *sub)
{
	return sub->state == SUB_SOCKET || sub->state == SUB_SIGNALS;
}

/* A new one, or the one that the request was before its link went. */
static struct subscriber *make(struct request *request)
{
	struct seat *seat = request->seat;
	struct subscriber *s = notify_find(seat, request->id);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->seat = seat;
	s->id = request->id;
	s->next_seq = 1;
	s->resumes = request->resume;
	s->silence_ms = request->silence_ms;
	s->has_uuid = request->has_uuid;
	s->uuid = request->uuid;
	s->handle = request->handle;
	TAILQ_INIT(&s->backlog);
	TAILQ_INSERT_TAIL(&seat->subscribers, s, on_seat);
	seat->n_subscribers++;
	return s;
}

bool notify_subscribe(struct link *link, struct request *request)
{
	const struct gatt_chrc *chrc =
		gatt_target(link, request, GATT_NOTIFY | GATT_INDICATE, "does not notify");
	struct subscriber *s;
	struct sub *sub;
	bool is_new;

	if (!chrc)
		return true;
	sub = sub_find(link, chrc->handle);
	is_new = !sub;
	if (is_new)
		sub = sub_new(link, chrc);
	s = sub ? make(request) : NULL;
	if (!s) {
		request_fail(request, CLASS_INTERNAL, "out of memory");
		if (is_new && sub)
			sub_free(sub);
		return true;
	}
	s->sub = sub;
	s->request = request;
	TAILQ_INSERT_TAIL(&sub->subscribers, s, on_sub);
	request->state = REQUEST_HELD;
	request_issued(request);
	if (is_new)
		sub_start(sub);
	else if (is_on(sub))
		sub_tell_done(sub);
	return true;
}

struct subscriber *notify_find(const struct seat *seat, uint32_t id)
{
	struct subscriber *s;

	TAILQ_FOREACH(s, &seat->subscribers, on_seat)
	if (s->id == id)
		return s;
	return NULL;
}

/* A program leaves a subscription; the last one ends it. */
static void leave(struct subscriber *s)
{
	struct sub *sub = s->sub;

	subscriber_free(s);
	if (!sub)
		return;
	/* A call under way is answered first: its callback sees that nobody is left. */
	if (TAILQ_EMPTY(&sub->subscribers) && is_on(sub) && !sub->call)
		sub_stop(sub);
	else
		quiet_review(sub);
}

void notify_unsubscribe(struct request *request)
{
	struct subscriber *s = notify_find(request->seat, request->subscription);

	if (!s) {
		request_fail(request, CLASS_INVALID, "there is no such subscription");
		return;
	}
	if (s->request && s->request->is_own) {
		request_drop(s->request, false);
	} else {
		if (s->request)
			subscriber_tell_end(s, CLASS_CANCELLED, "it was ended before it began");
		leave(s);
	}
	request_done(request, 0);
}

void notify_cancel(struct seat *seat, uint32_t id)
{
	struct subscriber *s = notify_find(seat, id);

	if (!s)
		return;
	subscriber_tell_end(s, CLASS_CANCELLED, "the program gave it up");
	leave(s);
}

void notify_revoke(struct seat *seat, const char *text)
{
	struct request *request = TAILQ_FIRST(&seat->requests);
	struct request *next;
	struct subscriber *s;

	for (; request; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->type == BH__TYPE__SUBSCRIBE && !request->is_own)
			request_fail(request, CLASS_DENIED, text);
	}
	while ((s = TAILQ_FIRST(&seat->subscribers))) {
		subscriber_tell_end(s, CLASS_DENIED, text);
		if (s->request)
			request_drop(s->request, false);
		else
			leave(s);
	}
}

void notify_forget_request(struct request *request)
{
	struct subscriber *s = notify_find(request->seat, request->id);

	if (!s || s->request != request)
		return;
	s->request = NULL;
	leave(s);
}

void notify_drop_seat(struct seat *seat)
{
	struct subscriber *s;

	resume_end(seat);
	while ((s = TAILQ_FIRST(&seat->subscribers))) {
		s->request = NULL;
		leave(s);
	}
}

bool notify_is_on_link(const struct seat *seat)
{
	const struct subscriber *s;

	TAILQ_FOREACH(s, &seat->subscribers, on_seat)
	if (s->sub)
		return true;
	return false;
}

void notify_acknowledged(struct seat *seat, uint32_t id, uint64_t seq)
{
	struct subscriber *s = notify_find(seat, id);

	/* More than it was given is a mistake of its own: its credit is not larger for it. */
	if (!s || seq <= s->taken_seq || seq >= s->next_seq)
		return;
	s->taken_seq = seq;
	fanout_more(s);
}

void notify_drained(struct seat *seat)
{
	struct subscriber *s;

	TAILQ_FOREACH(s, &seat->subscribers, on_seat)
	fanout_more(s);
}

void notify_rules_changed(struct link *link)
{
	struct sub *sub;

	TAILQ_FOREACH(sub, &link->subs, entry)
	if (is_on(sub))
		quiet_review(sub);
}

void notify_drop_link_why(struct link *link, enum err_class class, const char *text)
{
	struct sub *sub;

	while ((sub = TAILQ_FIRST(&link->subs)))
		sub_fail(sub, class, text);
}

void notify_drop_link(struct link *link)
{
	notify_drop_link_why(link, CLASS_CANCELLED, "the worker ends");
}

/*
 * bluetoothd forgets us first and tells the peripheral then: what that sends meanwhile is dropped
 * there, seen in the lab.
 */
void sub_tell_gap(struct sub *sub)
{
	struct subscriber *s;

	notify_flush(sub->link->w->links);
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	if (s->seat)
		seat_tell_gap(s->seat);
}

static void on_left(void *ctx, const struct bus_result *result)
{
	struct sub *sub = ctx;
	struct link *link = sub->link;

	(void)result;
	sub->call = NULL;
	sub_catch_up(sub);
	sub_close_socket(sub);
	sub_tell_gap(sub);
	if (TAILQ_EMPTY(&sub->subscribers))
		sub_free(sub);
	else
		sub_start(sub);
	link_review(link);
}

/*
 * BlueZ is asked to end it, and its answer is awaited: a socket that we close has values in it that
 * nobody would count, and one that is open when its sender leaves the bus has crashed bluetoothd
 * (contrib/lab/README.md). What may be missing in between is told.
 */
static void renew(struct sub *sub)
{
	if (sub_call(sub, "StopNotify", on_left) == 0) {
		sub->is_leaving = true;
		return;
	}
	sub_close_socket(sub);
	sub_tell_gap(sub);
	sub_start(sub);
}

void notify_renew_link(struct link *link)
{
	struct sub *next;
	struct sub *sub;

	if (link->state != LINK_UP)
		return;
	for (sub = TAILQ_FIRST(&link->subs); sub; sub = next) {
		next = TAILQ_NEXT(sub, entry);
		if (is_on(sub) && !sub->call)
			renew(sub);
	}
}
