/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/lock_self.h - the supervisor as a peer of the arbiter (lock.proto): one lock at a
 * time, of class RECOVERY, for the reset of an adapter (reset.c).
 *
 * It is renewed here for as long as it is held, and handed to the next lockd when one dies. Where
 * lockd is parked there is nobody to ask: LOCK_SELF_ABSENT, and its user goes on without.
 */
#include "ipc/base.h"
#include "supervisor/ctx.h"

struct lock_self;

enum lock_self_outcome {
	LOCK_SELF_QUEUED, /* lockd has it and others hold it: ask those who would give it up */
	LOCK_SELF_GRANTED,
	LOCK_SELF_DENIED,
	LOCK_SELF_ABSENT,
};

/*
 * The answer to lock_self_acquire(), from the loop: QUEUED perhaps, then one of the others. @text:
 * why not; valid during the call.
 */
typedef void (*lock_self_cb)(struct sup *sup, enum lock_self_outcome outcome, const char *text);

must_check int lock_self_new(struct lock_self **out, struct sup *sup, lock_self_cb told);
struct lock_self *lock_self_free(struct lock_self *lock);

/**
 * lock_self_acquire() - ask for a resource; what was held or asked for before is given up
 * @resource:   "maintenance:hci0"; granted at once where it is held already
 * @timeout_ms: for lockd
 */
void lock_self_acquire(struct lock_self *lock, const char *resource, uint32_t timeout_ms);

/* Gives back what is held, gives up what is asked for. */
void lock_self_release(struct lock_self *lock);

/* The number of the grant that is held, 0: none. */
uint64_t lock_self_grant(const struct lock_self *lock);

/* --- what lockd does --- */
void lock_self_lockd_up(struct sup *sup);
/* @parked: why it does not come back; NULL: it does. */
void lock_self_lockd_down(struct sup *sup, const char *parked);
