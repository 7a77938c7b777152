/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/spawn.h - the command that `bleherd lock` runs: a child in our own process group, which dies
 * when we do, whatever we die of.
 */
#include "ipc/client/cli/cli.h"

struct spawn {
	pid_t pid;
	int pidfd; /* readable when it has ended */
};

#define SPAWN_INIT ((struct spawn){ .pidfd = -EBADF })

/**
 * spawn_start() - run a command, found in $PATH
 * @argv: NULL-terminated
 *
 * One that cannot be run ends with 126, or 127 if it is not there, after a line on stderr.
 * Errors: errno of fork(2) and pidfd_open(2).
 */
must_check int spawn_start(struct spawn *spawn, const struct cli *cli, char *const *argv,
			   uint64_t grant, const char *adapter);

/* To the child; nothing if there is none, or it has ended. */
void spawn_signal(const struct spawn *spawn, int number);

/*
 * Kills it and waits until it has ended: a second at most, which is long for what does not hang in
 * the kernel.
 */
void spawn_kill(const struct spawn *spawn);

/* Once pidfd is readable: its status, 128 + signal if that ended it. */
int spawn_reap(struct spawn *spawn);
