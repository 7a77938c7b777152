/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/witness.h - programs that only look: those that take one lock in turns, and note in
 * shared memory who has it; and those that read all the time on one adapter, and note how long each
 * read took. All stay when the daemon goes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	WITNESS_LOCKERS_MAX = 8,
	WITNESS_CLASHES_MAX = 16,
	WITNESS_CLASSES = 32,
	WITNESS_READS_MAX = 1 << 18
};

/* It was granted to one while another had it. */
struct witness_clash {
	int64_t at_us, since_us; /* since when that other one has it */
	int holder, other;	 /* numbers */
	uint64_t grant, other_grant;
};

/* What those that take the lock share. */
struct witness_lock {
	_Atomic int holder; /* number + 1; 0: nobody */
	_Atomic uint64_t grant;
	_Atomic uint32_t two;	  /* it was granted while somebody had it */
	_Atomic uint32_t old;	  /* the fencing number did not grow */
	_Atomic uint32_t lost;	  /* held, and lost for the deaths of others */
	_Atomic uint32_t is_over; /* they end */
	_Atomic int64_t since_us; /* of the holder */
	struct witness_clash clashes[WITNESS_CLASHES_MAX]; /* the first of @two */
	_Atomic uint32_t
		doomed[WITNESS_LOCKERS_MAX]; /* about to be killed: whoever follows is right */
	_Atomic uint32_t turns[WITNESS_LOCKERS_MAX];
	_Atomic uint32_t classes[WITNESS_CLASSES];
};

struct witness_read {
	int64_t began_us, ended_us;
	uint8_t error;
};

struct witness_reads {
	_Atomic uint32_t n;
	_Atomic uint32_t is_over;
	uint32_t unanswered;
	struct witness_read reads[WITNESS_READS_MAX];
};

/* Zeroed memory that children share; never freed. */
void *witness_memory(size_t len_bytes);

/* It ends once the memory says so, and with this process. */
pid_t witness_lock_start(struct witness_lock *lock, uint32_t number);

/* Reads of @address over @adapter, one after the other. */
pid_t witness_read_start(struct witness_reads *reads, uint64_t address, const char *adapter);
