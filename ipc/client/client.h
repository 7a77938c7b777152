/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/client.h - the inside of a client: its control connection, its sessions, its clock.
 *
 * Callbacks run at the end of what the library does with a frame, and may call anything of
 * bleherd.h. Two things make that safe: whoever runs callbacks is between client_enter() and
 * client_leave(), and what is released in between is only freed when the outermost leaves.
 */
#include "ipc/base.h"
#include "ipc/bleherd.h"
#include "ipc/client/dial.h"
#include "ipc/client/lane.h"
#include "ipc/client/lock.h"
#include "ipc/client/session.h"

struct bh_scan;

struct bh_client {
	int epoll_fd;
	pid_t pid; /* the process that made it: a forked child must not talk */
	struct chan_buf *buf;
	struct lane control;
	struct dial dial;
	struct bh_session *sessions;
	struct bh_session *dead; /* released, freed when nobody runs callbacks */
	struct bh_scan *scans;
	struct bh_scan *dead_scans;
	struct lock_line line;
	struct bh_lock *locks; /* oldest first */
	struct bh_lock *dead_locks;
	uint64_t under;	      /* a grant: what is opened is used under it; 0: none */
	uint64_t next_at_ms;  /* no deadline is before this; it may be earlier than all */
	bool is_failing_fast; /* sessions that are opened ask for it */
	unsigned depth;	      /* of client_enter() */
	bool is_gone;	      /* the daemon, for good: nothing can be asked any more */
	bool is_freed;
	bool is_refused; /* HELLO was answered with an error: class, text */
	enum bh_class refused_class;
	char refused_text[192];
	char label[64];
};

void client_enter(struct bh_client *client);

/* Whether the client is still there: false if bh_free() was called meanwhile. */
bool client_leave(struct bh_client *client);

/* Notes a deadline. */
void client_expect(struct bh_client *client, uint64_t at_ms);

/**
 * client_ask() - put a request on the control connection
 * @request: given away, also on errors
 *
 * Errors: -ENOTCONN the daemon has gone, -ENOBUFS too many are open.
 */
must_check int client_ask(struct bh_client *client, struct request *request);

/* The end of a request that did not succeed, with what follows from that for its session. */
void client_fail(struct lane *lane, struct request *request, const struct bh_result *result);

/* The same for all open requests of a lane. */
void client_fail_all(struct lane *lane, const struct bh_result *result);
