/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/keeper_table.h - how the daemon keeps the link of a persistent device: states and
 * events as a table (keeper_table.c). Pure; keeper.c does it.
 *
 * A link that was lost is made again after a while, longer each time that it does not last. A
 * peripheral that stopped answering is left alone first: it is being restarted, or somebody has to
 * do so. Its way out is watched (it is not heard any more), then its way back.
 */
#include "ipc/base.h"

enum {
	KEEPER_CONNECTING_MS = 180000, /* a worker ends its attempts long before */
	KEEPER_LEAVING_MS = 120000,
	KEEPER_COMING_MS = 120000,
	KEEPER_SETTLING_MS = 2000, /* what advertises may not take a connection yet */
	KEEPER_HEALTHY_MS = 60000, /* a link that lasted so long begins the delays anew */
	/*
	 * A running discovery shows each device once in 10.24 s, when the kernel begins it anew:
	 * less silence than that is none. What was silent for half of it and is then heard may have
	 * been away, or not: that is tried once.
	 */
	KEEPER_GONE_MS = 11000,
	KEEPER_AWAY_MS = 5000,
};

enum keeper_state {
	KEEPER_STANDBY,	   /* on-demand: programs make the link, and polls */
	KEEPER_CONNECTING, /* an adapter is looked for, or connects */
	KEEPER_HELD,
	KEEPER_RESTING, /* until the next attempt */
	KEEPER_LEAVING, /* it stopped answering; until it is not heard any more */
	KEEPER_COMING,	/* until it is heard again */
	KEEPER_SETTLING,
	KEEPER_STATE_COUNT
};

enum keeper_event {
	KEEPER_EV_WANT,	 /* persistent now */
	KEEPER_EV_LET,	 /* on-demand now */
	KEEPER_EV_UP,	 /* there is a link, whoever made it */
	KEEPER_EV_DOWN,	 /* it went, or could not be made */
	KEEPER_EV_DEAD,	 /* it went because nobody answers */
	KEEPER_EV_MOVED, /* its worker went: the next one may find the link as it was */
	KEEPER_EV_GONE,	 /* nobody hears it any more */
	KEEPER_EV_BACK,	 /* after a silence it is heard */
	KEEPER_EV_TIMER,
	KEEPER_EVENT_COUNT
};

enum keeper_act {
	KEEPER_ACT_HOLD,    /* a session that holds the link */
	KEEPER_ACT_HELD,    /* there it is */
	KEEPER_ACT_RELEASE, /* programs may go on using it */
	KEEPER_ACT_REST,
	KEEPER_ACT_WATCH, /* listen whether it leaves */
	KEEPER_ACT_AWAIT, /* listen whether it comes */
	KEEPER_ACT_SETTLE,
};

struct keeper_cell {
	enum keeper_state next;
	enum keeper_act act;
};

enum { KEEPER_TABLE_NOTHING = 1 };

/* Outcomes: 0; KEEPER_TABLE_NOTHING: nothing happens there. */
must_check int keeper_table_look(enum keeper_state state, enum keeper_event event,
				 struct keeper_cell *out);

/* How long that state may last; 0: for ever, or as keeper_rest_ms() says. */
uint32_t keeper_limit_ms(enum keeper_state state);

/**
 * keeper_rest_ms() - how long to wait before the next attempt
 * @losses: since it last was held for long, this one too: from 1
 * @dice:   any random number: ±20 %
 */
uint32_t keeper_rest_ms(uint32_t losses, uint32_t base_ms, uint32_t max_ms, uint32_t dice);

/* How links have lasted. Begins zeroed. */
struct keeper_pace {
	uint32_t losses; /* since one was held for long */
	bool is_held;
	uint64_t held_at_ms; /* with is_held */
};

/*
 * What the table says is done. Whether a link ends by it, as far as is known (a worker that dies
 * may leave it as it was), that had lasted: delays begin anew then.
 */
bool keeper_pace_act(struct keeper_pace *pace, enum keeper_act act, uint64_t now_ms);
/* Counts one more that was lost, or could not be had: how long to wait, as keeper_rest_ms(). */
uint32_t keeper_pace_rest_ms(struct keeper_pace *pace, uint32_t base_ms, uint32_t max_ms,
			     uint32_t dice);

/* Whether the link is wanted in that state. */
bool keeper_wants_link(enum keeper_state state);

/* "standby", "connecting", ... */
const char *keeper_state_name(enum keeper_state state);
const char *keeper_event_name(enum keeper_event event);
