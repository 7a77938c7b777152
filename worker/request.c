/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/request.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/gatt_db.h"
#include "worker/keeper.h"
#include "worker/link.h"
#include "worker/notify.h"
#include "worker/resume.h"
#include "worker/scan.h"
#include "worker/seat.h"
#include "worker/usage.h"

/* Where a request is, for whoever follows one through the processes; never what it carries. */
static void log_step(const struct request *request, const char *step, const char *class)
{
	const ProtobufCEnumValue *type =
		protobuf_c_enum_descriptor_get_value(&bh__type__descriptor, request->type);

	log_debug("event=request-%s session=%u id=%u kind=%s%s%s", step, request->seat->session,
		  request->id, type ? type->name : "?", class[0] ? " class=" : "", class);
}

static void on_deadline(struct deadline *deadline)
{
	link_request_late(container_of(deadline, struct request, deadline));
}

void request_open(struct request *request, struct seat *seat, uint32_t id, uint16_t type,
		  uint32_t timeout_ms)
{
	request->seat = seat;
	request->id = id;
	request->type = type;
	request->at_ms = clock_now_ms();
	request->deadline.fire = on_deadline;
	if (timeout_ms > 0)
		deadline_set(seat->w->deadlines, &request->deadline, request->at_ms + timeout_ms);
	TAILQ_INSERT_TAIL(&seat->requests, request, entry);
	seat->n_requests++;
	log_step(request, "taken", "");
}

void request_issued(struct request *request)
{
	request->issued_at_ms = clock_now_ms();
	log_step(request, "issued", "");
}

bool request_needs_link(const struct request *request)
{
	return request->type != BH__TYPE__DISCONNECT && request->type != BH__TYPE__UNSUBSCRIBE &&
	       request->type != BH__TYPE__SCAN;
}

bool request_is_first(const struct request *request)
{
	const struct request *first = TAILQ_FIRST(&request->seat->requests);

	while (first->is_resuming)
		first = TAILQ_NEXT(first, entry);
	return first == request;
}

uint32_t request_left_ms(const struct request *request)
{
	return clock_left_ms(request->deadline.at_ms, clock_now_ms());
}

bool request_is_unproven(const struct request *request)
{
	return request->checks || request->rejects;
}

/* Off every list; freed. */
static void forget(struct request *request)
{
	struct seat *seat = request->seat;

	if (request->type == BH__TYPE__SCAN)
		scan_remove(seat->w->scan, request);
	if (request->type == BH__TYPE__SUBSCRIBE)
		notify_forget_request(request);
	link_unfly(request);
	deadline_clear(seat->w->deadlines, &request->deadline);
	TAILQ_REMOVE(&seat->requests, request, entry);
	seat->n_requests--;
	free(request->uuids);
	free(request->checks);
	free(request);
}

/* After the answer was sent: the order matters to whoever reads the page after our death. */
static void finish(struct request *request)
{
	if (request->is_on_page)
		seat_answered(request->seat, request->id);
	forget(request);
}

/*
 * All of them, always: what there was not is 0. On a link that was there its parts are none of this
 * request's; of one that was being made when it came, only what it waited for.
 */
static void fill_timings(const struct request *request, Bh__Timings *out)
{
	const struct link *link = request->seat->link;
	uint64_t now_ms = clock_now_ms();

	bh__timings__init(out);
	out->has_queue_ms = out->has_connect_ms = out->has_services_ms = 1;
	out->has_query_ms = out->has_total_ms = out->has_cached = 1;
	out->cached = request->is_cached;
	if (request->is_cached)
		return;
	out->total_ms = clock_span_ms(request->at_ms, now_ms);
	if (request->issued_at_ms != 0)
		out->query_ms = clock_span_ms(request->issued_at_ms, now_ms);
	if (link && request->has_waited)
		link_timings(link, request->at_ms, out);
}

static void send(struct request *request, uint16_t type, const ProtobufCMessage *msg)
{
	struct link *link = request->seat->link;
	enum err_class class = CLASS_NONE;

	if (type == BH__TYPE__ERROR)
		class = class_from_wire((int)((const Bh__Error *)msg)->class_);
	log_step(request, "answered", class_name(class));
	usage_answered(request, class);
	/* A CONNECT that fails on a link that is up was not given it. */
	if (link && !request->is_cached &&
	    (type != BH__TYPE__ERROR || request->type != BH__TYPE__CONNECT))
		link_used(link);
	if (request->seat->is_keeper)
		keeper_answer(request, type, msg);
	else
		port_send(request->seat->port, type, request->id, request->seat->epoch, msg);
	finish(request);
}

/* The peripheral did: it is a link, whoever made it. */
static void note_answer(const struct request *request)
{
	if (request->seat->link && request_needs_link(request))
		request->seat->link->has_answered = true;
}

void request_done(struct request *request, uint32_t count)
{
	Bh__Done done = BH__DONE__INIT;
	Bh__Timings timings;

	note_answer(request);
	fill_timings(request, &timings);
	done.timings = &timings;
	done.has_count = request->type == BH__TYPE__SERVICES_REQUEST;
	done.count = count;
	send(request, BH__TYPE__DONE, &done.base);
}

void request_value(struct request *request, const void *value, size_t len)
{
	Bh__Value msg = BH__VALUE__INIT;
	Bh__Timings timings;

	note_answer(request);
	fill_timings(request, &timings);
	msg.timings = &timings;
	msg.has_value = 1;
	msg.value.data = (uint8_t *)(uintptr_t)value;
	msg.value.len = len;
	send(request, BH__TYPE__VALUE, &msg.base);
}

void request_connected(struct request *request)
{
	struct link *link = request->seat->link;
	const struct worker *w = request->seat->w;
	const struct device *device = mirror_device(w->mirror, request->seat->addr);
	Bh__Connected msg = BH__CONNECTED__INIT;
	Bh__Timings timings;

	request->seat->holds_link = true;
	request->seat->is_exclusive |= request->is_exclusive;
	if (request->deadline.at_ms > link->promised_until_ms)
		link->promised_until_ms = request->deadline.at_ms;
	fill_timings(request, &timings);
	msg.timings = &timings;
	msg.adapter = (char *)(uintptr_t)w->adapter;
	msg.has_attempts = 1;
	msg.attempts = request->has_waited ? link_attempts(link) : 0;
	msg.mtu = device ? gatt_db_mtu(&device->db) : 0;
	msg.has_mtu = msg.mtu != 0;
	send(request, BH__TYPE__CONNECTED, &msg.base);
}

void request_fail(struct request *request, enum err_class class, const char *text)
{
	const struct link *link = request->seat->link;
	Bh__Error error = BH__ERROR__INIT;
	Bh__Timings timings;

	if (request->is_resuming && resume_keeps(request, class))
		return;
	fill_timings(request, &timings);
	error.timings = &timings;
	error.has_class_ = 1;
	error.class_ = (Bh__Class) class;
	error.text = (char *)(uintptr_t)text;
	error.advice = (char *)(uintptr_t)class_advice(class);
	error.has_attempts = link && request->has_waited;
	error.attempts = error.has_attempts ? link_attempts(link) : 0;
	send(request, BH__TYPE__ERROR, &error.base);
}

/* Whoever is told another class may write it again. */
void request_lost(struct request *request, enum err_class class, const char *text)
{
	bool is_unknown = request->is_on_page && request->state == REQUEST_ISSUED;

	request_fail(request, is_unknown ? CLASS_INTERRUPTED : class, text);
}

void request_drop(struct request *request, bool keep_on_page)
{
	struct seat *seat = request->seat;

	if (request->is_on_page && keep_on_page)
		seat_keep_on_page(seat, request->id);
	else if (request->is_on_page)
		wpage_answered(seat->w->page, seat->session, request->id);
	forget(request);
}
