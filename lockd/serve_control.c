/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd/serve_control.c - what the supervisor says and is told (control.proto). */
#include "ipc/build_id.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "ipc/log.h"
#include "lockd/serve_state.h"

#include <stdio.h>
#include <string.h>

/* --- what the supervisor is told --- */

static void send_stray(struct serve *s, Bh__Ctl__Type type, const struct arbiter_stray *stray)
{
	Bh__Ctl__LockRef ref = BH__CTL__LOCK_REF__INIT;
	char adapter[16];

	(void)snprintf(adapter, sizeof(adapter), "hci%u", stray->adapter);
	ref.has_grant = ref.has_peer = ref.has_pid = ref.has_address = 1;
	ref.grant = stray->grant;
	ref.peer = stray->owner ? peer_number_of(stray->owner) : 0;
	ref.pid = stray->pid;
	ref.label = (char *)(uintptr_t)stray->label;
	if (stray->adapter < RESOURCE_ADAPTERS_MAX)
		ref.adapter = adapter;
	ref.address = stray->address;
	port_send(s->control, (uint16_t)type, 0, 0, &ref.base);
}

void serve_tell_dirty(void *ctx, const struct arbiter_stray *stray)
{
	wpage_crumb(((struct serve *)ctx)->page, clock_now_ms(), "dirty: pid %u, hci%u", stray->pid,
		    stray->adapter);
	log_info("event=dirty peer=\"%s\" pid=%u adapter=hci%u", stray->label, stray->pid,
		 stray->adapter);
	send_stray(ctx, BH__CTL__TYPE__LOCK_DIRTY, stray);
}

void serve_tell_overdue(void *ctx, const struct arbiter_stray *stray)
{
	wpage_crumb(((struct serve *)ctx)->page, clock_now_ms(), "overdue: pid %u", stray->pid);
	log_warn("event=overdue peer=\"%s\" pid=%u", stray->label, stray->pid);
	send_stray(ctx, BH__CTL__TYPE__LOCK_OVERDUE, stray);
}

void serve_tell_revoked(void *ctx, const char *label, const struct arbiter_verdict *verdict)
{
	Bh__Event event = BH__EVENT__INIT;
	struct serve *s = ctx;
	char adapter[16];
	char text[192];

	(void)snprintf(adapter, sizeof(adapter), "hci%u", verdict->adapter);
	if (verdict->adapter < RESOURCE_ADAPTERS_MAX)
		event.adapter = adapter;
	(void)snprintf(text, sizeof(text), "%s: %s", label, verdict->text);
	event.kind = (char *)(uintptr_t) "lock-revoked";
	event.has_class_ = 1;
	event.class_ = BH__CLASS__CLASS_LOCK_LOST;
	event.text = text;
	port_send(s->control, BH__CTL__TYPE__EVENT, 0, 0, &event.base);
}

/* --- what the supervisor says --- */

static int on_lock_peer(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__LockPeer *msg = body;
	struct serve *s = ctx;
	struct peer_info info = {
		.number = msg->has_peer ? msg->peer : 0,
		.label = msg->label,
		.pid = msg->has_pid ? msg->pid : 0,
		.uid = msg->has_uid ? msg->uid : 0,
		.is_worker = msg->has_worker && msg->worker,
	};

	serve_add_peer(s, &frame->fds[0], &info);
	return 0;
}

static int on_peer_gone(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__PeerRef *msg = body;
	struct serve *s = ctx;
	struct peer *peer = serve_find_peer(s, msg->has_peer ? msg->peer : 0);

	(void)frame;
	if (!peer)
		return 0;
	/* A program that gives back and ends at once must not count as one that died holding. */
	peer_drain(peer);
	serve_drop_peer(s, peer);
	return 0;
}

static int on_adapter_lost(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__AdapterName *msg = body;
	struct serve *s = ctx;
	uint32_t adapter = 0;

	(void)frame;
	if (!msg->adapter || resource_parse_adapter(msg->adapter, &adapter) < 0)
		return -EBADMSG;
	log_info("event=adapter-lost adapter=hci%u", adapter);
	arbiter_adapter_lost(s->arbiter, adapter, clock_now_ms());
	serve_changed(s);
	return 0;
}

static int on_lock_clean(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__LockRef *msg = body;
	struct serve *s = ctx;

	(void)frame;
	arbiter_clean(s->arbiter, msg->has_grant ? msg->grant : 0, clock_now_ms());
	serve_changed(s);
	return 0;
}

static int on_adapters(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__Adapters *msg = body;
	bool exists[RESOURCE_ADAPTERS_MAX] = { false };
	uint32_t adapter = RESOURCE_ADAPTERS_MAX;
	struct serve *s = ctx;
	size_t i;

	(void)frame;
	for (i = 0; i < msg->n_adapters; i++) {
		if (resource_parse_adapter(msg->adapters[i], &adapter) < 0)
			return -EBADMSG;
		exists[adapter] = true;
	}
	adapter = RESOURCE_ADAPTERS_MAX;
	if (msg->default_adapter && msg->default_adapter[0] != '\0' &&
	    resource_parse_adapter(msg->default_adapter, &adapter) < 0)
		return -EBADMSG;
	arbiter_set_adapters(s->arbiter, exists, adapter);
	return 0;
}

static int on_settings(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Ctl__Settings *msg = body;
	struct serve *s = ctx;
	struct arbiter_limits limits = {
		.foreign_yield_ms = msg->foreign_yield_ms,
		.age_step_ms = msg->age_step_ms,
		.hold_total_ms = msg->hold_total_ms,
		.grace_ms = msg->grace_ms,
		.dirty_ms = msg->dirty_ms,
		.per_user = msg->per_user,
	};

	(void)frame;
	if (msg->n_hold_ms != SLOTQ_CLASSES || msg->log_level > LOG_LEVEL_DEBUG)
		return -EBADMSG;
	memcpy(limits.hold_ms, msg->hold_ms, sizeof(limits.hold_ms));
	log_set_level((enum log_level)msg->log_level);
	arbiter_set_limits(s->arbiter, &limits);
	serve_changed(s);
	return 0;
}

static int on_stop(void *ctx, struct chan_frame *frame, const void *body)
{
	struct serve *s = ctx;

	(void)frame;
	(void)body;
	return sd_event_exit(s->event, 0);
}

static const struct chan_rule RULES[] = {
	{ BH__CTL__TYPE__LOCK_PEER, 1, 1, &bh__ctl__lock_peer__descriptor, on_lock_peer },
	{ BH__CTL__TYPE__PEER_GONE, 0, 0, &bh__ctl__peer_ref__descriptor, on_peer_gone },
	{ BH__CTL__TYPE__ADAPTER_LOST, 0, 0, &bh__ctl__adapter_name__descriptor, on_adapter_lost },
	{ BH__CTL__TYPE__LOCK_CLEAN, 0, 0, &bh__ctl__lock_ref__descriptor, on_lock_clean },
	{ BH__CTL__TYPE__ADAPTERS, 0, 0, &bh__ctl__adapters__descriptor, on_adapters },
	{ BH__CTL__TYPE__SETTINGS, 0, 0, &bh__ctl__settings__descriptor, on_settings },
	{ BH__CTL__TYPE__STOP, 0, 0, &bh__ctl__empty__descriptor, on_stop },
};

static void on_control_closed(struct port *port, void *ctx, int error)
{
	struct serve *s = ctx;

	(void)port;
	(void)sd_event_exit(s->event, error);
}

const struct port_ops SERVE_CONTROL_OPS = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = on_control_closed,
};

/* --- the beginning --- */

void serve_introduce(struct serve *s)
{
	static char build_id[] = BUILD_ID;
	Bh__Ctl__Hello hello = BH__CTL__HELLO__INIT;
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;
	int fd = publish_fd(s->table);

	hello.build_id = build_id;
	hello.has_pid = 1;
	hello.pid = (uint32_t)getpid();
	port_send(s->control, BH__CTL__TYPE__HELLO, 0, 0, &hello.base);
	port_send_fds(s->control, BH__CTL__TYPE__LOCK_TABLE, 0, 0, &empty.base, &fd, 1);
	port_send(s->control, BH__CTL__TYPE__READY, 0, 0, &empty.base);
}
