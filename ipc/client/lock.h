/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/lock.h - the inside of a lock, and the client's one channel to the arbiter.
 *
 *   WAITING ──GRANTED──► HELD ──REVOKED without grace, fenced, daemon gone──► OVER
 *      └──────TIMED_OUT, REFUSED, deadline, daemon gone───────────────────────┘
 *   any ──bh_lock_release()──► RELEASED (freed when no callback runs)
 *
 * The channel is asked for (LOCK_OPEN on the control connection) when there is a lock that needs
 * it, and again when it ends: then the arbiter died, what is held is handed to the next one with
 * its descriptors, and what waits asks again. lock.c has the lives of locks, lock_line.c the
 * channel, lock_frames.c what comes over it.
 */
#include "ipc/base.h"
#include "ipc/bleherd.h"
#include "ipc/chan.h"

enum { LOCK_NAME_MAX = 64, LOCK_LABEL_MAX = 64 };

enum lock_state { LOCK_WAITING, LOCK_HELD, LOCK_OVER, LOCK_RELEASED };

/* Instants that never come. */
#define LOCK_NEVER UINT64_MAX

/* A bh_lock_renew() that is not answered yet. */
struct lock_renewal {
	struct lock_renewal *next;
	bh_result_cb done;
	void *ctx;
	uint64_t started_at_ms;
};

struct bh_lock {
	struct bh_lock *prev;
	struct bh_lock *next; /* in the order in which they were asked for */
	struct bh_client *client;
	enum lock_state state;
	bool *released; /* set for who waits while a callback releases it; may be NULL */

	char resources[BH_LOCK_RESOURCES_MAX][LOCK_NAME_MAX];
	size_t n_resources;
	enum bh_lock_class lock_class;
	uint32_t timeout_ms;
	uint32_t max_hold_ms;
	uint64_t under;
	char label[LOCK_LABEL_MAX];
	bool has_label;

	uint32_t id;   /* of ACQUIRE, or HELD, over the present channel */
	bool is_sent;  /* that */
	bool is_again; /* it was sent over an earlier channel, too */
	uint64_t started_at_ms;
	uint64_t due_at_ms; /* WAITING: when the library gives it up itself */

	uint64_t grant;
	int fds[CHAN_FDS_MAX];
	size_t n_fds;
	uint64_t held_since_ms;
	bool is_revoked;
	bool is_doomed;	      /* lock_fail_all() is about to end it */
	uint64_t renew_at_ms; /* by the library */
	uint32_t renew_id;    /* of the RENEW that is not answered; 0: none */
	struct lock_renewal *renewals;

	bh_lock_cb news;
	void *news_ctx;
	bh_result_cb done; /* NULL: called, or nobody wants it */
	void *done_ctx;
};

/* The channel. */
struct lock_line {
	struct chan *chan;
	uint32_t open_id; /* of LOCK_OPEN; 0: not asked */
	uint32_t hello_id;
	uint32_t last_id;
	uint32_t pace_ms;      /* before the next LOCK_OPEN: channels ended without a word */
	uint64_t reopen_at_ms; /* LOCK_NEVER: not planned */
	bool is_deaf;	       /* the arbiter reads no more; what it sent can still be read */
	bool is_out_armed;
	bool has_unsent;
};

struct lock_args {
	const struct bh_lock_request *request;
	bh_lock_cb news;
	void *news_ctx;
	bh_result_cb done;
	void *done_ctx;
};

/* --- lock.c --- */

/* bh_lock_acquire(). */
must_check int lock_new(struct bh_lock **out, struct bh_client *client,
			const struct lock_args *args);

/* Did not get it: OVER, and @done. */
void lock_fail(struct bh_lock *lock, const struct bh_result *why);

/* GRANTED: takes the descriptors. */
void lock_grant(struct bh_lock *lock, uint64_t grant, uint32_t waited_ms, uint32_t lease_ms,
		struct chan_frame *frame);

/* It is over by itself: OVER, descriptors closed, renewals answered, news LOST. */
void lock_lose(struct bh_lock *lock, const struct bh_result *why);

void lock_tell(struct bh_lock *lock, enum bh_lock_event event, const struct bh_result *why,
	       uint32_t grace_ms);

/* The answer to the RENEW under way; @why says what became of it. */
void lock_renewed(struct bh_lock *lock, const struct bh_result *why);

/* When the library renews next. */
void lock_plan_renewal(struct bh_lock *lock, uint32_t lease_ms);

/* What waits fails, what is held is lost. */
void lock_fail_all(struct bh_client *client, const struct bh_result *why);

bool lock_is_any_held(const struct bh_client *client);

/* What is held is lost; what waits goes on waiting. */
void lock_lose_held(struct bh_client *client, const struct bh_result *why);

/* One thing that is due; false: nothing is, and *next_ms is noted. */
must_check bool lock_expire(struct bh_client *client, uint64_t now_ms, uint64_t *next_ms);

/* "connect:hci0, device:C0:AA:BB:00:00:01". */
void lock_name(const struct bh_lock *lock, char *out, size_t size);

/* The end of the client: waiting ones are answered `cancelled`. */
void lock_discard_all(struct bh_client *client);

void lock_mute_all(struct bh_lock *list);
void lock_free_all(struct bh_lock *list);

/* --- lock_line.c --- */

/* A lock is new, or asks to be renewed: sends what is to be sent, asks for the channel if needed.
 * Errors: those of client_ask(). */
must_check int lock_line_want(struct bh_client *client);

/* For a lock that is let go; a channel that does not take it is replaced. */
void lock_line_release(struct bh_client *client, uint64_t grant);
void lock_line_cancel(struct bh_client *client, uint32_t id);

/* RENEW for a lock that has none under way. */
void lock_line_renew(struct bh_lock *lock);

/* Something happened on its descriptor (EPOLL*). */
void lock_line_event(struct bh_client *client, uint32_t events);

/* Time to ask for it again? */
void lock_line_tick(struct bh_client *client, uint64_t now_ms, uint64_t *next_ms);

void lock_line_close(struct bh_client *client);

/* The daemon went and is dialled again: LOCK_OPEN goes to the next one, when the arbiter has gone.
 */
void lock_line_adrift(struct bh_client *client);

/* It cannot be used: asking for another would only repeat that. All locks end for that reason. */
void lock_line_break(struct bh_client *client, const struct bh_result *why);

/* LOCK_OPENED on the control connection (ctx: the client). */
int lock_on_opened(void *ctx, struct chan_frame *frame, const void *msg);

/* --- lock_frames.c --- */

/* A frame of the arbiter. Errors: a negative errno: the channel cannot be used any more. */
must_check int lock_frame(struct bh_client *client, struct chan_frame *frame);
