/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/room.h - the links of all workers together, where [links] total limits them. Pure.
 *
 * First come, first served, over all adapters. What counts is every link that a worker has said is
 * up and every one that was granted and neither came up nor was given back. When none is left, a
 * link that nobody but a keeper would miss is to end: one that lingers first, then the one that was
 * idle for longest. Links of programs outside do not count here: on their adapter they do
 * (worker/room.h).
 */
#include "ipc/base.h"

enum { ROOM_ROWS_MAX = 4096 };

struct room;

/* @total: 0: no limit. */
must_check int room_new(struct room **out, uint32_t total);
struct room *room_free(struct room *room);
/* Another one from now on; then room_next(). */
void room_set_total(struct room *room, uint32_t total);

/* --- what workers say --- */

enum { ROOM_FULL = 1 };

/**
 * room_ask() - a link more; who asked before keeps his place
 * @token: of the worker's request, for its answer
 * Outcomes: 0; ROOM_FULL: so many cannot wait.
 */
must_check int room_ask(struct room *room, uint16_t adapter, uint64_t address, uint32_t token);
/* It is not wanted, or not needed, any more. What is up stays until that is told. */
void room_stop(struct room *room, uint16_t adapter, uint64_t address);

struct room_link {
	bool is_up;
	bool is_idle; /* no program holds or uses it */
	bool is_kept; /* a keeper holds it */
};

/* Whether the link was up before. */
bool room_link(struct room *room, uint16_t adapter, uint64_t address, const struct room_link *link,
	       uint64_t now_ms);
/* @left: called for each of its links that was up. */
void room_worker_gone(struct room *room, uint16_t adapter,
		      void (*left)(void *ctx, uint64_t address), void *ctx);

/* How many places of that adapter they take: links, and what is let in there and waits here. */
uint32_t room_on(const struct room *room, uint16_t adapter);

/* --- what follows --- */

enum room_act {
	ROOM_NOTHING,
	ROOM_GRANT, /* to the request of that token */
	ROOM_YIELD, /* that link is to end if it is idle still */
};

struct room_step {
	enum room_act act;
	uint16_t adapter;
	uint64_t address;
	uint32_t token;
};

/* The next thing to do, which counts as done. Until ROOM_NOTHING. */
struct room_step room_next(struct room *room);
