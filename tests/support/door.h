/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/door.h - what systemd is to bleherdd: holds the listening socket while daemons come
 * and go, and starts them with it (LISTEN_FDS). For a world whose own daemon gives way first: set
 * BLEHERD_MAY_DIE before world_start().
 */
#include <sys/types.h>

#include "tests/support/world.h"

struct door {
	int fd;		  /* listens */
	char program[96]; /* what is started; door_open(): the one in PATH */
	pid_t daemon;	  /* 0: none runs */
	int pidfd;	  /* of it: readable once it has ended */
};

/* Stops the world's daemon and points $BLEHERD_SOCKET at the door; starts nobody. */
void door_open(struct door *out, const struct world *world);

/* It dies with us. */
void door_start(struct door *door);

/* Ends it by @signal and waits for that; its wait status. */
int door_end(struct door *door, int signal);

/* For one that ended by itself, or may have. */
int door_reap(struct door *door);

void door_close(struct door *door);
