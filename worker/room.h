/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/room.h - who may have a link when the adapter has room for a few only. Pure.
 *
 * First come, first served. What counts is every link that BlueZ shows, whoever made it, and every
 * attempt that was let in and is not shown yet: whoever fails makes room. Where none is left, one
 * that nobody but a keeper would miss gives its place, the one that was unused for longest first.
 *
 * How many fit the configuration says, or the controller's refusals: one at n links means n. That
 * may have been for a reason of that moment, so it is believed for a minute, and tried then.
 */
#include "ipc/base.h"

#include <sys/queue.h>

enum { ROOM_LEARNED_MS = 60000 };

enum room_state { ROOM_NONE, ROOM_WAITS, ROOM_HAS };

/* A link's. */
struct room_place {
	TAILQ_ENTRY(room_place) entry;
	enum room_state state;
};

TAILQ_HEAD(room_list, room_place);

struct room {
	uint32_t max;	  /* 0: no limit */
	uint32_t learned; /* 0: nothing */
	uint64_t learned_until_ms;
	struct room_list waiting; /* in order */
	struct room_list inside;
};

struct room_count {
	uint32_t shown;	  /* links that BlueZ shows */
	uint32_t pending; /* let in, and not shown yet */
	uint32_t ending;  /* of those shown: they end by themselves */
	uint32_t idle;	  /* of those shown: nobody but a keeper would miss them */
};

enum room_verdict {
	ROOM_SETTLED, /* nobody waits, or there is nothing to do but wait */
	ROOM_ADMIT,   /* the first in line has a place: room_admit() */
	ROOM_YIELD,   /* an idle link is to end */
};

void room_init(struct room *room, uint32_t max);

/* At the end of the line; nothing if it has its place or waits already. */
void room_join(struct room *room, struct room_place *place);
/* It does not want it, or not need it, any more. */
void room_leave(struct room *room, struct room_place *place);
struct room_place *room_first(const struct room *room);
void room_admit(struct room *room);

/* The controller refused one while it had @shown. */
void room_refused(struct room *room, uint32_t shown, uint64_t now_ms);
/* So many are there: that many fit. */
void room_shown(struct room *room, uint32_t shown);
/* 0: no limit is known. */
uint32_t room_limit(const struct room *room, uint64_t now_ms);

enum room_verdict room_decide(const struct room *room, const struct room_count *count,
			      uint64_t now_ms);

/* An idle link, for the choice of the one that gives its place. */
struct room_idle {
	bool is_kept;	   /* a keeper holds it; otherwise it only lingers */
	uint64_t since_ms; /* unused */
};

/* Whether @a is worth less than @b. */
bool room_is_less(const struct room_idle *a, const struct room_idle *b);
