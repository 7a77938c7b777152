/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/data.c - what a worker says over the data socket of a session. An answer whose id is
 * not open is dropped (given up, or answered before); one that does not fit its request breaks the
 * protocol. A handler returns right after its callbacks: they may have released the session.
 */
#include "ipc/client/session.h"

#include <stdio.h>
#include <string.h>

#include "ipc/class.h"
#include "ipc/client/client.h"
#include "ipc/clock.h"

static void take_adapter(struct bh_session *session, const char *adapter)
{
	if (adapter && *adapter)
		(void)snprintf(session->adapter, sizeof(session->adapter), "%.15s", adapter);
}

static int on_connected(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	const Bh__Connected *connected = msg;
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	struct request *request = lane_find(&session->lane, frame->id);

	if (!request)
		return 0;
	if (request->type != BH__TYPE__CONNECT)
		return -EBADMSG;
	take_adapter(session, connected->adapter);
	if (request->is_replay) {
		handover_answer(session, request, &result);
		return 0;
	}
	if (request->why)
		session_forget_doomed(session);
	session->wants_link = true;
	session->connect_timeout_ms = request->timeout_ms;
	session->checks_len = request->len;
	memcpy(session->checks, request->value, request->len);
	result.adapter = session->adapter;
	result.attempts = connected->attempts;
	result.mtu = connected->mtu;
	result.timings = request_timings(connected->timings);
	lane_answer(&session->lane, request, &result);
	return 0;
}

static int on_value(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	const Bh__Value *value = msg;
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	struct request *request = lane_find(&session->lane, frame->id);

	if (!request)
		return 0;
	if (request->type != BH__TYPE__READ)
		return -EBADMSG;
	result.value = value->value.data;
	result.len_bytes = value->value.len;
	result.adapter = session->adapter;
	result.timings = request_timings(value->timings);
	lane_answer(&session->lane, request, &result);
	return 0;
}

/* --- services --- */

static int take_uuid(const ProtobufCBinaryData *wire, struct bh_uuid *out_uuid)
{
	if (wire->len != sizeof(out_uuid->octets))
		return -EBADMSG;
	memcpy(out_uuid->octets, wire->data, sizeof(out_uuid->octets));
	return 0;
}

/* The flags of all characteristics, each row ended by NULL. */
static const char **make_flags(const Bh__Service *service)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < service->n_characteristics; i++)
		n += service->characteristics[i]->n_flags + 1;
	return calloc(n + 1, sizeof(char *));
}

static int fill(const Bh__Service *service, struct bh_characteristic *out, const char **flags)
{
	const Bh__Characteristic *wire;
	size_t i;
	size_t j;
	int r;

	for (i = 0; i < service->n_characteristics; i++) {
		wire = service->characteristics[i];
		r = take_uuid(&wire->uuid, &out[i].uuid);
		if (r < 0)
			return r;
		out[i].handle = (uint16_t)wire->handle;
		out[i].flags = flags;
		for (j = 0; j < wire->n_flags; j++)
			*flags++ = wire->flags[j];
		flags++;
	}
	return 0;
}

static int on_service(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	const Bh__Service *wire = msg;
	const struct request *request = lane_find(&session->lane, frame->id);
	_cleanup_free_ struct bh_characteristic *characteristics = NULL;
	_cleanup_free_ const char **flags = NULL;
	struct bh_service service = { .handle = (uint16_t)wire->handle,
				      .primary = wire->primary,
				      .n_characteristics = wire->n_characteristics };
	int r;

	if (!request)
		return 0;
	if (request->type != BH__TYPE__SERVICES_REQUEST)
		return -EBADMSG;
	characteristics = calloc(wire->n_characteristics + 1, sizeof(*characteristics));
	flags = make_flags(wire);
	if (!characteristics || !flags)
		return -ENOMEM;
	r = take_uuid(&wire->uuid, &service.uuid);
	if (r == 0)
		r = fill(wire, characteristics, flags);
	if (r < 0)
		return r;
	service.characteristics = characteristics;
	if (request->item.service)
		request->item.service(request->ctx, &service);
	return 0;
}

/* --- streams --- */

static uint32_t add_lost(uint32_t lost, uint64_t more)
{
	return more > UINT32_MAX - lost ? UINT32_MAX : lost + (uint32_t)more;
}

/* Values that are taken and not acknowledged: half of the worker's credit (session.proto). */
enum { ACK_EVERY = 256 };

/* Its program has taken them: the worker may send as many more. */
static void acknowledge(struct bh_session *session, struct session_sub *sub)
{
	Bh__NotifyAck ack = BH__NOTIFY_ACK__INIT;
	struct lane *lane = &session->lane;

	if (sub->expected - 1 - sub->taken < ACK_EVERY || !lane->chan || lane->is_deaf)
		return;
	ack.has_subscription = ack.has_seq = 1;
	ack.subscription = sub->id;
	ack.seq = sub->expected - 1;
	/* One that cannot be sent is made good by the next one, or its socket is at its end. */
	if (chan_send(lane->chan, BH__TYPE__NOTIFY_ACK, 0, lane->epoch, &ack.base, NULL, 0) == 0)
		sub->taken = ack.seq;
	lane_pump(lane);
}

/*
 * The worker counts from 1 for each subscription it serves, the program's count goes on over
 * moves: a lost value uses up its number in both. What was given already is not given again.
 */
static int on_notified(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	const Bh__Notified *notified = msg;
	struct session_sub *sub = session_find_sub(session, frame->id);
	uint64_t at = notified->first_seq;
	uint32_t lost = notified->lost;
	size_t i;

	if (!sub || sub->is_muted)
		return 0;
	if (at == 0)
		at = sub->expected + lost;
	if (at > sub->expected && at - sub->expected > lost)
		lost = add_lost(0, at - sub->expected);
	for (i = 0; i < notified->n_values; i++, at++) {
		if (at < sub->expected)
			continue;
		sub->expected = at + 1;
		sub->seq += 1 + (uint64_t)lost;
		sub->value(sub->ctx, notified->values[i].data, notified->values[i].len, sub->seq,
			   lost);
		/* A callback may have ended the session, and this with it. */
		if (session->state != SESSION_OPEN)
			return 0;
		if (sub->is_muted)
			break;
		lost = 0;
	}
	acknowledge(session, sub);
	return 0;
}

static int8_t take_rssi(bool has_rssi, int32_t rssi_dbm)
{
	if (!has_rssi || rssi_dbm < INT8_MIN || rssi_dbm > INT8_MAX)
		return BH_RSSI_UNKNOWN;
	return (int8_t)rssi_dbm;
}

static int on_advert(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	const Bh__Advert *wire = msg;
	const struct request *request = lane_find(&session->lane, frame->id);
	_cleanup_free_ struct bh_uuid *uuids = NULL;
	struct bh_advert advert = {
		.address = wire->address,
		.is_random = wire->random,
		.name = request_text(wire->name),
		.adapter = wire->adapter ? wire->adapter : session->adapter,
		.rssi_dbm = take_rssi(wire->has_rssi_dbm, wire->rssi_dbm),
		.n_uuids = wire->n_uuids,
		.has_manufacturer = wire->has_manufacturer_data,
		.company = (uint16_t)wire->company,
		.manufacturer_data = wire->manufacturer_data.data,
		.manufacturer_len = wire->manufacturer_data.len,
	};
	size_t i;

	if (!request)
		return 0;
	if (request->type != BH__TYPE__SCAN)
		return -EBADMSG;
	uuids = calloc(wire->n_uuids + 1, sizeof(*uuids));
	if (!uuids)
		return -ENOMEM;
	for (i = 0; i < wire->n_uuids; i++)
		if (take_uuid(&wire->uuids[i], &uuids[i]) < 0)
			return -EBADMSG;
	advert.uuids = uuids;
	request->item.advert(request->ctx, &advert);
	return 0;
}

static int on_link_lost(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__LinkLost *lost = msg;
	enum bh_class class = (enum bh_class)class_from_wire((int)lost->class_);
	struct bh_result why;

	(void)frame;
	why = request_result(class == BH_CLASS_NONE ? BH_CLASS_LINK_LOST : class, lost->text, NULL);
	handover_link_gone(ctx, &why, lost->resumes);
	return 0;
}

static int on_link_back(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__LinkBack *back = msg;
	struct bh_session *session = ctx;

	(void)frame;
	take_adapter(session, back->adapter);
	if (back->gap) {
		session_tell(session, BH_SESSION_GAP, BH_CLASS_NONE, NULL);
		return 0;
	}
	/* After a move the program was told of no loss. */
	if (!session->awaits_link)
		return 0;
	session->awaits_link = false;
	session_tell(session, BH_SESSION_LINK_BACK, BH_CLASS_NONE, NULL);
	return 0;
}

/* --- ends --- */

/* The program's own bh_disconnect() ends its subscriptions: it knows, and is not told. */
static void forget_established(struct bh_session *session)
{
	struct session_sub **at = &session->subs;
	struct session_sub *sub;

	while ((sub = *at)) {
		if (!sub->is_established) {
			at = &sub->next;
			continue;
		}
		*at = sub->next;
		free(sub);
	}
}

static void note_done(struct bh_session *session, const struct request *request)
{
	struct session_sub *sub;

	if (request->type == BH__TYPE__DISCONNECT) {
		session->wants_link = false;
		forget_established(session);
	}
	if (request->type == BH__TYPE__UNSUBSCRIBE)
		session_forget_sub(session, request->number);
	if (request->type == BH__TYPE__SUBSCRIBE) {
		sub = session_find_sub(session, request->id);
		if (sub)
			sub->is_established = true;
	}
}

static int on_done(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	const Bh__Done *done = msg;
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	struct request *request = lane_find(&session->lane, frame->id);

	if (!request)
		return 0;
	if (request->type == BH__TYPE__CONNECT || request->type == BH__TYPE__READ)
		return -EBADMSG;
	result.adapter = session->adapter;
	result.timings = request_timings(done->timings);
	if (request->is_replay) {
		handover_answer(session, request, &result);
		return 0;
	}
	note_done(session, request);
	lane_answer(&session->lane, request, &result);
	return 0;
}

static int on_error(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_session *session = ctx;
	struct bh_result result = request_error(msg);
	struct request *request = lane_find(&session->lane, frame->id);
	struct session_sub *sub;

	result.adapter = session->adapter;
	if (request) {
		client_fail(&session->lane, request, &result);
		return 0;
	}
	/* A subscription that ends by itself. */
	sub = session_find_sub(session, frame->id);
	if (sub && sub->is_established)
		session_end_sub(session, sub, &result);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__TYPE__VALUE, 0, 0, &bh__value__descriptor, on_value },
	{ BH__TYPE__DONE, 0, 0, &bh__done__descriptor, on_done },
	{ BH__TYPE__NOTIFIED, 0, 0, &bh__notified__descriptor, on_notified },
	{ BH__TYPE__CONNECTED, 0, 0, &bh__connected__descriptor, on_connected },
	{ BH__TYPE__ERROR, 0, 0, &bh__error__descriptor, on_error },
	{ BH__TYPE__ADVERT, 0, 0, &bh__advert__descriptor, on_advert },
	{ BH__TYPE__SERVICE, 0, 0, &bh__service__descriptor, on_service },
	{ BH__TYPE__LINK_LOST, 0, 0, &bh__link_lost__descriptor, on_link_lost },
	{ BH__TYPE__LINK_BACK, 0, 0, &bh__link_back__descriptor, on_link_back },
};

/* Nothing is expected: asking once more would be a system call for nothing. */
static bool is_quiet(const struct bh_session *session)
{
	return session->lane.n_open == 0 && !session->subs && !session->moves;
}

void data_readable(struct bh_session *session)
{
	struct lane *lane = &session->lane;
	struct chan_frame frame;
	int r = 0;
	int i;

	/* A callback may have closed the channel. */
	for (i = 0; i < CHAN_READS_PER_WAKEUP && lane->chan; i++) {
		r = chan_recv(lane->chan, &frame);
		if (r != CHAN_FRAME)
			break;
		r = chan_dispatch(lane->chan, &frame, RULES, ARRAY_LEN(RULES), session);
		chan_frame_done(&frame);
		if (r < 0 || is_quiet(session))
			break;
	}
	if (!lane->chan)
		return;
	if (i > 0 && session->moves)
		session->drain_until_ms = clock_now_ms() + SESSION_DRAIN_MS;
	if (r < 0) {
		session_break(session, "the worker did not keep to the protocol");
		return;
	}
	/* The end without a move: the supervisor says on the control connection what follows. */
	if (r == CHAN_EOF) {
		lane_close(lane);
		handover_drained(session);
	}
}
