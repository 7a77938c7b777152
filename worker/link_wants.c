/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who wants a link, worker/link.h. That is not a flag but follows from what its sessions have open:
 * a CONNECT that was not let go, a request, a subscription. So a read without a CONNECT connects,
 * reads, and the link goes again; and nothing has to be put right when a request ends as it likes.
 */
#include "ipc/clock.h"
#include "worker/acquire_write.h"
#include "worker/link.h"
#include "worker/link_limits.h"
#include "worker/notify.h"

#include <stdio.h>

/* How late the supervisor may learn that nobody uses it any more: a burst is not told. */
enum { IDLE_TOLD_MS = 100 };

static bool has_requests_for_link(const struct seat *seat)
{
	const struct request *request;

	TAILQ_FOREACH(request, &seat->requests, entry)
	{
		/* What comes behind it wants a link again, a new one. */
		if (request->type == BH__TYPE__DISCONNECT)
			return false;
		if (request_needs_link(request) && !resume_rests(request))
			return true;
	}
	return false;
}

bool seat_wants_link(const struct seat *seat)
{
	return seat->holds_link || notify_is_on_link(seat) || has_requests_for_link(seat);
}

bool link_is_wanted(const struct link *link)
{
	const struct seat *seat;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	if (seat_wants_link(seat))
		return true;
	return false;
}

uint64_t link_current_under(const struct link *link)
{
	return link->seek.is_on ? link->seek.under : link->lock.under;
}

uint64_t link_under(const struct link *link)
{
	const struct seat *seat;
	uint64_t under = 0;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	{
		if (seat->under == 0 || !seat_wants_link(seat))
			continue;
		if (seat->under == link_current_under(link))
			return seat->under;
		if (under == 0)
			under = seat->under;
	}
	return under;
}

/* --- one for itself --- */

/* Whether it still has, or asks for, the link for itself. */
static bool is_exclusive(const struct seat *seat)
{
	const struct request *request;

	if (seat->holds_link && seat->is_exclusive)
		return true;
	TAILQ_FOREACH(request, &seat->requests, entry)
	if (request->is_exclusive)
		return true;
	return false;
}

static bool has_others_flying(const struct link *link, const struct seat *seat)
{
	const struct request *request;

	TAILQ_FOREACH(request, &link->flying, flying)
	if (request->seat != seat)
		return true;
	return false;
}

bool link_lets_in(struct link *link, const struct request *request)
{
	struct seat *seat = request->seat;

	/* To hold it is to send nothing on it. */
	if (seat->is_keeper && request->type == BH__TYPE__CONNECT)
		return true;
	if (link->exclusive && link->exclusive != seat)
		return false;
	if (!request->is_exclusive)
		return true;
	/* From now on nobody else's is begun; what is under way is waited for. */
	link->exclusive = seat;
	return !has_others_flying(link, seat);
}

bool link_review_exclusive(struct link *link)
{
	if (!link->exclusive || (link->state == LINK_UP && is_exclusive(link->exclusive)))
		return false;
	link->exclusive = NULL;
	return true;
}

/* --- how long it stays up --- */

enum link_use link_use(const struct link *link)
{
	enum link_use use = LINK_USE_NONE;
	const struct seat *seat;

	TAILQ_FOREACH(seat, &link->seats, on_link)
	{
		if (has_requests_for_link(seat))
			return LINK_USE_BUSY;
		if (!seat_wants_link(seat))
			continue;
		if (!seat->is_keeper)
			use = LINK_USE_HELD;
		else if (use == LINK_USE_NONE)
			use = LINK_USE_KEPT;
	}
	return TAILQ_EMPTY(&link->flying) ? use : LINK_USE_BUSY;
}

bool link_is_idle(const struct link *link)
{
	enum link_use use = link_use(link);

	return link->state == LINK_UP && (use == LINK_USE_NONE || use == LINK_USE_KEPT);
}

void link_used(struct link *link)
{
	link->used_at_ms = clock_now_ms();
}

static void look_at(struct link *link, uint64_t at_ms)
{
	/* One that is set for earlier does no harm: it looks, and sets the next one. */
	if (at_ms != UINT64_MAX && (!link->look.is_set || link->look.at_ms > at_ms))
		deadline_set(link->w->deadlines, &link->look, at_ms);
}

/* The supervisor chooses among idle links when the machine has too many. */
static void tell_idle_later(struct link *link, bool is_idle, uint64_t now_ms)
{
	if (link->is_told_idle != is_idle && !link->tell.is_set)
		deadline_set(link->w->deadlines, &link->tell, now_ms + IDLE_TOLD_MS);
}

static void end_limited(struct link *link, enum link_limit limit)
{
	bool is_idle = limit == LINK_LIMIT_IDLE;
	uint32_t limit_ms = is_idle ? link->rules.idle_ms : link->rules.lifetime_ms;
	char text[LINK_TEXT_LEN];

	(void)snprintf(text, sizeof(text), "%s %u.%u s: the limit %s of this device",
		       is_idle ? "the link was not used for" : "the link was up for",
		       limit_ms / 1000, limit_ms % 1000 / 100, is_idle ? "idle_ms" : "lifetime_ms");
	link_event_why(link, LINK_EV_LIMIT, CLASS_LIMIT, text);
}

#ifdef BLEHERD_PLANT_LEAKED_LINK
/*
 * A bug on purpose, for `make soak-planted`: each tenth link that is let go is forgotten, and stays
 * up, like all later ones to that peripheral. Sticky, or whoever used it next would end it.
 */
bool link_is_leaked(const struct link *link)
{
	static unsigned ended;
	static uint64_t leaked;
	const uint64_t bit = UINT64_C(1) << (link->addr % 64);

	if (!(leaked & bit) && ++ended % 10 == 0)
		leaked |= bit;
	return (leaked & bit) != 0;
}
#endif

void link_review_up(struct link *link)
{
	const uint64_t now_ms = clock_now_ms();
	struct link_limits limits = {
		.rules = &link->rules,
		.use = link_use(link),
		.is_subscribed = !TAILQ_EMPTY(&link->subs),
		.up_ms = link->since_ms,
		.used_ms = link->used_at_ms,
	};
	bool is_idle = limits.use == LINK_USE_NONE || limits.use == LINK_USE_KEPT;
	enum link_limit limit;
	uint64_t next_ms;

	if (limits.use != LINK_USE_NONE)
		link->unwanted_at_ms = 0;
	else if (link->unwanted_at_ms == 0)
		link->unwanted_at_ms = now_ms;
	limits.unwanted_ms = link->unwanted_at_ms;
	if (is_idle)
		acquire_write_let_go(link);
	limit = link_limits_look(&limits, now_ms, &next_ms);
	switch (limit) {
	case LINK_LIMIT_NONE:
		look_at(link, next_ms);
		tell_idle_later(link, is_idle, now_ms);
		if (is_idle)
			links_room_changed(link->w->links);
		break;
	case LINK_LIMIT_UNWANTED:
#ifdef BLEHERD_PLANT_LEAKED_LINK
		if (link_is_leaked(link))
			break;
#endif
		link_event(link, LINK_EV_UNWANT);
		break;
	case LINK_LIMIT_IDLE:
	case LINK_LIMIT_LIFETIME:
		end_limited(link, limit);
		break;
	}
}

void link_on_look(struct deadline *deadline)
{
	link_review(container_of(deadline, struct link, look));
}
