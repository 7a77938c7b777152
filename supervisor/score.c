/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/score.h"

enum rank { RANK_NONE, RANK_ANY, RANK_KNOWN, RANK_FRESH, RANK_CONNECTED };

static enum rank rank_of(const struct score_row *row)
{
	if (!row->is_suitable)
		return RANK_NONE;
	if (row->is_connected)
		return RANK_CONNECTED;
	if (row->is_fresh)
		return RANK_FRESH;
	return row->is_known ? RANK_KNOWN : RANK_ANY;
}

static const enum rank LOWEST[] = {
	[SCORE_ANY] = RANK_ANY,
	[SCORE_KNOWN] = RANK_KNOWN,
	[SCORE_FRESH] = RANK_FRESH,
};

/* Among equals: fewer links, then home, then the earlier row. */
static bool is_better_tie(const struct score_row *a, const struct score_row *b)
{
	if (a->links != b->links)
		return a->links < b->links;
	return a->is_home && !b->is_home;
}

static int strongest(const struct score_row *rows, size_t n, enum rank rank)
{
	int best = INT32_MIN;
	size_t i;

	for (i = 0; i < n; i++)
		if (rank_of(&rows[i]) == rank && rows[i].rssi_16th_dbm > best)
			best = rows[i].rssi_16th_dbm;
	return best;
}

int score_best(const struct score_row *rows, size_t n, enum score_need need)
{
	enum rank top = RANK_NONE;
	int best = SCORE_NOBODY;
	int floor = INT32_MIN;
	size_t i;

	for (i = 0; i < n; i++)
		if (rank_of(&rows[i]) > top)
			top = rank_of(&rows[i]);
	if (top < LOWEST[need])
		return SCORE_NOBODY;
	if (top == RANK_FRESH)
		floor = strongest(rows, n, top) - SCORE_NOISE_16TH_DB;
	for (i = 0; i < n; i++) {
		if (rank_of(&rows[i]) != top || rows[i].rssi_16th_dbm < floor)
			continue;
		if (best < 0 || is_better_tie(&rows[i], &rows[best]))
			best = (int)i;
	}
	return best;
}

size_t score_count(const struct score_row *rows, size_t n, enum score_need need)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count += rank_of(&rows[i]) >= LOWEST[need];
	return count;
}
