/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/l2cap.h - L2CAP frames out of ACL fragments and back, and what a peripheral answers
 * on the signalling and security channels.
 *
 * Pure. Used by link.c; one struct l2cap per link.
 */
#include "contrib/sim/bytes.h"

#define L2CAP_HEADER_BYTES 4
#define L2CAP_MTU_MAX	   512 /* the longest payload that the peripheral takes */
#define L2CAP_FRAME_BYTES  (L2CAP_HEADER_BYTES + L2CAP_MTU_MAX)

enum l2cap_cid { L2CAP_CID_ATT = 4, L2CAP_CID_SIGNALLING = 5, L2CAP_CID_SECURITY = 6 };

/* Packet boundary flags of an ACL packet, bits 12 and 13 of its first field. */
enum { ACL_FIRST = 0, ACL_CONTINUED = 1, ACL_FIRST_FLUSHABLE = 2 };

enum {
	L2CAP_REJECT = 0x01,
	L2CAP_PARAMETERS_REQUEST = 0x12,
	L2CAP_PARAMETERS_RESPONSE = 0x13,
};

/* Outcome of l2cap_feed(): a frame is whole. */
enum { L2CAP_WHOLE = 1 };

struct l2cap {
	size_t have_bytes;
	size_t want_bytes; /* of the frame with its header; 0: not known yet */
	uint8_t frame[L2CAP_FRAME_BYTES];
	uint8_t identifier; /* of the last signalling command that we sent */
};

/**
 * l2cap_feed() - takes one ACL fragment from the host
 * @boundary: one of ACL_*
 *
 * Outcomes: 0 more is needed; L2CAP_WHOLE: frame[] holds want_bytes, valid until the next call.
 * Errors: -EPROTO a fragment without a beginning, too much, or a frame that is too long; the frame
 * is dropped and the next beginning starts afresh.
 */
must_check int l2cap_feed(struct l2cap *l2cap, unsigned boundary, const uint8_t *data,
			  size_t len_bytes);

/* Writes the header; the payload's bytes must follow. */
void l2cap_begin(struct packet *out, enum l2cap_cid cid, size_t payload_bytes);

/**
 * l2cap_signal() - the peripheral's answer to commands on the signalling channel
 * @out: a whole frame, or empty
 *
 * Returns -EPROTO for a malformed command, else 0. An answer to our own request is told by
 * *out_accepted: 1 accepted, 0 rejected, -1 no answer was in it.
 */
must_check int l2cap_signal(struct l2cap *l2cap, const uint8_t *payload, size_t len_bytes,
			    struct packet *out, int *out_accepted);

/* The answer on the security channel: this peripheral does not pair. Empty: none. */
void l2cap_security(const uint8_t *payload, size_t len_bytes, struct packet *out);

/* A frame that asks the central for other connection parameters (1.25 ms, 10 ms units). */
void l2cap_ask_parameters(struct l2cap *l2cap, uint16_t interval, uint16_t timeout,
			  struct packet *out);
