/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/client.h - a program that uses bleherd as programs do, and notes in its page of the
 * book what it asked and got. A process of its own: `bleherd-soak --client N`, the book at BOOK_FD.
 */
#include "contrib/soak/book.h"
#include "ipc/bleherd.h"

enum {
	CLIENT_CALLS = 256,
	CLIENT_WAIT_MS = 10000, /* timeout of every request */
};

struct client;
struct turn;

/* A request: its place is used again only long after it was answered, so that a second answer is
 * seen. */
struct call {
	struct client *client;
	struct book_entry *entry;
	uint32_t number;
	bool is_open;
	bool is_over;	     /* a subscription that ended by itself after it had begun */
	enum bh_class error; /* of the answer */
};

struct client {
	struct book *book;
	struct book_page *page;
	uint32_t number;
	uint32_t random;
	struct bh_client *bh;
	bool is_gone; /* the daemon, for good: a client that stays never sees that */
	struct bh_session *session;
	uint16_t device;
	bool is_ended;			/* the session */
	uint32_t written, written_done; /* what this session asked for last, and what is done */
	struct bh_uuid echo, counter;
	struct call calls[CLIENT_CALLS];
	size_t next, open;
	struct turn *turn; /* client_lock.c's */
	/* the subscription */
	bool is_gap; /* values may be missing here */
	uint32_t seen;
	uint64_t seq;
	char said[96]; /* the session's last news */
};

/* Never returns. Statuses: 0 asked to end; 1 it cannot work at all. */
void client_main(uint32_t number) __attribute__((noreturn));

/* What it does until the book is over, by role. */
void client_poll(struct client *c);
void client_subscribe(struct client *c);
void client_scan(struct client *c);
void client_lock(struct client *c);
void client_script(struct client *c);
void client_outsider(struct client *c);

/* --- what they share --- */

/* With a daemon, or after the book is over: false. @stays: bh_stay(). */
bool client_dial(struct client *c, bool stays);
void client_hang_up(struct client *c);

/* A page that cannot be judged in time is waited for: the ring must not overtake the judge. */
struct call *client_begin(struct client *c, enum book_kind kind, uint16_t device,
			  uint32_t timeout_ms);

/* What a call of the library returned. False: not asked, the call is void and the session ended. */
bool client_asked(struct client *c, struct call *call, int r);

/* Notes the answer to what is not the library's. */
void client_answer(struct call *call, enum bh_class error);

/* For the library; ctx is the call. */
void client_on_answer(void *ctx, const struct bh_result *result);

/* Callbacks for @ms. */
void client_think(struct client *c, uint32_t ms);

/* Until all is answered. */
void client_settle(struct client *c);

bool client_is_over(const struct client *c);

/* A number below @below, from the seed and the client's number. */
uint32_t client_dice(struct client *c, uint32_t below);

/* Opens a session on @device; it may not be answered yet. */
bool client_open(struct client *c, uint16_t device);
void client_close(struct client *c);
bool client_connect(struct client *c);
void client_disconnect(struct client *c);
struct call *client_read(struct client *c);
struct call *client_write(struct client *c);

/* What must not be, seen by the client itself; the first one is kept. @number: 0 no request. */
_printf_(5, 6) void client_find(struct client *c, enum book_promise promise, uint32_t number,
				uint16_t device, const char *format, ...);
