/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/backoff.h - when to start a dead child again, and when not to any more.
 *
 * The first death after a healthy minute (or ever) costs nothing: the child is started at once.
 * Each further one waits base × 2^n with ±20 % jitter, up to a maximum. Too many deaths inside a
 * window are a crash loop: from then on, until it was healthy for a minute, each start waits the
 * maximum, for ever. Pure: time and dice are passed in. Used by child.c.
 */
#include "ipc/base.h"

enum { BACKOFF_DEATHS_MAX = 32, BACKOFF_HEALTHY_MS = 60000 };

struct backoff_limits {
	uint32_t base_ms;
	uint32_t max_ms;
	uint32_t loop_deaths; /* 0: never a loop; at most BACKOFF_DEATHS_MAX */
	uint32_t loop_window_ms;
};

/* Begins zeroed. */
struct backoff {
	uint32_t n;    /* deaths since it was last healthy */
	uint32_t next; /* in died_at_ms[] */
	uint32_t kept; /* valid in died_at_ms[] */
	bool is_loop;  /* and was not healthy since */
	uint64_t died_at_ms[BACKOFF_DEATHS_MAX];
};

enum { BACKOFF_RESTART, BACKOFF_LOOP };

/**
 * backoff_died() - account a death
 * @healthy_ms: how long the child was ready
 * @is_counted: whether it counts towards a crash loop
 * @dice:       any random number
 * @out_delay_ms: until it is started again
 *
 * Outcomes: BACKOFF_RESTART (0); BACKOFF_LOOP it is in a crash loop.
 */
must_check int backoff_died(struct backoff *backoff, const struct backoff_limits *limits,
			    uint64_t now_ms, uint64_t healthy_ms, bool is_counted, uint32_t dice,
			    uint32_t *out_delay_ms);

/* @ms with ±20 % by @dice. */
uint32_t backoff_jitter(uint32_t ms, uint32_t dice);
