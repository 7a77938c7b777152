/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/lockd_child.h - the arbiter as a child: its restarts, a channel between it and each
 * worker per incarnation of either, and the lock table that it publishes.
 */
#include "supervisor/ctx.h"

struct adapter;
struct lockd_child;

/* Makes it and starts it. */
must_check int lockd_child_new(struct lockd_child **out, struct sup *sup);
struct lockd_child *lockd_child_free(struct lockd_child *lockd);

void lockd_child_stop(struct lockd_child *lockd);
bool lockd_child_is_off(const struct lockd_child *lockd);
bool lockd_child_is_ready(const struct lockd_child *lockd);

/* A channel between lockd and a worker that was just started; without lockd it is told so. */
void lockd_child_introduce(struct lockd_child *lockd, struct adapter *adapter);
/* That worker is dead. */
void lockd_child_forget(struct lockd_child *lockd, struct adapter *adapter);
/* Revokes all that is held of an adapter. */
void lockd_child_adapter_lost(struct lockd_child *lockd, const char *name);

/* The lock table's descriptor, lockd's to close; -ENOENT there is none. */
int lockd_child_table(const struct lockd_child *lockd);
