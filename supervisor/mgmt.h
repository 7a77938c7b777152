/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/mgmt.h - the MGMT socket: the kernel's, or a Unix one that speaks the same (tests).
 *
 * Asynchronous, one command in flight: replies carry no request id, only opcode and index, and a
 * command that is not answered in time poisons the socket (a late answer would be taken for another
 * one's), so it is closed and opened anew. A socket that cannot be opened or is lost is tried
 * again. Events that nobody here wants are dropped in the kernel. Owns the socket and the queue.
 */
#include <systemd/sd-event.h>

#include "supervisor/mgmt_codec.h"

struct mgmt;

struct mgmt_ops {
	void (*up)(void *ctx);		    /* the socket works: ask for the index list */
	void (*lost)(void *ctx, int error); /* negative errno; told once until it is up again */
	void (*event)(void *ctx, const struct mgmt_packet *packet);
};

/* Who asked: handed back with the reply, since the asker may be gone by then. */
struct mgmt_token {
	uint64_t who;
	uint64_t address;
	uint32_t id;
	uint32_t extra;
};

/* @data is NULL and @status MGMT_STATUS_NO_ANSWER when the socket was lost. */
typedef void (*mgmt_reply_cb)(void *ctx, uint16_t index, uint8_t status, const uint8_t *data,
			      size_t len, struct mgmt_token token);

/**
 * mgmt_new() - begin to open the socket and keep it open
 * @path: Unix SEQPACKET socket; "": the kernel's
 * @timeout_ms: of an answer
 * @ops:  static storage
 * @ctx:  for @ops and every reply
 *
 * Errors: -ENOMEM and the like. That the socket cannot be opened is told by lost().
 */
must_check int mgmt_new(struct mgmt **out, sd_event *event, const char *path, uint32_t timeout_ms,
			const struct mgmt_ops *ops, void *ctx);

/* What is unanswered is forgotten. NULL is fine; returns NULL. */
struct mgmt *mgmt_free(struct mgmt *mgmt);

bool mgmt_is_up(const struct mgmt *mgmt);

/**
 * mgmt_send() - queue a command
 * @reply: called once from the loop, never from within mgmt_send(); may be NULL
 *
 * Errors: -ENOTCONN the socket is lost, -ENOBUFS too many commands wait, -ENOMEM.  Blocks: never.
 */
must_check int mgmt_send(struct mgmt *mgmt, enum mgmt_opcode opcode, uint16_t index,
			 const uint8_t *params, size_t len, mgmt_reply_cb reply,
			 struct mgmt_token token);

/* MGMT_DISCONNECT of an LE link. */
must_check int mgmt_disconnect(struct mgmt *mgmt, uint16_t index, uint64_t address, bool is_random,
			       mgmt_reply_cb reply, struct mgmt_token token);

/* MGMT_SET_POWERED. One that answers nothing takes seconds to say so: status 5. */
must_check int mgmt_set_powered(struct mgmt *mgmt, uint16_t index, bool is_on, mgmt_reply_cb reply,
				struct mgmt_token token);
