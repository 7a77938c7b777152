/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/silence.h"

void silence_init(struct silence *silence, uint32_t first_ms)
{
	*silence = (struct silence){ .first_ms = first_ms, .limit_ms = first_ms };
}

void silence_begin(struct silence *silence, uint64_t now_ms)
{
	if (silence->is_running)
		return;
	silence->is_running = true;
	silence->began_ms = now_ms;
}

void silence_end(struct silence *silence, uint64_t now_ms)
{
	silence->silent_ms = silence_ms(silence, now_ms);
	silence->is_running = false;
}

void silence_heard(struct silence *silence, uint64_t now_ms)
{
	silence->silent_ms = 0;
	silence->began_ms = now_ms;
	silence->limit_ms = silence->first_ms;
	silence->is_restarted = false;
}

uint64_t silence_ms(const struct silence *silence, uint64_t now_ms)
{
	return silence->silent_ms + (silence->is_running ? now_ms - silence->began_ms : 0);
}

uint64_t silence_due_at_ms(const struct silence *silence)
{
	/* Earlier runs may have used it up: at once then. */
	return silence->silent_ms >= silence->limit_ms
		       ? silence->began_ms
		       : silence->began_ms + (silence->limit_ms - silence->silent_ms);
}

enum silence_step silence_due(struct silence *silence, uint64_t now_ms)
{
	if (!silence->is_running || silence_ms(silence, now_ms) < silence->limit_ms)
		return SILENCE_NONE;
	silence->silent_ms = 0;
	silence->began_ms = now_ms;
	if (!silence->is_restarted) {
		silence->is_restarted = true;
		return SILENCE_RESTART;
	}
	silence->limit_ms =
		silence->limit_ms > SILENCE_MAX_MS / 2 ? SILENCE_MAX_MS : 2 * silence->limit_ms;
	return SILENCE_REPORT;
}
