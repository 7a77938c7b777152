/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/held.h - processes that are stopped, or starved: stopped but for 2 ms of every 20.
 * That leaves a tenth of a processor, needs no privilege, and takes nothing from those that are not
 * meant. By pidfd: a number that is somebody else's by now is never hit.
 */
#include <sys/types.h>

#include "ipc/base.h"

enum { HELD_MAX = 64 };

struct held {
	struct held_one {
		int pidfd; /* -EBADF: free */
		uint64_t key;
		bool is_starved, is_stopped;
		int64_t turn_us; /* INT64_MAX: it stays as it is */
	} all[HELD_MAX];
};

void held_init(struct held *h);

/* Stops it, under a name for held_end(). -ENOSPC; errno of pidfd_open(2), pidfd_send_signal(2). */
must_check int held_begin(struct held *h, pid_t pid, uint64_t key, bool is_starved, int64_t now_us);

/* Lets go on what has that name. */
void held_end(struct held *h, uint64_t key);

/* All go on. */
void held_rest(struct held *h);

/* Does what is due; when something is next, INT64_MAX: never. */
int64_t held_turn(struct held *h, int64_t now_us);
