/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/cleaner.h - has the Connect cancelled that a dead or overdue holder of `connect` left
 * behind in bluetoothd (LOCK_DIRTY), and tells lockd that its grant is clean.
 *
 * The adapter's worker does it: only Device1.Disconnect ends a Connect at every moment
 * (worker/cancel.h). Often it is the worker that died: then its successor is asked. What is not
 * done after dirty_ms is given up; lockd frees the grant by itself then.
 */
#include "ipc/base.h"
#include "ipc/control.pb-c.h"
#include "supervisor/ctx.h"

struct adapter;
struct cleaner;

must_check int cleaner_new(struct cleaner **out, struct sup *sup);

/* NULL is fine; returns NULL. */
struct cleaner *cleaner_free(struct cleaner *cleaner);

/* Returns at once; LOCK_CLEAN and the event follow. */
void cleaner_dirty(struct sup *sup, const Bh__Ctl__LockRef *ref);

/* A worker can be asked from now on; what its predecessor was asked it has taken along. */
void cleaner_worker_ready(struct adapter *adapter);

/* CONNECT_CANCELLED; an @id that nobody waits for is ignored. */
void cleaner_answer(struct adapter *adapter, uint32_t id, const Bh__Ctl__ConnectCancel *msg);
