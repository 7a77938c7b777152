/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/gate.h - what systemd is to bleherdd: holds the listening socket while daemons come
 * and go, and starts them with it (sd_listen_fds(3)). They die with this process.
 */
#include <sys/types.h>

#include "ipc/base.h"

struct gate {
	int fd;	      /* listens */
	pid_t daemon; /* 0: none runs */
	char socket[108];
	char config[256], log[256];
};

#define GATE_INIT                                                                                  \
	{                                                                                          \
		.fd = -EBADF                                                                       \
	}

/**
 * gate_open() - bind and listen at @socket, and set $BLEHERD_SOCKET to it; starts nobody
 * @config: the daemon's, for each start; @log: where its standard error is appended
 *
 * Errors: negative errno.
 */
must_check int gate_open(struct gate *out, const char *socket, const char *config, const char *log);

/* Starts a daemon, from PATH; none may run. Errors: errno of fork. */
must_check int gate_start(struct gate *gate);

/* Sends it a signal; that it ended gate_reap() tells. */
void gate_signal(const struct gate *gate, int signal);

/* Whether it has ended, and how (wait status). Blocks: never. */
bool gate_reap(struct gate *gate, int *out_status);

/* Kills it and waits for that; safe on GATE_INIT. */
void gate_close(struct gate *gate);
