/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/score.h"

enum { FAILURE_ONE = 256 };

enum rank { RANK_NONE, RANK_ANY, RANK_KNOWN, RANK_FRESH, RANK_CONNECTED };

/* What holds for all of them. */
struct all {
	bool is_pinned; /* the keys are with one: on another the device would have to be paired anew
			 */
	bool has_room;
};

static bool is_full(const struct score_row *row)
{
	return row->slots > 0 && row->links >= row->slots;
}

static bool is_possible(const struct score_row *row, bool is_pinned)
{
	return row->is_suitable && (row->is_bonded || !is_pinned);
}

static struct all look_at(const struct score_row *rows, size_t n)
{
	struct all all = { .is_pinned = false };
	size_t i;

	for (i = 0; i < n; i++)
		all.is_pinned |= rows[i].is_bonded;
	for (i = 0; i < n; i++)
		all.has_room |= is_possible(&rows[i], all.is_pinned) && !is_full(&rows[i]);
	return all;
}

static enum rank rank_of(const struct score_row *row, struct all all)
{
	if (!is_possible(row, all.is_pinned))
		return RANK_NONE;
	if (row->is_connected)
		return RANK_CONNECTED;
	/* That it hears the device is of no use while another one may, which has room. */
	if (row->is_fresh && !(is_full(row) && all.has_room))
		return RANK_FRESH;
	return row->is_known ? RANK_KNOWN : RANK_ANY;
}

static const enum rank LOWEST[] = {
	[SCORE_ANY] = RANK_ANY,
	[SCORE_KNOWN] = RANK_KNOWN,
	[SCORE_FRESH] = RANK_FRESH,
};

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

int score_points(const struct score_row *row)
{
	uint32_t attempts = at_most(row->attempts, SCORE_ATTEMPTS_MAX);
	uint32_t failures = at_most(row->failures, SCORE_FAILURES_MAX * FAILURE_ONE);
	int points = row->is_fresh ? row->rssi_16th_dbm : 0;

	points -= (int)(attempts * SCORE_ATTEMPT_DB * SCORE_DB);
	points -= (int)(failures * SCORE_FAILURE_DB * SCORE_DB / FAILURE_ONE);
	if (is_full(row))
		points -= SCORE_FULL_DB * SCORE_DB;
	else if (row->slots > 0 && row->links + 1 == row->slots)
		points -= SCORE_LAST_SLOT_DB * SCORE_DB;
	if (row->is_home)
		points += SCORE_HOME_DB * SCORE_DB;
	if (row->is_shared)
		points += SCORE_SHARED_DB * SCORE_DB;
	return points;
}

/* Among equals: fewer links, then home, then the earlier row. */
static bool is_better_tie(const struct score_row *a, const struct score_row *b)
{
	if (a->links != b->links)
		return a->links < b->links;
	return a->is_home && !b->is_home;
}

int score_best(const struct score_row *rows, size_t n, enum score_need need)
{
	const struct all all = look_at(rows, n);
	enum rank top = RANK_NONE;
	int most = INT32_MIN;
	int best = SCORE_NOBODY;
	size_t i;

	for (i = 0; i < n; i++)
		if (rank_of(&rows[i], all) > top)
			top = rank_of(&rows[i], all);
	if (top < LOWEST[need])
		return SCORE_NOBODY;
	for (i = 0; i < n; i++)
		if (rank_of(&rows[i], all) == top && score_points(&rows[i]) > most)
			most = score_points(&rows[i]);
	for (i = 0; i < n; i++) {
		if (rank_of(&rows[i], all) != top ||
		    score_points(&rows[i]) < most - SCORE_NOISE_16TH_DB)
			continue;
		if (best < 0 || is_better_tie(&rows[i], &rows[best]))
			best = (int)i;
	}
	return best;
}

size_t score_count(const struct score_row *rows, size_t n, enum score_need need)
{
	const struct all all = look_at(rows, n);
	size_t count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count += rank_of(&rows[i], all) >= LOWEST[need];
	return count;
}
