/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/claims.h - what the soak's own lockers say of the locks that they had, in memory
 * that they share with the observer, and what is wrong with that.
 *
 * A locker notes a turn from just after it was given the lock until just before it gives it back,
 * so that what it notes lies inside what it held: two turns that overlap are two holders, whatever
 * the scheduler did meanwhile. A turn whose lock was taken away (revoked; its holder killed) says
 * nothing about its end and is not judged. One writer per ring, one reader of all.
 */
#include "ipc/base.h"

enum {
	CLAIMS_RING = 1024,    /* turns that the observer may be late */
	CLAIMS_RINGS_MAX = 64, /* lockers */
	CLAIMS_WHO_LEN = 24,
	CLAIMS_RESOURCE_LEN = 32, /* "device:C0:AA:BB:00:00:F0", "connect:hci0", "scan:hci0" */
};

enum claim_kind { CLAIM_LIBRARY, CLAIM_SCRIPT, CLAIM_OUTSIDER, CLAIM_KINDS };

struct claim_turn {
	int64_t asked_us, took_us, gave_us; /* CLOCK_MONOTONIC */
	uint64_t grant;			    /* the fencing number; 0: not known */
	uint32_t adapter;		    /* N of hciN, where the resource is one of an adapter */
	bool is_lost;			    /* it was taken away before it was given back */
};

/* Of one locker, which locks one resource. Zeroed memory is a ring that nobody uses. */
struct claim_ring {
	char who[CLAIMS_WHO_LEN];	    /* "locker 3" */
	char resource[CLAIMS_RESOURCE_LEN]; /* "connect", "scan": of an adapter; or all of it */
	enum claim_kind kind;
	uint32_t adapter; /* which one; the locker's word, before claim_take(): it may be renumbered
			   */
	_Atomic uint32_t is_used;
	_Atomic int32_t pid; /* of whoever holds the descriptors, or its parent; 0: none */
	_Atomic int64_t holds_since_us; /* of the turn under way; 0: none */
	_Atomic uint64_t n;		/* turns ever */
	struct claim_turn turns[CLAIMS_RING];
};

/* In memory shared by all, zeroed at the begin. */
struct claims {
	struct claim_ring rings[CLAIMS_RINGS_MAX];
};

/* Shared zeroed memory; NULL: none. munmap() it, or leave it to the end of the process. */
struct claims *claims_new(void);

/**
 * claims_ring() - begin a ring, before the locker is started
 * @number: of the locker, 0..CLAIMS_RINGS_MAX-1: one ring each, also for those that are started
 *          again
 */
struct claim_ring *claims_ring(struct claims *claims, size_t number, enum claim_kind kind,
			       const char *who, const char *resource);

/* In the locker: it has it. */
void claim_take(struct claim_ring *ring, int64_t now_us);

/*
 * In the locker, before it gives back: the turn is over. @asked_us: when it asked; @grant:
 * bh_lock_grant(), 0 where there is none; @is_lost: it was told that it has it no more.
 */
void claim_give(struct claim_ring *ring, int64_t asked_us, int64_t now_us, uint64_t grant,
		bool is_lost);

/* For whoever hears of turns afterwards, as from the output of a script. */
void claim_note(struct claim_ring *ring, const struct claim_turn *turn);

/* In the conductor, once the locker was killed: its turn, if it had one, is not judged. */
void claim_doom(struct claim_ring *ring);
