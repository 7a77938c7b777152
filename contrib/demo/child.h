/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/child.h - the conductor's side of a program's process.
 */
#include <sys/types.h>

#include "contrib/demo/report.h"

struct child {
	pid_t pid;  /* 0: not running */
	int fd;	    /* reports and commands; -EBADF when its end is closed */
	int status; /* of waitpid(2), once pid is 0 */
	bool was_started;
};

#define CHILD_INIT                                                                                 \
	{                                                                                          \
		.pid = 0, .fd = -EBADF                                                             \
	}

/* Fork and exec of ourselves in that role; it dies with us. Errors: negative errno. */
must_check int child_start(struct child *child, const char *role);

/* Takes its exit status if it has ended. Blocks: never. */
void child_reap(struct child *child);

/* SIGKILL, and waits for the end. */
void child_kill(struct child *child);

/* It was started, ended by itself and returned 0. */
bool child_is_well(const struct child *child);
