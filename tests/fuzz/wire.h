/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/wire.h - the other end of a channel, which need not keep to anything: frames made of a
 * feed's bytes, good ones mostly, since a bad one ends the channel. Never blocks.
 */
#include "tests/fuzz/feed.h"

#include "ipc/chan.h"

#include <protobuf-c/protobuf-c.h>

enum { WIRE_IDS = 8, WIRE_FDS = 4 };

struct wire {
	int fd; /* -EBADF: closed */
	uint8_t fds_seen;
	uint32_t epoch;
	uint32_t last_id;
	uint32_t ids[WIRE_IDS]; /* of frames that came, to be answered */
	uint8_t n_ids;
	int fds[WIRE_FDS]; /* that came last, ours */
	uint8_t n_fds;
};

#define WIRE_INIT                                                                                  \
	{                                                                                          \
		.fd = -EBADF, .fds = { -EBADF, -EBADF, -EBADF, -EBADF }                            \
	}

/* What may be sent, as the receiver's rules say. */
struct wire_rules {
	const struct chan_rule *rules;
	size_t n;
};

/* What lockd may say; who hears it is the receiver's. wire_lock.c */
extern const struct wire_rules WIRE_LOCK;

/* A new pair: this end, and the one that the fuzzed code gets. */
int wire_open(struct wire *wire);
void wire_adopt(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* Reads what came: ids and descriptors are kept. False: the peer has closed. */
bool wire_pump(struct wire *wire);

/* Takes a descriptor that came, or -EBADF. */
int wire_take_fd(struct wire *wire);

/*
 * Sends a frame of one of the types. @fd: goes along where the type wants one, stays the caller's;
 * -EBADF: an end of a pipe does.
 */
void wire_send(struct wire *wire, struct feed *feed, const struct wire_rules *rules, int fd);

/* A message of type 0 to whatever, whole. */
void wire_put(struct wire *wire, uint16_t type, uint32_t id, const ProtobufCMessage *msg, int fd);

/* --- body.c --- */

enum { BODY_MAX = 8192 };

/* A body that such a message has, its fields chosen by @feed; its length. */
size_t body_make(struct feed *feed, const ProtobufCMessageDescriptor *descriptor,
		 uint8_t out[BODY_MAX]);
