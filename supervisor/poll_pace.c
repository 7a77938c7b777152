/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/poll_pace.h"

uint64_t poll_pace_next_ms(const struct poll_pace *pace, uint32_t period_ms)
{
	/* The period may have been a longer one when that began. */
	uint64_t earliest_ms = pace->at_ms + period_ms / 2;
	uint64_t due_at_ms = pace->due_at_ms + period_ms;

	if (!pace->is_begun)
		return 0;
	return due_at_ms > earliest_ms ? due_at_ms : earliest_ms;
}

void poll_pace_begin(struct poll_pace *pace, uint32_t period_ms, uint64_t now_ms)
{
	uint64_t due_at_ms = poll_pace_next_ms(pace, period_ms);
	bool is_on_grid =
		pace->is_begun && now_ms >= due_at_ms && now_ms - due_at_ms < period_ms / 2;

	*pace = (struct poll_pace){
		.is_begun = true,
		.due_at_ms = is_on_grid ? due_at_ms : now_ms,
		.at_ms = now_ms,
	};
}
