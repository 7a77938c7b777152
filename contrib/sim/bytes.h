/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/bytes.h - little-endian fields and a bounded buffer to build packets in.
 *
 * Header only, pure. Everything that Bluetooth puts on a wire is little-endian.
 */
#include <stdint.h>
#include <string.h>

#include "ipc/base.h"

static inline uint16_t bytes_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* A packet that is being built. What does not fit is left out and remembered. */
struct packet {
	uint8_t *data;
	size_t len_bytes;
	size_t size;
	bool overflow;
};

#define PACKET_OVER(array) ((struct packet){ .data = (array), .size = sizeof(array) })

static inline void packet_put(struct packet *packet, const void *data, size_t len_bytes)
{
	if (packet->overflow || len_bytes > packet->size - packet->len_bytes) {
		packet->overflow = true;
		return;
	}
	if (len_bytes)
		memcpy(packet->data + packet->len_bytes, data, len_bytes);
	packet->len_bytes += len_bytes;
}

static inline void packet_put8(struct packet *packet, unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	packet_put(packet, &byte, 1);
}

static inline void packet_put16(struct packet *packet, unsigned value)
{
	const uint8_t bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	packet_put(packet, bytes, sizeof(bytes));
}

static inline void packet_zero(struct packet *packet, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++)
		packet_put8(packet, 0);
}
