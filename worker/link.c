/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/link.h"

#include "ipc/addr.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/acquire_write.h"
#include "worker/gatt.h"
#include "worker/notify.h"
#include "worker/recall.h"
#include "worker/validate.h"

#include <stdio.h>
#include <sys/types.h>

/* An ATT error of a link that BlueZ is tearing down: it shows the end 27 ms later in the lab. */
enum { DOUBT_MS = 500 };

/* --- the machine --- */

static bool is_attempt(enum link_state state)
{
	return state >= LINK_LOCKING && state <= LINK_CANCELLING;
}

static void count_attempt(struct link *link, int change)
{
	struct worker *w = link->w;

	w->n_attempts = (size_t)((ssize_t)w->n_attempts + change);
	links_tell_soon(w->links);
}

static void enter(struct link *link, enum link_state state)
{
	struct deadlines *deadlines = link->w->deadlines;
	uint32_t limit_ms = link_table_limit_ms(state);

	if (is_attempt(link->state) != is_attempt(state))
		count_attempt(link, is_attempt(state) ? 1 : -1);
	link->state = state;
	link->since_ms = clock_now_ms();
	if (limit_ms > 0)
		deadline_set(deadlines, &link->limit, link->since_ms + limit_ms);
	else
		deadline_clear(deadlines, &link->limit);
}

static void step(struct link *link, enum link_event event)
{
	const struct link_step next = link_table_step(link->state, event);
	bool was_up = link->state == LINK_UP;
	char addr[ADDR_TEXT_LEN + 1];

	if (!next.is_known)
		return;
	if (next.next != link->state) {
		addr_format(link->addr, addr);
		log_debug("event=link addr=%s from=%s to=%s", addr, link_table_name(link->state),
			  link_table_name(next.next));
		wpage_crumb(link->w->page, clock_now_ms(), "%s %s > %s", addr,
			    link_table_name(link->state), link_table_name(next.next));
		enter(link, next.next);
		/* control_settle() looks whether it was the last one. */
		if (link->w->is_stopping)
			worker_state_due(link->w);
	}
	link_act(link, next.act);
	/* After those who used it were told why. */
	if (was_up && link->state != LINK_UP)
		acquire_write_drop(link);
}

/* Actions cause events: they queue, so that one is finished before the next begins. */
void link_event(struct link *link, enum link_event event)
{
	size_t i;

	link_cause_first(link, event);
	assert(link->n_events < LINK_EVENTS_MAX);
	link->events[link->n_events++] = event;
	if (link->is_stepping)
		return;
	link->is_stepping = true;
	for (i = 0; i < link->n_events; i++)
		step(link, link->events[i]);
	link->n_events = 0;
	link->is_stepping = false;
}

void link_event_why(struct link *link, enum link_event event, enum err_class class,
		    const char *text)
{
	link_cause_first(link, event);
	if (!link_table_step(link->state, event).is_known)
		return;
	link->failed = class;
	(void)snprintf(link->failed_text, sizeof(link->failed_text), "%s", text);
	link_event(link, event);
}

static const char LATE_SERVICES[] = "the services were not there in time";

static const struct {
	enum link_state state;
	enum err_class class;
	const char *text;
} LATE[] = {
	{ LINK_SEEKING, CLASS_NOT_FOUND, "no advert of the peripheral was heard" },
	{ LINK_CONNECTING, CLASS_NOT_FOUND, "the peripheral did not answer the connect" },
	{ LINK_RESOLVING, CLASS_GATT_LATE, LATE_SERVICES },
	{ LINK_CURING, CLASS_PHANTOM, "what was stuck could not be cleared in time" },
};

/* Adopted, and its services do not come: where that is not to be cured it ends as any other. */
static void become_stuck(struct link *link)
{
	if (!(link->w->workarounds & WORKAROUND_BIT(INACTIVE))) {
		link_event_why(link, LINK_EV_TIMEOUT, CLASS_GATT_LATE, LATE_SERVICES);
		return;
	}
	link->is_clear_due = true;
	link_event(link, LINK_EV_STUCK);
}

void link_not_ended(struct link *link)
{
	char text[LINK_TEXT_LEN];

	/* Whoever wants it next is not given it: it is diagnosed first. */
	link->peer = DIAGNOSIS_PEER_SILENT;
	link->has_not_ended = true;
	stuck_note(link, DIAGNOSIS_DEAD, link->w->up ? "MGMT Disconnect, Disconnect" : "Disconnect",
		   link->since_ms);
	stuck_text(link, text, sizeof(text));
	link_event_why(link, LINK_EV_TIMEOUT, CLASS_ZOMBIE, text);
}

void link_doubt(struct link *link)
{
	if (link->state != LINK_UP)
		return;
	link->peer = DIAGNOSIS_PEER_SILENT;
	deadline_set(link->w->deadlines, &link->limit, clock_now_ms() + DOUBT_MS);
}

void link_on_limit(struct deadline *deadline)
{
	struct link *link = container_of(deadline, struct link, limit);
	size_t i;

	for (i = 0; i < ARRAY_LEN(LATE); i++)
		if (LATE[i].state == link->state)
			break;
	/* In RESTING the limit is the supervisor's delay. */
	if (link->state == LINK_RESTING && link->token == 0)
		link_event(link, LINK_EV_RETRY);
	else if (link->state == LINK_ENDING && !link->is_end_forced)
		link_end_by_bus(link);
	else if (link->state == LINK_ENDING)
		link_not_ended(link);
	else if (link->state == LINK_UP)
		link_event_why(link, LINK_EV_DEAD, CLASS_ZOMBIE,
			       "the peripheral does not answer any more");
	else if (link->state == LINK_RESOLVING && link->is_adopted &&
		 link->cure.kernel == DIAGNOSIS_KERNEL_UP)
		become_stuck(link);
	else if (i < ARRAY_LEN(LATE))
		link_event_why(link, LINK_EV_TIMEOUT, LATE[i].class, LATE[i].text);
	else
		link_event(link, LINK_EV_TIMEOUT);
	link_review(link);
}

/* --- what is wanted --- */

static void end_for_seat(struct seat *seat, struct request *request)
{
	struct link *link = seat->link;

	notify_drop_seat(seat);
	seat_let_go(seat);
	link->is_review_due |= link_review_exclusive(link);
#ifdef BLEHERD_PLANT_LEAKED_LINK
	if (link->state == LINK_UP && !link_is_wanted(link) && link_is_leaked(link)) {
		request_done(request, 0);
		return;
	}
#endif
	if (link_is_wanted(link) || link->state == LINK_DOWN) {
		request_done(request, 0);
	} else {
		request->state = REQUEST_HELD; /* answered when the link is down */
		link_event(link, LINK_EV_UNWANT);
	}
}

/* A request whose turn it is. false: it has to wait, and all behind it. */
static bool serve(struct link *link, struct request *request)
{
	if (recall_try(link, request))
		return true;
	/* Also if it was up when the request came, and went for an earlier one. */
	request->has_waited |= request_needs_link(request) && link->state != LINK_UP;
	if (request_needs_link(request) &&
	    (link->state != LINK_UP || resume_rests(request) || !link_lets_in(link, request)))
		return false;
	switch (request->type) {
	case BH__TYPE__DISCONNECT:
		/* Its session's earlier requests come first. */
		if (!request_is_first(request))
			return false;
		end_for_seat(request->seat, request);
		return true;
	case BH__TYPE__UNSUBSCRIBE:
		notify_unsubscribe(request);
		return true;
	case BH__TYPE__CONNECT:
		return validate_try(link, request);
	default:
		return gatt_try(link, request);
	}
}

/* In order; stops at the first that has to wait. Returns whether any was served. */
static bool serve_seat(struct link *link, struct seat *seat)
{
	struct request *request = TAILQ_FIRST(&seat->requests);
	bool any = false;

	while (request) {
		struct request *next = TAILQ_NEXT(request, entry);

		if (request->state == REQUEST_QUEUED) {
			if (serve(link, request))
				any = true;
			else if (!request->is_resuming) /* nothing waits for what resumes */
				return any;
		} else if (request->checks) {
			return any; /* what comes behind it waits for its check */
		}
		request = next;
	}
	return any;
}

/* Who was served goes to the end of the line: sessions take turns at a characteristic. */
static void serve_all(struct link *link)
{
	struct seat *seat = TAILQ_FIRST(&link->seats);
	struct seat *last = TAILQ_LAST(&link->seats, link_seats);

	while (seat) {
		struct seat *next = seat == last ? NULL : TAILQ_NEXT(seat, on_link);

		if (!TAILQ_EMPTY(&seat->requests) && serve_seat(link, seat)) {
			TAILQ_REMOVE(&link->seats, seat, on_link);
			TAILQ_INSERT_TAIL(&link->seats, seat, on_link);
		}
		seat = next;
	}
}

/* Disconnects that waited for it. */
static void answer_ended(struct link *link)
{
	char text[LINK_TEXT_LEN];
	struct request *request;
	struct request *next;
	struct seat *seat;

	stuck_text(link, text, sizeof(text));
	TAILQ_FOREACH(seat, &link->seats, on_link)
	for (request = TAILQ_FIRST(&seat->requests); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->type != BH__TYPE__DISCONNECT || request->state != REQUEST_HELD)
			continue;
		if (link->has_not_ended)
			request_fail(request, CLASS_ZOMBIE, text);
		else
			request_done(request, 0);
	}
	link->has_not_ended = false;
}

static void review_down(struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	answer_ended(link);
	if (!link_is_wanted(link))
		return;
	/* bluetoothd is away or starting, or has not said yet what it has: links_loaded() comes
	 * back here. */
	if (!mirror_is_loaded(link->w->mirror) || link->w->is_bluez_starting)
		return;
	if (link->attempts == 0) {
		link->began_ms = clock_now_ms();
		link->queue_ms = link->connect_ms = link->services_ms = 0;
	}
	link_cause_forget(link);
	/* What was stuck is looked at before all else: it may still be. */
	link->is_clear_due |= stuck_is_any(link);
	if (link->is_clear_due)
		link_event(link, LINK_EV_CLEAR);
	else if (device && device->is_connected)
		link_event(link, LINK_EV_ADOPT);
	else
		link_event(link, link_is_there(link, device) ? LINK_EV_WANT : LINK_EV_WANT_BLIND);
}

/* For what is had under a grant: there it can still be asked for under another. */
static bool is_waiting(enum link_state state)
{
	return state == LINK_SEEKING || state == LINK_LOCKING;
}

static void review_once(struct link *link)
{
	const enum link_state before = link->state;

	(void)link_review_exclusive(link);
	serve_all(link);
	if (link->state == LINK_DOWN)
		review_down(link);
	else if (link->state == LINK_UP)
		link_review_up(link);
	else if (!link_is_wanted(link))
		link_event(link, LINK_EV_UNWANT);
	else if (is_waiting(link->state) && link_under(link) != link_current_under(link))
		link_event(link, LINK_EV_UNDER);
	/* Adopted, it may be up at once: whoever waited for that has not been served yet. */
	link->is_review_due |= link->state != before;
}

void link_review(struct link *link)
{
	unsigned turns = 0;

	link->is_review_due = true;
	if (link->is_reviewing || link->is_stepping)
		return;
	link->is_reviewing = true;
	while (link->is_review_due && turns++ < 8) {
		link->is_review_due = false;
		review_once(link);
	}
	link->is_reviewing = false;
}

void link_review_later(struct link *link, uint32_t delay_ms)
{
	uint64_t at_ms = clock_now_ms() + delay_ms;

	if (!link->pump.is_set || at_ms < link->pump.at_ms)
		deadline_set(link->w->deadlines, &link->pump, at_ms);
}

void link_on_pump(struct deadline *deadline)
{
	link_review(container_of(deadline, struct link, pump));
}

/* --- requests --- */

void link_request(struct request *request)
{
	struct link *link = request->seat->link;

	request->has_waited = request_needs_link(request) && link->state != LINK_UP;
	link_review(link);
}

/* Somebody who shares the read takes it over: the answer is still wanted. */
static bool hand_over(struct link *link, struct request *leader)
{
	struct request *heir = NULL;
	struct request *r;

	TAILQ_FOREACH(r, &link->flying, flying)
	{
		if (r->leader != leader)
			continue;
		if (!heir) {
			heir = r;
			heir->state = REQUEST_ISSUED;
			heir->leader = NULL;
			heir->call = leader->call;
			bus_call_redirect(heir->call, heir);
			continue;
		}
		r->leader = heir;
	}
	return heir != NULL;
}

void link_unfly(struct request *request)
{
	struct link *link = request->seat->link;

	if (request->state != REQUEST_ISSUED && request->state != REQUEST_SHARED)
		return;
	TAILQ_REMOVE(&link->flying, request, flying);
	if (request->call && !hand_over(link, request))
		bus_abandon(request->call);
	request->call = NULL;
	request->leader = NULL;
	request->state = REQUEST_QUEUED;
}

/* @part_ms ended *@left_ms after somebody began to wait: so much of it he saw. */
static uint32_t take_part(uint32_t part_ms, uint32_t *left_ms)
{
	uint32_t seen_ms = part_ms < *left_ms ? part_ms : *left_ms;

	*left_ms -= seen_ms;
	return seen_ms;
}

void link_timings(const struct link *link, uint64_t since_ms, Bh__Timings *out)
{
	uint64_t end_ms = link->state == LINK_UP ? link->since_ms : clock_now_ms();
	uint32_t left_ms = clock_span_ms(since_ms, end_ms);

	/* One after the other, the last one first. */
	out->services_ms = take_part(link->services_ms, &left_ms);
	out->connect_ms = take_part(link->connect_ms, &left_ms);
	out->queue_ms = take_part(link->queue_ms, &left_ms);
}

uint32_t link_attempts(const struct link *link)
{
	return link->attempts;
}
