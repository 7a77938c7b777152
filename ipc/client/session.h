/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/session.h - the inside of a session: its lane to the worker, its subscriptions and
 * the moves that wait for the old socket to be read to its end.
 *
 *   OPENING ──SESSION_OPENED──► OPEN ──SESSION_CLOSED, daemon gone──► OVER
 *      └──────error, deadline─────────────────────────────────────────┘
 *   any ──bh_session_close()──► RELEASED (freed when no callback runs)
 */
#include "ipc/client/lane.h"

enum session_state { SESSION_OPENING, SESSION_OPEN, SESSION_OVER, SESSION_RELEASED };

/* How long an old socket may stay silent without ending, once the session has been taken away. */
enum { SESSION_DRAIN_MS = 10000 };

struct session_sub {
	struct session_sub *next;
	uint32_t id;
	struct bh_uuid uuid;
	uint32_t timeout_ms;
	bh_notify_cb value;
	bh_result_cb done;
	void *ctx;
	bool resumes; /* it outlives its link */
	uint32_t silence_ms;
	uint64_t expected; /* the worker's number of the next value */
	uint64_t taken;	   /* the worker's number of the last value that it was told of */
	uint64_t seq;	   /* the last one given to the program */
	bool is_established;
	bool is_muted;	/* no values any more: bh_unsubscribe() was called, or it is doomed */
	bool is_doomed; /* its link was rejected: it goes when that is answered */
};

/* A move or the end: what the supervisor said, until its turn comes. */
struct session_move {
	struct session_move *next;
	int fd;		/* the new data socket; -EBADF: the session is over, or adrift */
	bool is_adrift; /* the daemon has gone */
	uint32_t epoch;
	enum bh_class error;
	char adapter[16];
	char text[192];
	char advice[128];
	size_t n_issued;
	uint32_t issued[];
};

struct bh_session {
	struct bh_session *prev;
	struct bh_session *next;
	struct bh_client *client;
	struct lane lane;
	enum session_state state;
	uint32_t open_id; /* of SESSION_OPEN on the control connection, while OPENING or adrift */
	uint32_t number;  /* the daemon's, once OPEN */
	uint64_t address;
	uint64_t under; /* a grant; 0: none */
	uint32_t open_timeout_ms;
	bool is_failing_fast;
	bool is_scan;
	bool is_adrift;	       /* OPEN, but its daemon has gone: it is opened again (resume.c) */
	uint32_t losses;       /* of the daemon that it was told of */
	uint64_t reopen_at_ms; /* adrift and refused: when it is asked for again */
	enum bh_class refused; /* the last reason that it was told of */
	bool wants_link;       /* as far as the answers say */
	bool awaits_link;      /* the program was told that it is lost and comes back */
	bool is_exclusive;     /* its connects ask for the link for itself */
	bool is_fresh;	       /* nothing is to come from memory */
	uint32_t connect_timeout_ms;
	size_t checks_len;
	uint8_t checks[BH_CHECKS_MAX * sizeof(struct bh_check)]; /* of the last CONNECT */
	char adapter[16];
	char wanted_adapter[16];
	bh_session_cb news;
	void *ctx;
	struct session_sub *subs;
	struct session_move *moves;
	uint64_t drain_until_ms; /* while there are moves */
};

struct session_args {
	bool is_scan;
	uint64_t address;
	const char *adapter; /* NULL: any */
	uint32_t timeout_ms;
	bh_session_cb news;
	bh_result_cb done;
	void *ctx;
};

/* bh_session_open() for both kinds. */
must_check int session_new(struct bh_session **out, struct bh_client *client,
			   const struct session_args *args);

/* SESSION_OPEN, as the session was asked for; it gets an id. */
void session_fill_open(struct bh_session *session, struct request *request);

/* NULL if there is no memory; handover_queue() takes it. */
struct session_move *session_make_move(size_t n_issued, const uint32_t *issued);

/**
 * session_ask() - put a request on the session's lane
 * @request: given away, also on errors; a request without an id gets one
 *
 * Errors: -ENOTCONN the session is over, -ENOBUFS too many are open.
 */
must_check int session_ask(struct bh_session *session, struct request *request);

/* For good, by itself: everything open is answered with the class, news CLOSED if it was OPEN. */
void session_end(struct bh_session *session, const struct bh_result *why);

/* The worker or the supervisor does not keep to the protocol: lets go and ends the session. */
void session_break(struct bh_session *session, const char *text);

void session_free_all(struct bh_session *list);

void session_tell(struct bh_session *session, enum bh_session_event event, enum bh_class class,
		  const char *text);

struct session_sub *session_find_sub(const struct bh_session *session, uint32_t id);

/* Removes a subscription without a word; an id that is not there is no error. */
void session_forget_sub(struct bh_session *session, uint32_t id);

/*
 * The program rejects its link: what it subscribed there ends without a word. The list stays as it
 * is until the answer: a callback of one of them may be running.
 */
void session_doom_subs(struct bh_session *session);
void session_forget_doomed(struct bh_session *session);

/* Removes a subscription and calls its @done with the result, unless the program gave it up. */
void session_end_sub(struct bh_session *session, struct session_sub *sub, struct bh_result *result);

/* --- frames of the control connection (ctx: the client) --- */
int session_on_opened(void *ctx, struct chan_frame *frame, const void *msg);
int session_on_moved(void *ctx, struct chan_frame *frame, const void *msg);
int session_on_waits(void *ctx, struct chan_frame *frame, const void *msg);
int session_on_closed(void *ctx, struct chan_frame *frame, const void *msg);

/* --- handover.c --- */

/* Takes over the descriptor; ends the session if there is no memory. */
void handover_queue(struct bh_session *session, struct session_move *move);

/* The data socket came to its end: what waits for that happens now. */
void handover_drained(struct bh_session *session);

/* It did not come to its end within SESSION_DRAIN_MS. */
void handover_stuck(struct bh_session *session);

/* The link is gone: so are its subscriptions. */
/* @resumes: those that outlive it stay. */
void handover_link_gone(struct bh_session *session, const struct bh_result *why, bool resumes);

/* The answer to a request that was made at a hand-over. */
void handover_answer(struct bh_session *session, struct request *request, struct bh_result *result);

void handover_free_moves(struct bh_session *session);

/* --- data.c --- */

/* Reads what is there, at most CHAN_READS_PER_WAKEUP frames. */
void data_readable(struct bh_session *session);
