/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/l2cap.c - see l2cap.h. Lengths come from the host and are checked before use.
 */
#include "contrib/sim/l2cap.h"

#define SIGNAL_HEADER_BYTES 4

enum { SMP_PAIRING_REQUEST = 0x01, SMP_PAIRING_FAILED = 0x05 };
enum { SMP_REASON_NOT_SUPPORTED = 0x05, SMP_REASON_UNKNOWN_COMMAND = 0x07 };

static int drop(struct l2cap *l2cap)
{
	l2cap->have_bytes = 0;
	l2cap->want_bytes = 0;
	return -EPROTO;
}

int l2cap_feed(struct l2cap *l2cap, unsigned boundary, const uint8_t *data, size_t len_bytes)
{
	if (boundary != ACL_CONTINUED) {
		/* An unfinished frame before it is lost, as it would be in the air. */
		l2cap->have_bytes = 0;
		l2cap->want_bytes = 0;
	} else if (l2cap->have_bytes == 0) {
		return -EPROTO;
	}
	if (len_bytes > sizeof(l2cap->frame) - l2cap->have_bytes)
		return drop(l2cap);
	if (len_bytes)
		memcpy(l2cap->frame + l2cap->have_bytes, data, len_bytes);
	l2cap->have_bytes += len_bytes;

	/* Even the header may come in two fragments. */
	if (l2cap->want_bytes == 0 && l2cap->have_bytes >= L2CAP_HEADER_BYTES)
		l2cap->want_bytes = L2CAP_HEADER_BYTES + (size_t)bytes_get16(l2cap->frame);
	if (l2cap->want_bytes > sizeof(l2cap->frame) ||
	    (l2cap->want_bytes && l2cap->have_bytes > l2cap->want_bytes))
		return drop(l2cap);
	if (l2cap->want_bytes == 0 || l2cap->have_bytes < l2cap->want_bytes)
		return 0;
	l2cap->have_bytes = 0;
	return L2CAP_WHOLE;
}

void l2cap_begin(struct packet *out, enum l2cap_cid cid, size_t payload_bytes)
{
	packet_put16(out, (unsigned)payload_bytes);
	packet_put16(out, cid);
}

static void reject(uint8_t identifier, struct packet *out)
{
	l2cap_begin(out, L2CAP_CID_SIGNALLING, SIGNAL_HEADER_BYTES + 2);
	packet_put8(out, L2CAP_REJECT);
	packet_put8(out, identifier);
	packet_put16(out, 2);
	packet_put16(out, 0); /* command not understood */
}

int l2cap_signal(struct l2cap *l2cap, const uint8_t *payload, size_t len_bytes, struct packet *out,
		 int *out_accepted)
{
	uint8_t identifier;

	*out_accepted = -1;
	/* On LE there is one command per frame. Identifier 0 is not allowed and not answered. */
	if (len_bytes < SIGNAL_HEADER_BYTES ||
	    bytes_get16(payload + 2) != len_bytes - SIGNAL_HEADER_BYTES || payload[1] == 0)
		return -EPROTO;
	identifier = payload[1];
	switch (payload[0]) {
	case L2CAP_REJECT:
		*out_accepted = identifier == l2cap->identifier ? 0 : -1;
		return 0;
	case L2CAP_PARAMETERS_RESPONSE:
		if (len_bytes < SIGNAL_HEADER_BYTES + 2)
			return -EPROTO;
		if (identifier == l2cap->identifier)
			*out_accepted = bytes_get16(payload + SIGNAL_HEADER_BYTES) == 0;
		return 0;
	default:
		/* Parameter requests too: only a peripheral may send them. */
		reject(identifier, out);
		return 0;
	}
}

void l2cap_security(const uint8_t *payload, size_t len_bytes, struct packet *out)
{
	if (len_bytes == 0 || payload[0] == SMP_PAIRING_FAILED)
		return;
	l2cap_begin(out, L2CAP_CID_SECURITY, 2);
	packet_put8(out, SMP_PAIRING_FAILED);
	packet_put8(out, payload[0] == SMP_PAIRING_REQUEST ? SMP_REASON_NOT_SUPPORTED
							   : SMP_REASON_UNKNOWN_COMMAND);
}

void l2cap_ask_parameters(struct l2cap *l2cap, uint16_t interval, uint16_t timeout,
			  struct packet *out)
{
	if (++l2cap->identifier == 0)
		l2cap->identifier = 1;
	l2cap_begin(out, L2CAP_CID_SIGNALLING, SIGNAL_HEADER_BYTES + 8);
	packet_put8(out, L2CAP_PARAMETERS_REQUEST);
	packet_put8(out, l2cap->identifier);
	packet_put16(out, 8);
	packet_put16(out, interval);
	packet_put16(out, interval);
	packet_put16(out, 0); /* latency */
	packet_put16(out, timeout);
}
