/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/att.h - the ATT server of one link: what a peripheral answers to each PDU.
 *
 * Pure: PDUs in, PDUs out; values live in the model. One struct att per link, made with att_init()
 * when the link comes up, nothing to free. Used by link.c; att_find.c holds the discovery half.
 */
#include "contrib/sim/bytes.h"
#include "contrib/sim/model.h"

#define ATT_MTU_DEFAULT	  23
#define ATT_MTU_MAX	  247 /* what the peripheral offers: one LE packet of 251 bytes */
#define ATT_PREPARED_MAX  64  /* queued parts of long writes */
#define ATT_INDICATED_MAX 8   /* indications that wait for a confirmation */

/* Opcodes. Requests are answered by the next number; bit 6 marks commands. */
enum att_opcode {
	ATT_ERROR = 0x01,
	ATT_MTU_REQUEST = 0x02,
	ATT_FIND_INFO_REQUEST = 0x04,
	ATT_FIND_VALUE_REQUEST = 0x06,
	ATT_READ_TYPE_REQUEST = 0x08,
	ATT_READ_REQUEST = 0x0a,
	ATT_READ_BLOB_REQUEST = 0x0c,
	ATT_READ_MULTIPLE_REQUEST = 0x0e,
	ATT_READ_GROUP_REQUEST = 0x10,
	ATT_WRITE_REQUEST = 0x12,
	ATT_PREPARE_REQUEST = 0x16,
	ATT_EXECUTE_REQUEST = 0x18,
	ATT_NOTIFICATION = 0x1b,
	ATT_INDICATION = 0x1d,
	ATT_CONFIRMATION = 0x1e,
	ATT_WRITE_COMMAND = 0x52,
	ATT_SIGNED_COMMAND = 0xd2,
};

/* Error codes beside those in enum model_att. */
enum {
	ATT_INVALID_PDU = 0x04,
	ATT_NOT_SUPPORTED = 0x06,
	ATT_QUEUE_FULL = 0x09,
	ATT_NOT_FOUND = 0x0a,
	ATT_UNSUPPORTED_GROUP = 0x10,
};

/* A part of a long write; its bytes lie in prepared_data. */
struct att_part {
	uint16_t handle;
	uint16_t offset;
	uint16_t at;
	uint16_t len_bytes;
};

struct att {
	struct model_device *device;
	size_t mtu;
	bool mtu_done;
	bool is_confirming; /* an indication is out */
	size_t indicated_count;
	struct model_emission indicated[ATT_INDICATED_MAX]; /* the next ones, in order */
	size_t part_count;
	struct att_part parts[ATT_PREPARED_MAX];
	size_t prepared_bytes;
	uint8_t prepared_data[2 * MODEL_VALUE_BYTES];
};

void att_init(struct att *att, struct model_device *device);

/**
 * att_handle() - carries out one PDU of the client
 * @out: gets the answer; empty if there is none. A confirmation lets the next indication out.
 */
void att_handle(struct att *att, const uint8_t *pdu, size_t len_bytes, uint64_t now_ms,
		struct packet *out);

/**
 * att_emit() - the next notification or indication that is due and may be sent
 *
 * Outcomes: 1 and the PDU in @out; 0 nothing.
 */
must_check int att_emit(struct att *att, uint64_t now_ms, struct packet *out);

/* The same for something that the model has emitted already: 0 if it must wait for its turn. */
must_check int att_emission(struct att *att, const struct model_emission *emission,
			    struct packet *out);

/* When att_emit() has something; MODEL_NEVER_MS: a write or a confirmation must come first. */
uint64_t att_next_emit_at_ms(const struct att *att);

/* For att_find.c and back. */
void att_error(struct packet *out, uint8_t opcode, uint16_t handle, int code);
void att_find(struct att *att, const uint8_t *pdu, size_t len_bytes, struct packet *out);
