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

enum watchdog_cure watchdog_op_look(struct watchdog_op *watch, const struct wpage_view *page,
				    uint64_t now_ms)
{
	uint64_t budget_ms = page->op_budget_ms;
	uint64_t age_ms;

	if (budget_ms < WATCHDOG_OP_MIN_MS)
		budget_ms = WATCHDOG_OP_MIN_MS;
	if (page->op != watch->op || page->op_started_at_ms != watch->started_at_ms)
		*watch = (struct watchdog_op){ .op = page->op,
					       .started_at_ms = page->op_started_at_ms,
					       .seen_at_ms = now_ms };
	age_ms = now_ms - watch->seen_at_ms;
	if (page->op == WPAGE_OP_NONE || age_ms < 2 * budget_ms)
		return WATCHDOG_CURE_NONE;
	if (watch->tried == WATCHDOG_CURE_NONE)
		return watch->tried = WATCHDOG_CURE_BUS;
	if (watch->tried == WATCHDOG_CURE_BUS && age_ms >= 3 * budget_ms)
		return watch->tried = WATCHDOG_CURE_RESET;
	return WATCHDOG_CURE_NONE;
}
