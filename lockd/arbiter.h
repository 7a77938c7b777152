/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/arbiter.h - who may use which radio now: the queue (slotq) and the files (slotset)
 * together. Knows owners and requests, no sockets, no loop and no clock of its own: serve.c tells
 * it the time and asks when to come back.
 *
 * States of a request, as seen by its owner:
 *
 *   arbiter_acquire() -> waiting -> granted() -> held -> arbiter_release()
 *                  |         |                    |`---> revoked(grace) -> arbiter_release()
 *                  |         |                    |                    `-> revoked(0), overdue()
 *                  |         |                    `----> revoked(0): its adapter went, what it was
 *                  |         |                           under ended
 *                  |         |-> timed_out()      its deadline
 *                  |         |-> refused()        its adapter went, or its slot file is unusable
 *                  |         `-> arbiter_cancel() no call back
 *                  `-> refused()                  a limit, a class it may not have
 *
 * A grant is a lease: renewed for as long as its holder asks, but beyond hold_total_ms only while
 * nobody waits for what it has.
 *
 * When an owner goes all that it holds and waits for is freed, and then, in one pass, exactly those
 * are granted that can be. But a connect whose holder ended without a word stays taken, dirty():
 * bluetoothd goes on with its Connect. It is freed by arbiter_clean(), or after dirty_ms.
 *
 * Programs outside (slotset.h): where one is in the way we wait for its file to be closed, which
 * arbiter_outside() tells. One that tried in vain has a place in the queue like ours: when all who
 * were there before it have been served, its slot is left free for yield_ms, once.
 */
#include "ipc/base.h"
#include "ipc/locktab.h"
#include "lockd/resource.h"
#include "lockd/slotq.h"

enum {
	ARBITER_ENTRIES_MAX = 1024, /* requests of all owners, waiting and holding */
	ARBITER_RETRY_MS = 100, /* no descriptors, or nobody tells of closed files; +- a quarter */
	ARBITER_SAFETY_MS = 1000, /* a program that unlocks without closing is seen then */
	ARBITER_TEXT_LEN = 128,
	ARBITER_FDS_MAX = 16, /* more than a frame carries (ipc/chan.h) */
};

struct arbiter;

/* Why something is refused or revoked; the numbers are those of lock.proto. */
enum arbiter_reason {
	ARBITER_INVALID = 1,
	ARBITER_LIMIT,
	ARBITER_NOT_ALLOWED,
	ARBITER_UNUSABLE,
	ARBITER_ADAPTER_GONE,
	ARBITER_FENCED,
	ARBITER_EXPIRED,
	ARBITER_TAKEN,
};

/* A program or worker. The caller's, embedded in its own; zero it and fill in the first part. */
struct arbiter_owner {
	char label[LOCKTAB_LABEL_LEN];
	uint32_t pid;
	uint32_t uid;
	uint32_t requests_max; /* waiting and holding at once */
	bool is_worker;	       /* may use the class `recovery`; no limit per user */

	/* the arbiter's */
	uint32_t first;
	uint32_t n;
};
#define ARBITER_OWNER_INIT                                                                         \
	{                                                                                          \
		.first = SLOTQ_NONE                                                                \
	}

struct arbiter_verdict {
	enum arbiter_reason reason;
	const char *text;
	uint32_t grace_ms; /* revoked: 0 it is over */
	uint32_t adapter;  /* revoked: RESOURCE_ADAPTERS_MAX if it is not about one */
};

/* A grant that its holder did not give back, for the supervisor. */
struct arbiter_stray {
	const struct arbiter_owner *owner; /* NULL: it has gone */
	uint64_t grant;
	uint32_t pid;
	const char *label;
	uint32_t adapter;
	uint64_t address; /* of the device in its set; 0: none */
};

/* Never called from within arbiter_owner_gone() for that owner. They must not call the arbiter. */
struct arbiter_ops {
	/* @fds are lockd's: duplicate or send them, before returning. */
	void (*granted)(struct arbiter_owner *owner, uint32_t id, uint64_t grant,
			uint32_t waited_ms, uint32_t lease_ms, const int *fds, size_t n_fds);
	void (*timed_out)(struct arbiter_owner *owner, uint32_t id);
	void (*refused)(struct arbiter_owner *owner, uint32_t id,
			const struct arbiter_verdict *verdict);
	void (*revoked)(struct arbiter_owner *owner, uint64_t grant,
			const struct arbiter_verdict *verdict);
	void (*dirty)(void *ctx, const struct arbiter_stray *stray);
	void (*overdue)(void *ctx, const struct arbiter_stray *stray);
};

/* What may change while it serves. */
struct arbiter_limits {
	uint32_t foreign_yield_ms; /* 0: never */
	uint32_t age_step_ms;
	uint32_t hold_ms[SLOTQ_CLASSES]; /* longest lease of a class */
	uint32_t hold_total_ms;
	uint32_t grace_ms;
	uint32_t dirty_ms;
	uint32_t per_user; /* requests of one uid, workers aside */
};

struct arbiter_config {
	int dir_fd;	/* slot directory; stays the caller's */
	int own_dir_fd; /* lockd's own, for files that are missing there; -EBADF: none */
	struct resource_counts counts;
	uint32_t foreign_slots;
	struct arbiter_limits limits;
	uint64_t first_grant;	/* greater than any grant of a lockd before us: arbiter_epoch() */
	uint64_t settled_at_ms; /* nothing is granted before: holders hand back first */
	size_t fds_max;		/* descriptors that one grant can carry: ARBITER_FDS_MAX at most */
	bool is_watching;	/* arbiter_outside() will be called */
	void *ctx;		/* of dirty() and overdue() */
};

/* BH_LOCK_FOR_EVER of ipc/bleherd_lock.h */
#define ARBITER_FOR_EVER UINT32_MAX

/* What an owner asks for. Plain data. */
struct arbiter_request {
	uint32_t id; /* the owner's, unique among its requests that wait */
	struct resource_set set;
	enum slotq_class class;
	uint32_t timeout_ms;  /* 0: only if it is free now; ARBITER_FOR_EVER: no limit */
	uint32_t max_hold_ms; /* 0: the longest of its class */
	uint64_t under;	      /* a grant that covers part of the set; 0: none */
	const char *label;    /* NULL or "": the owner's */
};

/* Outcomes. */
enum { ARBITER_UNKNOWN = 1, ARBITER_DUPLICATE };

/* The first grant of a lockd that starts @boot_us after boot. Above those of all before it. */
uint64_t arbiter_epoch(uint64_t boot_us);

must_check int arbiter_new(struct arbiter **out, const struct arbiter_config *config,
			   const struct arbiter_ops *ops);
struct arbiter *arbiter_free(struct arbiter *a);

/* Hold from now on: leases that run keep their end. */
void arbiter_set_limits(struct arbiter *a, const struct arbiter_limits *limits);

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
 * arbiter_renew() - a new lease
 * @out_lease_ms:  how long from now; not longer than before if it has been renewed for long enough
 *                 and others wait
 * @out_is_wanted: whether others wait
 *
 * Outcomes: 0; ARBITER_UNKNOWN the owner does not hold that grant, or was told to let go.
 */
must_check int arbiter_renew(struct arbiter *a, struct arbiter_owner *owner, uint64_t grant,
			     uint64_t now_ms, uint32_t *out_lease_ms, bool *out_is_wanted);

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

/* Frees everything of it, but for what gets dirty; the owner may go. */
void arbiter_owner_gone(struct arbiter *a, struct arbiter_owner *owner, uint64_t now_ms);

/* The pending Connect of a dirty grant is cancelled. One that is not dirty any more is ignored. */
void arbiter_clean(struct arbiter *a, uint64_t grant, uint64_t now_ms);

/* Revokes and refuses everything on that adapter. */
void arbiter_adapter_lost(struct arbiter *a, uint32_t adapter, uint64_t now_ms);

/* The adapters that there are, by number; until the first call all are taken to exist. */
void arbiter_set_adapters(struct arbiter *a, const bool exists[RESOURCE_ADAPTERS_MAX],
			  uint32_t default_adapter);

/* What was seen of a slot file that a program outside uses. */
enum arbiter_outside { ARBITER_FILE_CLOSED, ARBITER_FILE_MADE };
void arbiter_outside(struct arbiter *a, const char *name, enum arbiter_outside what,
		     uint64_t now_ms);

/* Something was seen, but not what. */
void arbiter_look_again(struct arbiter *a, uint64_t now_ms);

/* Whether a program outside is in somebody's way: closed files of all kinds are worth telling. */
bool arbiter_is_blocked(const struct arbiter *a);

/* Deadlines, leases, and another try where a program outside was in the way. */
void arbiter_tick(struct arbiter *a, uint64_t now_ms);

/* When to call arbiter_tick() next; may be early. UINT64_MAX: nothing to wait for. */
uint64_t arbiter_next_at_ms(const struct arbiter *a);

/* Counts changes of what arbiter_list() shows. */
uint64_t arbiter_changes(const struct arbiter *a);

/* All rows: holders, then waiters in the order in which they would be served. */
void arbiter_list(struct arbiter *a, uint64_t now_ms,
		  void (*item)(void *ctx, const struct locktab_row *row), void *ctx);
