/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/keeper.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/link.h"
#include "worker/seat.h"

#include <string.h>

/*
 * Of a hold that is asked for, and of a check that names none: as long as a program's (seat_rules).
 * HOLD_ID: no program has a request of that number, and no check.
 */
enum { HOLD_MS = 40000, CHECK_MS = 30000, HOLD_ID = 0 };

static void send_checked(struct worker *w, uint32_t token, enum err_class class, const char *text,
			 Bh__Timings *timings)
{
	Bh__Ctl__Checked checked = BH__CTL__CHECKED__INIT;

	checked.has_class_ = 1;
	checked.class_ = (Bh__Class) class;
	checked.text = (char *)(uintptr_t)text;
	checked.timings = timings;
	port_send(w->up, BH__CTL__TYPE__CHECKED, token, 0, &checked.base);
}

static struct request *open_request(struct seat *seat, uint32_t id, uint16_t type,
				    uint32_t timeout_ms)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request)
		request_open(request, seat, id, type, timeout_ms);
	return request;
}

static struct request *find_request(const struct seat *seat, uint32_t id)
{
	struct request *request;

	TAILQ_FOREACH(request, &seat->requests, entry)
	if (request->id == id)
		return request;
	return NULL;
}

static void hold(struct seat *seat)
{
	struct request *request;

	if (seat->holds_link || find_request(seat, HOLD_ID))
		return;
	request = open_request(seat, HOLD_ID, BH__TYPE__CONNECT, HOLD_MS);
	if (request)
		link_request(request);
	else
		link_tell_not_had(seat->link, CLASS_INTERNAL, "out of memory");
}

static void let_go(struct seat *seat)
{
	struct request *request = find_request(seat, HOLD_ID);

	seat_let_go(seat);
	if (request)
		request_drop(request, false);
	link_review(seat->link);
}

void keeper_keep(struct seats *seats, const Bh__Ctl__Keep *keep)
{
	struct seat *seat = seats_find(seats, keep->session);

	if (!seat && seats_add_keeper(seats, keep, &seat) < 0) {
		seats_detach(seats, keep->session, false);
		return;
	}
	/* A program's is no keeper's. */
	if (!seat->is_keeper)
		return;
	rules_take(&seat->link->rules, keep->rules);
	if (keep->hold)
		hold(seat);
	else
		let_go(seat);
}

void keeper_check(struct seats *seats, uint32_t token, const Bh__Ctl__Check *check)
{
	struct worker *w = seats_worker(seats);
	struct seat *seat = seats_find(seats, check->session);
	uint32_t timeout_ms = check->timeout_ms > 0 ? check->timeout_ms : CHECK_MS;
	uint16_t type = check->has_uuid ? BH__TYPE__READ : BH__TYPE__SERVICES_REQUEST;
	struct handled before;
	struct request *request;

	if (!seat || !seat->is_keeper || token == HOLD_ID || find_request(seat, token) ||
	    (check->has_uuid && check->uuid.len != sizeof(struct uuid))) {
		send_checked(w, token, CLASS_INVALID, "there is no such kept session", NULL);
		return;
	}
	request = open_request(seat, token, type, timeout_ms);
	if (!request) {
		send_checked(w, token, CLASS_INTERNAL, "out of memory", NULL);
		return;
	}
	request->has_uuid = check->has_uuid;
	if (check->has_uuid)
		memcpy(request->uuid.octets, check->uuid.data, sizeof(struct uuid));
	before = worker_handle(w, (struct handled){ seat->session, token });
	link_request(request);
	(void)worker_handle(w, before);
}

/* --- answers --- */

static void answer_error(const struct request *request, const Bh__Error *error)
{
	enum err_class class = class_from_wire((int)error->class_);

	const struct link *link = request->seat->link;

	if (request->id != HOLD_ID)
		send_checked(request->seat->w, request->id, class, error->text, error->timings);
	/* An earlier link that is still on its way down will be told as down, too. */
	else if (!link->is_told_up)
		link_tell_not_had(link, class, error->text);
}

void keeper_answer(const struct request *request, uint16_t type, const ProtobufCMessage *msg)
{
	struct worker *w = request->seat->w;
	Bh__Timings *timings;

	if (type == BH__TYPE__ERROR) {
		answer_error(request, (const Bh__Error *)msg);
		return;
	}
	/* It is up: LINK_STATE has said so. */
	if (request->id == HOLD_ID)
		return;
	timings = type == BH__TYPE__VALUE ? ((const Bh__Value *)msg)->timings
					  : ((const Bh__Done *)msg)->timings;
	if (type == BH__TYPE__DONE && ((const Bh__Done *)msg)->count == 0)
		send_checked(w, request->id, CLASS_GATT_MISSING, "the link has no services",
			     timings);
	else
		send_checked(w, request->id, CLASS_NONE, NULL, timings);
}
