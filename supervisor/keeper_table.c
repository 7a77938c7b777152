/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/keeper_table.h"

#include "supervisor/backoff.h"

struct cell {
	bool is_there;
	struct keeper_cell cell;
};

#define GO(state, act)                                                                             \
	{                                                                                          \
		true,                                                                              \
		{                                                                                  \
			KEEPER_##state, KEEPER_ACT_##act                                           \
		}                                                                                  \
	}

/* clang-format off */
static const struct cell TABLE[KEEPER_STATE_COUNT][KEEPER_EVENT_COUNT] = {
	[KEEPER_STANDBY] = {
		[KEEPER_EV_WANT]   = GO(CONNECTING, HOLD),
	},
	[KEEPER_CONNECTING] = {
		[KEEPER_EV_LET]    = GO(STANDBY, RELEASE),
		[KEEPER_EV_UP]     = GO(HELD, HELD),
		[KEEPER_EV_DOWN]   = GO(RESTING, REST),
		/* It is switched off: listening finds it sooner than attempts do. */
		[KEEPER_EV_GONE]   = GO(COMING, AWAIT),
		[KEEPER_EV_TIMER]  = GO(RESTING, REST),
	},
	[KEEPER_HELD] = {
		[KEEPER_EV_LET]    = GO(STANDBY, RELEASE),
		[KEEPER_EV_DOWN]   = GO(RESTING, REST),
		[KEEPER_EV_DEAD]   = GO(LEAVING, WATCH),
		[KEEPER_EV_MOVED]  = GO(CONNECTING, HOLD),
	},
	[KEEPER_RESTING] = {
		[KEEPER_EV_LET]    = GO(STANDBY, RELEASE),
		/* A program was quicker. */
		[KEEPER_EV_UP]     = GO(CONNECTING, HOLD),
		[KEEPER_EV_TIMER]  = GO(CONNECTING, HOLD),
	},
	[KEEPER_LEAVING] = {
		[KEEPER_EV_LET]    = GO(STANDBY, RELEASE),
		[KEEPER_EV_UP]     = GO(CONNECTING, HOLD),
		[KEEPER_EV_GONE]   = GO(COMING, AWAIT),
		[KEEPER_EV_BACK]   = GO(SETTLING, SETTLE),
		/* It stays. */
		[KEEPER_EV_TIMER]  = GO(CONNECTING, HOLD),
	},
	[KEEPER_COMING] = {
		[KEEPER_EV_LET]    = GO(STANDBY, RELEASE),
		[KEEPER_EV_UP]     = GO(CONNECTING, HOLD),
		[KEEPER_EV_BACK]   = GO(SETTLING, SETTLE),
		/* From now on it is tried now and then. */
		[KEEPER_EV_TIMER]  = GO(RESTING, REST),
	},
	[KEEPER_SETTLING] = {
		[KEEPER_EV_LET]    = GO(STANDBY, RELEASE),
		[KEEPER_EV_UP]     = GO(CONNECTING, HOLD),
		[KEEPER_EV_TIMER]  = GO(CONNECTING, HOLD),
	},
};
/* clang-format on */

static const struct {
	const char *name;
	uint32_t limit_ms;
} STATES[KEEPER_STATE_COUNT] = {
	[KEEPER_STANDBY] = { "standby", 0 },
	[KEEPER_CONNECTING] = { "connecting", KEEPER_CONNECTING_MS },
	[KEEPER_HELD] = { "held", 0 },
	[KEEPER_RESTING] = { "resting", 0 },
	[KEEPER_LEAVING] = { "waiting-gone", KEEPER_LEAVING_MS },
	[KEEPER_COMING] = { "waiting-back", KEEPER_COMING_MS },
	[KEEPER_SETTLING] = { "settling", KEEPER_SETTLING_MS },
};

static const char *const EVENTS[KEEPER_EVENT_COUNT] = {
	[KEEPER_EV_WANT] = "want", [KEEPER_EV_LET] = "let",   [KEEPER_EV_UP] = "up",
	[KEEPER_EV_DOWN] = "down", [KEEPER_EV_DEAD] = "dead", [KEEPER_EV_MOVED] = "moved",
	[KEEPER_EV_GONE] = "gone", [KEEPER_EV_BACK] = "back", [KEEPER_EV_TIMER] = "timer",
};

int keeper_table_look(enum keeper_state state, enum keeper_event event, struct keeper_cell *out)
{
	assert(state < KEEPER_STATE_COUNT && event < KEEPER_EVENT_COUNT);
	if (!TABLE[state][event].is_there)
		return KEEPER_TABLE_NOTHING;
	*out = TABLE[state][event].cell;
	return 0;
}

uint32_t keeper_limit_ms(enum keeper_state state)
{
	return STATES[state].limit_ms;
}

uint32_t keeper_rest_ms(uint32_t losses, uint32_t base_ms, uint32_t max_ms, uint32_t dice)
{
	uint64_t delay_ms = base_ms;

	while (losses-- > 1 && delay_ms < max_ms)
		delay_ms *= 2;
	return backoff_jitter(delay_ms < max_ms ? (uint32_t)delay_ms : max_ms, dice);
}

bool keeper_pace_act(struct keeper_pace *pace, enum keeper_act act, uint64_t now_ms)
{
	bool has_lasted = pace->is_held && now_ms - pace->held_at_ms >= KEEPER_HEALTHY_MS;

	if (has_lasted || act == KEEPER_ACT_RELEASE)
		pace->losses = 0;
	pace->is_held = act == KEEPER_ACT_HELD;
	pace->held_at_ms = now_ms;
	return has_lasted;
}

uint32_t keeper_pace_rest_ms(struct keeper_pace *pace, uint32_t base_ms, uint32_t max_ms,
			     uint32_t dice)
{
	if (pace->losses < UINT32_MAX)
		pace->losses++;
	return keeper_rest_ms(pace->losses, base_ms, max_ms, dice);
}

bool keeper_wants_link(enum keeper_state state)
{
	return state == KEEPER_CONNECTING || state == KEEPER_HELD;
}

const char *keeper_state_name(enum keeper_state state)
{
	return STATES[state].name;
}

const char *keeper_event_name(enum keeper_event event)
{
	return EVENTS[event];
}
