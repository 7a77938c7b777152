/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* lockd/proclocks.h - who has locked a file, as the kernel tells in /proc/locks. */
#include "ipc/base.h"

/*
 * The process that locked @name in @dir_fd with flock(); 0: not locked, or not known (a process of
 * another pid namespace, no /proc). The lock may be in other hands since: a duplicate's.
 */
uint32_t proclocks_holder(int dir_fd, const char *name);
