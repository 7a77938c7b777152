/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/watchdog.h"

void watchdog_begin(struct watchdog *watchdog, uint64_t tick, uint64_t now_ms)
{
	*watchdog =
		(struct watchdog){ .tick = tick, .changed_at_ms = now_ms, .looked_at_ms = now_ms };
}

enum watchdog_verdict watchdog_look(struct watchdog *watchdog, uint64_t tick, uint64_t now_ms,
				    uint32_t window_ms)
{
	bool is_late = now_ms - watchdog->looked_at_ms > window_ms / 2;
	uint64_t still_ms;

	watchdog->looked_at_ms = now_ms;
	if (is_late || tick != watchdog->tick) {
		watchdog->tick = tick;
		watchdog->changed_at_ms = now_ms;
		watchdog->has_warned = false;
		return WATCHDOG_OK;
	}
	still_ms = now_ms - watchdog->changed_at_ms;
	if (still_ms >= window_ms)
		return WATCHDOG_HUNG;
	if (still_ms < window_ms / 3 || watchdog->has_warned)
		return WATCHDOG_OK;
	watchdog->has_warned = true;
	return WATCHDOG_WARN;
}
