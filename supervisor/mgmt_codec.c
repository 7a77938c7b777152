/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/mgmt_codec.h"

#include <string.h>

enum {
	PEER_LEN = 7,	    /* address and type */
	CONNECTED_LEN = 13, /* then flags, length of the advertising data */
	DISCONNECTED_LEN = 8,
	INFO_LEN = 280,
	INFO_SUPPORTED_AT = 9,
	INFO_CURRENT_AT = 13,
	INFO_SETTINGS_END = 17,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get_address(const uint8_t *p)
{
	return (uint64_t)get32(p) | (uint64_t)get16(p + 4) << 32;
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

size_t mgmt_codec_put(uint8_t out[MGMT_HEADER_LEN + MGMT_PARAMS_MAX], uint16_t opcode,
		      uint16_t index, const uint8_t *params, size_t params_len)
{
	assert(params_len <= MGMT_PARAMS_MAX);
	put16(out, opcode);
	put16(out + 2, index);
	put16(out + 4, (uint16_t)params_len);
	if (params_len > 0)
		memcpy(out + MGMT_HEADER_LEN, params, params_len);
	return MGMT_HEADER_LEN + params_len;
}

size_t mgmt_codec_put_peer(uint8_t out[MGMT_PARAMS_MAX], uint64_t address,
			   enum mgmt_address_type type)
{
	size_t i;

	for (i = 0; i < 6; i++)
		out[i] = (uint8_t)(address >> (8 * i));
	out[6] = (uint8_t)type;
	return PEER_LEN;
}

int mgmt_codec_packet(const uint8_t *data, size_t len, struct mgmt_packet *out)
{
	if (len < MGMT_HEADER_LEN || get16(data + 4) != len - MGMT_HEADER_LEN)
		return -EBADMSG;
	*out = (struct mgmt_packet){
		.code = get16(data),
		.index = get16(data + 2),
		.params = data + MGMT_HEADER_LEN,
		.len = len - MGMT_HEADER_LEN,
	};
	return 0;
}

int mgmt_codec_reply(const struct mgmt_packet *packet, struct mgmt_reply *out)
{
	if (packet->code != MGMT_EV_COMMAND_COMPLETE && packet->code != MGMT_EV_COMMAND_STATUS)
		return -EBADMSG;
	if (packet->len < 3)
		return -EBADMSG;
	*out = (struct mgmt_reply){
		.opcode = get16(packet->params),
		.status = packet->params[2],
		.data = packet->params + 3,
		.len = packet->len - 3,
	};
	return 0;
}

int mgmt_codec_index_list(const uint8_t *data, size_t len, struct mgmt_index_list *out)
{
	size_t n, i;

	if (len < 2 || len - 2 < 2u * get16(data))
		return -EBADMSG;
	n = get16(data);
	out->n = n < MGMT_INDEXES_MAX ? n : MGMT_INDEXES_MAX;
	for (i = 0; i < out->n; i++)
		out->indexes[i] = get16(data + 2 + 2 * i);
	return 0;
}

int mgmt_codec_info(const uint8_t *data, size_t len, struct mgmt_info *out)
{
	/* The names behind the settings are not needed; kernels agree on what comes before. */
	if (len < INFO_SETTINGS_END || len > INFO_LEN)
		return -EBADMSG;
	*out = (struct mgmt_info){
		.address = get_address(data),
		.supported_settings = get32(data + INFO_SUPPORTED_AT),
		.current_settings = get32(data + INFO_CURRENT_AT),
	};
	return 0;
}

int mgmt_codec_settings(const uint8_t *data, size_t len, uint32_t *out)
{
	if (len < 4)
		return -EBADMSG;
	*out = get32(data);
	return 0;
}

int mgmt_codec_peer(const struct mgmt_packet *packet, struct mgmt_peer *out)
{
	size_t need = packet->code == MGMT_EV_DEVICE_CONNECTED ? CONNECTED_LEN : DISCONNECTED_LEN;

	if (packet->len < need || packet->params[6] > MGMT_LE_RANDOM)
		return -EBADMSG;
	*out = (struct mgmt_peer){
		.address = get_address(packet->params),
		.type = (enum mgmt_address_type)packet->params[6],
		.reason = packet->code == MGMT_EV_DEVICE_CONNECTED ? 0 : packet->params[PEER_LEN],
	};
	return 0;
}

int mgmt_codec_listed(const uint8_t *data, size_t len, uint64_t address,
		      enum mgmt_address_type *out_type)
{
	size_t i;

	if (len < 2 || len - 2 < (size_t)PEER_LEN * get16(data))
		return -EBADMSG;
	for (i = 0; i < get16(data); i++) {
		const uint8_t *peer = data + 2 + PEER_LEN * i;

		/* The same number as a BR/EDR address is another link. */
		if (get_address(peer) != address || peer[6] == MGMT_BREDR ||
		    peer[6] > MGMT_LE_RANDOM)
			continue;
		*out_type = (enum mgmt_address_type)peer[6];
		return 0;
	}
	return MGMT_NOT_LISTED;
}

size_t mgmt_codec_links(const uint8_t *data, size_t len, struct mgmt_peer *out, size_t max)
{
	size_t n = 0;
	size_t i;

	if (len < 2 || len - 2 < (size_t)PEER_LEN * get16(data))
		return 0;
	for (i = 0; i < get16(data) && n < max; i++) {
		const uint8_t *peer = data + 2 + PEER_LEN * i;

		if (peer[6] == MGMT_LE_PUBLIC || peer[6] == MGMT_LE_RANDOM)
			out[n++] = (struct mgmt_peer){
				.address = get_address(peer),
				.type = (enum mgmt_address_type)peer[6],
			};
	}
	return n;
}

static const char *const STATUS_TEXTS[] = {
	[0x00] = "done",
	[0x01] = "unknown command",
	[0x02] = "not connected",
	[0x03] = "failed",
	[0x04] = "connect failed",
	[0x05] = "authentication failed",
	[0x06] = "not paired",
	[0x07] = "no resources",
	[0x08] = "timeout",
	[0x09] = "already connected",
	[0x0a] = "busy",
	[0x0b] = "rejected",
	[0x0c] = "not supported",
	[0x0d] = "invalid parameters",
	[0x0e] = "disconnected",
	[0x0f] = "not powered",
	[0x10] = "cancelled",
	[0x11] = "no such adapter",
	[0x12] = "blocked by rfkill",
	[0x13] = "already paired",
	[0x14] = "permission denied",
};

const char *mgmt_codec_status_text(uint8_t status)
{
	if (status < ARRAY_LEN(STATUS_TEXTS))
		return STATUS_TEXTS[status];
	return status == MGMT_STATUS_NO_ANSWER ? "no answer" : "unknown status";
}
