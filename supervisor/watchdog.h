/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/watchdog.h - does a child's loop still turn, and does what it does come to an end?
 *
 * Judged by whether the tick on its page changes while the supervisor looks, in the supervisor's
 * clock: what the worker writes about time is not believed. Pure. Used by child.c.
 */
#include "ipc/wpage.h"

enum watchdog_verdict { WATCHDOG_OK, WATCHDOG_WARN, WATCHDOG_HUNG };

/* Begins with watchdog_begin() when the child is ready. */
struct watchdog {
	uint64_t tick;
	uint64_t changed_at_ms;
	uint64_t looked_at_ms;
	bool has_warned;
};

void watchdog_begin(struct watchdog *watchdog, uint64_t tick, uint64_t now_ms);

/**
 * watchdog_look() - one look at the tick
 * @tick:      as on the page now
 * @window_ms: how long it may stand still; a third of it is worth a warning
 *
 * If the supervisor itself looked late by more than half a window (suspend, a debugger, a stopped
 * machine), the child gets a fresh window: it was not running either.
 *
 * Returns WATCHDOG_WARN once per standstill, WATCHDOG_HUNG from the window's end on.
 */
enum watchdog_verdict watchdog_look(struct watchdog *watchdog, uint64_t tick, uint64_t now_ms,
				    uint32_t window_ms);

/*
 * An operation that goes on beyond its budget while the loop turns. The worker has a deadline for
 * each of its own and cancels it (a Connect by Disconnect, a call by giving it up), so this is for
 * one that was lost between the worker and BlueZ: at twice its budget BlueZ gets to know another
 * connection, at three times the adapter is reset. It is never taken for a hung loop.
 */
enum watchdog_cure { WATCHDOG_CURE_NONE, WATCHDOG_CURE_BUS, WATCHDOG_CURE_RESET };

enum { WATCHDOG_OP_MIN_MS = 1000 }; /* a budget is at least that: the page may say anything */

/* Begins zeroed, for each process. */
struct watchdog_op {
	enum wpage_op op;
	uint64_t started_at_ms; /* as the worker says: only to tell one from the next */
	uint64_t seen_at_ms;	/* first, in our clock */
	enum watchdog_cure tried;
};

/* One look at the page. Each cure is returned once per operation. */
enum watchdog_cure watchdog_op_look(struct watchdog_op *watch, const struct wpage_view *page,
				    uint64_t now_ms);
