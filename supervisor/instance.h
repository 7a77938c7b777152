/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/instance.h - being the one daemon: the runtime directory, the lock in it, the public
 * socket (ours or systemd's). Nothing here is needed again once it is set up, so a full or lost
 * runtime directory does not hurt a running daemon.
 */
#include "supervisor/config.h"

enum { INSTANCE_WHY_LEN = 512 };

/* In the runtime directory: lockd's own slot files, for adapters that have none elsewhere. */
#define INSTANCE_OWN_LOCKS "locks"

/* Outcomes of instance_open(); @why says it in one line. */
enum {
	INSTANCE_RUNNING = 1,	 /* another one is there */
	INSTANCE_NO_RUNTIME = 2, /* the directory, the lock or the socket cannot be made */
};

struct instance {
	int lock_fd;
	int listen_fd;
	bool is_own_socket; /* to be removed at the end */
	char socket[CONFIG_PATH_LEN];
};

#define INSTANCE_INIT                                                                              \
	{                                                                                          \
		.lock_fd = -EBADF, .listen_fd = -EBADF                                             \
	}

/* Outcomes: 0, INSTANCE_RUNNING, INSTANCE_NO_RUNTIME. */
must_check int instance_open(struct instance *instance, const struct config *config,
			     char out_why[INSTANCE_WHY_LEN]);
void instance_close(struct instance *instance);
