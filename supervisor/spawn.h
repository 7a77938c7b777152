/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/spawn.h - fork and exec of the role binaries, which are opened once at start: an
 * upgrade under a running daemon does not mix builds.
 *
 * A child gets stdin from /dev/null, stdout and stderr as they are, its channel as fd 3, its status
 * page as fd 4 if it has one, and nothing else; its own process group, default signals, and
 * SIGKILL when the supervisor dies.
 */
#include <sys/types.h>

#include "ipc/base.h"

enum { SPAWN_CHANNEL_FD = 3, SPAWN_PAGE_FD = 4, SPAWN_ARGS_MAX = 40, SPAWN_PATH_LEN = 512 };

enum spawn_role { SPAWN_WORKER, SPAWN_LOCKD, SPAWN_RESCUE, SPAWN_ROLE_COUNT };

struct spawn_binaries {
	int fds[SPAWN_ROLE_COUNT]; /* O_PATH */
};

/* Opens them; @out_missing: the path of the one that could not be opened. */
must_check int spawn_open(struct spawn_binaries *out, char out_missing[SPAWN_PATH_LEN]);
void spawn_close(struct spawn_binaries *binaries);

const char *spawn_role_name(enum spawn_role role);

/**
 * spawn_start() - start a role
 * @argv:       NULL-terminated, argv[0] included
 * @channel_fd: becomes fd 3; stays the caller's
 * @page_fd:    becomes fd 4; negative: none
 * @out_pid:    the child
 * @out_exec_fd: non-blocking; spawn_exec_error() reads from it why exec failed, once the child is
 *              dead; caller closes
 *
 * Errors: errno of pipe2, fork.  Blocks: never (exec is not waited for).
 */
must_check int spawn_start(const struct spawn_binaries *binaries, enum spawn_role role,
			   const char *const argv[], int channel_fd, int page_fd, pid_t *out_pid,
			   int *out_exec_fd);

/* errno of the failed step before exec, 0 if exec succeeded. */
int spawn_exec_error(int exec_fd);
