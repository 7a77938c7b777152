/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/link.c - data of one link, and what the peripheral at its end does with it; see
 * link.h.
 *
 * The host's packets wait in a queue until the next connection event, then the peripheral gets
 * them, the host gets its credits back, and the answers go out.
 */
#include "contrib/sim/link.h"

#include "contrib/sim/air.h"

#define SUPERVISION_UNIT_MS 10

struct link *link_new(struct controller *controller, struct model_device *device, uint16_t handle)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->controller = controller;
	link->device = device;
	link->handle = handle;
	link->end_at_ms = MODEL_NEVER_MS;
	link->event_at_ms = MODEL_NEVER_MS;
	link->features_at_ms = MODEL_NEVER_MS;
	att_init(&link->att, device);
	return link;
}

struct link *link_free(struct link *link)
{
	if (!link)
		return NULL;
	if (link->device)
		model_link_down(link->device);
	free(link);
	return NULL;
}

static bool is_out_of_range(const struct link *link)
{
	return link->device && air_device(link->controller->air, link->device)->vanished;
}

/* A peripheral that nobody hears goes on counting only when it is heard again. */
static bool is_speaking(const struct link *link)
{
	return link->device->mute == MODEL_MUTE_OFF;
}

static void send_att(struct link *link, const struct packet *pdu)
{
	uint8_t data[L2CAP_HEADER_BYTES + ATT_MTU_MAX];
	struct packet frame = PACKET_OVER(data);

	/* Mute: the peripheral has answered, but nobody hears it. */
	if (pdu->len_bytes == 0 || !is_speaking(link))
		return;
	l2cap_begin(&frame, L2CAP_CID_ATT, pdu->len_bytes);
	packet_put(&frame, pdu->data, pdu->len_bytes);
	controller_send_frame(link->controller, link->handle, &frame);
}

static void take_signal(struct link *link, const uint8_t *payload, size_t len_bytes,
			struct packet *answer)
{
	int accepted;

	if (l2cap_signal(&link->l2cap, payload, len_bytes, answer, &accepted) < 0)
		air_log("handle=%u malformed signal, %zu bytes", link->handle, len_bytes);
	else if (accepted >= 0)
		air_log("handle=%u parameters=%s", link->handle,
			accepted ? "accepted" : "rejected");
}

/* A whole L2CAP frame has reached the peripheral. */
static void take_frame(struct link *link, const uint8_t *frame, size_t len_bytes, uint64_t now_ms)
{
	const uint8_t *payload = frame + L2CAP_HEADER_BYTES;
	const size_t payload_bytes = len_bytes - L2CAP_HEADER_BYTES;
	uint8_t data[L2CAP_HEADER_BYTES + ATT_MTU_MAX];
	struct packet answer = PACKET_OVER(data);

	if (!link->device || link->device->mute == MODEL_MUTE_ON)
		return;
	if (link->controller->air->settings.trace && payload_bytes)
		air_log("handle=%u channel=%u code=0x%02x bytes=%zu", link->handle,
			bytes_get16(frame + 2), payload[0], payload_bytes);
	switch (bytes_get16(frame + 2)) {
	case L2CAP_CID_ATT:
		answer.size = ATT_MTU_MAX;
		att_handle(&link->att, payload, payload_bytes, now_ms, &answer);
		send_att(link, &answer);
		return;
	case L2CAP_CID_SIGNALLING:
		take_signal(link, payload, payload_bytes, &answer);
		break;
	case L2CAP_CID_SECURITY:
		l2cap_security(payload, payload_bytes, &answer);
		break;
	default:
		return;
	}
	if (answer.len_bytes && link->device->mute == MODEL_MUTE_OFF)
		controller_send_frame(link->controller, link->handle, &answer);
}

static void take_packet(struct link *link, unsigned boundary, const uint8_t *data, size_t len_bytes,
			uint64_t now_ms)
{
	int r;

	/* First the credit, then the answer: the host may send on at once. */
	controller_credit(link->controller, link->handle, 1);
	r = l2cap_feed(&link->l2cap, boundary, data, len_bytes);
	if (r < 0)
		air_log("handle=%u broken fragment, %zu bytes", link->handle, len_bytes);
	else if (r == L2CAP_WHOLE)
		take_frame(link, link->l2cap.frame, link->l2cap.want_bytes, now_ms);
}

void link_receive(struct link *link, unsigned boundary, const uint8_t *data, size_t len_bytes,
		  uint64_t now_ms)
{
	const unsigned event_ms = link->controller->air->settings.event_ms;

	/* Nobody is there to take what a ghost gets, but the controller takes it. */
	if (!link->device || (event_ms == 0 && link->queued == 0 && !is_out_of_range(link))) {
		take_packet(link, boundary, data, len_bytes, now_ms);
		return;
	}
	if (link->queued == CONTROLLER_ACL_BUFFERS) {
		/* More than was announced: a bug in the host, and worth a line. */
		air_log("handle=%u out of buffers, packet dropped", link->handle);
		return;
	}
	link->queue[link->queued].boundary = boundary;
	link->queue[link->queued].len_bytes = len_bytes;
	if (len_bytes)
		memcpy(link->queue[link->queued].data, data, len_bytes);
	if (link->queued++ == 0)
		link->event_at_ms = now_ms + event_ms;
}

static void report_features(struct link *link)
{
	uint8_t data[12];
	struct packet event = PACKET_OVER(data);

	link->features_at_ms = MODEL_NEVER_MS;
	packet_put8(&event, HCI_LE_EV_REMOTE_FEATURES);
	packet_put8(&event, HCI_OK);
	packet_put16(&event, link->handle);
	packet_zero(&event, 8);
	controller_event(link->controller, HCI_EV_LE_META, &event);
}

void link_ask_features(struct link *link, uint64_t now_ms)
{
	link->features_at_ms = now_ms + 2 * link->controller->air->settings.event_ms;
	if (!link->device || (link->features_at_ms <= now_ms && !is_out_of_range(link)))
		report_features(link);
}

static void tick_burst(struct link *link, uint64_t now_ms)
{
	struct model_emission emission;
	uint8_t data[ATT_MTU_MAX];

	for (; link->burst_left && link->burst_at_ms <= now_ms; link->burst_at_ms++) {
		struct packet pdu = PACKET_OVER(data);

		if (model_emit_now(link->device, link->burst_handle, &emission) == 0) {
			link->burst_left = 0;
			return;
		}
		link->burst_left--;
		if (att_emission(&link->att, &emission, &pdu) == 1)
			send_att(link, &pdu);
	}
}

void link_tick(struct link *link, uint64_t now_ms)
{
	uint8_t data[ATT_MTU_MAX];
	struct packet pdu = PACKET_OVER(data);

	if (is_out_of_range(link) || !link->device)
		return;
	if (link->event_at_ms <= now_ms) {
		for (size_t i = 0; i < link->queued; i++)
			take_packet(link, link->queue[i].boundary, link->queue[i].data,
				    link->queue[i].len_bytes, now_ms);
		link->queued = 0;
		link->event_at_ms = MODEL_NEVER_MS;
	}
	if (link->features_at_ms <= now_ms)
		report_features(link);
	if (!is_speaking(link))
		return;
	tick_burst(link, now_ms);
	while (att_emit(&link->att, now_ms, &pdu) == 1) {
		send_att(link, &pdu);
		pdu.len_bytes = 0;
	}
}

uint64_t link_next_at_ms(const struct link *link)
{
	uint64_t next_at_ms = link->end_at_ms, emit_at_ms;

	if (is_out_of_range(link) || !link->device)
		return next_at_ms;
	if (link->event_at_ms < next_at_ms)
		next_at_ms = link->event_at_ms;
	if (link->features_at_ms < next_at_ms)
		next_at_ms = link->features_at_ms;
	if (!is_speaking(link))
		return next_at_ms;
	if (link->burst_left && link->burst_at_ms < next_at_ms)
		next_at_ms = link->burst_at_ms;
	emit_at_ms = att_next_emit_at_ms(&link->att);
	return emit_at_ms < next_at_ms ? emit_at_ms : next_at_ms;
}

void link_burst(struct link *link, uint16_t handle, unsigned count, uint64_t now_ms)
{
	link->burst_handle = handle;
	link->burst_left = count;
	link->burst_at_ms = now_ms;
}

void link_ask_parameters(struct link *link, uint16_t interval, uint16_t timeout)
{
	uint8_t data[32];
	struct packet frame = PACKET_OVER(data);

	l2cap_ask_parameters(&link->l2cap, interval, timeout, &frame);
	controller_send_frame(link->controller, link->handle, &frame);
}

void link_set_vanished(struct link *link, bool vanished, uint64_t now_ms)
{
	if (!vanished) {
		if (link->end_reason == HCI_CONNECTION_TIMEOUT)
			link->end_at_ms = MODEL_NEVER_MS;
		if (link->queued)
			link->event_at_ms = now_ms;
		return;
	}
	link->end_reason = HCI_CONNECTION_TIMEOUT;
	link->end_at_ms = now_ms + (uint64_t)link->timeout * SUPERVISION_UNIT_MS;
}

void link_make_ghost(struct link *link)
{
	if (!link->device)
		return;
	model_link_down(link->device);
	link->device = NULL;
	link->queued = 0;
	link->event_at_ms = MODEL_NEVER_MS;
	link->features_at_ms = MODEL_NEVER_MS;
	link->end_at_ms = MODEL_NEVER_MS;
}
