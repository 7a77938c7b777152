/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests that end before their time, worker/link.h: late, cancelled, or with their session. An
 * attempt that nobody waits for any more ends without a failure of its own: the supervisor is told,
 * or nobody would ever see what had become of it.
 */
#include "worker/link.h"

#include "ipc/clock.h"

#include <stdio.h>

/* Why, in words that can follow "given up after ... ms: ". */
static void tell_given_up(const struct seat *seat, uint64_t began_ms, enum err_class class,
			  const char *why)
{
	char text[LINK_TEXT_LEN + 128];

	(void)snprintf(text, sizeof(text), "given up after %u ms: %s",
		       clock_span_ms(began_ms, clock_now_ms()), why);
	link_tell_event(seat->link, "connect-failed", seat->session, class, text);
}

static void end(struct request *request, enum err_class class, const char *text)
{
	struct seat *seat = request->seat;
	struct link *link = seat->link;
	uint64_t began_ms = request->at_ms;
	bool has_link = link && link->state == LINK_UP && !request_is_unproven(request);
	bool needs_link = request_needs_link(request);

	request_fail(request, class, text);
	if (!link)
		return;
	if (needs_link && !has_link && !seat_wants_link(seat))
		tell_given_up(seat, began_ms, class, text);
	link_review(link);
}

/* What somebody else has: whether it waits for that. */
static bool describe_wait(const struct link *link, const struct seat *seat, char *out, size_t size)
{
	bool is_kept_out = link->state == LINK_UP && link->exclusive && link->exclusive != seat;

	if (link->state == LINK_QUEUED)
		link_room_text(link, out, size);
	if (is_kept_out)
		(void)snprintf(out, size, "session %u's exclusive use of the link to end",
			       link->exclusive->session);
	return link->state == LINK_QUEUED || is_kept_out;
}

void link_request_late(struct request *request)
{
	bool is_unproven = request_is_unproven(request);
	const struct link *link = request->seat->link;
	enum err_class class = CLASS_DEADLINE;
	const char *waits_for = link ? link_table_waits_for(link->state) : "";
	char text[2 * LINK_TEXT_LEN + 96];
	char who[LINK_TEXT_LEN];
	const char *trouble;

	if (!link) {
		request_fail(request, CLASS_DEADLINE, "the deadline passed");
		return;
	}
	if (link->state == LINK_DOWN && worker_trouble(link->w, &trouble) == CLASS_BLUEZ_GONE)
		class = CLASS_BLUEZ_GONE;
	else if (request->has_rejected)
		class = CLASS_VALIDATION;
	else if (link->state == LINK_LOCKING && request->state == REQUEST_QUEUED)
		class = CLASS_LOCK_TIMEOUT;
	else if (link->state == LINK_QUEUED)
		class = CLASS_OUT_OF_SLOTS;
	if (is_unproven && link->state == LINK_UP)
		waits_for = "the link to pass its check";
	if (describe_wait(link, request->seat, who, sizeof(who)))
		waits_for = who;
	if (class == CLASS_BLUEZ_GONE)
		(void)snprintf(text, sizeof(text), "%s; waited for it until the deadline", trouble);
	else if ((link->attempts > 1 || request->has_rejected) && link->failed_text[0] &&
		 (link->state != LINK_UP || is_unproven))
		(void)snprintf(text, sizeof(text),
			       "the deadline passed while waiting for %s; the last attempt: %s",
			       waits_for, link->failed_text);
	else
		(void)snprintf(text, sizeof(text), "the deadline passed while waiting for %s",
			       waits_for);
	end(request, class, text);
}

void link_request_cancelled(struct request *request)
{
	end(request, CLASS_CANCELLED, "the program gave it up");
}

void link_seat_over(const struct seat *seat)
{
	const struct request *request;

	if (!seat->link || seat->link->state == LINK_UP)
		return;
	TAILQ_FOREACH(request, &seat->requests, entry)
	if (request_needs_link(request))
		break;
	if (request)
		tell_given_up(seat, request->at_ms, CLASS_CANCELLED, "its program left");
}
