/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/arbiter.h - who may use which radio now: the queue (slotq) and the files (slotset)
 * together. Knows owners and requests, no sockets, no loop and no clock of its own: serve.c tells
 * it the time and asks when to come back.
 *
 * States of a request, as seen by its owner:
 *
 *   arbiter_acquire() -> waiting -> granted() -> arbiter_release() or revoked()
 *                  |         |-> timed_out()      its deadline
 *                  |         |-> refused()        its adapter went, or its slot file is unusable
 *                  |         `-> arbiter_cancel() no call back
 *                  `-> refused()                  a limit, a class it may not have
 *
 * When an owner goes all that it holds and waits for is freed, and then, in one pass, exactly those
 * are granted that can be. A slot that a program outside has locked is tried again about every
 * 100 ms, only while somebody waits for it.
 */
#include "ipc/base.h"
#include "ipc/locktab.h"
#include "lockd/resource.h"
#include "lockd/slotq.h"

enum {
	ARBITER_ENTRIES_MAX = 1024, /* requests of all owners, waiting and holding */
	ARBITER_RETRY_MS = 100,	    /* while a program outside is in the way; +- a quarter */
};

struct arbiter;

/* A program or worker. The caller's, embedded in its own; zero it and fill in the first part. */
struct arbiter_owner {
	char label[LOCKTAB_LABEL_LEN];
	uint32_t pid;
	uint32_t requests_max; /* waiting and holding at once */
	bool may_recover;      /* may use the class `recovery` */

	/* the arbiter's */
	uint32_t first;
	uint32_t n;
};
#define ARBITER_OWNER_INIT                                                                         \
	{                                                                                          \
		.first = SLOTQ_NONE                                                                \
	}

/* Never called from within arbiter_owner_gone() for that owner. They must not call the arbiter. */
struct arbiter_ops {
	/* @fds are lockd's: duplicate or send them, before returning. */
	void (*granted)(struct arbiter_owner *owner, uint32_t id, uint64_t grant,
			uint32_t waited_ms, const int *fds, size_t n_fds);
	void (*timed_out)(struct arbiter_owner *owner, uint32_t id);
	void (*refused)(struct arbiter_owner *owner, uint32_t id, const char *text);
	void (*revoked)(struct arbiter_owner *owner, uint64_t grant, const char *text);
};

struct arbiter_config {
	int dir_fd; /* slot directory; stays the caller's */
	struct resource_counts counts;
	uint32_t age_step_ms;
	uint64_t first_grant;	/* greater than any grant of a lockd before us: arbiter_epoch() */
	uint64_t settled_at_ms; /* nothing is granted before: holders hand back first */
	size_t fds_max;		/* descriptors that one grant can carry */
};

/* What an owner asks for. Plain data. */
struct arbiter_request {
	uint32_t id; /* the owner's, unique among its requests that wait */
	struct resource_set set;
	enum slotq_class class;
	uint32_t timeout_ms; /* 0: only if it is free now */
	uint32_t max_hold_ms;
	const char *label; /* NULL or "": the owner's */
};

/* Outcomes. */
enum { ARBITER_UNKNOWN = 1, ARBITER_DUPLICATE };

/* The first grant of a lockd that starts @boot_us after boot. Above those of all before it. */
uint64_t arbiter_epoch(uint64_t boot_us);

must_check int arbiter_new(struct arbiter **out, const struct arbiter_config *config,
			   const struct arbiter_ops *ops);
struct arbiter *arbiter_free(struct arbiter *a);

/**
 * arbiter_acquire() - ask; answered by exactly one call back, at once or later
 *
 * Outcomes: 0; ARBITER_DUPLICATE that id waits already (nothing is called back).
 */
must_check int arbiter_acquire(struct arbiter *a, struct arbiter_owner *owner,
			       const struct arbiter_request *request, uint64_t now_ms);

/* Outcomes: 0 it waits no longer; ARBITER_UNKNOWN it was answered before. */
must_check int arbiter_cancel(struct arbiter *a, struct arbiter_owner *owner, uint32_t id,
			      uint64_t now_ms);

/* Outcomes: 0; ARBITER_UNKNOWN this owner does not hold that grant (it may have been revoked). */
must_check int arbiter_release(struct arbiter *a, struct arbiter_owner *owner, uint64_t grant,
			       uint64_t now_ms);

/**
 * arbiter_adopt() - a holder hands back a grant of the lockd before us
 * @fds: untrusted; stay the caller's
 *
 * revoked() is called if it cannot be: something of it is held by another, or the descriptors are
 * not locks of the right files. A grant that somebody holds already is ignored.
 */
void arbiter_adopt(struct arbiter *a, struct arbiter_owner *owner,
		   const struct arbiter_request *request, uint64_t grant, const int *fds,
		   size_t n_fds, uint64_t now_ms);

/* Frees everything of it; the owner may go. */
void arbiter_owner_gone(struct arbiter *a, struct arbiter_owner *owner, uint64_t now_ms);

/* Revokes and refuses everything on that adapter. */
void arbiter_adapter_lost(struct arbiter *a, uint32_t adapter, uint64_t now_ms);

/* Deadlines, and another try where a program outside was in the way. */
void arbiter_tick(struct arbiter *a, uint64_t now_ms);

/* When to call arbiter_tick() next; may be early. UINT64_MAX: nothing to wait for. */
uint64_t arbiter_next_at_ms(const struct arbiter *a);

/* Counts changes of what arbiter_list() shows. */
uint64_t arbiter_changes(const struct arbiter *a);

/* All rows: holders, then waiters in the order in which they would be served. */
void arbiter_list(struct arbiter *a, uint64_t now_ms,
		  void (*item)(void *ctx, const struct locktab_row *row), void *ctx);
