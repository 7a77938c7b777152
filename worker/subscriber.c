/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs come to subscriptions and leave them; worker/notify.h. */
#include "worker/notify_state.h"

#include "worker/gatt.h"

static bool is_on(const struct sub *sub)
{
	return sub->state == SUB_SOCKET || sub->state == SUB_SIGNALS;
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
	s = sub ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		request_fail(request, CLASS_INTERNAL, "out of memory");
		if (is_new && sub)
			sub_free(sub);
		return true;
	}
	s->seat = request->seat;
	s->sub = sub;
	s->id = request->id;
	s->request = request;
	s->next_seq = 1;
	TAILQ_INIT(&s->backlog);
	TAILQ_INSERT_TAIL(&sub->subscribers, s, on_sub);
	TAILQ_INSERT_TAIL(&s->seat->subscribers, s, on_seat);
	s->seat->n_subscribers++;
	request->state = REQUEST_HELD;
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
	/* A call under way is answered first: its callback sees that nobody is left. */
	if (TAILQ_EMPTY(&sub->subscribers) && is_on(sub))
		sub_stop(sub);
}

void notify_unsubscribe(struct request *request)
{
	struct subscriber *s = notify_find(request->seat, request->subscription);

	if (!s) {
		request_fail(request, CLASS_INVALID, "there is no such subscription");
		return;
	}
	if (s->request)
		subscriber_tell_end(s, CLASS_CANCELLED, "it was ended before it began");
	leave(s);
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

	while ((s = TAILQ_FIRST(&seat->subscribers))) {
		s->request = NULL;
		leave(s);
	}
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

void notify_renew_link(struct link *link)
{
	struct sub *next;
	struct sub *sub;

	if (link->state != LINK_UP)
		return;
	for (sub = TAILQ_FIRST(&link->subs); sub; sub = next) {
		next = TAILQ_NEXT(sub, entry);
		if (!is_on(sub))
			continue;
		sub_close_socket(sub);
		sub_start(sub);
	}
}
