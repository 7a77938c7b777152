/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/caches.h - what workers remember of a device is to be forgotten, by all of them: a
 * program asks for it, or the daemon has noticed that the device is not what it was.
 *
 * A program is answered when every worker has answered, or died: a dead one has forgotten it, too.
 * All functions return at once.
 */
#include "ipc/control.pb-c.h"
#include "ipc/session.pb-c.h"
#include "supervisor/adapters.h"

struct caches;
struct client;

must_check int caches_new(struct sup *sup);
struct caches *caches_free(struct caches *caches);

/* CACHE_CLEAR of a program. */
void caches_ask(struct client *client, uint32_t id, const Bh__CacheClear *msg);
bool caches_is_asked(const struct client *client, uint32_t id);

/* Nobody is answered. @except: has noticed it, and did so itself; NULL: nobody has. */
void caches_forget(struct sup *sup, uint64_t address, const struct adapter *except);

/* CACHE_CLEARED, with its id. */
void caches_cleared(struct adapter *adapter, uint32_t id, const Bh__Ctl__CacheCleared *msg);
void caches_worker_died(struct adapter *adapter);
