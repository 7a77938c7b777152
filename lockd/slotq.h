/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/slotq.h - who waits for what and who is next: priority classes, FIFO inside a class,
 * ageing between them. A request names a set of resources and gets all of it or nothing.
 *
 * Pure: no I/O, no allocation after slotq_new(), time is passed in. Used only by arbiter.c.
 *
 * The order: effective class (the class of the request, raised by one for each age_step_ms that it
 * has waited, never into RECOVERY), then arrival. A waiter that cannot be served claims what it
 * waits for, and nobody behind it may take that. Hence, and tested against a naive model:
 * - of two waiters that want the same resource the one behind never gets it first, but for what is
 *   told below;
 * - the first in the order depends on holders only, so sets cannot block one another for ever;
 * - nothing is granted beyond its count. Holders are never pre-empted.
 * The price is that a unit may stand idle while the waiter that claims it waits for another one.
 * Not so for a device: another adapter's attempt with it may take as long as it likes, and all who
 * want to connect by this one would stand behind it. So a waiter claims its device first, and the
 * rest from when it is the next one for that: what others were given meanwhile it waits for once.
 *
 * maintenance of an adapter is, in here, all units of its connect and scan and one of its own: it
 * drains the adapter by claiming and needs no rule of its own.
 */
#include "lockd/resource.h"

enum slotq_class {
	SLOTQ_RECOVERY,
	SLOTQ_INTERACTIVE,
	SLOTQ_CONNECT,
	SLOTQ_SCAN,
	SLOTQ_BACKGROUND_SCAN,
	SLOTQ_CLASSES
};

enum { SLOTQ_NONE = INT32_MAX }; /* no entry */

/* Outcomes. */
enum { SLOTQ_FULL = 1, SLOTQ_TAKEN, SLOTQ_FOUND };

struct slotq;

/* A walk over the waiters in their order; valid until the queue changes. */
struct slotq_cursor {
	uint32_t entry[SLOTQ_CLASSES];
	unsigned rank[SLOTQ_CLASSES];
	uint64_t now_ms;
};

/**
 * slotq_new() - an empty queue
 * @entries_max: waiters and holders together
 * @age_step_ms: time in which a waiter rises by a class; 0: never
 * @counts:      units of each resource, 1..RESOURCE_COUNT_MAX
 *
 * Errors: -ENOMEM.
 */
must_check int slotq_new(struct slotq **out, uint32_t entries_max, uint32_t age_step_ms,
			 const struct resource_counts *counts);
/* Holds for those who wait, too. */
void slotq_set_age_step(struct slotq *q, uint32_t age_step_ms);
struct slotq *slotq_free(struct slotq *q);

/**
 * slotq_push() - append a waiter to its class
 * @set:            not empty
 * @deadline_at_ms: CLOCK_MONOTONIC; UINT64_MAX: none
 * @now_ms:         never less than in the previous call
 * @out_entry:      handle, less than entries_max, until slotq_remove()
 *
 * Outcomes: 0 queued (nothing is granted yet: run a pass); SLOTQ_FULL.
 */
must_check int slotq_push(struct slotq *q, const struct resource_set *set, enum slotq_class class,
			  uint64_t deadline_at_ms, uint64_t now_ms, uint32_t *out_entry);

/**
 * slotq_adopt() - enter a holder that got its grant before this queue existed
 *
 * Outcomes: 0 it holds; SLOTQ_FULL; SLOTQ_TAKEN something of the set is held by another.
 */
must_check int slotq_adopt(struct slotq *q, const struct resource_set *set, enum slotq_class class,
			   uint64_t now_ms, uint32_t *out_entry);

/* Forgets a waiter or holder and frees what it held. Run a pass afterwards. */
void slotq_remove(struct slotq *q, uint32_t entry);

/**
 * slotq_pass_begin(), slotq_pass_next() - find those who can be served now, in order
 *
 * SLOTQ_FOUND each time with a waiter whose whole set is free; the caller then calls exactly one of
 * slotq_grant(), slotq_set_busy(), slotq_remove() for it. 0: no more.
 */
void slotq_pass_begin(struct slotq *q, uint64_t now_ms);
must_check int slotq_pass_next(struct slotq *q, uint32_t *out_entry);

/* The waiter found by the pass now holds its set. */
void slotq_grant(struct slotq *q, uint32_t entry);

/*
 * A program outside holds @resource: nobody can be served with it until slotq_clear_busy(), or
 * until one of ours gives it up or stops waiting for it.
 */
void slotq_set_busy(struct slotq *q, uint32_t entry, const struct resource *resource);
void slotq_clear_busy(struct slotq *q);
bool slotq_is_busy(const struct slotq *q, const struct resource *resource);

/* A waiter whose deadline has passed: SLOTQ_FOUND, or 0. The caller removes it. */
must_check int slotq_expired(struct slotq *q, uint64_t now_ms, uint32_t *out_entry);

/* When to look for expired ones next: the earliest deadline, or earlier. UINT64_MAX: none waits. */
uint64_t slotq_deadline_ms(const struct slotq *q);

uint32_t slotq_waiters(const struct slotq *q);

/* Whether somebody waits for any of what a holder has. */
bool slotq_is_wanted(const struct slotq *q, uint32_t entry);

/* For lists: waiters in the order in which they would be served; SLOTQ_NONE at the end. */
void slotq_walk_begin(struct slotq *q, struct slotq_cursor *cursor, uint64_t now_ms);
uint32_t slotq_walk_next(struct slotq *q, struct slotq_cursor *cursor);

/* During one walk, once per entry: its place (1 is next) for each resource of its set. */
void slotq_places(struct slotq *q, uint32_t entry, uint32_t out_places[RESOURCE_SET_MAX]);
