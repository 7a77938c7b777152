/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/lockd_child.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/child.h"
#include "supervisor/cleaner.h"
#include "supervisor/deaths.h"
#include "supervisor/events.h"
#include "supervisor/lock_peers.h"
#include "supervisor/lock_self.h"
#include "supervisor/lockd_args.h"
#include "supervisor/slot_dir.h"
#include "supervisor/worker_child.h"

enum {
	SETTLE_MS = 200,
	BACKLOG_MAX = 64, /* frames that wait for lockd */
	WINDOW_MS = 1000, /* it never waits for anybody: programs wait for it */
};

struct lockd_child {
	struct sup *sup;
	struct child *child;
	int table_fd;
	uint32_t last_peer;
	bool has_greeted;	       /* it got as far as HELLO: it will serve */
	char parked[SLOT_DIR_WHY_LEN]; /* why */
};

/* --- channels --- */

bool lockd_child_is_there(const struct lockd_child *lockd)
{
	return lockd->has_greeted && child_port(lockd->child);
}

bool lockd_child_has_room(const struct lockd_child *lockd)
{
	return port_queued(child_port(lockd->child)) < BACKLOG_MAX;
}

static void send_peer(struct lockd_child *lockd, const struct lockd_who *who, uint32_t number,
		      int fd)
{
	Bh__Ctl__LockPeer peer = BH__CTL__LOCK_PEER__INIT;

	peer.has_peer = peer.has_pid = peer.has_uid = peer.has_worker = 1;
	peer.peer = number;
	peer.label = (char *)(uintptr_t)who->label;
	peer.pid = (uint32_t)who->pid;
	peer.uid = (uint32_t)who->uid;
	peer.worker = who->is_worker;
	port_send_fds(child_port(lockd->child), BH__CTL__TYPE__LOCK_PEER, 0, 0, &peer.base, &fd, 1);
}

int lockd_child_connect(struct lockd_child *lockd, const struct lockd_who *who, uint32_t *out_peer,
			int *out_fd)
{
	_cleanup_close_ int lockds = -EBADF;
	_cleanup_close_ int theirs = -EBADF;
	int ends[2];

	if (!child_port(lockd->child))
		return -ENOTCONN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	lockds = ends[0];
	theirs = ends[1];
	*out_peer = ++lockd->last_peer;
	send_peer(lockd, who, *out_peer, lockds);
	*out_fd = take_fd(&theirs);
	return 0;
}

void lockd_child_peer_gone(struct lockd_child *lockd, uint32_t peer)
{
	Bh__Ctl__PeerRef ref = BH__CTL__PEER_REF__INIT;

	ref.has_peer = 1;
	ref.peer = peer;
	port_send(child_port(lockd->child), BH__CTL__TYPE__PEER_GONE, 0, 0, &ref.base);
}

void lockd_child_introduce(struct lockd_child *lockd, struct adapter *adapter)
{
	_cleanup_close_ int fd = -EBADF;
	char label[ADAPTER_NAME_LEN + 8];
	struct lockd_who who = {
		.label = label,
		.pid = child_pid(adapter->child),
		.uid = getuid(),
		.is_worker = true,
	};
	int r;

	(void)snprintf(label, sizeof(label), "worker %s", adapter->name);
	adapter->lock_peer = 0;
	r = lockd_child_connect(lockd, &who, &adapter->lock_peer, &fd);
	if (r < 0 && r != -ENOTCONN)
		log_error("arbiter=no-channel adapter=%s error=\"%s\"", adapter->name,
			  strerror(-r));
	if (r < 0)
		worker_child_arbiter_gone(adapter);
	else
		worker_child_arbiter(adapter, fd);
}

void lockd_child_forget(struct lockd_child *lockd, struct adapter *adapter)
{
	if (!lockd || adapter->lock_peer == 0)
		return;
	lockd_child_peer_gone(lockd, adapter->lock_peer);
	adapter->lock_peer = 0;
}

/* --- adapters and grants --- */

void lockd_child_adapter_lost(struct lockd_child *lockd, const char *name)
{
	Bh__Ctl__AdapterName adapter = BH__CTL__ADAPTER_NAME__INIT;

	adapter.adapter = (char *)(uintptr_t)name;
	port_send(child_port(lockd->child), BH__CTL__TYPE__ADAPTER_LOST, 0, 0, &adapter.base);
}

void lockd_child_adapters(struct lockd_child *lockd)
{
	const struct adapters *adapters = lockd->sup->adapters;
	Bh__Ctl__Adapters msg = BH__CTL__ADAPTERS__INIT;
	char *names[ADAPTERS_MAX];
	size_t i;

	/* A list that is not whole yet would say of the others that they do not exist. */
	if (!lockd->sup->is_enumerated)
		return;
	for (i = 0; i < adapters->n; i++)
		if (adapters->list[i]->is_present)
			names[msg.n_adapters++] = adapters->list[i]->name;
	msg.adapters = names;
	msg.default_adapter = msg.n_adapters > 0 ? names[0] : NULL;
	port_send(child_port(lockd->child), BH__CTL__TYPE__ADAPTERS, 0, 0, &msg.base);
}

void lockd_child_clean(struct lockd_child *lockd, uint64_t grant)
{
	Bh__Ctl__LockRef ref = BH__CTL__LOCK_REF__INIT;

	ref.has_grant = 1;
	ref.grant = grant;
	port_send(child_port(lockd->child), BH__CTL__TYPE__LOCK_CLEAN, 0, 0, &ref.base);
}

/* --- what it says --- */

static int on_hello(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct lockd_child *lockd = child_owner(ctx);
	int r = child_on_hello(ctx, frame, msg);

	if (r < 0)
		return r;
	lockd->has_greeted = true;
	lock_peers_lockd_up(lockd->sup);
	lock_self_lockd_up(lockd->sup);
	return 0;
}

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

static int on_dirty(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct lockd_child *lockd = child_owner(ctx);

	(void)frame;
	cleaner_dirty(lockd->sup, msg);
	return 0;
}

static struct adapter *worker_of(const struct adapters *adapters, uint32_t peer)
{
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (peer != 0 && adapters->list[i]->lock_peer == peer)
			return adapters->list[i];
	return NULL;
}

/* lockd has taken the lock by then; a worker that does not let go is ill, too. */
static int on_overdue(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct lockd_child *lockd = child_owner(ctx);
	struct sup *sup = lockd->sup;
	const Bh__Ctl__LockRef *ref = msg;
	struct adapter *worker = worker_of(sup->adapters, ref->peer);
	struct event event = { .kind = EVENT_LOCK_OVERDUE, .class = CLASS_LOCK_LOST };

	(void)frame;
	(void)snprintf(event.adapter, sizeof(event.adapter), "%s",
		       ref->adapter ? ref->adapter : "");
	events_add(sup->events, &event, "%s (pid %u) did not let go of its lock: %s",
		   ref->label && ref->label[0] ? ref->label : "a program", ref->pid,
		   worker ? "it is killed" : "it was taken from it");
	if (worker)
		child_overdue(worker->child, event.adapter);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__CTL__TYPE__HELLO, 0, 0, &bh__ctl__hello__descriptor, on_hello },
	{ BH__CTL__TYPE__READY, 0, 0, &bh__ctl__empty__descriptor, child_on_ready },
	{ BH__CTL__TYPE__EVENT, 0, 0, &bh__event__descriptor, on_event },
	{ BH__CTL__TYPE__LOCK_TABLE, 1, 1, &bh__ctl__empty__descriptor, on_table },
	{ BH__CTL__TYPE__LOCK_DIRTY, 0, 0, &bh__ctl__lock_ref__descriptor, on_dirty },
	{ BH__CTL__TYPE__LOCK_OVERDUE, 0, 0, &bh__ctl__lock_ref__descriptor, on_overdue },
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

	/* It first lets them hand back what they hold: device: has no file that would keep others
	 * out. Also our first one: programs outlive the daemon before us. */
	(void)child;
	return lockd_args(&lockd->sup->config, getpid(), SETTLE_MS, argv, text, text_size);
}

static void on_spawned(struct child *child, void *ctx)
{
	struct lockd_child *lockd = ctx;
	struct adapters *adapters = lockd->sup->adapters;
	size_t i;

	(void)child;
	/* Before those who will ask for them. */
	lockd_child_adapters(lockd);
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

static void note_parked(struct lockd_child *lockd)
{
	struct event event = { .kind = EVENT_ARBITER_PARKED, .class = CLASS_INTERNAL };

	if (slot_dir_check(lockd->sup->config.lock_dir, lockd->parked) == 0)
		(void)snprintf(lockd->parked, sizeof(lockd->parked),
			       "lockd refused its configuration, its last line in the log says "
			       "why; mend that and restart bleherdd");
	events_add(lockd->sup->events, &event, "%s", lockd->parked);
}

static void on_died(struct child *child, void *ctx, const struct child_obituary *obituary,
		    uint32_t delay_ms)
{
	struct lockd_child *lockd = ctx;
	struct adapters *adapters = lockd->sup->adapters;
	char text[128];
	size_t i;

	deaths_note(lockd->sup, child, SPAWN_LOCKD, obituary, "", 0);
	child_obituary_text(obituary, text, sizeof(text));
	lockd->table_fd = close_fd(lockd->table_fd);
	lockd->has_greeted = false;
	for (i = 0; i < adapters->n; i++) {
		adapters->list[i]->lock_peer = 0;
		worker_child_arbiter_gone(adapters->list[i]);
	}
	if (obituary->cause != CHILD_CAUSE_ASKED)
		events_add(lockd->sup->events, &(struct event){ .kind = EVENT_ARBITER_DOWN },
			   delay_ms == UINT32_MAX ? "lockd %s; not restarted"
						  : "lockd %s; it is restarted",
			   text);
	if (child_state(lockd->child) == CHILD_PARKED)
		note_parked(lockd);
	lock_peers_lockd_down(lockd->sup, lockd_child_parked(lockd));
	lock_self_lockd_down(lockd->sup, lockd_child_parked(lockd));
}

static void on_crash_loop(struct child *child, void *ctx)
{
	struct lockd_child *lockd = ctx;
	const struct backoff_limits *limits = &lockd->sup->backoff;
	struct event event = { .kind = EVENT_ARBITER_LOOP, .class = CLASS_INTERNAL };

	(void)child;
	events_add(lockd->sup->events, &event,
		   "lockd died %u times in %u s: it is started every %u s from now on; `bleherd "
		   "deaths` says of what",
		   limits->loop_deaths, limits->loop_window_ms / 1000, limits->max_ms / 1000);
}

static void on_unkillable(struct child *child, void *ctx, const struct child_obituary *obituary)
{
	struct lockd_child *lockd = ctx;
	struct event event = { .kind = EVENT_ARBITER_UNKILLABLE, .class = CLASS_INTERNAL };

	(void)obituary;
	events_add(lockd->sup->events, &event,
		   "lockd (pid %d) does not die of SIGKILL: a system call of it does not end; "
		   "there is no other one until it does",
		   child_pid(child));
}

static const struct child_ops OPS = {
	.role = SPAWN_LOCKD,
	.port = &PORT,
	.arguments = arguments,
	.spawned = on_spawned,
	.ready = on_child_ready,
	.counts = on_counts,
	.crash_loop = on_crash_loop,
	.unkillable = on_unkillable,
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
		      &sup->backoff, WINDOW_MS);
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

void lockd_child_reload(struct lockd_child *lockd)
{
	const struct config *config = &lockd->sup->config;
	uint32_t holds_ms[] = {
		config->hold_recovery_ms, config->hold_interactive_ms, config->hold_connect_ms,
		config->hold_scan_ms,	  config->hold_background_ms,
	};
	Bh__Ctl__Settings settings = BH__CTL__SETTINGS__INIT;

	settings.has_log_level = settings.has_foreign_yield_ms = settings.has_age_step_ms = 1;
	settings.has_hold_total_ms = settings.has_grace_ms = settings.has_dirty_ms = 1;
	settings.has_per_user = 1;
	settings.log_level = config->log_level;
	settings.foreign_yield_ms = config->foreign_yield_ms;
	settings.age_step_ms = config->age_step_ms;
	settings.n_hold_ms = ARRAY_LEN(holds_ms);
	settings.hold_ms = holds_ms;
	settings.hold_total_ms = config->hold_total_ms;
	settings.grace_ms = config->grace_ms;
	settings.dirty_ms = config->dirty_ms;
	settings.per_user = config->per_user;
	port_send(child_port(lockd->child), BH__CTL__TYPE__SETTINGS, 0, 0, &settings.base);
}

void lockd_child_stop(struct lockd_child *lockd)
{
	child_stop(lockd->child);
}

void lockd_child_watch(struct lockd_child *lockd, uint64_t now_ms)
{
	child_watch(lockd->child, now_ms);
}

bool lockd_child_is_off(const struct lockd_child *lockd)
{
	return child_state(lockd->child) == CHILD_OFF;
}

bool lockd_child_is_ready(const struct lockd_child *lockd)
{
	return child_state(lockd->child) == CHILD_READY;
}

const char *lockd_child_parked(const struct lockd_child *lockd)
{
	return child_state(lockd->child) == CHILD_PARKED ? lockd->parked : NULL;
}

int lockd_child_table(const struct lockd_child *lockd)
{
	return lockd->table_fd >= 0 ? lockd->table_fd : -ENOENT;
}
