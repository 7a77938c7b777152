/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/worker_child.h - the worker of an adapter as a child, and both sides of what is said
 * on its channel (control.proto). Trusts nothing: every number is checked, and a worker speaks for
 * its own adapter only.
 */
#include "ipc/control.pb-c.h"
#include "supervisor/adapters.h"

/* Makes adapter->child and adapter->feed; starts nothing. */
must_check int worker_child_new(struct adapter *adapter);

/* --- what the supervisor says; nothing happens where no worker runs --- */
void worker_child_arbiter(struct adapter *adapter, int fd);
void worker_child_arbiter_gone(struct adapter *adapter);
/* @under: a grant under which it is done, 0: none. @is_watch: until it is stopped. */
void worker_child_find(struct adapter *adapter, uint64_t address, uint64_t under, bool is_watch);
void worker_child_find_stop(struct adapter *adapter, uint64_t address);
void worker_child_cut(struct adapter *adapter, uint64_t address, bool is_random);
/* It is no link any more, only BlueZ has not noticed: who uses it has lost it. */
void worker_child_cut_lost(struct adapter *adapter, uint64_t address, bool is_random);
/* Answered to cleaner_answer(). */
void worker_child_cancel(struct adapter *adapter, uint32_t id, uint64_t address);
/* The kernel says why; @is_disconnect: @status is a reason of Device Disconnected. */
void worker_child_cause(struct adapter *adapter, uint64_t address, uint8_t status,
			bool is_disconnect);
/* Somebody of ours waits for its locks: it asks lockd now instead of at half its lease. */
void worker_child_locks_wanted(struct adapter *adapter);
/* sup->config has changed. */
void worker_child_reload(struct adapter *adapter);
void worker_child_rules(struct adapter *adapter, const Bh__Ctl__DeviceRules *rules);
/* The daemon's own session: it is made, or its hold changes. */
void worker_child_keep(struct adapter *adapter, const Bh__Ctl__Keep *keep);
/* Answered to keepers_checked(). */
void worker_child_check(struct adapter *adapter, uint32_t id, const Bh__Ctl__Check *check);
/* Answered to caches_cleared(), unless @id is 0. */
void worker_child_cache_clear(struct adapter *adapter, uint32_t id,
			      const Bh__Ctl__CacheClear *clear);
/* What the program of a session may do has changed. */
void worker_child_access(struct adapter *adapter, const Bh__Ctl__Access *access);
/* @is_over: it goes on nowhere else. */
void worker_child_detach(struct adapter *adapter, uint32_t session, bool is_over);
