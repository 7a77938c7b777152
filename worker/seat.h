/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/seat.h - a session that this worker serves: its data socket, its requests in order, its
 * place on a link. Made by SESSION_ATTACH, gone with SESSION_DETACH or when its program closes.
 *
 * A request is checked here (epoch, id not open, limits, targets), noted on the status page while
 * it is handled (a worker that dies of it has named it), and then belongs to links.c or scan.c.
 */
#include "ipc/class.h"
#include "worker/request.h"
#include "worker/rights.h"
#include "worker/worker.h"

enum {
	SEAT_REQUESTS_MAX = 64,
	SEAT_SUBSCRIPTIONS_MAX = 32,
	SEAT_UUIDS_MAX = 16,
	SEAT_VALUE_MAX = 512,
};

struct link;
struct subscriber;

struct seat {
	TAILQ_ENTRY(seat) entry;   /* of the worker's seats */
	TAILQ_ENTRY(seat) on_link; /* of its link's seats */
	struct worker *w;
	struct port *port;
	uint32_t session;
	uint32_t epoch;
	bool is_scan;
	bool is_keeper; /* without a program: no port, worker/keeper.h */
	uint64_t addr;
	bool is_random;
	uint64_t under;	   /* a grant under which it connects and scans; 0: none */
	struct link *link; /* NULL: a scan's */
	/*
	 * Its CONNECT was answered, it has not let go since, and was not told that the link is
	 * lost: if the link went nevertheless it is had again, or it is told so.
	 */
	bool holds_link;
	bool is_exclusive;	      /* and so that nobody else's requests are served */
	bool loses_link;	      /* the link is going: it is to be told */
	uint64_t connecting_until_ms; /* deadline of the CONNECT that it has its link from */
	struct {
		bool holds;
		size_t subscribers;
	} told; /* the supervisor, by usage.c */
	TAILQ_HEAD(, request) requests;
	size_t n_requests;
	TAILQ_HEAD(, subscriber) subscribers;
	size_t n_subscribers;
	struct rights rights;
};

must_check int seats_new(struct seats **out, struct worker *w);
struct seats *seats_free(struct seats *seats);
/* The worker ends: none is served any more; what is issued stays on the page. */
void seats_close(struct seats *seats);

/**
 * seats_attach() - serve a session
 * @fd: the worker's end of its data socket; taken over on success
 */
must_check int seats_attach(struct seats *seats, const Bh__Ctl__SessionAttach *attach, int fd);

/* A session without a program, on its link, worker/keeper.h. */
must_check int seats_add_keeper(struct seats *seats, const Bh__Ctl__Keep *keep, struct seat **out);
/* NULL: there is none. */
struct seat *seats_find(const struct seats *seats, uint32_t session);
struct worker *seats_worker(const struct seats *seats);

/*
 * It is over, or the supervisor moves it elsewhere; what is issued stays on the page until that has
 * looked.
 */
void seats_detach(struct seats *seats, uint32_t session, bool is_over);

/* @each must not free any. */
void seats_each(struct seats *seats, void (*each)(struct seat *seat, void *ctx), void *ctx);
size_t seats_count(const struct seats *seats);

/* Clears page entries of answers that have been sent by now; on each tick. */
void seats_tick(struct seats *seats);

/* A write's answer went out, or will: forgets it on the page once it really has. */
void seat_answered(struct seat *seat, uint32_t id);
/* A session went with that write unanswered: the page keeps it for a while. */
void seat_keep_on_page(struct seat *seat, uint32_t id);

/* Its CONNECT holds the link no more. */
void seat_let_go(struct seat *seat);

/* LINK_BACK to the program. */
void seat_tell_back(struct seat *seat);
/* Its subscriptions were begun anew on a link that stays. */
void seat_tell_gap(struct seat *seat);

/* LINK_LOST to the program. */
void seat_tell_lost(struct seat *seat, enum err_class class, const char *text);
