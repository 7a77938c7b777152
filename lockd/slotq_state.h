/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/slotq_state.h - what slotq.c (who holds and waits) and slotq_order.c (who is next) share.
 */
#include "lockd/slotq.h"

enum {
	/* Three of the set, and a maintenance that stands for three. */
	NEEDS_MAX = RESOURCE_SET_MAX - 1 + 3,
	BUCKETS = 256,
};

enum state { FREE, WAITING, HOLDING };

/* One lockable thing that somebody wants or has. */
struct unit {
	struct resource resource;
	uint32_t capacity;
	uint64_t stamp;
	uint32_t used;
	uint32_t claimed; /* by waiters passed over; valid if stamp is the queue's */
	uint32_t refs;
	uint32_t next; /* in its bucket, or among the free */
	bool is_busy;  /* a program outside holds it */
};

struct need {
	uint32_t unit;
	uint32_t amount;
};

struct entry {
	enum state state;
	enum slotq_class class;
	uint64_t ticket;
	uint64_t since_ms;
	uint64_t deadline_at_ms;
	uint32_t prev;
	uint32_t next;
	uint32_t n_needs;
	uint32_t n_set; /* the first needs are the set's own resources, in its order */
	struct need needs[NEEDS_MAX];
};

struct slotq {
	uint32_t entries_max;
	uint32_t age_step_ms;
	struct resource_counts counts;
	struct entry *entries;
	struct unit *units;
	uint32_t entry_top, entry_free; /* never used from top on; freed ones in a list */
	uint32_t unit_top, unit_free;
	uint32_t buckets[BUCKETS];
	uint32_t first[SLOTQ_CLASSES], last[SLOTQ_CLASSES];
	uint64_t next_ticket;
	uint64_t deadline_hint_ms;
	uint32_t n_waiting;
	uint32_t n_busy;
	uint64_t stamp;
	struct slotq_cursor pass;
};

/*
 * A waiter that is passed over claims all that it needs: nobody behind it may take that. While its
 * device is not its own yet it claims that alone.
 */
void slotq_claim(struct slotq *q, const struct entry *e);
