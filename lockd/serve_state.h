/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/serve_state.h - what serve.c (the loop, the peers) and serve_control.c (the channel to the
 * supervisor) share.
 */
#include "ipc/loop/port.h"
#include "ipc/wpage.h"
#include "lockd/arbiter.h"
#include "lockd/peer.h"
#include "lockd/publish.h"
#include "lockd/watch.h"

struct serve {
	sd_event *event;
	struct chan_buf *buf;
	struct port *control;
	struct arbiter *arbiter;
	struct publish *table;
	struct watch *watch; /* NULL: slot files are tried again and again instead */
	sd_event_source *timer;
	sd_event_source *publisher;
	struct peer *peers;
	uint32_t n_peers;
	uint32_t peers_max;
	struct wpage *page;	/* its status page; NULL: none */
	uint64_t timer_at_ms;	/* UINT64_MAX: off */
	uint64_t published;	/* arbiter_changes() then */
	bool is_publishing_due; /* the publisher is armed */
	struct peer_host host;
	struct arbiter_ops ops;
};

/* --- serve.c --- */

/* To be called after whatever may have changed a queue, a lease, the table. @ctx: struct serve. */
void serve_changed(void *ctx);
/* Takes a peer in. @fd: taken over if it is. */
void serve_add_peer(struct serve *s, int *fd, const struct peer_info *info);
void serve_drop_peer(struct serve *s, struct peer *peer);
struct peer *serve_find_peer(const struct serve *s, uint32_t number);

/* --- serve_control.c --- */

extern const struct port_ops SERVE_CONTROL_OPS;
/* The first words to the supervisor: who we are, the lock table, ready. */
void serve_introduce(struct serve *s);
/* Callbacks of the arbiter and of peers that the supervisor is told of. @ctx: struct serve. */
void serve_tell_dirty(void *ctx, const struct arbiter_stray *stray);
void serve_tell_overdue(void *ctx, const struct arbiter_stray *stray);
void serve_tell_revoked(void *ctx, const char *label, const struct arbiter_verdict *verdict);
