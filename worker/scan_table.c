/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/scan_table.h"

/* An event keeps its place in a row; `set` tells a cell from an empty one (idle is 0). */
struct cell {
	bool set;
	enum scan_state next;
	enum scan_act act;
};

#define TO(state, act)                                                                             \
	{                                                                                          \
		true, SCAN_##state, SCAN_ACT_##act                                                 \
	}

static const struct cell TABLE[SCAN_STATE_COUNT][SCAN_EVENT_COUNT] = {
	[SCAN_IDLE] = {
		[SCAN_EV_WANT] = TO(LOCKING, LOCK),
	},
	[SCAN_LOCKING] = {
		[SCAN_EV_UNWANT] = TO(IDLE, UNLOCK),
		/* Not at once: a connect may be under way. Paused resumes when there is none. */
		[SCAN_EV_GRANTED] = TO(PAUSED, NONE),
		[SCAN_EV_REFUSED] = TO(RESTING, REST),
		[SCAN_EV_YIELD] = TO(LOCKING, LOCK),
		[SCAN_EV_GONE] = TO(RESTING, REST),
	},
	[SCAN_STARTING] = {
		[SCAN_EV_STARTED] = TO(ON, NONE),
		[SCAN_EV_FAILED] = TO(RESTING, REST),
		[SCAN_EV_GONE] = TO(RESTING, REST),
		/* A start cannot be taken back: it is answered first, then stopped. */
		[SCAN_EV_REFUSED] = TO(STOPPING, STOP),
		[SCAN_EV_YIELD] = TO(STOPPING, STOP),
	},
	[SCAN_ON] = {
		[SCAN_EV_UNWANT] = TO(STOPPING, STOP),
		[SCAN_EV_PAUSE] = TO(PAUSING, STOP),
		[SCAN_EV_REFUSED] = TO(STOPPING, STOP),
		[SCAN_EV_YIELD] = TO(STOPPING, STOP),
		[SCAN_EV_LOST] = TO(RESTING, REST),
		[SCAN_EV_GONE] = TO(RESTING, REST),
	},
	[SCAN_PAUSING] = {
		[SCAN_EV_UNWANT] = TO(STOPPING, NONE),
		[SCAN_EV_REFUSED] = TO(STOPPING, NONE),
		[SCAN_EV_YIELD] = TO(STOPPING, NONE),
		[SCAN_EV_STOPPED] = TO(PAUSED, NONE),
		[SCAN_EV_GONE] = TO(RESTING, REST),
	},
	[SCAN_PAUSED] = {
		[SCAN_EV_UNWANT] = TO(IDLE, UNLOCK),
		[SCAN_EV_RESUME] = TO(STARTING, START),
		[SCAN_EV_YIELD] = TO(IDLE, UNLOCK),
		[SCAN_EV_REFUSED] = TO(RESTING, REST),
		[SCAN_EV_GONE] = TO(RESTING, REST),
	},
	[SCAN_STOPPING] = {
		[SCAN_EV_STOPPED] = TO(IDLE, UNLOCK),
		[SCAN_EV_GONE] = TO(IDLE, UNLOCK),
	},
	[SCAN_RESTING] = {
		[SCAN_EV_UNWANT] = TO(IDLE, UNLOCK),
		[SCAN_EV_RETRY] = TO(LOCKING, LOCK),
	},
};

static const char *const NAMES[SCAN_STATE_COUNT] = {
	"idle", "locking", "starting", "on", "pausing", "paused", "stopping", "resting",
};

struct scan_step scan_table_step(enum scan_state state, enum scan_event event)
{
	const struct cell *cell = &TABLE[state][event];

	if (!cell->set)
		return (struct scan_step){ .next = state, .act = SCAN_ACT_NONE };
	return (struct scan_step){ .next = cell->next, .act = cell->act };
}

bool scan_table_is_quiet(enum scan_state state)
{
	return state == SCAN_IDLE || state == SCAN_LOCKING || state == SCAN_PAUSED ||
	       state == SCAN_RESTING;
}

const char *scan_table_name(enum scan_state state)
{
	return state < SCAN_STATE_COUNT ? NAMES[state] : "?";
}
