/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/watchdog.h - does a worker's loop still turn?
 *
 * Judged by whether the tick on its page changes while the supervisor looks, in the supervisor's
 * clock: what the worker writes about time is not believed. Pure. Used by child.c.
 */
#include "ipc/base.h"

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
