/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/proc.h - what /proc says of a process. Nothing is opened for longer than the call.
 */
#include "ipc/base.h"

enum { PROC_NAME_LEN = 16, PROC_CHILDREN_MAX = 64 };

/* Its name (comm). false: it is not there. */
bool proc_name(pid_t pid, char out[PROC_NAME_LEN]);

/* Its children, at most @max. Returns how many. */
size_t proc_children(pid_t pid, pid_t *out, size_t max);

/* Whether its program is the file of that base name; of the real file, not of what it calls
 * itself. */
bool proc_is_program(pid_t pid, const char *name);

/* Whether one of its arguments is exactly that. */
bool proc_has_argument(pid_t pid, const char *argument);

/* One that has ended and was not waited for, or is gone. */
bool proc_is_dead(pid_t pid);

/* Memory with its share of what others map, too: PSS where we may read it (root), else that of
 * proc_own_kib(); 0: it has ended. */
uint32_t proc_kib(pid_t pid);

/* Memory of its own, whoever else comes and goes: anonymous pages; 0: it has ended. */
uint32_t proc_own_kib(pid_t pid);

/* Descriptors; 0 where we may not look. */
uint32_t proc_fds(pid_t pid);

/* When it was started, in the kernel's ticks: with its pid, this is one process and no other. */
uint64_t proc_started(pid_t pid);
