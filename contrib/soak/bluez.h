/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/bluez.h - the real bluetoothd of the lab: killed, and started again as it was; also
 * where it ended by itself (5.66 may, when a link drops: contrib/lab/README.md).
 */
#include <sys/types.h>

#include "ipc/base.h"

enum { BLUEZ_ARGS = 16, BLUEZ_ARGS_LEN = 1024 };

struct bluez {
	const char *pid_file, *log; /* borrowed; NULL: there is none */
	int dying;		    /* pidfd of the one that was killed; -EBADF: none */
	pid_t pid;
	bool is_ours;	 /* our child, to be waited for */
	bool has_died;	 /* by itself */
	int64_t look_us; /* when that is looked at next */
	char *argv[BLUEZ_ARGS];
	char args[BLUEZ_ARGS_LEN];
};

void bluez_init(struct bluez *b, const char *pid_file, const char *log);

/* Its number, if it runs and is one; 0. */
pid_t bluez_pid(struct bluez *b);

/* Kills it; bluez_turn() starts the next one. -ESRCH: it does not run. */
must_check int bluez_kill(struct bluez *b);

/* Starts one once the one before has ended. Whether one is still to be waited for. */
bool bluez_turn(struct bluez *b, int64_t now_us);

/* Whether it has ended by itself since the last call. */
bool bluez_has_died(struct bluez *b);
