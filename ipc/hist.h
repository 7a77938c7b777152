/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/hist.h - how long things took: a distribution of milliseconds in at most HIST_BUCKETS_MAX
 * buckets. Up to 20 ms each has a bucket of its own, above they are at most a tenth of their value
 * wide: a percentile is at most 5 % off what it would be of the sorted values, and min and max are
 * exact. Only buckets with something in them are kept. Where more are needed the two neighbours
 * with the least in them become one: what is rare is less precise then. Pure.
 */
#include "ipc/base.h"

enum { HIST_BUCKETS_MAX = 64, HIST_VALUE_MAX = 3600000 };

/* Begins zeroed. */
struct hist {
	uint32_t count; /* stays at the top, and nothing is added any more */
	uint32_t min_ms;
	uint32_t max_ms;
	uint8_t n;
	uint8_t buckets[HIST_BUCKETS_MAX]; /* ascending */
	uint32_t counts[HIST_BUCKETS_MAX];
};

/* What is above HIST_VALUE_MAX counts as that. */
void hist_add(struct hist *hist, uint32_t value_ms);

/* Adds all of @other. */
void hist_merge(struct hist *hist, const struct hist *other);

/* The value of which @percent per cent are at most as large; 0: it is empty. */
uint32_t hist_percentile(const struct hist *hist, unsigned percent);

/* Whether it is one: for what comes from elsewhere. */
bool hist_is_sound(const struct hist *hist);
