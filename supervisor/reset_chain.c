/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/reset_chain.h"

/* In the table: the next rung, or FAILED if there is none. An empty cell keeps the state. */
enum { NEXT = RESET_STATE_COUNT };

static const uint8_t TABLE[RESET_STATE_COUNT][RESET_EVENT_COUNT] = {
	[RESET_LOCKING] = {
		[RESET_EV_LOCKED] = RESET_CLEARING,
		[RESET_EV_DENIED] = RESET_FAILED,
		[RESET_EV_TIMER] = RESET_FAILED,
	},
	[RESET_CLEARING] = {
		[RESET_EV_CLEARED] = RESET_ACTING,
		/* A worker in a sleep that no signal ends: it holds up nothing but itself. */
		[RESET_EV_TIMER] = RESET_ACTING,
	},
	[RESET_ACTING] = {
		[RESET_EV_ACTED] = RESET_FINDING,
		[RESET_EV_REFUSED] = NEXT,
		[RESET_EV_BLOCKED] = NEXT,
		[RESET_EV_TIMER] = NEXT,
	},
	[RESET_FINDING] = {
		[RESET_EV_FOUND] = RESET_RELOCKING,
		[RESET_EV_TIMER] = NEXT,
	},
	[RESET_RELOCKING] = {
		[RESET_EV_LOCKED] = RESET_POWERING,
		[RESET_EV_DENIED] = RESET_FAILED,
		[RESET_EV_TIMER] = RESET_FAILED,
	},
	[RESET_POWERING] = {
		[RESET_EV_POWERED] = RESET_PROVING,
		[RESET_EV_REFUSED] = NEXT,
		[RESET_EV_BLOCKED] = NEXT,
		[RESET_EV_GONE] = RESET_FINDING,
		[RESET_EV_TIMER] = NEXT,
	},
	[RESET_PROVING] = {
		[RESET_EV_HEARD] = RESET_DONE,
		[RESET_EV_REFUSED] = NEXT,
		[RESET_EV_NO_BLUEZ] = NEXT,
		[RESET_EV_TIMER] = NEXT,
	},
};

/* The ladder; the others come out of turn only. */
static const enum reset_rung LADDER[] = {
	RESET_RUNG_POWER,
	RESET_RUNG_DOWN_UP,
	RESET_RUNG_USB,
	RESET_RUNG_REBIND,
};

void reset_chain_begin(struct reset_chain *chain, enum reset_rung level,
		       bool may_restart_bluetoothd)
{
	*chain = (struct reset_chain){
		.state = RESET_LOCKING,
		.rung = level == RESET_RUNG_ALL ? LADDER[0] : level,
		.is_single = level != RESET_RUNG_ALL,
		.may_restart_bluetoothd = may_restart_bluetoothd,
	};
}

static bool take(struct reset_chain *chain, enum reset_rung rung)
{
	if (chain->tried & 1u << rung)
		return false;
	chain->rung = rung;
	return true;
}

static bool next_rung(struct reset_chain *chain, enum reset_event event)
{
	size_t i;

	chain->tried |= 1u << chain->rung;
	if (chain->is_single)
		return false;
	/* It is blocked, and that could not be changed. */
	if (chain->rung == RESET_RUNG_RFKILL && chain->state == RESET_ACTING)
		return false;
	/* Known causes: no other rung helps against them. */
	if (event == RESET_EV_BLOCKED)
		return take(chain, RESET_RUNG_RFKILL);
	if (event == RESET_EV_NO_BLUEZ)
		return chain->may_restart_bluetoothd && take(chain, RESET_RUNG_BLUETOOTHD);
	for (i = 0; i < ARRAY_LEN(LADDER); i++)
		if (take(chain, LADDER[i]))
			return true;
	return chain->was_powered && chain->may_restart_bluetoothd &&
	       take(chain, RESET_RUNG_BLUETOOTHD);
}

bool reset_chain_step(struct reset_chain *chain, enum reset_event event)
{
	uint8_t next = TABLE[chain->state][event];

	if (next == RESET_IDLE)
		return false;
	if (next == RESET_PROVING)
		chain->was_powered = true;
	if (next == NEXT)
		next = next_rung(chain, event) ? RESET_CLEARING : RESET_FAILED;
	chain->state = (enum reset_state)next;
	return true;
}

enum reset_event reset_chain_judge(const struct reset_proof *proof)
{
	if (!proof->has_bluez)
		return RESET_EV_NO_BLUEZ;
	if (!proof->is_powered)
		return RESET_EV_REFUSED;
	/* Where nobody advertises silence proves nothing; the controller has answered. */
	if (!proof->has_heard && proof->was_anything_heard)
		return RESET_EV_TIMER;
	return RESET_EV_HEARD;
}

const char *reset_rung_name(enum reset_rung rung)
{
	static const char *const NAMES[RESET_RUNG_COUNT] = {
		[RESET_RUNG_POWER] = "power",	[RESET_RUNG_DOWN_UP] = "down-up",
		[RESET_RUNG_USB] = "usb",	[RESET_RUNG_REBIND] = "rebind",
		[RESET_RUNG_RFKILL] = "rfkill", [RESET_RUNG_BLUETOOTHD] = "bluetoothd",
	};

	return rung < RESET_RUNG_COUNT ? NAMES[rung] : "all";
}

const char *reset_state_name(enum reset_state state)
{
	static const char *const NAMES[RESET_STATE_COUNT] = {
		[RESET_IDLE] = "idle",	       [RESET_LOCKING] = "locking",
		[RESET_CLEARING] = "clearing", [RESET_ACTING] = "acting",
		[RESET_FINDING] = "finding",   [RESET_RELOCKING] = "relocking",
		[RESET_POWERING] = "powering", [RESET_PROVING] = "proving",
		[RESET_DONE] = "done",	       [RESET_FAILED] = "failed",
	};

	return NAMES[state];
}
