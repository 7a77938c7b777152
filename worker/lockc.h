/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/lockc.h - the worker's side of the arbiter (lock.proto).
 *
 * A lock is asked for, held, dropped; the descriptors that a grant brings are kept open until then,
 * since they are the lock when lockd dies. With a new channel what is held is told again. While
 * there is no lockd at all, locks of one kind are given out here one at a time, in order.
 * A lock is a lease: it is renewed here at half of it for as long as it is held. Single threaded.
 */
#include "ipc/lock.pb-c.h"
#include "ipc/loop/port.h"
#include "worker/deadline.h"

enum { LOCK_RESOURCES_MAX = 2, LOCK_NAME_LEN = 32 };

enum lock_state { LOCK_IDLE, LOCK_WAITING, LOCK_HELD };

enum lock_outcome {
	LOCK_GRANTED,
	LOCK_WANTED,  /* held as before; others wait for it: give it up when it suits */
	LOCK_REVOKED, /* held still, and soon no more: stop what you do and drop it */
	LOCK_TIMED_OUT,
	LOCK_REFUSED, /* `reason` says why */
	LOCK_FENCED,  /* the grant that it was to be had under is over */
	LOCK_LOST,    /* it was taken away */
};

struct lock {
	TAILQ_ENTRY(lock) entry;
	/* Filled in by the owner once. */
	char resources[LOCK_RESOURCES_MAX][LOCK_NAME_LEN];
	size_t n_resources;
	Bh__Lock__Class class;
	const char *local_kind; /* without lockd one lock of a kind is out at a time */
	/*
	 * Told from the loop or from within lockc_acquire(); after all but GRANTED, WANTED and
	 * REVOKED it is idle.
	 */
	void (*told)(struct lock *lock, enum lock_outcome outcome);
	/* Before each lockc_acquire(): a grant of somebody's that covers part of it; 0: none. */
	uint64_t under;
	/* lockc.c's. */
	enum lock_state state;
	bool is_local;	 /* held without lockd */
	bool is_revoked; /* held in its grace */
	Bh__Lock__Reason reason;
	uint32_t id;
	uint32_t renew_id; /* the last RENEW's */
	uint32_t lease_ms; /* 0: for ever */
	uint64_t grant;
	uint64_t until_ms;
	int fds[CHAN_FDS_MAX];
	size_t n_fds;
	struct deadline deadline; /* waiting: lockd does not answer; held: renew */
	struct lockc *owner;
};

struct lockc;

must_check int lockc_new(struct lockc **out, sd_event *event, struct chan_buf *buf,
			 struct deadlines *deadlines, const char *label);
struct lockc *lockc_free(struct lockc *lockc);

/* A channel to lockd; taken over on success. */
must_check int lockc_adopt(struct lockc *lockc, int fd);
/* There is no lockd for now. */
void lockc_orphan(struct lockc *lockc);

/* @lock must be idle. */
void lockc_acquire(struct lockc *lockc, struct lock *lock, uint32_t timeout_ms);

/* Released if held, cancelled if waiting, nothing if idle. told() is not called. */
void lockc_drop(struct lockc *lockc, struct lock *lock);

/*
 * Renews what is held now, @only that if it is not NULL: whoever is told LOCK_WANTED need not wait
 * for half the lease.
 */
void lockc_ask(struct lockc *lockc, const struct lock *only);

/*
 * Of a lock that was revoked, lost or fenced: the grant that it was under, where that is over too;
 * 0: there was none, or it is not the reason (the adapter went, say), and may be used again.
 */
uint64_t lockc_over(const struct lock *lock);
