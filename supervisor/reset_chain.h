/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/reset_chain.h - the reset of an adapter as a table: which rung is next, and what is
 * waited for meanwhile. Pure; reset.c does it.
 *
 * A rung is taken in ACTING (reset_chain.c has the table); whatever it was, the adapter is then
 * looked for by its address (a USB reset numbers it anew), powered, and has to prove that it hears
 * adverts. A rung that does not lead there is followed by the next harsher one. Out of turn:
 * rfkill comes when the kernel says that it is the cause, bluetoothd when the kernel's side works
 * and bluetoothd's does not.
 */
#include "ipc/base.h"

enum reset_rung {
	RESET_RUNG_POWER,
	RESET_RUNG_DOWN_UP,
	RESET_RUNG_USB,
	RESET_RUNG_REBIND,
	RESET_RUNG_RFKILL,
	RESET_RUNG_BLUETOOTHD,
	RESET_RUNG_COUNT,
	RESET_RUNG_ALL = RESET_RUNG_COUNT, /* the whole chain */
};

enum reset_state {
	RESET_IDLE,
	RESET_LOCKING,	/* for the maintenance lock */
	RESET_CLEARING, /* for the adapter's worker to end: its sessions go elsewhere or wait */
	RESET_ACTING,
	RESET_FINDING,
	RESET_RELOCKING, /* the lock went with the adapter's old number */
	RESET_POWERING,
	RESET_PROVING,
	RESET_DONE,
	RESET_FAILED,
	RESET_STATE_COUNT
};

enum reset_event {
	RESET_EV_LOCKED,
	RESET_EV_DENIED,
	RESET_EV_CLEARED,
	RESET_EV_ACTED,	  /* the rung was taken */
	RESET_EV_REFUSED, /* it could not be, or the kernel did not power the adapter */
	RESET_EV_FOUND,
	RESET_EV_GONE, /* it left the bus again */
	RESET_EV_POWERED,
	RESET_EV_BLOCKED, /* by rfkill */
	RESET_EV_HEARD,
	RESET_EV_NO_BLUEZ, /* bluetoothd does not have it */
	RESET_EV_TIMER,
	RESET_EVENT_COUNT
};

struct reset_chain {
	enum reset_state state;
	enum reset_rung rung;
	uint32_t tried; /* bits of rungs */
	bool is_single; /* only this rung */
	bool may_restart_bluetoothd;
	bool was_powered; /* the kernel's side works */
};

/* @level: a rung, or RESET_RUNG_ALL. The state is LOCKING then. */
void reset_chain_begin(struct reset_chain *chain, enum reset_rung level,
		       bool may_restart_bluetoothd);

/* The event's consequence; returns whether the state, or the rung, is another one now. */
bool reset_chain_step(struct reset_chain *chain, enum reset_event event);

/* What is known when an adapter's time to prove itself is over. */
struct reset_proof {
	bool has_bluez; /* its worker is ready and bluetoothd has the adapter */
	bool is_powered;
	bool has_heard;
	bool was_anything_heard; /* before the reset, by any adapter: there is something to hear */
};

enum reset_event reset_chain_judge(const struct reset_proof *proof);

/* "power", "down-up", ...: as in `bleherd reset --level`. */
const char *reset_rung_name(enum reset_rung rung);
const char *reset_state_name(enum reset_state state);
