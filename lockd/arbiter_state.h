/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/arbiter_state.h - what the files of the arbiter share: arbiter.c (requests),
 * arbiter_serve.c (who gets it now), arbiter_lease.c (how long), arbiter_rows.c (the list).
 */
#include "lockd/arbiter.h"
#include "lockd/slotset.h"

enum record_state {
	RECORD_FREE,
	RECORD_WAITING,
	RECORD_HELD,
	RECORD_REVOKED, /* told to let go, until_ms is the end of its grace */
	RECORD_DIRTY,	/* nobody's any more, until_ms at the latest */
};

struct record {
	enum record_state state;
	struct arbiter_owner *owner; /* NULL: free or dirty */
	struct resource_set set;     /* what was asked for */
	struct resource_set rest;    /* without what `under` covers */
	struct slotset_lock lock;
	enum slotq_class class;
	uint32_t id;
	uint32_t max_hold_ms;
	uint64_t under;	    /* the grant that covers part of the set; 0: none */
	bool is_unresolved; /* its holder has not handed that back yet, after a restart */
	uint64_t grant;	    /* 0: waits */
	uint64_t since_ms;
	uint64_t until_ms;   /* waiting: deadline; then the end of the lease */
	uint32_t prev, next; /* of the same owner */
	uint32_t pid, uid;
	char label[LOCKTAB_LABEL_LEN];
};

/* A program outside, as far as its files tell. Per adapter, for connect and scan. */
struct outside {
	uint64_t blocks_since_ms; /* it is in the way of one of ours; 0: it is not */
	uint64_t tries_since_ms;  /* it found ours in its way; 0: not seen */
	uint64_t yield_until_ms;  /* its turn; 0: not now */
};

enum { OUTSIDE_CONNECT, OUTSIDE_SCAN, OUTSIDE_KINDS };

struct user {
	uint32_t uid;
	uint32_t n;
};

struct arbiter {
	struct arbiter_config config;
	const struct arbiter_ops *ops;
	struct slotq *queue;
	struct slotset *slots;
	uint64_t next_grant;
	uint64_t retry_at_ms;	/* UINT64_MAX: nobody outside is in the way */
	uint64_t lease_hint_ms; /* no lease, grace or dirt ends before */
	uint64_t changes;
	uint32_t random;
	unsigned quick_tries; /* left: a file was closed, its lock goes a moment later */
	uint32_t n_blocked;   /* outsides that block */
	uint32_t top;	      /* records in use are below */
	bool knows_adapters;
	bool exists[RESOURCE_ADAPTERS_MAX];
	struct outside outside[RESOURCE_ADAPTERS_MAX][OUTSIDE_KINDS];
	uint32_t typical_hold_ms[RESOURCE_ADAPTERS_MAX][OUTSIDE_KINDS]; /* 0: not known yet */
	uint64_t granted_at_ms[RESOURCE_ADAPTERS_MAX][OUTSIDE_KINDS];
	struct user users[ARBITER_ENTRIES_MAX];
	uint32_t n_users;
	struct record records[ARBITER_ENTRIES_MAX];
};

/* --- arbiter.c --- */

/* Ends a request in whatever state, and frees what it held. */
void record_drop(struct arbiter *a, uint32_t at, uint64_t now_ms);
/* Who holds that grant, dirty ones too; SLOTQ_NONE: nobody. */
uint32_t record_by_grant(const struct arbiter *a, uint64_t grant);
/* It is its owner's no more. */
void record_disown(struct arbiter *a, struct record *rec);

/* --- arbiter_serve.c --- */

/* Serves all who can be served now. To be run after every change of the queue. */
void serve_next(struct arbiter *a, uint64_t now_ms);
/* A program outside is not in the way of @resource any more. */
void outside_clear(struct arbiter *a, const struct resource *resource);
/* What is known of programs outside at connect:X or scan:X; NULL: there is no file for it. */
struct outside *outside_of(struct arbiter *a, const struct resource *resource);

/* --- arbiter_lease.c --- */

/* A grant begins, or begins anew. */
void lease_begin(struct arbiter *a, struct record *rec, uint64_t now_ms);
/* Its holder gives it back: it is free, unless one under it may still be connecting. */
void lease_release(struct arbiter *a, uint32_t at, uint64_t now_ms);
/* A request or grant of one who is gone, or does not obey: free, or dirty. */
void lease_abandon(struct arbiter *a, uint32_t at, uint64_t now_ms);
/* Tells its owner; without grace it is over. */
void lease_revoke(struct arbiter *a, uint32_t at, const struct arbiter_verdict *verdict,
		  uint64_t now_ms);
/* Tells its owner, and nothing else. */
void lease_tell_revoked(struct arbiter *a, const struct record *rec,
			const struct arbiter_verdict *verdict);
/*
 * Those under a grant end with it. True: one may still be connecting, to *out_address if it is
 * known.
 */
bool lease_end_under(struct arbiter *a, uint64_t grant, uint64_t now_ms, uint64_t *out_address);
/* Leases, grace and dirt that are over. */
void lease_tick(struct arbiter *a, uint64_t now_ms);

/* --- arbiter_under.c --- */

enum { UNDER_OVER = 1 };

extern const struct arbiter_verdict UNDER_VERDICT; /* the grant that it was under is over */

/*
 * What is left to wait for under request->under, which becomes 0 if that covers nothing of it.
 * After a restart it may be that the grant is still to be handed back: *out_is_unresolved.
 * Outcomes: 0; UNDER_OVER.
 */
int under_rest(const struct arbiter *a, struct arbiter_request *request,
	       struct resource_set *out_rest, bool *out_is_unresolved);
/* The same for one that is handed back: what is not its own came without descriptors. */
int under_adopt(const struct arbiter *a, struct arbiter_request *request, size_t n_fds,
		struct resource_set *out_rest);
/* All who were there before a restart have had their time to come back. */
void under_settled(struct arbiter *a, uint64_t now_ms);
