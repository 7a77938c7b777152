/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/scan_table.h - the discovery of an adapter as a table: state, event, next state, action.
 * Pure. An empty cell keeps the state; the unit test walks every cell.
 *
 *   idle ─WANT─► locking ─GRANTED─► paused ─RESUME─► starting ─STARTED─► on
 *                                      ▲                                   │ PAUSE
 *                                      └─────────STOPPED─ pausing ◄────────┘
 * UNWANT leads through stopping back to idle; what fails goes to resting and is tried again. YIELD
 * takes the same way as UNWANT; from idle, what is wanted still asks for the lock once more.
 */
#include "ipc/base.h"

enum scan_state {
	SCAN_IDLE,     /* nobody wants it */
	SCAN_LOCKING,  /* waits for scan:hciN */
	SCAN_STARTING, /* StartDiscovery is under way */
	SCAN_ON,
	SCAN_PAUSING,  /* StopDiscovery is under way; a connect waits for it */
	SCAN_PAUSED,   /* for connects; the lock is kept */
	SCAN_STOPPING, /* StopDiscovery is under way; nobody wants it */
	SCAN_RESTING,  /* it failed: tried again after a delay, with the lock released */
	SCAN_STATE_COUNT
};

enum scan_event {
	SCAN_EV_WANT,
	SCAN_EV_UNWANT,
	SCAN_EV_PAUSE,
	SCAN_EV_RESUME,
	SCAN_EV_GRANTED,
	SCAN_EV_REFUSED, /* the lock: not in time, refused, taken away */
	SCAN_EV_YIELD,	 /* the lock is to be given back, and asked for again */
	SCAN_EV_STARTED,
	SCAN_EV_FAILED,	 /* StartDiscovery: an error, or no answer in time */
	SCAN_EV_STOPPED, /* StopDiscovery: answered, or given up */
	SCAN_EV_LOST,	 /* Discovering became false without our asking */
	SCAN_EV_RETRY,
	SCAN_EV_GONE, /* the adapter or bluetoothd went; or the bus was changed */
	SCAN_EVENT_COUNT
};

enum scan_act {
	SCAN_ACT_NONE,
	SCAN_ACT_LOCK,
	SCAN_ACT_UNLOCK,
	SCAN_ACT_START,
	SCAN_ACT_STOP,
	SCAN_ACT_REST, /* unlock, and try again later */
};

struct scan_step {
	enum scan_state next;
	enum scan_act act;
};

struct scan_step scan_table_step(enum scan_state state, enum scan_event event);

/* Whether the radio is ours to connect with: no discovery of ours runs or is being started. */
bool scan_table_is_quiet(enum scan_state state);

const char *scan_table_name(enum scan_state state);
