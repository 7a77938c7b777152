/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/decay.h - a count that forgets: each half-life halves it. In 256ths, without floating
 * point; between two half-lives it falls in a straight line, at most 6 % above the exact curve.
 * Pure. Used by escalation.c.
 */
#include "ipc/base.h"

enum { DECAY_ONE = 256, DECAY_MAX = 1000 * DECAY_ONE };

/* Begins zeroed. */
struct decay {
	uint32_t value; /* at at_ms */
	uint64_t at_ms;
};

uint32_t decay_value(const struct decay *decay, uint32_t half_life_ms, uint64_t now_ms);

/* Counts one more. */
void decay_add(struct decay *decay, uint32_t half_life_ms, uint64_t now_ms);

/* To the nearest whole. */
static inline uint32_t decay_round(uint32_t value)
{
	return (value + DECAY_ONE / 2) / DECAY_ONE;
}
