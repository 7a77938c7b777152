/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/growth.h - what processes use over a long test: memory and descriptors in the first
 * quarter of the samples against the last.
 */
#include <stdint.h>
#include <sys/types.h>

/* From now on; nobody waits for it before the last sample. */
void growth_watch(pid_t pid);

/* The daemon and its children of this moment. */
void growth_watch_daemon(pid_t daemon);

/* Of all that are watched. */
void growth_sample(void);

/* Prints a line for each of them, and fails the check if one has grown. */
void growth_expect_flat(void);

/* Memory of its own, without shared pages; 0: it has ended. */
uint32_t growth_kib(pid_t pid);

/* 0 where we may not look: the daemons let only root. */
uint32_t growth_fds(pid_t pid);

/* Calls @each for every child of @pid, with its name. */
void growth_children(pid_t pid, void (*each)(void *ctx, pid_t child, const char *name), void *ctx);
