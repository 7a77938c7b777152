/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/lane.h - one connection of the library and the requests that are open on it: the
 * control connection of a client, or the data socket of a session.
 *
 * The requests are in the order in which the program made them, and sent in that order, as far as
 * the socket takes them: everything from `unsent` on waits here, so that the channel's own queue
 * stays nearly empty. Of a session's at most LANE_WINDOW are under way: a worker refuses more than
 * 64, and a hand-over must not fail for what the worker before had taken. A lane outlives its
 * channel: a session keeps its requests while it moves.
 */
#include "ipc/client/request.h"

struct bh_client;

struct lane {
	struct bh_client *client;
	struct bh_session *session; /* NULL: the control connection */
	struct chan *chan;	    /* NULL: nobody is there at the moment */
	struct request *head;
	struct request *tail;
	struct request *unsent; /* the first that is not sent */
	size_t n_open;
	size_t n_sent; /* of those: over the present channel */
	uint32_t epoch;
	uint32_t last_id;
	bool has_wrapped;  /* ids may be open still: look before using one */
	bool is_deaf;	   /* the peer reads no more; what it sent can still be read */
	bool is_out_armed; /* EPOLLOUT is asked for */
};

/* A program that lets more pile up is told so: -ENOBUFS. */
enum { LANE_OPEN_MAX = 16384, LANE_WINDOW = 48 };

/**
 * lane_open() - use a new socket
 * @fd: taken over, also on errors
 *
 * Errors: -ENOMEM, -ENOSPC (epoll).
 */
must_check int lane_open(struct lane *lane, int fd, size_t body_max, uint32_t epoch);

/* Closes the socket; the requests stay. */
void lane_close(struct lane *lane);

/* The next id, never 0 and never one that is open. */
uint32_t lane_new_id(struct lane *lane);

/* Appends a request, which the lane then owns, and sends it if the socket takes it now. */
void lane_add(struct lane *lane, struct request *request);

/* As lane_add(), but before all others and without sending. */
void lane_prepend(struct lane *lane, struct request *request);

/* The open request of that id, or NULL. */
struct request *lane_find(const struct lane *lane, uint32_t id);

/* Takes a request out of the list: it is the caller's. */
void lane_unlink(struct lane *lane, struct request *request);

/* Sends what can be sent now. */
void lane_pump(struct lane *lane);

/* Flushes and pumps after EPOLLOUT. */
void lane_writable(struct lane *lane);

/* All requests count as not sent: there is a new channel. */
void lane_rewind(struct lane *lane);

/* Tells the peer that nobody waits for that answer any more. A dead peer is no error. */
void lane_cancel(struct lane *lane, uint32_t id);

/**
 * lane_answer() - the end of a request: unlink, call back, free
 * @result: its total_ms is filled in here
 *
 * The program may close anything in its callback: look at states afterwards.
 */
void lane_answer(struct lane *lane, struct request *request, struct bh_result *result);
