/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/log.h"

struct events {
	events_news_cb news;
	void *ctx;
	uint64_t next_seq;
	struct event ring[EVENTS_KEPT];
};

static const struct {
	const char *name;
	enum log_level level;
	const char *child; /* whose affair it is */
} KINDS[EVENT_KIND_COUNT] = {
	[EVENT_WORKER_STARTED] = { "worker-started", LOG_LEVEL_INFO, "worker" },
	[EVENT_WORKER_READY] = { "worker-ready", LOG_LEVEL_INFO, "worker" },
	[EVENT_WORKER_DIED] = { "worker-died", LOG_LEVEL_WARN, "worker" },
	[EVENT_WORKER_LOOP] = { "worker-loop", LOG_LEVEL_ERROR, "worker" },
	[EVENT_WORKER_UNKILLABLE] = { "worker-unkillable", LOG_LEVEL_ERROR, "worker" },
	[EVENT_OP_OVERDUE] = { "op-overdue", LOG_LEVEL_WARN, "worker" },
	[EVENT_ARBITER_LOOP] = { "arbiter-loop", LOG_LEVEL_ERROR, "lockd" },
	[EVENT_ARBITER_UNKILLABLE] = { "arbiter-unkillable", LOG_LEVEL_ERROR, "lockd" },
	[EVENT_WORKER_PARKED] = { "worker-parked", LOG_LEVEL_ERROR, "worker" },
	[EVENT_ADAPTER_ADDED] = { "adapter-added", LOG_LEVEL_INFO, NULL },
	[EVENT_ADAPTER_REMOVED] = { "adapter-removed", LOG_LEVEL_INFO, NULL },
	[EVENT_BLUEZ_GONE] = { "bluez-gone", LOG_LEVEL_WARN, NULL },
	[EVENT_BLUEZ_BACK] = { "bluez-back", LOG_LEVEL_INFO, NULL },
	[EVENT_BUS_ABSENT] = { "bus-absent", LOG_LEVEL_WARN, NULL },
	[EVENT_ARBITER_DOWN] = { "arbiter-down", LOG_LEVEL_WARN, "lockd" },
	[EVENT_ARBITER_UP] = { "arbiter-up", LOG_LEVEL_INFO, "lockd" },
	[EVENT_ARBITER_PARKED] = { "arbiter-parked", LOG_LEVEL_ERROR, "lockd" },
	[EVENT_LOCK_REVOKED] = { "lock-revoked", LOG_LEVEL_WARN, NULL },
	[EVENT_LOCK_DIRTY] = { "lock-dirty", LOG_LEVEL_INFO, NULL },
	[EVENT_LOCK_OVERDUE] = { "lock-overdue", LOG_LEVEL_WARN, NULL },
	[EVENT_SESSION_OPENED] = { "session-opened", LOG_LEVEL_DEBUG, NULL },
	[EVENT_MOVING] = { "moving", LOG_LEVEL_INFO, NULL },
	[EVENT_MOVED] = { "moved", LOG_LEVEL_INFO, NULL },
	[EVENT_WAITING] = { "waiting", LOG_LEVEL_INFO, NULL },
	[EVENT_SESSION_CLOSED] = { "session-closed", LOG_LEVEL_DEBUG, NULL },
	[EVENT_CONNECTING] = { "connecting", LOG_LEVEL_DEBUG, NULL },
	[EVENT_CONNECTED] = { "connected", LOG_LEVEL_DEBUG, NULL },
	[EVENT_DISCONNECTED] = { "disconnected", LOG_LEVEL_DEBUG, NULL },
	[EVENT_LINK_LOST] = { "link-lost", LOG_LEVEL_WARN, NULL },
	[EVENT_LINK_CUT] = { "link-cut", LOG_LEVEL_INFO, NULL },
	[EVENT_LINK_WAITS] = { "link-waits", LOG_LEVEL_INFO, NULL },
	[EVENT_CONNECT_FAILED] = { "connect-failed", LOG_LEVEL_INFO, NULL },
	[EVENT_ESCALATED] = { "escalated", LOG_LEVEL_WARN, NULL },
	[EVENT_CLIENT_DROPPED] = { "client-dropped", LOG_LEVEL_WARN, NULL },
	[EVENT_CURED] = { "cured", LOG_LEVEL_INFO, NULL },
	[EVENT_STUCK] = { "stuck", LOG_LEVEL_WARN, NULL },
	[EVENT_ADAPTER_SILENT] = { "adapter-silent", LOG_LEVEL_WARN, NULL },
	[EVENT_SCAN_STUCK] = { "scan-stuck", LOG_LEVEL_WARN, NULL },
	[EVENT_SCAN_SHARED] = { "scan-shared", LOG_LEVEL_INFO, NULL },
	[EVENT_SCAN_EXTERNAL] = { "scan-external", LOG_LEVEL_WARN, NULL },
	[EVENT_SCAN_ACTIVE] = { "scan-active", LOG_LEVEL_INFO, NULL },
	[EVENT_MGMT_LOST] = { "mgmt-lost", LOG_LEVEL_WARN, NULL },
	[EVENT_MGMT_UP] = { "mgmt-up", LOG_LEVEL_INFO, NULL },
	[EVENT_RESETTING] = { "resetting", LOG_LEVEL_WARN, NULL },
	[EVENT_RESET_STEP] = { "reset-step", LOG_LEVEL_INFO, NULL },
	[EVENT_RESET_DONE] = { "reset-done", LOG_LEVEL_INFO, NULL },
	[EVENT_RESET_FAILED] = { "reset-failed", LOG_LEVEL_ERROR, NULL },
	[EVENT_STRATEGY] = { "strategy", LOG_LEVEL_INFO, NULL },
	[EVENT_DEVICE_SILENT] = { "device-silent", LOG_LEVEL_WARN, NULL },
	[EVENT_DEVICE_GONE] = { "device-gone", LOG_LEVEL_WARN, NULL },
	[EVENT_DEVICE_BACK] = { "device-back", LOG_LEVEL_INFO, NULL },
	[EVENT_BREAKER_OPEN] = { "breaker-open", LOG_LEVEL_WARN, NULL },
	[EVENT_BREAKER_CLOSED] = { "breaker-closed", LOG_LEVEL_INFO, NULL },
	[EVENT_IDENTITY_CHANGED] = { "identity-changed", LOG_LEVEL_WARN, NULL },
	[EVENT_HEALTH] = { "health", LOG_LEVEL_INFO, NULL },
	[EVENT_RELOADED] = { "reloaded", LOG_LEVEL_INFO, NULL },
	[EVENT_RELOAD_FAILED] = { "reload-failed", LOG_LEVEL_ERROR, NULL },
	[EVENT_DENIED] = { "denied", LOG_LEVEL_WARN, NULL },
	[EVENT_LE_OFF] = { "le-off", LOG_LEVEL_WARN, NULL },
	[EVENT_LE_ON] = { "le-on", LOG_LEVEL_INFO, NULL },
	[EVENT_RESUMED] = { "resumed", LOG_LEVEL_INFO, NULL },
	[EVENT_RESCUE_STUCK] = { "rescue-stuck", LOG_LEVEL_ERROR, NULL },
	[EVENT_CLIENT_FOREIGN] = { "client-foreign", LOG_LEVEL_INFO, NULL },
};

int events_new(struct events **out, events_news_cb news, void *ctx)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->news = news;
	events->ctx = ctx;
	events->next_seq = 1;
	*out = events;
	return 0;
}

struct events *events_free(struct events *events)
{
	free(events);
	return NULL;
}

static void tell_log(const struct event *event)
{
	/* Theirs is the adapter's own address. */
	bool is_adapter =
		event->kind == EVENT_ADAPTER_ADDED || event->kind == EVENT_ADAPTER_REMOVED;
	const struct log_fields fields = {
		.event = KINDS[event->kind].name,
		.adapter = event->adapter,
		.child = KINDS[event->kind].child,
		.class_name = event->class == CLASS_NONE ? NULL : class_name(event->class),
		.step = event->step,
		.address = is_adapter ? 0 : event->address,
		.session = event->session,
	};

	log_event(KINDS[event->kind].level, &fields, event->text);
}

void events_add(struct events *events, const struct event *event, const char *format, ...)
{
	struct event *slot = &events->ring[events->next_seq % EVENTS_KEPT];
	va_list args;

	*slot = *event;
	slot->seq = events->next_seq++;
	slot->at_ms = clock_wall_ms();
	va_start(args, format);
	(void)vsnprintf(slot->text, sizeof(slot->text), format, args);
	va_end(args);
	tell_log(slot);
	if (events->news)
		events->news(events->ctx);
}

const struct event *events_from(const struct events *events, uint64_t seq)
{
	uint64_t oldest = events->next_seq > EVENTS_KEPT ? events->next_seq - EVENTS_KEPT : 1;

	if (seq < oldest)
		seq = oldest;
	return seq < events->next_seq ? &events->ring[seq % EVENTS_KEPT] : NULL;
}

uint64_t events_next_seq(const struct events *events)
{
	return events->next_seq;
}

enum log_level event_kind_level(enum event_kind kind)
{
	return KINDS[kind].level;
}

const char *event_kind_name(enum event_kind kind)
{
	return KINDS[kind].name;
}

bool event_kind_is_logged(enum event_kind kind)
{
	return KINDS[kind].level <= LOG_LEVEL_INFO;
}

int event_kind_from_name(const char *name, enum event_kind *out)
{
	size_t i;

	for (i = 0; i < EVENT_KIND_COUNT; i++) {
		if (strcmp(KINDS[i].name, name) != 0)
			continue;
		*out = (enum event_kind)i;
		return 0;
	}
	return EVENT_KIND_UNKNOWN;
}
