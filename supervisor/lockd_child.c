/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/lockd_child.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/child.h"
#include "supervisor/events.h"
#include "supervisor/worker_child.h"

enum { SETTLE_MS = 200 };

struct lockd_child {
	struct sup *sup;
	struct child *child;
	int table_fd;
	uint32_t last_peer;
};

/* --- channels between lockd and workers --- */

static void send_peer(struct lockd_child *lockd, const struct adapter *adapter, int fd)
{
	Bh__Ctl__LockPeer peer = BH__CTL__LOCK_PEER__INIT;
	char label[ADAPTER_NAME_LEN + 8];

	(void)snprintf(label, sizeof(label), "worker %s", adapter->name);
	peer.has_peer = peer.has_pid = peer.has_uid = peer.has_worker = 1;
	peer.peer = adapter->lock_peer;
	peer.label = label;
	peer.pid = (uint32_t)child_pid(adapter->child);
	peer.uid = (uint32_t)getuid();
	peer.worker = 1;
	port_send_fds(child_port(lockd->child), BH__CTL__TYPE__LOCK_PEER, 0, 0, &peer.base, &fd, 1);
}

void lockd_child_introduce(struct lockd_child *lockd, struct adapter *adapter)
{
	_cleanup_close_ int theirs = -EBADF;
	_cleanup_close_ int workers = -EBADF;
	int ends[2];

	adapter->lock_peer = 0;
	if (!child_port(lockd->child)) {
		worker_child_arbiter_gone(adapter);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		log_error("arbiter=no-channel adapter=%s error=\"%s\"", adapter->name,
			  strerror(errno));
		worker_child_arbiter_gone(adapter);
		return;
	}
	theirs = ends[0];
	workers = ends[1];
	adapter->lock_peer = ++lockd->last_peer;
	send_peer(lockd, adapter, theirs);
	worker_child_arbiter(adapter, workers);
}

void lockd_child_forget(struct lockd_child *lockd, struct adapter *adapter)
{
	Bh__Ctl__PeerRef ref = BH__CTL__PEER_REF__INIT;

	if (!lockd || adapter->lock_peer == 0)
		return;
	ref.has_peer = 1;
	ref.peer = adapter->lock_peer;
	adapter->lock_peer = 0;
	port_send(child_port(lockd->child), BH__CTL__TYPE__PEER_GONE, 0, 0, &ref.base);
}

void lockd_child_adapter_lost(struct lockd_child *lockd, const char *name)
{
	Bh__Ctl__AdapterName adapter = BH__CTL__ADAPTER_NAME__INIT;

	adapter.adapter = (char *)(uintptr_t)name;
	port_send(child_port(lockd->child), BH__CTL__TYPE__ADAPTER_LOST, 0, 0, &adapter.base);
}

/* --- what it says --- */

static int on_table(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct lockd_child *lockd = child_owner(ctx);

	(void)msg;
	lockd->table_fd = close_fd(lockd->table_fd);
	lockd->table_fd = take_fd(&frame->fds[0]);
	return 0;
}

static int on_event(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct lockd_child *lockd = child_owner(ctx);
	const Bh__Event *said = msg;
	struct event event = { .class = class_from_wire((int)said->class_) };

	(void)frame;
	if (!said->kind || event_kind_from_name(said->kind, &event.kind) != 0)
		return 0;
	(void)snprintf(event.adapter, sizeof(event.adapter), "%s",
		       said->adapter ? said->adapter : "");
	events_add(lockd->sup->events, &event, "%s", said->text ? said->text : "");
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__CTL__TYPE__HELLO, 0, 0, &bh__ctl__hello__descriptor, child_on_hello },
	{ BH__CTL__TYPE__READY, 0, 0, &bh__ctl__empty__descriptor, child_on_ready },
	{ BH__CTL__TYPE__EVENT, 0, 0, &bh__event__descriptor, on_event },
	{ BH__CTL__TYPE__LOCK_TABLE, 1, 1, &bh__ctl__empty__descriptor, on_table },
};

static const struct port_ops PORT = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = child_closed,
};

/* --- life --- */

static size_t arguments(struct child *child, void *ctx, const char *argv[SPAWN_ARGS_MAX],
			char *text, size_t text_size)
{
	const struct lockd_child *lockd = ctx;
	const struct config *config = &lockd->sup->config;
	static const char *const NAMES[] = { "--connect-slots", "--scan-slots", "--parent",
					     "--log-level", "--settle-ms" };
	size_t n = 0;
	size_t i;
	int len;

	/* A second one first lets the workers hand back what they hold: device: has no file that
	 * would keep others out. */
	len = snprintf(text, text_size, "%u%c%u%c%d%c%u%c%d", config->connect_slots, 0,
		       config->scan_slots, 0, getpid(), 0, config->log_level, 0,
		       child_incarnation(child) > 1 ? SETTLE_MS : 0);
	assert(len > 0 && (size_t)len < text_size);
	argv[n++] = "--dir";
	argv[n++] = config->lock_dir;
	for (i = 0; i < ARRAY_LEN(NAMES); i++) {
		argv[n++] = NAMES[i];
		argv[n++] = text;
		text += strlen(text) + 1;
	}
	return n;
}

static void on_spawned(struct child *child, void *ctx)
{
	struct lockd_child *lockd = ctx;
	struct adapters *adapters = lockd->sup->adapters;
	size_t i;

	(void)child;
	for (i = 0; i < adapters->n; i++)
		if (child_port(adapters->list[i]->child))
			lockd_child_introduce(lockd, adapters->list[i]);
}

static void on_child_ready(struct child *child, void *ctx)
{
	struct lockd_child *lockd = ctx;

	events_add(lockd->sup->events, &(struct event){ .kind = EVENT_ARBITER_UP }, "pid %d",
		   child_pid(child));
}

static bool on_counts(struct child *child, void *ctx, const struct child_obituary *obituary)
{
	(void)child;
	(void)ctx;
	(void)obituary;
	return true;
}

static void on_died(struct child *child, void *ctx, const struct child_obituary *obituary,
		    uint32_t delay_ms)
{
	struct lockd_child *lockd = ctx;
	struct adapters *adapters = lockd->sup->adapters;
	char text[128];
	size_t i;

	(void)child;
	child_obituary_text(obituary, text, sizeof(text));
	lockd->table_fd = close_fd(lockd->table_fd);
	for (i = 0; i < adapters->n; i++) {
		adapters->list[i]->lock_peer = 0;
		worker_child_arbiter_gone(adapters->list[i]);
	}
	if (obituary->cause == CHILD_CAUSE_ASKED)
		return;
	events_add(lockd->sup->events, &(struct event){ .kind = EVENT_ARBITER_DOWN },
		   delay_ms == UINT32_MAX ? "lockd %s; not restarted" : "lockd %s; it is restarted",
		   text);
}

static const struct child_ops OPS = {
	.role = SPAWN_LOCKD,
	.port = &PORT,
	.arguments = arguments,
	.spawned = on_spawned,
	.ready = on_child_ready,
	.counts = on_counts,
	.died = on_died,
};

int lockd_child_new(struct lockd_child **out, struct sup *sup)
{
	struct lockd_child *lockd = calloc(1, sizeof(*lockd));
	int r;

	if (!lockd)
		return -ENOMEM;
	lockd->sup = sup;
	lockd->table_fd = -EBADF;
	r = child_new(&lockd->child, sup->event, sup->buf, &sup->binaries, &OPS, lockd, "lockd",
		      &sup->backoff);
	if (r < 0) {
		lockd_child_free(lockd);
		return r;
	}
	*out = lockd;
	child_start(lockd->child);
	return 0;
}

struct lockd_child *lockd_child_free(struct lockd_child *lockd)
{
	if (!lockd)
		return NULL;
	child_free(lockd->child);
	(void)close_fd(lockd->table_fd);
	free(lockd);
	return NULL;
}

void lockd_child_stop(struct lockd_child *lockd)
{
	child_stop(lockd->child);
}

bool lockd_child_is_off(const struct lockd_child *lockd)
{
	return child_state(lockd->child) == CHILD_OFF;
}

bool lockd_child_is_ready(const struct lockd_child *lockd)
{
	return child_state(lockd->child) == CHILD_READY;
}

int lockd_child_table(const struct lockd_child *lockd)
{
	return lockd->table_fd >= 0 ? lockd->table_fd : -ENOENT;
}
