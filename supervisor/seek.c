/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/seek.h"

static struct seek_answer attach(int row)
{
	return (struct seek_answer){ .verdict = SEEK_ATTACH, .row = row, .until_ms = UINT64_MAX };
}

static struct seek_answer fail(enum err_class class)
{
	return (struct seek_answer){ .verdict = SEEK_FAIL,
				     .row = SCORE_NOBODY,
				     .until_ms = UINT64_MAX,
				     .class = class };
}

static struct seek_answer wait_for(uint64_t until_ms, bool is_searching, enum err_class class)
{
	return (struct seek_answer){ .verdict = SEEK_WAIT,
				     .row = SCORE_NOBODY,
				     .is_searching = is_searching,
				     .until_ms = until_ms,
				     .class = class };
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* One class for all rows that are not suitable: the one that a person can do most about. */
static enum err_class common_trouble(const struct seek *seek)
{
	enum err_class trouble = CLASS_ADAPTER_GONE;
	bool is_all_unpowered = seek->n_rows > 0;
	size_t i;

	for (i = 0; i < seek->n_rows; i++) {
		if (seek->rows[i].trouble == CLASS_BLUEZ_GONE)
			return CLASS_BLUEZ_GONE;
		if (seek->rows[i].trouble != CLASS_NOT_POWERED)
			is_all_unpowered = false;
		trouble = seek->rows[i].trouble;
	}
	return is_all_unpowered ? CLASS_NOT_POWERED : trouble;
}

static struct seek_answer without_adapter(const struct seek *seek)
{
	enum err_class class = common_trouble(seek);
	uint64_t until_ms = seek->deadline_at_ms;

	if (!seek->is_first)
		return wait_for(UINT64_MAX, false, class);
	if (seek->now_ms >= until_ms)
		return fail(class);
	if (seek->n_rows == 0 && seek->is_enumerated)
		return fail(class);
	if (class == CLASS_NOT_POWERED) {
		until_ms = earlier(until_ms, seek->asked_at_ms + SEEK_POWER_GRACE_MS);
		if (seek->now_ms >= until_ms)
			return fail(class);
	}
	return wait_for(until_ms, false, class);
}

/* The device was heard: whether the others get their chance first. */
static struct seek_answer heard(const struct seek *seek)
{
	size_t suitable = score_count(seek->rows, seek->n_rows, SCORE_ANY);
	int best = score_best(seek->rows, seek->n_rows, SCORE_FRESH);
	uint64_t settled_at_ms = seek->heard_at_ms + SEEK_SETTLE_MS;

	if (seek->heard_at_ms == 0 || seek->rows[best].is_connected || suitable == 1 ||
	    score_count(seek->rows, seek->n_rows, SCORE_FRESH) == suitable)
		return attach(best);
	if (seek->is_first)
		settled_at_ms = earlier(settled_at_ms, seek->deadline_at_ms);
	if (seek->now_ms >= settled_at_ms)
		return attach(best);
	return wait_for(settled_at_ms, true, CLASS_NONE);
}

static struct seek_answer only_known(const struct seek *seek)
{
	uint64_t until_ms = seek->asked_at_ms + SEEK_KNOWN_MS;
	int best = score_best(seek->rows, seek->n_rows, SCORE_KNOWN);

	/* Nothing to choose between, and the worker connects it without discovery. */
	if (score_count(seek->rows, seek->n_rows, SCORE_ANY) == 1)
		return attach(best);
	if (seek->is_first)
		until_ms = earlier(until_ms, seek->deadline_at_ms);
	if (seek->now_ms >= until_ms)
		return attach(best);
	return wait_for(until_ms, true, CLASS_NONE);
}

static struct seek_answer unknown(const struct seek *seek)
{
	uint64_t waited_ms = seek->now_ms - seek->asked_at_ms;
	uint64_t in_turn_ms = waited_ms % SEEK_SEARCH_EVERY_MS;
	uint64_t left_ms;

	if (seek->is_first && seek->now_ms >= seek->deadline_at_ms)
		return fail(CLASS_NOT_FOUND);
	if (seek->is_first)
		return wait_for(seek->deadline_at_ms, true, CLASS_NONE);
	left_ms = in_turn_ms < SEEK_SEARCH_MS ? SEEK_SEARCH_MS - in_turn_ms
					      : SEEK_SEARCH_EVERY_MS - in_turn_ms;
	return wait_for(seek->now_ms + left_ms, in_turn_ms < SEEK_SEARCH_MS, CLASS_NOT_FOUND);
}

struct seek_answer seek_decide(const struct seek *seek)
{
	uint64_t soon_until_ms = seek->asked_at_ms + SEEK_SOON_MS + SEEK_READY_MS;

	if (seek->home == SEEK_HOME_LIVE)
		return attach(SCORE_NOBODY);
	if (seek->home == SEEK_HOME_SOON && seek->now_ms < soon_until_ms)
		return wait_for(soon_until_ms, false, CLASS_NONE);
	if (score_count(seek->rows, seek->n_rows, SCORE_ANY) == 0)
		return without_adapter(seek);
	if (seek->is_scan)
		return attach(score_best(seek->rows, seek->n_rows, SCORE_ANY));
	if (seek->is_linked_home && !seek->is_cut &&
	    score_count(seek->rows, seek->n_rows, SCORE_KNOWN) > 0)
		return (struct seek_answer){ .verdict = SEEK_CUT,
					     .row = SCORE_NOBODY,
					     .until_ms = UINT64_MAX };
	if (score_count(seek->rows, seek->n_rows, SCORE_FRESH) > 0)
		return heard(seek);
	if (score_count(seek->rows, seek->n_rows, SCORE_KNOWN) > 0)
		return only_known(seek);
	return unknown(seek);
}
