/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/streams.h - answers of many frames: adapters, devices, events. They go out a page at a
 * time while the program reads; one that does not read holds up itself only.
 */
#include "supervisor/client.h"

enum streams_state {
	STREAMS_IDLE,	 /* nothing to send now */
	STREAMS_BLOCKED, /* the program must read first */
	STREAMS_MORE,	 /* there is more, and room for it */
};

enum { STREAMS_FULL = 1 };

/* Outcomes: 0 (written: the stream to fill in), STREAMS_FULL too many are open. */
must_check int streams_begin(struct client *client, uint32_t id, uint16_t type,
			     struct stream **out);

/* NULL if none has that id. */
struct stream *streams_find(struct client *client, uint32_t id);
void streams_end(struct client *client, struct stream *stream);

/* Sends a page of each. */
/* DEVICE, also of one that nobody has seen. */
void streams_device(struct client *client, uint32_t id, uint64_t address);

enum streams_state streams_push(struct client *client);
