/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/kernel.h - the kernel's end of a MGMT socket: two adapters, and whatever the feed says
 * of them. A Unix socket in the directory of the target. Never blocks.
 */
#include "tests/fuzz/feed.h"

struct kernel {
	int listener;
	int fd; /* -EBADF: nobody has dialled */
	uint16_t opcode;
	uint16_t index; /* of the last command that is not answered */
	bool is_asked;
};

/* Once: where the supervisor is to dial. */
void kernel_listen(struct kernel *kernel, const char *path);
/* Nobody has dialled yet. */
void kernel_reset(struct kernel *kernel);
/* Takes commands; answers by itself what every run begins with. */
void kernel_turn(struct kernel *kernel);
/* One packet that the feed chooses. */
void kernel_act(struct kernel *kernel, struct feed *feed);
