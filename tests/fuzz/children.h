/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/children.h - children of a supervisor that are no processes: in place of
 * supervisor/spawn.c and of what sd-event does with pids. Each is the other end of its channel; a
 * signal ends it at the next turn of the loop.
 */
#include "supervisor/spawn.h"
#include "tests/fuzz/wire.h"

#include <systemd/sd-event.h>

enum { CHILDREN_MAX = 8 };

struct fake_child {
	bool is_used;
	bool is_new; /* nobody has looked at it yet */
	enum spawn_role role;
	pid_t pid;
	uint64_t incarnation;
	int signal; /* 0: it ends by itself */
	struct wire wire;
	sd_event_source *source; /* not ours */
	sd_event_child_handler_t handler;
	void *ctx;
};

extern struct fake_child children[CHILDREN_MAX];

void children_reset(void);
/* It ends with that signal (0: exit status 0) at the next turn. */
void children_end(struct fake_child *child, int signal);
