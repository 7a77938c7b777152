/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/dirty.h - what to ask of the kernel when a holder of `connect` ended without a word:
 * bluetoothd goes on with a dead client's Connect, and MGMT Disconnect ends it, also while it is
 * only pending. A list of Disconnects, one after the other, and what their answers mean.
 *
 * Pure. Used by cleaner.c, which does it.
 */
#include "ipc/base.h"

enum { DIRTY_STEPS_MAX = 32 };

enum dirty_type { DIRTY_PUBLIC, DIRTY_RANDOM, DIRTY_TYPE_UNKNOWN };

struct dirty_step {
	uint64_t address;
	bool is_random;
	bool is_guess; /* the step before was the same device with the other type */
};

struct dirty {
	size_t n;
	size_t at; /* the step that is asked or to be asked */
	uint32_t n_cancelled;
	bool has_failed;
	uint8_t status; /* MGMT's, of what failed */
	struct dirty_step steps[DIRTY_STEPS_MAX];
};

enum dirty_verdict {
	DIRTY_ASK,   /* steps[at] */
	DIRTY_CLEAN, /* nothing is pending any more */
	DIRTY_KEEP,  /* something may be */
};

/* A device whose Connect may be pending. One that finds no room makes the end DIRTY_KEEP. */
void dirty_add(struct dirty *dirty, uint64_t address, enum dirty_type type);

enum dirty_verdict dirty_next(const struct dirty *dirty);

/* @status: MGMT's answer to steps[at]; moves on. */
void dirty_answer(struct dirty *dirty, uint8_t status);
