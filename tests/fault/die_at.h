/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fault/die_at.h - death at the N-th system call, for programs that somebody else starts.
 *
 * A copy of the program `die-at` stands in for a binary, e.g. for bleherd-worker in the folder that
 * $BLEHERD_LIBEXEC names. Each time it is run it leaves a tracer beside it and becomes the real
 * program, under the same pid and with the same descriptors. What the tracers do is on a page, a
 * file beside the copy, that whoever tests maps. The tracer is the child of the traced one and was
 * there before it became undumpable: no capability is needed.
 */
#include "ipc/base.h"

/* The page of the copy at PATH is PATH DIE_AT_SUFFIX. */
#define DIE_AT_SUFFIX ".die-at"

enum { DIE_AT_PATH_LEN = 256 };

struct die_at_page {
	char program[DIE_AT_PATH_LEN]; /* the real one */
	/* Killed at this call, 1 is the first that begins while is_counting; 0: never. */
	uint32_t die_at;
	uint32_t at_exit; /* not before the call but after it */
	uint32_t is_counting;
	uint32_t round; /* grows each time that it is set */
	/* Who is there at that moment ends with its next call; those who follow are counted. */
	uint32_t from_birth;
	uint32_t calls;	   /* so far; not counted any more once somebody has died */
	uint32_t died_pid; /* 0: nobody yet */
	uint32_t died_in;  /* that call's number */
	/* A worker that handles a request of this session dies, by no SIGKILL, each time; 0: none.
	 */
	uint32_t poison;
	uint32_t poison_from; /* the n-th time only that it does, as far as calls show it */
	uint32_t n_poisoned;
};
