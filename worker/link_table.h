/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/link_table.h - a link to a device as a table: state, event, next state, action. Pure. An
 * empty cell keeps the state; the unit test walks every cell.
 *
 *   down ─► seeking ─► queued ─► locking ─► preparing ─► connecting ─► resolving ─► up ─► ending ─►
 * down What BlueZ shows as connected is checked before it is adopted; what is stuck is cured under
 * the device's lock (worker/cure.h), after which everything begins anew. An attempt that fails goes
 * to resting, where the supervisor says whether and when to try again; a pending Connect that
 * nobody wants any more goes through cancelling, and the grant is kept until BlueZ has answered it:
 * a freed lock under a running Connect would be a lie.
 */
#include "ipc/base.h"

enum link_state {
	LINK_DOWN,
	LINK_CHECKING,	 /* BlueZ shows it connected: the kernel is asked */
	LINK_SEEKING,	 /* BlueZ does not know the device: discover it */
	LINK_QUEUED,	 /* the adapter, or the machine, has no room for another link */
	LINK_LOCKING,	 /* waits for device + connect */
	LINK_PREPARING,	 /* discovery pauses */
	LINK_CURING,	 /* what is stuck is cleared away */
	LINK_CONNECTING, /* Device1.Connect is pending */
	LINK_CANCELLING, /* Device1.Disconnect was called to end it */
	LINK_RESOLVING,	 /* connected; services are awaited */
	LINK_UP,
	LINK_ENDING,  /* a disconnect is under way: not given out */
	LINK_RESTING, /* an attempt failed: the supervisor decides */
	LINK_STATE_COUNT
};

enum link_event {
	LINK_EV_WANT,	    /* somebody wants it; BlueZ knows the device */
	LINK_EV_WANT_BLIND, /* somebody wants it; BlueZ does not know the device */
	LINK_EV_ADOPT,	    /* somebody wants it, and BlueZ has it connected */
	LINK_EV_CLEAR,	    /* somebody wants it, and what is stuck is to be cured first */
	LINK_EV_SOUND,	    /* it is not stuck */
	LINK_EV_STUCK,	    /* it is */
	LINK_EV_CURED,	    /* there is nothing stuck any more */
	LINK_EV_UNWANT,	    /* nobody does any more */
	LINK_EV_SEEN,	    /* the object appeared */
	LINK_EV_ROOM,	    /* it may have a place */
	LINK_EV_UNDER,	    /* it is to be done under another grant, or under none any more */
	LINK_EV_GRANTED,
	LINK_EV_REFUSED,   /* the lock: not in time, refused */
	LINK_EV_REVOKED,   /* taken away */
	LINK_EV_QUIET,	   /* no discovery runs */
	LINK_EV_CONNECTED, /* Connect was answered OK */
	LINK_EV_FAILED,	   /* Connect was answered with an error */
	LINK_EV_VANISHED,  /* the object went before there was a Connect */
	LINK_EV_RESOLVED,
	LINK_EV_LOST,	   /* Connected became false, or the object went */
	LINK_EV_WITHDRAWN, /* the same, of somebody else's link that was of no use yet */
	LINK_EV_TIMEOUT,
	LINK_EV_RETRY,
	LINK_EV_GIVE_UP,
	LINK_EV_INVALID, /* it did not pass the check that was asked for */
	LINK_EV_DEAD,	 /* the peripheral does not answer any more */
	LINK_EV_LIMIT,	 /* it is up for too long, or gives its place to another one */
	LINK_EV_CUT,	 /* a person wants it ended */
	LINK_EV_GONE,	 /* bluetoothd, the adapter or the bus went */
	LINK_EVENT_COUNT
};

enum link_act {
	LINK_ACT_NONE,
	LINK_ACT_CHECK,
	LINK_ACT_CURE,
	LINK_ACT_SEEK,
	LINK_ACT_QUEUE,
	LINK_ACT_LOCK,
	LINK_ACT_UNDER, /* ask for the same again, under that grant */
	LINK_ACT_PREPARE,
	LINK_ACT_CONNECT,
	LINK_ACT_CANCEL,
	LINK_ACT_RESOLVE,
	LINK_ACT_UP,
	LINK_ACT_END,	  /* ask for the disconnect */
	LINK_ACT_ABORT,	  /* the same; Connect has not been answered */
	LINK_ACT_CUT,	  /* the same, and tell its users */
	LINK_ACT_DEAD,	  /* the same, for another reason */
	LINK_ACT_LOST,	  /* tell its users */
	LINK_ACT_AGAIN,	  /* do not: it is connected once more, by us */
	LINK_ACT_REPORT,  /* the attempt failed */
	LINK_ACT_GIVE_UP, /* answer whoever waits */
	LINK_ACT_REST,	  /* let go of everything; begin again if somebody wants it */
};

struct link_step {
	enum link_state next;
	enum link_act act;
	bool is_known; /* the table has this cell */
};

struct link_step link_table_step(enum link_state state, enum link_event event);

/* How long it may stay there, milliseconds; 0: as long as it likes. TIMEOUT ends it. */
uint32_t link_table_limit_ms(enum link_state state);

const char *link_table_name(enum link_state state);

/* What a request that ran out of time was waiting for, for its text. */
const char *link_table_waits_for(enum link_state state);
