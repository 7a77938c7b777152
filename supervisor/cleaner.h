/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/cleaner.h - cancels the Connect that a dead or overdue holder of `connect` left behind
 * (LOCK_DIRTY) and tells lockd that its grant is clean. What to ask of the kernel is decided in
 * dirty.c; where nothing can be asked lockd is not answered and frees the grant after dirty_ms.
 */
#include "ipc/base.h"
#include "ipc/control.pb-c.h"
#include "supervisor/ctx.h"

struct cleaner;

must_check int cleaner_new(struct cleaner **out, struct sup *sup);

/* After the MGMT socket, whose answers come here. NULL is fine; returns NULL. */
struct cleaner *cleaner_free(struct cleaner *cleaner);

/* Returns at once; LOCK_CLEAN and the event follow. */
void cleaner_dirty(struct sup *sup, const Bh__Ctl__LockRef *ref);
