/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/seat_rules.h"

#include "ipc/clock.h"
#include "worker/link.h"
#include "worker/notify.h"
#include "worker/scan.h"
#include "worker/seat.h"
#include "worker/validate.h"

#include <string.h>

/* Deadlines of requests that name none. */
enum { CONNECT_DEFAULT_MS = 40000, REQUEST_DEFAULT_MS = 30000, TIMEOUT_MAX_MS = 24 * 3600 * 1000 };

static struct request *find(const struct seat *seat, uint32_t id)
{
	struct request *request;

	TAILQ_FOREACH(request, &seat->requests, entry)
	if (request->id == id)
		return request;
	return NULL;
}

/* An error for a request that never came to be. */
static void refuse(struct seat *seat, uint32_t id, enum err_class class, const char *text)
{
	Bh__Error error = BH__ERROR__INIT;

	error.has_class_ = 1;
	error.class_ = (Bh__Class) class;
	error.text = (char *)(uintptr_t)text;
	error.advice = (char *)(uintptr_t)class_advice(class);
	port_send(seat->port, BH__TYPE__ERROR, id, seat->epoch, &error.base);
}

static bool is_full(const struct seat *seat, uint16_t type)
{
	return seat->n_requests >= SEAT_REQUESTS_MAX ||
	       (type == BH__TYPE__SUBSCRIBE && seat->n_subscribers >= SEAT_SUBSCRIPTIONS_MAX);
}

/*
 * A new request, at the end of its seat's list. 0 and *out; 1: it was answered already; -EBADMSG
 * the program does not keep to the rules.
 */
static int open_request(struct seat *seat, const struct chan_frame *frame, uint32_t timeout_ms,
			size_t len, struct request **out)
{
	struct request *request;

	if (frame->id == 0 || find(seat, frame->id) || notify_find(seat, frame->id))
		return -EBADMSG;
	if (is_full(seat, frame->type)) {
		refuse(seat, frame->id, CLASS_LIMIT, "too many requests are open in this session");
		return 1;
	}
	request = calloc(1, sizeof(*request) + len);
	if (!request)
		return -ENOMEM;
	if (timeout_ms == 0)
		timeout_ms =
			frame->type == BH__TYPE__CONNECT ? CONNECT_DEFAULT_MS : REQUEST_DEFAULT_MS;
	if (timeout_ms > TIMEOUT_MAX_MS)
		timeout_ms = TIMEOUT_MAX_MS;
	request->len = len;
	request_open(request, seat, frame->id, frame->type,
		     frame->type == BH__TYPE__SCAN ? 0 : timeout_ms);
	*out = request;
	return 0;
}

/* false: it names none; the request has been answered. */
static bool take_target(struct request *request, const Bh__Target *target)
{
	bool is_whole = target && (!target->has_uuid || target->uuid.len == sizeof(struct uuid)) &&
			(target->has_uuid || target->handle != 0) && target->handle <= UINT16_MAX;

	if (!is_whole) {
		request_fail(request, CLASS_INVALID, "the request names no characteristic");
		return false;
	}
	request->has_uuid = target->has_uuid;
	request->handle = target->handle;
	if (target->has_uuid)
		memcpy(request->uuid.octets, target->uuid.data, sizeof(request->uuid.octets));
	return true;
}

/* false: they are odd; the request has been answered. */
static bool take_checks(struct request *request, const Bh__Connect *connect)
{
	int r = validate_new(&request->checks, connect);

	if (r == 0)
		return true;
	request_fail(request, r == -ENOMEM ? CLASS_INTERNAL : CLASS_INVALID,
		     r == -ENOMEM ? "out of memory" : "the checks of the link are odd");
	return false;
}

/* Of a rejection: it becomes part of texts that people read. */
static bool is_line(const char *text)
{
	size_t len = strnlen(text, REQUEST_REJECT_TEXT_MAX + 1);
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
			return false;
	return len <= REQUEST_REJECT_TEXT_MAX;
}

static int on_connect(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__Connect *connect = msg;
	const char *why = connect->rejects && connect->reject_text ? connect->reject_text : "";
	/* Without a link there is nothing to reject: it was lost, or was on another adapter. */
	bool has_link = seat->holds_link && seat->link->state == LINK_UP;
	struct request *request;
	int r;

	if (!is_line(why)) {
		refuse(seat, frame->id, CLASS_INVALID,
		       "the reason of a rejection is one line of at most 127 bytes");
		return 0;
	}
	r = open_request(seat, frame, connect->timeout_ms, strlen(why) + 1, &request);
	if (r != 0 || !take_checks(request, connect))
		return r;
	memcpy(request->value, why, request->len);
	request->rejects = connect->rejects && has_link;
	request->is_exclusive = connect->exclusive;
	link_request(request);
	return 0;
}

static int on_plain(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	struct request *request;
	int r = open_request(seat, frame, 0, 0, &request);

	(void)msg;
	if (r == 0)
		link_request(request);
	return r;
}

static int on_services(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__ServicesRequest *services = msg;
	struct request *request;
	int r = open_request(seat, frame, services->timeout_ms, 0, &request);

	if (r != 0)
		return r;
	request->is_fresh = services->fresh;
	link_request(request);
	return 0;
}

static int on_read(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__Read *read = msg;
	struct request *request;
	int r = open_request(seat, frame, read->timeout_ms, 0, &request);

	if (r != 0 || !take_target(request, read->target))
		return r;
	request->is_fresh = read->fresh;
	link_request(request);
	return 0;
}

static int on_write(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__Write *write = msg;
	struct request *request;
	size_t len = write->has_value ? write->value.len : 0;
	int r;

	if (len > SEAT_VALUE_MAX) {
		refuse(seat, frame->id, CLASS_INVALID, "a value has at most 512 bytes");
		return 0;
	}
	r = open_request(seat, frame, write->timeout_ms, len, &request);
	if (r != 0 || !take_target(request, write->target))
		return r;
	request->no_response = write->no_response;
	if (len > 0)
		memcpy(request->value, write->value.data, len);
	link_request(request);
	return 0;
}

static int on_subscribe(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__Subscribe *subscribe = msg;
	struct request *request;
	int r = open_request(seat, frame, subscribe->timeout_ms, 0, &request);

	if (r != 0)
		return r;
	request->silence_ms = subscribe->silence_ms;
	request->resume = subscribe->resume;
	request->is_again = subscribe->resumed;
	if (subscribe->resume && subscribe->resumed) {
		request->is_resuming = true;
		deadline_clear(seat->w->deadlines, &request->deadline);
		resume_begin(seat->link);
	}
	if (take_target(request, subscribe->target))
		link_request(request);
	return 0;
}

static int on_unsubscribe(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__Unsubscribe *unsubscribe = msg;
	struct request *request;
	int r = open_request(seat, frame, 0, 0, &request);

	if (r != 0)
		return r;
	request->subscription = unsubscribe->subscription;
	link_request(request);
	return 0;
}

static int on_notify_ack(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	const Bh__NotifyAck *ack = msg;

	(void)frame;
	notify_acknowledged(seat, ack->subscription, ack->seq);
	return 0;
}

/* false: the filter is odd; the request has been answered. */
static bool take_filter(struct request *request, const Bh__Scan *scan)
{
	size_t i;

	if (scan->n_uuids > SEAT_UUIDS_MAX) {
		request_fail(request, CLASS_LIMIT, "a scan filters for at most 16 UUIDs");
		return false;
	}
	request->uuids = calloc(scan->n_uuids + 1, sizeof(request->uuids[0]));
	if (!request->uuids) {
		request_fail(request, CLASS_INTERNAL, "out of memory");
		return false;
	}
	for (i = 0; i < scan->n_uuids; i++) {
		if (scan->uuids[i].len != sizeof(struct uuid)) {
			request_fail(request, CLASS_INVALID, "a UUID has 16 bytes");
			return false;
		}
		memcpy(request->uuids[i].octets, scan->uuids[i].data, sizeof(struct uuid));
	}
	request->n_uuids = scan->n_uuids;
	request->rssi_min_dbm = scan->has_rssi_min_dbm ? scan->rssi_min_dbm : INT32_MIN;
	request->address = scan->address;
	return true;
}

static int on_scan(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	struct request *request;
	int r = open_request(seat, frame, 0, 0, &request);

	if (r != 0 || !take_filter(request, msg))
		return r;
	scan_add(seat->w->scan, request);
	return 0;
}

static int on_cancel(struct seat *seat, struct chan_frame *frame, const void *msg)
{
	struct request *request = find(seat, frame->id);

	(void)msg;
	if (request)
		link_request_cancelled(request);
	else
		notify_cancel(seat, frame->id);
	return 0;
}

/* --- one entry for all: checks first, then the kind --- */

static const struct {
	uint16_t type;
	bool is_scan; /* of sessions of that kind only */
	bool is_device;
	uint32_t needs; /* one of these rights; 0: it ends something, and nobody is refused it */
	int (*handle)(struct seat *seat, struct chan_frame *frame, const void *msg);
} KINDS[] = {
	{ BH__TYPE__CONNECT, false, true, RIGHTS_USE, on_connect },
	{ BH__TYPE__DISCONNECT, false, true, 0, on_plain },
	{ BH__TYPE__SERVICES_REQUEST, false, true, RIGHTS_USE, on_services },
	{ BH__TYPE__READ, false, true, RIGHT_READ, on_read },
	{ BH__TYPE__WRITE, false, true, RIGHT_WRITE, on_write },
	{ BH__TYPE__SUBSCRIBE, false, true, RIGHT_NOTIFY, on_subscribe },
	{ BH__TYPE__UNSUBSCRIBE, false, true, 0, on_unsubscribe },
	{ BH__TYPE__NOTIFY_ACK, false, true, 0, on_notify_ack },
	{ BH__TYPE__SCAN, true, false, RIGHT_SEE, on_scan },
	{ BH__TYPE__CANCEL, true, true, 0, on_cancel },
};

/* What a CONNECT asks for beside the link. */
static uint32_t needs_of_connect(const struct seat *seat, const Bh__Connect *connect)
{
	size_t i;

	if (connect->exclusive && !(seat->rights.mask & RIGHT_LOCK))
		return RIGHT_LOCK;
	for (i = 0; i < connect->n_checks; i++)
		if (connect->checks[i]->kind == BH__CHECK_KIND__CHECK_READ)
			return RIGHT_READ;
	return RIGHTS_USE;
}

static bool is_refused(struct seat *seat, uint32_t needs, const struct chan_frame *frame,
		       const void *msg)
{
	char text[RIGHTS_DENIAL_LEN];
	enum err_class class;

	if (frame->type == BH__TYPE__CONNECT)
		needs = needs_of_connect(seat, msg);
	if (!rights_refuse(seat, needs, frame, &class, text))
		return false;
	refuse(seat, frame->id, class, text);
	return true;
}

static int on_request(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct seat *seat = ctx;
	struct worker *w = seat->w;
	struct handled before;
	size_t i;
	int r;

	/* Sent before it knew that the session had moved: it will send it again. */
	if (frame->epoch != seat->epoch)
		return 0;
#ifdef BLEHERD_PLANT_LOST_WAKEUP
	static unsigned requests;

	/* A bug on purpose, for `make soak-planted`: nobody comes back to this one. */
	if (++requests % 200 == 0)
		return 0;
#endif
	for (i = 0; KINDS[i].type != frame->type; i++)
		assert(i + 1 < ARRAY_LEN(KINDS));
	if (seat->is_scan ? !KINDS[i].is_scan : !KINDS[i].is_device) {
		refuse(seat, frame->id, CLASS_INVALID, "not a request for this kind of session");
		return 0;
	}
	if (KINDS[i].needs != 0 && is_refused(seat, KINDS[i].needs, frame, msg))
		return 0;
	before = worker_handle(w, (struct handled){ seat->session, frame->id });
	r = KINDS[i].handle(seat, frame, msg);
	(void)worker_handle(w, before);
	return r < 0 ? r : 0;
}

const struct chan_rule SEAT_RULES[SEAT_RULES_LEN] = {
	{ BH__TYPE__CONNECT, 0, 0, &bh__connect__descriptor, on_request },
	{ BH__TYPE__READ, 0, 0, &bh__read__descriptor, on_request },
	{ BH__TYPE__WRITE, 0, 0, &bh__write__descriptor, on_request },
	{ BH__TYPE__DISCONNECT, 0, 0, &bh__empty__descriptor, on_request },
	{ BH__TYPE__SERVICES_REQUEST, 0, 0, &bh__services_request__descriptor, on_request },
	{ BH__TYPE__SUBSCRIBE, 0, 0, &bh__subscribe__descriptor, on_request },
	{ BH__TYPE__UNSUBSCRIBE, 0, 0, &bh__unsubscribe__descriptor, on_request },
	{ BH__TYPE__NOTIFY_ACK, 0, 0, &bh__notify_ack__descriptor, on_request },
	{ BH__TYPE__SCAN, 0, 0, &bh__scan__descriptor, on_request },
	{ BH__TYPE__CANCEL, 0, 0, &bh__empty__descriptor, on_request },
};
