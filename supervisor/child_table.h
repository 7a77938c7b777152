/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/child_table.h - the life of a child as a table of state × event.
 *
 *             START    STOP      READY  TIMER       HUNG   BAD   CLOSED  REAPED
 *   OFF       STARTING -         .      .           .      .     .       .
 *   STARTING  -        STOPPING  READY  KILLING     .      KILL. KILL.   BACKOFF
 *   READY     -        STOPPING  .      .           KILL.  KILL. KILL.   BACKOFF
 *   STOPPING  (want)   -         -      KILLING     -      KILL. -       OFF
 *   KILLING   (want)   (unwant)  -      KILLING     -      -     -       BACKOFF
 *   BACKOFF   -        OFF       .      STARTING    .      .     .       .
 *   PARKED    -        OFF       .      .           .      .     .       .
 *
 * "-" nothing to do, "." impossible here: child.c logs it once and keeps the state. An action may
 * answer with another state than the one in its cell (a death may park, a start may fail).
 * Pure. Used by child.c; tests walk every cell.
 */
#include "ipc/base.h"

enum child_state {
	CHILD_OFF,
	CHILD_STARTING,
	CHILD_READY,
	CHILD_STOPPING,
	CHILD_KILLING,
	CHILD_BACKOFF,
	CHILD_PARKED,
	CHILD_STATE_COUNT
};

enum child_event {
	CHILD_EV_START,	 /* it is wanted */
	CHILD_EV_STOP,	 /* no longer */
	CHILD_EV_READY,	 /* it said READY */
	CHILD_EV_TIMER,	 /* the state's time is over */
	CHILD_EV_HUNG,	 /* its loop does not turn */
	CHILD_EV_BAD,	 /* it broke the form of the channel, or is of another build */
	CHILD_EV_CLOSED, /* its end of the channel is closed: it is dying, or mad */
	CHILD_EV_REAPED, /* it is dead and all that it sent was read */
	CHILD_EV_COUNT
};

enum child_action {
	CHILD_ACT_NONE, /* nothing to do */
	CHILD_ACT_SPAWN,
	CHILD_ACT_NOTE_READY,
	CHILD_ACT_ASK_STOP,  /* STOP message, then TIMER */
	CHILD_ACT_TERMINATE, /* SIGTERM, then TIMER */
	CHILD_ACT_ABORT,     /* SIGABRT, then TIMER */
	CHILD_ACT_KILL,	     /* SIGKILL, then TIMER */
	CHILD_ACT_LINGER,    /* a moment for its death to be told, then TIMER */
	CHILD_ACT_BURY,	     /* a death that was asked for */
	CHILD_ACT_OBITUARY,  /* a death that was not */
	CHILD_ACT_WANT,
	CHILD_ACT_UNWANT,
	CHILD_ACT_COUNT
};

enum { CHILD_TABLE_IMPOSSIBLE = 1 };

struct child_cell {
	enum child_state next;
	enum child_action action;
};

/**
 * child_table_look() - what @event does in @state
 * @out: written on outcome 0
 *
 * Outcomes: 0; CHILD_TABLE_IMPOSSIBLE.
 */
must_check int child_table_look(enum child_state state, enum child_event event,
				struct child_cell *out);

/* "off", "starting", ...: what people see. */
const char *child_state_name(enum child_state state);
const char *child_event_name(enum child_event event);
