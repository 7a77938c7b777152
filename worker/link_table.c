/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/link_table.h"

struct cell {
	bool set;
	enum link_state next;
	enum link_act act;
};

#define TO(state, act)                                                                             \
	{                                                                                          \
		true, LINK_##state, LINK_ACT_##act                                                 \
	}

static const struct cell TABLE[LINK_STATE_COUNT][LINK_EVENT_COUNT] = {
	[LINK_DOWN] = {
		[LINK_EV_WANT] = TO(QUEUED, QUEUE),
		[LINK_EV_WANT_BLIND] = TO(SEEKING, SEEK),
		[LINK_EV_ADOPT] = TO(CHECKING, CHECK),
		[LINK_EV_CLEAR] = TO(LOCKING, LOCK),
		/* A Connect that was left behind came true, and nobody wants it. */
		[LINK_EV_CONNECTED] = TO(ENDING, END),
	},
	[LINK_CHECKING] = {
		[LINK_EV_SOUND] = TO(RESOLVING, RESOLVE),
		/* Nobody can say otherwise: BlueZ is believed. */
		[LINK_EV_TIMEOUT] = TO(RESOLVING, RESOLVE),
		[LINK_EV_STUCK] = TO(LOCKING, LOCK),
		[LINK_EV_LOST] = TO(DOWN, REST),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
		[LINK_EV_CUT] = TO(ENDING, END),
	},
	[LINK_SEEKING] = {
		[LINK_EV_SEEN] = TO(QUEUED, QUEUE),
		[LINK_EV_UNDER] = TO(SEEKING, UNDER),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		[LINK_EV_TIMEOUT] = TO(RESTING, REPORT),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
		[LINK_EV_CUT] = TO(RESTING, REPORT),
	},
	[LINK_QUEUED] = {
		[LINK_EV_ROOM] = TO(LOCKING, LOCK),
		/* Somebody else was let in, and connected it. */
		[LINK_EV_ADOPT] = TO(CHECKING, CHECK),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
		[LINK_EV_CUT] = TO(RESTING, REPORT),
	},
	[LINK_LOCKING] = {
		[LINK_EV_GRANTED] = TO(PREPARING, PREPARE),
		[LINK_EV_UNDER] = TO(LOCKING, UNDER),
		[LINK_EV_REFUSED] = TO(RESTING, REPORT),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
		[LINK_EV_CUT] = TO(RESTING, REPORT),
	},
	[LINK_PREPARING] = {
		[LINK_EV_QUIET] = TO(CONNECTING, CONNECT),
		[LINK_EV_CLEAR] = TO(CURING, CURE),
		[LINK_EV_ADOPT] = TO(CHECKING, CHECK),
		/* A discovery that does not stop makes a connect slow, not impossible. */
		[LINK_EV_TIMEOUT] = TO(CONNECTING, CONNECT),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		[LINK_EV_REVOKED] = TO(RESTING, REPORT),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
		[LINK_EV_CUT] = TO(RESTING, REPORT),
	},
	[LINK_CURING] = {
		[LINK_EV_CURED] = TO(DOWN, REST),
		[LINK_EV_FAILED] = TO(RESTING, REPORT),
		[LINK_EV_TIMEOUT] = TO(RESTING, REPORT),
		[LINK_EV_REVOKED] = TO(RESTING, REPORT),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
		[LINK_EV_CUT] = TO(RESTING, REPORT),
	},
	[LINK_CONNECTING] = {
		[LINK_EV_CONNECTED] = TO(RESOLVING, RESOLVE),
		[LINK_EV_FAILED] = TO(RESTING, REPORT),
		[LINK_EV_VANISHED] = TO(DOWN, REST),
		[LINK_EV_TIMEOUT] = TO(CANCELLING, CANCEL),
		[LINK_EV_UNWANT] = TO(CANCELLING, CANCEL),
		[LINK_EV_REVOKED] = TO(CANCELLING, CANCEL),
		[LINK_EV_CUT] = TO(CANCELLING, CANCEL),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
	},
	[LINK_CANCELLING] = {
		[LINK_EV_FAILED] = TO(RESTING, REPORT),
		/* It came up after all, in the Disconnect's window: not a link. */
		[LINK_EV_CONNECTED] = TO(ENDING, END),
		/* bluetoothd does not answer: the kernel is asked to end it. */
		[LINK_EV_TIMEOUT] = TO(ENDING, ABORT),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
	},
	[LINK_RESOLVING] = {
		[LINK_EV_RESOLVED] = TO(UP, UP),
		/* It was adopted, and has had all the time that there is. */
		[LINK_EV_STUCK] = TO(LOCKING, LOCK),
		[LINK_EV_LOST] = TO(RESTING, REPORT),
		[LINK_EV_TIMEOUT] = TO(ENDING, END),
		[LINK_EV_UNWANT] = TO(ENDING, END),
		[LINK_EV_CUT] = TO(ENDING, END),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
	},
	[LINK_UP] = {
		[LINK_EV_LOST] = TO(DOWN, LOST),
		[LINK_EV_WITHDRAWN] = TO(DOWN, AGAIN),
		[LINK_EV_GONE] = TO(DOWN, LOST),
		[LINK_EV_UNWANT] = TO(ENDING, END),
		[LINK_EV_INVALID] = TO(ENDING, END),
		[LINK_EV_DEAD] = TO(ENDING, DEAD),
		[LINK_EV_LIMIT] = TO(ENDING, DEAD),
		[LINK_EV_CUT] = TO(ENDING, CUT),
	},
	[LINK_ENDING] = {
		[LINK_EV_LOST] = TO(RESTING, REPORT),
		[LINK_EV_TIMEOUT] = TO(RESTING, REPORT),
		[LINK_EV_GONE] = TO(RESTING, REPORT),
	},
	[LINK_RESTING] = {
		[LINK_EV_RETRY] = TO(DOWN, REST),
		[LINK_EV_GIVE_UP] = TO(DOWN, GIVE_UP),
		[LINK_EV_UNWANT] = TO(DOWN, REST),
		/* The supervisor did not say: nobody must wait for ever. */
		[LINK_EV_TIMEOUT] = TO(DOWN, GIVE_UP),
		[LINK_EV_CUT] = TO(DOWN, GIVE_UP),
	},
};

/* DESIGN 5: every wait has a deadline. Requests have their own, which come first. */
static const struct {
	const char *name;
	const char *waits_for;
	uint32_t limit_ms;
} STATES[LINK_STATE_COUNT] = {
	[LINK_DOWN] = { "down", "its turn", 0 },
	[LINK_CHECKING] = { "checking", "the kernel's word on the link", 2000 },
	[LINK_SEEKING] = { "seeking", "an advert of the peripheral", 30000 },
	[LINK_QUEUED] = { "queued", "room for another link", 0 },
	[LINK_LOCKING] = { "locking", "its turn on the adapter", 0 },
	[LINK_PREPARING] = { "preparing", "discovery to pause", 3000 },
	[LINK_CURING] = { "curing", "what was stuck to be cleared", 20000 },
	[LINK_CONNECTING] = { "connecting", "the connection", 20000 },
	[LINK_CANCELLING] = { "cancelling", "an earlier attempt to end", 3000 },
	[LINK_RESOLVING] = { "resolving", "the services", 32000 },
	[LINK_UP] = { "up", "the peripheral's answer", 0 },
	[LINK_ENDING] = { "ending", "an earlier link to end", 2000 },
	[LINK_RESTING] = { "resting", "the next attempt", 0 },
};

struct link_step link_table_step(enum link_state state, enum link_event event)
{
	const struct cell *cell = &TABLE[state][event];

	if (!cell->set)
		return (struct link_step){ .next = state, .act = LINK_ACT_NONE };
	return (struct link_step){ .next = cell->next, .act = cell->act, .is_known = true };
}

uint32_t link_table_limit_ms(enum link_state state)
{
	return STATES[state].limit_ms;
}

const char *link_table_name(enum link_state state)
{
	return STATES[state].name;
}

const char *link_table_waits_for(enum link_state state)
{
	return STATES[state].waits_for;
}
