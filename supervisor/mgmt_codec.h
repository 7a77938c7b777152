/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/mgmt_codec.h - the bytes of the kernel's MGMT protocol (BlueZ doc/mgmt-api.txt), as
 * far as bleherd speaks it. All integers are little-endian, addresses lowest octet first. Pure:
 * every length is checked, nothing is kept. Used by mgmt.c and enumerate.c.
 */
#include "ipc/base.h"

enum {
	MGMT_HEADER_LEN = 6,
	MGMT_PACKET_MAX = 1024,
	MGMT_PARAMS_MAX = 64, /* of a command of ours */
	MGMT_INDEX_NONE = 0xffff,
	MGMT_INDEXES_MAX = 64, /* adapters that we can keep */
	MGMT_NAME_LEN = 249,
};

enum mgmt_opcode {
	MGMT_READ_INDEX_LIST = 0x0003,
	MGMT_READ_INFO = 0x0004,
	MGMT_SET_POWERED = 0x0005,
	MGMT_DISCONNECT = 0x0014,
	MGMT_GET_CONNECTIONS = 0x0015,
};

enum mgmt_event {
	MGMT_EV_COMMAND_COMPLETE = 0x0001,
	MGMT_EV_COMMAND_STATUS = 0x0002,
	MGMT_EV_INDEX_ADDED = 0x0004,
	MGMT_EV_INDEX_REMOVED = 0x0005,
	MGMT_EV_NEW_SETTINGS = 0x0006,
	MGMT_EV_DEVICE_CONNECTED = 0x000b,
	MGMT_EV_DEVICE_DISCONNECTED = 0x000c,
	MGMT_EV_CONNECT_FAILED = 0x000d,
};

enum mgmt_status {
	MGMT_STATUS_SUCCESS = 0x00,
	MGMT_STATUS_NOT_CONNECTED = 0x02,
	MGMT_STATUS_AUTH_FAILED = 0x05,
	MGMT_STATUS_BUSY = 0x0a,
	MGMT_STATUS_NOT_POWERED = 0x0f,
	MGMT_STATUS_INVALID_INDEX = 0x11,
	MGMT_STATUS_RFKILLED = 0x12,
	MGMT_STATUS_PERMISSION_DENIED = 0x14,
	MGMT_STATUS_NO_ANSWER = 0xff, /* ours: it could not be asked, or was not answered */
};

enum mgmt_address_type { MGMT_BREDR = 0, MGMT_LE_PUBLIC = 1, MGMT_LE_RANDOM = 2 };

enum { MGMT_SETTING_POWERED = 1u << 0, MGMT_SETTING_LE = 1u << 9 };

struct mgmt_packet {
	uint16_t code; /* of an event or a command */
	uint16_t index;
	const uint8_t *params;
	size_t len;
};

/* Command Complete and Command Status. */
struct mgmt_reply {
	uint16_t opcode;
	uint8_t status;
	const uint8_t *data; /* Command Complete only */
	size_t len;
};

struct mgmt_info {
	uint64_t address;
	uint32_t supported_settings;
	uint32_t current_settings;
};

/* Device Connected, Device Disconnected, Connect Failed, Disconnect. */
struct mgmt_peer {
	uint64_t address;
	enum mgmt_address_type type;
	uint8_t reason; /* of Disconnected and Connect Failed */
};

struct mgmt_index_list {
	size_t n;
	uint16_t indexes[MGMT_INDEXES_MAX];
};

/**
 * mgmt_codec_put() - a command's packet
 * @params_len: at most MGMT_PARAMS_MAX
 *
 * Returns the packet's length in bytes.
 */
size_t mgmt_codec_put(uint8_t out[MGMT_HEADER_LEN + MGMT_PARAMS_MAX], uint16_t opcode,
		      uint16_t index, const uint8_t *params, size_t params_len);

/* The parameters of MGMT_DISCONNECT, 7 bytes; returns that. */
size_t mgmt_codec_put_peer(uint8_t out[MGMT_PARAMS_MAX], uint64_t address,
			   enum mgmt_address_type type);

/* Each reads one thing; -EBADMSG: too short, or a length inside does not fit. */
must_check int mgmt_codec_packet(const uint8_t *data, size_t len, struct mgmt_packet *out);
must_check int mgmt_codec_reply(const struct mgmt_packet *packet, struct mgmt_reply *out);
must_check int mgmt_codec_index_list(const uint8_t *data, size_t len, struct mgmt_index_list *out);
must_check int mgmt_codec_info(const uint8_t *data, size_t len, struct mgmt_info *out);
must_check int mgmt_codec_settings(const uint8_t *data, size_t len, uint32_t *out);
must_check int mgmt_codec_peer(const struct mgmt_packet *packet, struct mgmt_peer *out);

/* Of Get Connections' answer: whether @address is in it, and its type. Outcomes: 0 and @out_type;
 * MGMT_NOT_LISTED. */
enum { MGMT_NOT_LISTED = 1 };
must_check int mgmt_codec_listed(const uint8_t *data, size_t len, uint64_t address,
				 enum mgmt_address_type *out_type);

/* The LE links of Get Connections' answer, at most @max, and how many; none where it is damaged. */
size_t mgmt_codec_links(const uint8_t *data, size_t len, struct mgmt_peer *out, size_t max);

/* "not connected", ...; for messages. */
const char *mgmt_codec_status_text(uint8_t status);
