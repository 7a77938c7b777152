/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/lockd_child.h - the arbiter as a child: its restarts, a channel between it and each
 * worker per incarnation of either, what it says, and the lock table that it publishes. Programs'
 * channels are in lock_peers.c, dirty grants in cleaner.c.
 */
#include <sys/types.h>

#include "supervisor/ctx.h"

struct adapter;
struct lockd_child;

/* Makes it and starts it. */
must_check int lockd_child_new(struct lockd_child **out, struct sup *sup);
struct lockd_child *lockd_child_free(struct lockd_child *lockd);

void lockd_child_stop(struct lockd_child *lockd);
/* A look at its tick. */
void lockd_child_watch(struct lockd_child *lockd, uint64_t now_ms);
bool lockd_child_is_off(const struct lockd_child *lockd);
bool lockd_child_is_ready(const struct lockd_child *lockd);

/* It said HELLO: one that is started may still end at once, over its configuration. */
bool lockd_child_is_there(const struct lockd_child *lockd);

/* Why it is not restarted: one line, its own. NULL: it is there or comes back. */
const char *lockd_child_parked(const struct lockd_child *lockd);

/* sup->config has changed. */
void lockd_child_reload(struct lockd_child *lockd);

/* --- channels --- */
struct lockd_who {
	const char *label;
	pid_t pid;
	uid_t uid;
	bool is_worker;
};

/**
 * lockd_child_connect() - a channel between lockd and somebody
 * @out_peer: lockd's number for it, never 0
 * @out_fd:   the other end; caller closes
 *
 * Errors: -ENOTCONN lockd is not there; errno of socketpair().
 */
must_check int lockd_child_connect(struct lockd_child *lockd, const struct lockd_who *who,
				   uint32_t *out_peer, int *out_fd);
void lockd_child_peer_gone(struct lockd_child *lockd, uint32_t peer);

/* Whether few frames wait for it; frames beyond a limit would cost it its channel. */
bool lockd_child_has_room(const struct lockd_child *lockd);

/* A channel between lockd and a worker that was just started; without lockd it is told so. */
void lockd_child_introduce(struct lockd_child *lockd, struct adapter *adapter);
/* That worker is dead. */
void lockd_child_forget(struct lockd_child *lockd, struct adapter *adapter);
/* Revokes all that is held of an adapter. */
void lockd_child_adapter_lost(struct lockd_child *lockd, const char *name);
/* Which adapters there are, once that is known. Call it whenever it changes. */
void lockd_child_adapters(struct lockd_child *lockd);
/* The Connect of that dirty grant is cancelled. */
void lockd_child_clean(struct lockd_child *lockd, uint64_t grant);

/* The lock table's descriptor, lockd's to close; -ENOENT there is none. */
int lockd_child_table(const struct lockd_child *lockd);
