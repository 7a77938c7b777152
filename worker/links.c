/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of links: how they come to be, and go; worker/link.h. */
#include "worker/link.h"

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "worker/acquire_write.h"
#include "worker/notify.h"

#include <stdio.h>

enum { TELL_MS = 50 };

static void on_tell(struct deadline *deadline)
{
	struct worker *w = container_of(deadline, struct links, tell)->w;

	if (w->n_attempts != w->told_attempts || w->n_links != w->told_links)
		worker_state_due(w);
}

/*
 * A quick attempt is not worth a message, it is over before anybody could choose differently, and
 * the number of links goes with the news of one: what is told later has mostly been told by then.
 */
void links_tell_soon(struct links *links)
{
	if (!links->tell.is_set)
		deadline_set(links->w->deadlines, &links->tell, clock_now_ms() + TELL_MS);
}

static struct link **bucket_of(const struct links *links, uint64_t addr)
{
	uint64_t h = addr * 0x9e3779b97f4a7c15u;

	return (struct link **)(uintptr_t)&links->buckets[h >> 56];
}

void links_each(struct links *links, void (*each)(struct link *link, void *ctx), void *ctx)
{
	struct link *link;
	size_t i;

	for (i = 0; i < ARRAY_LEN(links->buckets); i++)
		for (link = links->buckets[i]; link; link = link->next)
			each(link, ctx);
}

struct link *links_find(const struct links *links, uint64_t addr)
{
	struct link *link = *bucket_of(links, addr);

	while (link && link->addr != addr)
		link = link->next;
	return link;
}

uint32_t link_new_token(struct link *link)
{
	link->token = ++link->w->links->last_token;
	if (link->token == 0)
		link->token = ++link->w->links->last_token;
	return link->token;
}

void link_tell(struct link *link, uint16_t type)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	Bh__Ctl__Link msg = BH__CTL__LINK__INIT;

	msg.has_address = msg.has_random = 1;
	msg.address = link->addr;
	msg.random = link->is_random;
	msg.has_only_failure = 1;
	msg.only_failure = link->state == LINK_ENDING && device && device->is_connected;
	port_send(link->w->up, type, link_new_token(link), 0, &msg.base);
}

void link_tell_event(const struct link *link, const char *kind, uint32_t session,
		     enum err_class class, const char *text)
{
	Bh__Event event = BH__EVENT__INIT;

	event.kind = (char *)(uintptr_t)kind;
	event.has_address = event.has_session = event.has_class_ = 1;
	event.address = link->addr;
	event.session = session;
	event.class_ = (Bh__Class) class;
	event.text = (char *)(uintptr_t)text;
	port_send(link->w->up, BH__CTL__TYPE__EVENT, 0, 0, &event.base);
}

static void on_refused(struct link *link, Bh__Lock__Reason reason)
{
	if (reason == BH__LOCK__REASON__REASON_ADAPTER_GONE)
		link_event_why(link, LINK_EV_REFUSED, CLASS_ADAPTER_GONE,
			       "the arbiter does not know the adapter");
	else if (reason == BH__LOCK__REASON__REASON_LIMIT)
		link_event_why(link, LINK_EV_REFUSED, CLASS_LIMIT,
			       "too many wait for the adapter already");
	else
		link_event_why(link, LINK_EV_REFUSED, CLASS_LOCK_TIMEOUT,
			       "the arbiter refused the lock");
}

static void on_lock(struct lock *lock, enum lock_outcome outcome)
{
	struct link *link = container_of(lock, struct link, lock);

	switch (outcome) {
	case LOCK_GRANTED:
		link_event(link, LINK_EV_GRANTED);
		break;
	case LOCK_WANTED: /* an attempt is short and given back at its end in any case */
		break;
	case LOCK_TIMED_OUT:
		link_event_why(link, LINK_EV_REFUSED, CLASS_LOCK_TIMEOUT,
			       "the adapter was not free in time");
		break;
	case LOCK_REFUSED:
		on_refused(link, lock->reason);
		break;
	case LOCK_FENCED:
		link_fence(link, lockc_over(lock));
		if (link_is_wanted(link))
			link_event(link, LINK_EV_UNDER);
		break;
	case LOCK_REVOKED: /* held until BlueZ has answered, or until LOST */
	case LOCK_LOST:
		link_fence(link, lockc_over(lock));
		link_event_why(link, LINK_EV_REVOKED, CLASS_LOCK_LOST,
			       "the arbiter took the lock away");
		break;
	}
	link_review(link);
}

static struct link *make(struct links *links, uint64_t addr, bool is_random)
{
	struct link **bucket = bucket_of(links, addr);
	struct link *link = calloc(1, sizeof(*link));
	char text[ADDR_TEXT_LEN + 1];

	if (!link)
		return NULL;
	link->w = links->w;
	link->addr = addr;
	link->is_random = is_random;
	TAILQ_INIT(&link->seats);
	TAILQ_INIT(&link->flying);
	TAILQ_INIT(&link->subs);
	TAILQ_INIT(&link->acquired);
	link->limit.fire = link_on_limit;
	link->pump.fire = link_on_pump;
	link->look.fire = link_on_look;
	link->tell.fire = link_on_tell;
	link->resume.rest.fire = resume_on_rest;
	link->cause.wait.fire = link_on_cause_wait;
	link->seek.fenced = link_on_seek_fenced;
	link->seek.is_search = true;
	cure_init(link);
	addr_format(addr, text);
	(void)snprintf(link->lock.resources[0], LOCK_NAME_LEN, "device:%s", text);
	(void)snprintf(link->lock.resources[1], LOCK_NAME_LEN, "connect:%s", links->w->adapter);
	link->lock.n_resources = 2;
	link->lock.class = BH__LOCK__CLASS__CLASS_CONNECT;
	link->lock.local_kind = "connect";
	link->lock.told = on_lock;
	link->next = *bucket;
	*bucket = link;
	return link;
}

int link_join(struct links *links, struct seat *seat, const Bh__Ctl__DeviceRules *rules)
{
	struct link *link = links_find(links, seat->addr);

	if (!link)
		link = make(links, seat->addr, seat->is_random);
	else if (TAILQ_EMPTY(&link->seats))
		links->n_idle--;
	if (!link)
		return -ENOMEM;
	rules_take(&link->rules, rules);
	seat->link = link;
	TAILQ_INSERT_TAIL(&link->seats, seat, on_link);
	return 0;
}

void link_leave(struct link *link, struct seat *seat)
{
	TAILQ_REMOVE(&link->seats, seat, on_link);
	seat->link = NULL;
	if (link->exclusive == seat)
		link->exclusive = NULL;
	if (TAILQ_EMPTY(&link->seats))
		link->w->links->n_idle++;
	link_review(link);
}

void links_rules(struct links *links, const Bh__Ctl__DeviceRules *rules)
{
	struct link *link = links_find(links, rules->address);

	if (!link)
		return;
	rules_take(&link->rules, rules);
	notify_rules_changed(link);
	link_review(link);
}

static void link_free(struct link *link)
{
	link_release(link);
	acquire_write_drop(link);
	if (link->left)
		bus_abandon(link->left);
	deadline_clear(link->w->deadlines, &link->limit);
	deadline_clear(link->w->deadlines, &link->pump);
	deadline_clear(link->w->deadlines, &link->look);
	deadline_clear(link->w->deadlines, &link->tell);
	deadline_clear(link->w->deadlines, &link->resume.rest);
	deadline_clear(link->w->deadlines, &link->cause.wait);
	free(link);
}

void links_tick(struct links *links)
{
	struct link **at;
	struct link *link;
	size_t i;

	for (i = 0; links->n_idle > 0 && i < ARRAY_LEN(links->buckets); i++)
		for (at = &links->buckets[i]; (link = *at);) {
			if (link->state != LINK_DOWN || !TAILQ_EMPTY(&link->seats) || link->left ||
			    stuck_is_any(link)) {
				at = &link->next;
				continue;
			}
			*at = link->next;
			links->n_idle--;
			link_free(link);
		}
}

int links_new(struct links **out, struct worker *w)
{
	struct links *links = calloc(1, sizeof(*links));

	if (!links)
		return -ENOMEM;
	links->w = w;
	links->tell.fire = on_tell;
	links->room_look.fire = links_on_room_look;
	room_init(&links->room, w->links_max);
	*out = links;
	return 0;
}

struct links *links_free(struct links *links)
{
	struct link *link;
	size_t i;

	if (!links)
		return NULL;
	for (i = 0; i < ARRAY_LEN(links->buckets); i++)
		while ((link = links->buckets[i])) {
			links->buckets[i] = link->next;
			notify_drop_link(link);
			link_free(link);
		}
	deadline_clear(links->w->deadlines, &links->tell);
	deadline_clear(links->w->deadlines, &links->room_look);
	free(links);
	return NULL;
}
