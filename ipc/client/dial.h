/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/dial.h - the way to the daemon: the first time, and again and again for a client that
 * stays (bh_stay()).
 *
 *   up ──control connection ends──► away ──connect(2), HELLO sent──► asked ──HELLO_OK──► up
 *                                    ▲  └─pause─┘                      │
 *                                    └───────────ends, refused─────────┘
 *
 * What becomes of requests and sessions meanwhile is in resume.c. Not thread-safe.
 */
#include <sys/un.h>

#include "ipc/base.h"
#include "ipc/bleherd.h"
#include "ipc/chan.h"

/* An instant that never comes. */
#define DIAL_NEVER UINT64_MAX

struct dial {
	struct sockaddr_un addr;
	bool is_kept;  /* bh_stay() was called */
	bool was_up;   /* some daemon has said HELLO_OK */
	bool is_away;  /* none has since the last one went */
	uint64_t run;  /* of the last daemon; 0: it does not say */
	bool is_other; /* the one that is there is not the one that went */
	uint64_t up_since_ms;
	uint64_t lost_at_ms;
	uint32_t losses;
	uint32_t tries; /* since then */
	uint64_t at_ms; /* the next; DIAL_NEVER: none is planned */
	unsigned seed;
	bh_daemon_cb news;
	void *ctx;
};

/**
 * dial_first() - the connection of bh_new()
 * @socket: path or NULL, as for bh_new()
 *
 * Errors: those of bh_new().  Blocks: as bh_new().
 */
must_check int dial_first(struct bh_client *client, const char *socket, int *out_fd);

/* Puts HELLO on the control connection. Errors: those of client_ask(). */
must_check int dial_say_hello(struct bh_client *client);

/* Whether a daemon that has gone is waited for. */
bool dial_may_again(const struct bh_client *client);

/* It has gone: plans the next try. True: it was there until now. */
bool dial_lost(struct bh_client *client);

/* Dials if it is time to. True if callbacks ran; else *next_ms is noted. Never blocks. */
must_check bool dial_tick(struct bh_client *client, uint64_t now_ms, uint64_t *next_ms);

/* Why a request was not answered by its deadline. */
struct bh_result dial_late(const struct bh_client *client);

void dial_tell(struct bh_client *client, enum bh_daemon_event event, const char *text);

/* HELLO_OK on the control connection (ctx: the client). */
int dial_on_hello_ok(void *ctx, struct chan_frame *frame, const void *msg);
