/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/poll_pace.h - when the polls of a device begin: a period apart, on a grid that its
 * first one sets. A timer is late each time, by a little; counted from when a poll really began
 * that adds up. Pure. Used by keeper_poll.c.
 */
#include "ipc/base.h"

/* Begins zeroed: the first one begins at once. Zeroed again: so does the next one. */
struct poll_pace {
	bool is_begun;
	uint64_t due_at_ms; /* with is_begun: when the last one was to begin ... */
	uint64_t at_ms;	    /* ... and did */
};

/*
 * When the next one begins, which may have passed; 0: at once. Half a period after the last one at
 * the earliest.
 */
uint64_t poll_pace_next_ms(const struct poll_pace *pace, uint32_t period_ms);

/*
 * One begins. One that is late by half a period or more (nobody had time, or there was no link)
 * begins a grid of its own.
 */
void poll_pace_begin(struct poll_pace *pace, uint32_t period_ms, uint64_t now_ms);
