/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/child_table.h"

struct cell {
	bool is_possible;
	struct child_cell cell;
};

#define GO(state, act)                                                                             \
	{                                                                                          \
		true,                                                                              \
		{                                                                                  \
			CHILD_##state, CHILD_ACT_##act                                             \
		}                                                                                  \
	}

/* clang-format off */
static const struct cell TABLE[CHILD_STATE_COUNT][CHILD_EV_COUNT] = {
	[CHILD_OFF] = {
		[CHILD_EV_START]  = GO(STARTING, SPAWN),
		[CHILD_EV_STOP]   = GO(OFF, UNWANT),
	},
	[CHILD_STARTING] = {
		[CHILD_EV_START]  = GO(STARTING, NONE),
		[CHILD_EV_STOP]   = GO(STOPPING, ASK_STOP),
		[CHILD_EV_READY]  = GO(READY, NOTE_READY),
		[CHILD_EV_TIMER]  = GO(KILLING, KILL),
		[CHILD_EV_BAD]    = GO(KILLING, KILL),
		[CHILD_EV_CLOSED] = GO(KILLING, LINGER),
		[CHILD_EV_REAPED] = GO(BACKOFF, OBITUARY),
	},
	[CHILD_READY] = {
		[CHILD_EV_START]  = GO(READY, NONE),
		[CHILD_EV_STOP]   = GO(STOPPING, ASK_STOP),
		[CHILD_EV_HUNG]   = GO(KILLING, ABORT),
		[CHILD_EV_BAD]    = GO(KILLING, KILL),
		[CHILD_EV_CLOSED] = GO(KILLING, LINGER),
		[CHILD_EV_REAPED] = GO(BACKOFF, OBITUARY),
	},
	[CHILD_STOPPING] = {
		[CHILD_EV_START]  = GO(STOPPING, WANT),
		[CHILD_EV_STOP]   = GO(STOPPING, UNWANT),
		[CHILD_EV_READY]  = GO(STOPPING, NONE),
		[CHILD_EV_TIMER]  = GO(KILLING, TERMINATE),
		[CHILD_EV_HUNG]   = GO(STOPPING, NONE),
		[CHILD_EV_BAD]    = GO(KILLING, KILL),
		[CHILD_EV_CLOSED] = GO(STOPPING, NONE),
		[CHILD_EV_REAPED] = GO(OFF, BURY),
	},
	[CHILD_KILLING] = {
		[CHILD_EV_START]  = GO(KILLING, WANT),
		[CHILD_EV_STOP]   = GO(KILLING, UNWANT),
		[CHILD_EV_READY]  = GO(KILLING, NONE),
		[CHILD_EV_TIMER]  = GO(KILLING, KILL),
		[CHILD_EV_HUNG]   = GO(KILLING, NONE),
		[CHILD_EV_BAD]    = GO(KILLING, NONE),
		[CHILD_EV_CLOSED] = GO(KILLING, NONE),
		[CHILD_EV_REAPED] = GO(BACKOFF, OBITUARY),
	},
	[CHILD_BACKOFF] = {
		[CHILD_EV_START]  = GO(BACKOFF, NONE),
		[CHILD_EV_STOP]   = GO(OFF, UNWANT),
		[CHILD_EV_TIMER]  = GO(STARTING, SPAWN),
	},
	[CHILD_PARKED] = {
		[CHILD_EV_START]  = GO(PARKED, NONE),
		[CHILD_EV_STOP]   = GO(OFF, UNWANT),
	},
};
/* clang-format on */

static const char *const STATE_NAMES[CHILD_STATE_COUNT] = {
	[CHILD_OFF] = "off",	       [CHILD_STARTING] = "starting", [CHILD_READY] = "ready",
	[CHILD_STOPPING] = "stopping", [CHILD_KILLING] = "killing",   [CHILD_BACKOFF] = "backoff",
	[CHILD_PARKED] = "parked",
};

static const char *const EVENT_NAMES[CHILD_EV_COUNT] = {
	[CHILD_EV_START] = "start",   [CHILD_EV_STOP] = "stop",	    [CHILD_EV_READY] = "ready",
	[CHILD_EV_TIMER] = "timer",   [CHILD_EV_HUNG] = "hung",	    [CHILD_EV_BAD] = "bad",
	[CHILD_EV_CLOSED] = "closed", [CHILD_EV_REAPED] = "reaped",
};

int child_table_look(enum child_state state, enum child_event event, struct child_cell *out)
{
	assert(state < CHILD_STATE_COUNT && event < CHILD_EV_COUNT);
	if (!TABLE[state][event].is_possible)
		return CHILD_TABLE_IMPOSSIBLE;
	*out = TABLE[state][event].cell;
	return 0;
}

const char *child_state_name(enum child_state state)
{
	return STATE_NAMES[state];
}

const char *child_event_name(enum child_event event)
{
	return EVENT_NAMES[event];
}
