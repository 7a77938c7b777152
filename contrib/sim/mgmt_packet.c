/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/mgmt_packet.c - see mgmt_packet.h.
 */
#include "contrib/sim/mgmt_packet.h"

#include <assert.h>
#include <string.h>

void mgmt_begin(struct mgmt_packet *p, unsigned code, unsigned index)
{
	p->len_bytes = 0;
	mgmt_put_16(p, code);
	mgmt_put_16(p, index);
	mgmt_put_16(p, 0);
}

void mgmt_end(struct mgmt_packet *p)
{
	const size_t len = p->len_bytes - MGMT_HEADER_BYTES;

	p->data[4] = (uint8_t)len;
	p->data[5] = (uint8_t)(len >> 8);
}

void mgmt_put_bytes(struct mgmt_packet *p, const void *data, size_t len)
{
	assert(p->len_bytes + len <= sizeof(p->data));
	memcpy(p->data + p->len_bytes, data, len);
	p->len_bytes += len;
}

void mgmt_put_8(struct mgmt_packet *p, unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	mgmt_put_bytes(p, &byte, 1);
}

void mgmt_put_16(struct mgmt_packet *p, unsigned value)
{
	mgmt_put_8(p, value & 0xff);
	mgmt_put_8(p, value >> 8 & 0xff);
}

void mgmt_put_32(struct mgmt_packet *p, uint32_t value)
{
	mgmt_put_16(p, value & 0xffff);
	mgmt_put_16(p, value >> 16);
}

void mgmt_put_zeros(struct mgmt_packet *p, size_t len)
{
	assert(p->len_bytes + len <= sizeof(p->data));
	memset(p->data + p->len_bytes, 0, len);
	p->len_bytes += len;
}
