/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/hist.h"

#include <string.h>

/* A value is at most half the width off the middle: 1 in EXACT, 5 %. */
enum { EXACT = 20 };

static uint32_t width_of(uint32_t low)
{
	return 2 * (low / EXACT) + 1;
}

static uint8_t bucket_of(uint32_t value_ms)
{
	uint32_t low = EXACT;
	unsigned bucket = EXACT;

	if (value_ms < EXACT)
		return (uint8_t)value_ms;
	while (value_ms - low >= width_of(low)) {
		low += width_of(low);
		bucket++;
	}
	assert(bucket <= UINT8_MAX);
	return (uint8_t)bucket;
}

static uint32_t middle_of(uint8_t wanted)
{
	uint32_t low = EXACT;
	unsigned bucket;

	if (wanted < EXACT)
		return wanted;
	for (bucket = EXACT; bucket < wanted; bucket++)
		low += width_of(low);
	return low + width_of(low) / 2;
}

static void drop(struct hist *hist, uint8_t at)
{
	size_t after = (size_t)(hist->n - at - 1);

	memmove(&hist->buckets[at], &hist->buckets[at + 1], after * sizeof(hist->buckets[0]));
	memmove(&hist->counts[at], &hist->counts[at + 1], after * sizeof(hist->counts[0]));
	hist->n--;
}

/* The larger of the two takes the smaller one in. */
static void make_room(struct hist *hist)
{
	uint8_t at = 0;
	uint8_t i;

	for (i = 1; i + 1 < hist->n; i++)
		if ((uint64_t)hist->counts[i] + hist->counts[i + 1] <
		    (uint64_t)hist->counts[at] + hist->counts[at + 1])
			at = i;
	if (hist->counts[at] > hist->counts[at + 1])
		hist->buckets[at + 1] = hist->buckets[at];
	hist->counts[at + 1] += hist->counts[at];
	drop(hist, at);
}

static void insert(struct hist *hist, uint8_t at, uint8_t bucket, uint32_t count)
{
	size_t after = (size_t)(hist->n - at);

	memmove(&hist->buckets[at + 1], &hist->buckets[at], after * sizeof(hist->buckets[0]));
	memmove(&hist->counts[at + 1], &hist->counts[at], after * sizeof(hist->counts[0]));
	hist->buckets[at] = bucket;
	hist->counts[at] = count;
	hist->n++;
}

static uint8_t place_of(const struct hist *hist, uint8_t bucket)
{
	uint8_t at = 0;

	while (at < hist->n && hist->buckets[at] < bucket)
		at++;
	return at;
}

static void add_bucket(struct hist *hist, uint8_t bucket, uint32_t count)
{
	uint8_t at = place_of(hist, bucket);

	if (at < hist->n && hist->buckets[at] == bucket) {
		hist->counts[at] += count;
		return;
	}
	if (hist->n == HIST_BUCKETS_MAX) {
		make_room(hist);
		at = place_of(hist, bucket);
		if (at < hist->n && hist->buckets[at] == bucket) {
			hist->counts[at] += count;
			return;
		}
	}
	insert(hist, at, bucket, count);
}

static void note_range(struct hist *hist, uint32_t min_ms, uint32_t max_ms)
{
	if (hist->count == 0 || min_ms < hist->min_ms)
		hist->min_ms = min_ms;
	if (hist->count == 0 || max_ms > hist->max_ms)
		hist->max_ms = max_ms;
}

void hist_add(struct hist *hist, uint32_t value_ms)
{
	if (hist->count == UINT32_MAX)
		return;
	if (value_ms > HIST_VALUE_MAX)
		value_ms = HIST_VALUE_MAX;
	note_range(hist, value_ms, value_ms);
	hist->count++;
	add_bucket(hist, bucket_of(value_ms), 1);
}

void hist_merge(struct hist *hist, const struct hist *other)
{
	uint8_t i;

	if (other->count == 0 || other->count > UINT32_MAX - hist->count)
		return;
	note_range(hist, other->min_ms, other->max_ms);
	hist->count += other->count;
	for (i = 0; i < other->n; i++)
		add_bucket(hist, other->buckets[i], other->counts[i]);
}

uint32_t hist_percentile(const struct hist *hist, unsigned percent)
{
	uint64_t rank = ((uint64_t)hist->count * percent + 99) / 100;
	uint64_t below = 0;
	uint32_t value_ms = 0;
	uint8_t i;

	if (hist->count == 0)
		return 0;
	if (rank >= hist->count)
		return hist->max_ms;
	if (rank <= 1)
		return hist->min_ms;
	for (i = 0; i < hist->n && below < rank; i++) {
		below += hist->counts[i];
		value_ms = middle_of(hist->buckets[i]);
	}
	if (value_ms < hist->min_ms)
		return hist->min_ms;
	return value_ms > hist->max_ms ? hist->max_ms : value_ms;
}

bool hist_is_sound(const struct hist *hist)
{
	uint64_t sum = 0;
	uint8_t i;

	if (hist->n > HIST_BUCKETS_MAX || hist->min_ms > hist->max_ms ||
	    hist->max_ms > HIST_VALUE_MAX)
		return false;
	for (i = 0; i < hist->n; i++) {
		if (hist->counts[i] == 0 || hist->buckets[i] > bucket_of(HIST_VALUE_MAX) ||
		    (i > 0 && hist->buckets[i] <= hist->buckets[i - 1]))
			return false;
		sum += hist->counts[i];
	}
	return sum == hist->count;
}
