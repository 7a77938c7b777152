/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/book.h - what the clients ask and what became of it: memory that they share with the
 * conductor, which judges it while they write on.
 *
 * A client is a process with a page: a ring of its last requests. It alone writes there. An entry
 * is final once `answered_us` is set; it is overwritten BOOK_RING requests later, which is longer
 * than the judge takes to come by.
 */
#include <stdatomic.h>
#include <sys/types.h>

#include "contrib/soak/claims.h"
#include "ipc/base.h"

enum {
	BOOK_CLIENTS_MAX = 128,
	BOOK_DEVICES_MAX = 64,
	BOOK_ADAPTERS_MAX = 16,
	BOOK_RING = 4096,      /* entries of a client; a power of two */
	BOOK_NOWHERE = 0xffff, /* instead of a device */
	BOOK_NO_ADAPTER = 0xff,
	BOOK_FD = 3, /* where a client finds it */
};

/* Values of a read: nobody has written yet; not one of ours. */
enum { BOOK_VALUE_NONE = 0, BOOK_VALUE_ODD = 0x7fffffff };

enum book_kind {
	BOOK_OPEN,
	BOOK_CONNECT,
	BOOK_READ,
	BOOK_WRITE,
	BOOK_SUBSCRIBE,
	BOOK_DISCONNECT,
	BOOK_SCAN,
	BOOK_LOCK,
	BOOK_KINDS,
};

enum book_role {
	BOOK_POLLER,
	BOOK_SUBSCRIBER,
	BOOK_SCANNER,
	BOOK_LOCKER,   /* through the library */
	BOOK_SCRIPT,   /* `bleherd lock` */
	BOOK_OUTSIDER, /* flock(2) on the slot files, from Python */
	BOOK_ROLES,
};

/* A promise is named by this in the report, too. */
enum book_promise {
	BOOK_ANSWERED_ONCE,
	BOOK_IN_TIME,
	BOOK_RIGHT_VALUE,
	BOOK_WRITE_ONCE,
	BOOK_NOTIFY_ORDER,
	BOOK_HOLDERS,
	BOOK_OWNER,
	BOOK_HEALTHY,
	BOOK_FLAT,
	BOOK_PROMISES,
};

struct book_entry {
	uint32_t number; /* 1 and up */
	uint16_t device; /* BOOK_NOWHERE */
	uint8_t kind;	 /* enum book_kind */
	uint8_t error;	 /* enum bh_class */
	uint8_t adapter; /* hciN of the session when it was answered; BOOK_NO_ADAPTER */
	uint32_t value;	 /* of a read or a write: client << 24 | number, BOOK_VALUE_NONE or _ODD */
	uint32_t after;	 /* read: the write that this session asked for before and that is done */
	uint32_t timeout_ms;
	int64_t asked_us;	     /* CLOCK_MONOTONIC, all of them */
	_Atomic int64_t answered_us; /* 0: not yet */
};

/* What a client saw itself that must not be; the first one. */
struct book_finding {
	_Atomic uint32_t is_there;
	uint32_t promise; /* enum book_promise */
	uint32_t number;  /* of the request; 0: none */
	uint16_t device;
	int64_t at_us;
	char text[200];
};

struct book_page {
	uint32_t role;
	_Atomic uint32_t asked;	 /* number of the newest entry */
	_Atomic uint32_t judged; /* all up to this one are: they may be overwritten */
	uint32_t written;	 /* values so far */
	_Atomic uint32_t notified;
	_Atomic uint32_t link_losses;
	_Atomic uint32_t moves;
	struct book_finding finding;
	struct book_entry ring[BOOK_RING];
};

struct book {
	uint32_t clients, devices, seed;
	uint64_t first;		  /* address of the first device; the others follow */
	_Atomic uint32_t is_over; /* nothing new is begun */
	/* Adapters that the daemon has, by number; they change when one is plugged in again. */
	_Atomic uint32_t n_adapters, adapters[BOOK_ADAPTERS_MAX];
	struct claims claims; /* of those that lock: the ring of their rank among them */
	struct book_page pages[BOOK_CLIENTS_MAX];
};

/**
 * book_new() - makes one
 * @out_fd: for book_map() in another process; the caller's
 * Errors: negative errno.
 */
must_check int book_new(struct book **out, int *out_fd);

/* The one behind @fd. Errors: negative errno. */
must_check int book_map(struct book **out, int fd);

struct book *book_unmap(struct book *book);

/* CLOCK_MONOTONIC. */
int64_t book_now_us(void);

/* A number below @below, not 0; @state is the generator's, not 0. The same numbers everywhere. */
uint32_t book_random(uint32_t *state, uint32_t below);

/* What client @number does for a living: all kinds are there from eight clients on. */
enum book_role book_role_of(uint32_t number);

/* How many clients of the same role have a smaller number. */
uint32_t book_rank_of(uint32_t number);

/* Whether it takes locks; and how many that do have a smaller number. */
bool book_is_locker(uint32_t number);
uint32_t book_locker_rank(uint32_t number);

const char *book_role_name(enum book_role role);
const char *book_kind_name(enum book_kind kind);
const char *book_promise_name(enum book_promise promise);
const char *book_promise_text(enum book_promise promise);

/* Outcomes: true and *out. */
bool book_promise_from_name(const char *name, enum book_promise *out);

/* The entry of that number, if it is still there; else NULL. */
const struct book_entry *book_entry(const struct book_page *page, uint32_t number);
