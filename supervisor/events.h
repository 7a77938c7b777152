/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/events.h - what was decided and why: a ring of the last events, numbered from 1. Those
 * who follow keep a number of their own and read on from there (streams.c). Pure but for the clock.
 */
#include "ipc/base.h"
#include "ipc/class.h"
#include "ipc/log.h"

enum event_kind {
	EVENT_WORKER_STARTED,
	EVENT_WORKER_READY,
	EVENT_WORKER_DIED,
	EVENT_WORKER_PARKED,
	EVENT_WORKER_LOOP,
	EVENT_WORKER_UNKILLABLE,
	EVENT_OP_OVERDUE,
	EVENT_ADAPTER_ADDED,
	EVENT_ADAPTER_REMOVED,
	EVENT_BLUEZ_GONE,
	EVENT_BLUEZ_BACK,
	EVENT_BUS_ABSENT,
	EVENT_ARBITER_DOWN,
	EVENT_ARBITER_UP,
	EVENT_ARBITER_PARKED,
	EVENT_ARBITER_LOOP,
	EVENT_ARBITER_UNKILLABLE,
	EVENT_LOCK_REVOKED, /* lockd says it itself */
	EVENT_LOCK_DIRTY,
	EVENT_LOCK_OVERDUE,
	EVENT_SESSION_OPENED,
	EVENT_MOVING,
	EVENT_MOVED,
	EVENT_WAITING,
	EVENT_SESSION_CLOSED,
	EVENT_CONNECTING,
	EVENT_CONNECTED,
	EVENT_DISCONNECTED,
	EVENT_LINK_LOST,
	EVENT_LINK_CUT,
	EVENT_LINK_WAITS, /* a worker says it: for a place on its adapter */
	EVENT_CONNECT_FAILED,
	EVENT_ESCALATED,
	EVENT_CLIENT_DROPPED,
	EVENT_CURED,	      /* a worker acted on something stuck, and it is gone */
	EVENT_STUCK,	      /* it is not */
	EVENT_ADAPTER_SILENT, /* these four a worker says */
	EVENT_SCAN_STUCK,
	EVENT_SCAN_SHARED,
	EVENT_SCAN_EXTERNAL,
	EVENT_SCAN_ACTIVE,
	EVENT_MGMT_LOST,
	EVENT_MGMT_UP,
	EVENT_RESETTING,
	EVENT_RESET_STEP,
	EVENT_RESET_DONE,
	EVENT_RESET_FAILED,
	EVENT_STRATEGY, /* somebody chose another one, or another interval */
	EVENT_DEVICE_SILENT,
	EVENT_DEVICE_GONE,
	EVENT_DEVICE_BACK,
	EVENT_BREAKER_OPEN,
	EVENT_BREAKER_CLOSED,
	EVENT_IDENTITY_CHANGED,
	EVENT_HEALTH,
	EVENT_RELOADED,
	EVENT_RELOAD_FAILED,
	EVENT_DENIED,
	EVENT_LE_OFF,
	EVENT_LE_ON,
	EVENT_RESUMED,	    /* the machine has slept */
	EVENT_RESCUE_STUCK, /* a step of rescue that SIGKILL does not end */
	EVENT_CLIENT_FOREIGN,
	EVENT_KIND_COUNT
};

enum { EVENTS_KEPT = 512, EVENT_TEXT_LEN = 240, EVENT_ADAPTER_LEN = 16 };

struct event {
	uint64_t seq;
	uint64_t at_ms; /* CLOCK_REALTIME */
	enum event_kind kind;
	char adapter[EVENT_ADAPTER_LEN]; /* "" if none */
	uint64_t address;		 /* 0 if none */
	uint32_t session;		 /* 0 if none */
	enum err_class class;
	const char *step; /* of what is tried in turn; static storage, NULL if none */
	char text[EVENT_TEXT_LEN];
};

struct events;

/* Called after each new event: somebody may follow. */
typedef void (*events_news_cb)(void *ctx);

must_check int events_new(struct events **out, events_news_cb news, void *ctx);
struct events *events_free(struct events *events);

/**
 * events_add() - note what happened
 * @event: copied; seq and at_ms are filled in here
 * @format: of its text
 */
void events_add(struct events *events, const struct event *event, const char *format, ...)
	_printf_(3, 4);

/* The oldest event with a number of at least @seq, NULL if there is none yet. */
const struct event *events_from(const struct events *events, uint64_t seq);

/* The number that the next event will have. */
uint64_t events_next_seq(const struct events *events);

const char *event_kind_name(enum event_kind kind);
enum log_level event_kind_level(enum event_kind kind);

/* Whether it is a line of the log also where that is not at level debug. */
bool event_kind_is_logged(enum event_kind kind);

enum { EVENT_KIND_UNKNOWN = 1 };

/* A name from the wire. Outcomes: 0, EVENT_KIND_UNKNOWN. */
must_check int event_kind_from_name(const char *name, enum event_kind *out);
