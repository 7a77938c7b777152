/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/mgmt_packet.h - puts an MGMT packet together: header, then little-endian fields.
 *
 * Pure. A packet that does not fit is a mistake in the caller and ends the process.
 */
#include <stddef.h>
#include <stdint.h>

#define MGMT_HEADER_BYTES 6
#define MGMT_BODY_BYTES	  8192 /* a thousand connections */

struct mgmt_packet {
	size_t len_bytes;
	uint8_t data[MGMT_HEADER_BYTES + MGMT_BODY_BYTES];
};

/* Starts with the header of an event or command; its length is filled in by mgmt_end(). */
void mgmt_begin(struct mgmt_packet *p, unsigned code, unsigned index);
void mgmt_end(struct mgmt_packet *p);

void mgmt_put_bytes(struct mgmt_packet *p, const void *data, size_t len);
void mgmt_put_8(struct mgmt_packet *p, unsigned value);
void mgmt_put_16(struct mgmt_packet *p, unsigned value);
void mgmt_put_32(struct mgmt_packet *p, uint32_t value);
void mgmt_put_zeros(struct mgmt_packet *p, size_t len);
