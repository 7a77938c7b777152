/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/doom.h - a process that is killed at its N-th system call: for tests that try every
 * N. The caller forks a process and calls doom_run_traced() in it; what follows runs in a child of
 * that process, traced by it. Counting begins with doom_begin(), so that a start-up need not be
 * counted. The process that was forked ends when the traced one has ended: with DOOM_DIED if it was
 * killed at N, else with its status.
 */
#include "ipc/base.h"

enum { DOOM_DIED = 42 };

struct doom_page {
	uint32_t is_counting;
	unsigned long die_at;
};

struct doom {
	struct doom_page *page; /* shared */
};

/* @die_at: 1 is the first call after doom_begin(). */
void doom_new(struct doom *doom, unsigned long die_at);

/* In the forked process: returns in its child, traced. */
void doom_run_traced(const struct doom *doom);

/* By anybody who shares the page. */
void doom_begin(const struct doom *doom);
