/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/decay.h"

uint32_t decay_value(const struct decay *decay, uint32_t half_life_ms, uint64_t now_ms)
{
	uint64_t elapsed_ms = now_ms > decay->at_ms ? now_ms - decay->at_ms : 0;
	uint64_t halves = elapsed_ms / half_life_ms;
	uint64_t value;

	if (halves >= 32)
		return 0;
	value = decay->value >> halves;
	value -= value * (elapsed_ms % half_life_ms) / (2 * (uint64_t)half_life_ms);
	return (uint32_t)value;
}

void decay_add(struct decay *decay, uint32_t half_life_ms, uint64_t now_ms)
{
	uint32_t value = decay_value(decay, half_life_ms, now_ms) + DECAY_ONE;

	decay->value = value < DECAY_MAX ? value : DECAY_MAX;
	decay->at_ms = now_ms;
}
