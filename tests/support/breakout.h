/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/breakout.h - what somebody tries who has taken a process over: one system call
 * each, with arguments that do no harm where it works. The process is confined if each one fails
 * with EPERM; that of a wrong argument (EFAULT, ENOENT) would say that the call was let through.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct breakout_target {
	pid_t victim; /* a process of the same user */
	int socket;   /* one of ours */
};

struct breakout {
	const char *name;
	long (*attempt)(const struct breakout_target *target);
};

extern const struct breakout BREAKOUTS[];
extern const size_t N_BREAKOUTS;

/* Whether the kernel let the call through. */
bool breakout_works(const struct breakout *breakout, const struct breakout_target *target);
