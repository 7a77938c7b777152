/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/locktab.h - the lock table that lockd publishes: a memfd of which lockd has the only writable
 * mapping (F_SEAL_FUTURE_WRITE), so that anybody may be given the descriptor. Two copies and an
 * index: lockd writes the copy that is not current and then flips the index, so a table is whole at
 * whatever instruction lockd is killed. Never read back as truth by lockd.
 */
#include "ipc/base.h"

enum {
	LOCKTAB_MAGIC = 0x42484c02,
	LOCKTAB_ROWS_MAX = 256,
	LOCKTAB_NAME_LEN = 32,
	LOCKTAB_LABEL_LEN = 48,
	LOCKTAB_CLASS_LEN = 16,
};

struct locktab_row {
	char resource[LOCKTAB_NAME_LEN]; /* "connect:hci0" */
	char label[LOCKTAB_LABEL_LEN];	 /* the holder's or waiter's own word */
	char class[LOCKTAB_CLASS_LEN];
	uint64_t grant;	   /* fencing number; 0: a waiter */
	uint64_t since_ms; /* CLOCK_MONOTONIC: held since, waiting since */
	uint64_t until_ms; /* CLOCK_MONOTONIC: deadline of a waiter, end of a lease; 0: none */
	uint32_t pid;	   /* 0: not known */
	uint32_t uid;
	uint32_t place;	      /* waiters: 1 is next; holders: 0 */
	uint32_t slot;	      /* holders: which of the resource's slots */
	uint32_t expected_ms; /* waiters: how much longer, by the holds before; UINT32_MAX: unknown
			       */
	uint32_t flags;	      /* LOCKTAB_* */
};

enum {
	LOCKTAB_DIRTY = 1,   /* its holder ended without a word; the radio may still be at it */
	LOCKTAB_OUTSIDE = 2, /* a program outside has the slot file; grant is 0, place is 0 */
	LOCKTAB_REVOKED = 4, /* told to let go */
	LOCKTAB_UNDER = 8,   /* is held under another grant */
};

struct locktab_copy {
	uint64_t seq; /* grows with each publication */
	uint64_t written_at_ms;
	uint32_t n_rows;
	uint32_t n_left_out; /* rows that did not fit */
	struct locktab_row rows[LOCKTAB_ROWS_MAX];
};

struct locktab {
	uint32_t magic;
	uint32_t len;
	uint32_t current; /* atomic: 0 or 1 */
	uint32_t reserved;
	struct locktab_copy copies[2];
};

/**
 * locktab_read() - a consistent copy of a published table
 * @fd:  of the table
 * @out: caller's; written on success
 *
 * Errors: -EBADMSG not a table of this build, errno of mmap.  Blocks: never.
 */
must_check int locktab_read(int fd, struct locktab_copy *out);
