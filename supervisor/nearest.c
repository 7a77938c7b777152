/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/nearest.h"

#include <string.h>

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's, with one row of his table. */
unsigned nearest_distance(const char *a, const char *b)
{
	unsigned row[NEAREST_WORD_MAX + 1];
	size_t len = strnlen(b, NEAREST_WORD_MAX);
	unsigned diagonal, above;
	size_t i, j;

	for (j = 0; j <= len; j++)
		row[j] = (unsigned)j;
	for (i = 0; i < NEAREST_WORD_MAX && a[i]; i++) {
		diagonal = row[0]++;
		for (j = 0; j < len; j++) {
			above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[len];
}

static const char *name_at(const char *const *names, size_t at, size_t stride)
{
	return *(const char *const *)(const void *)((const char *)names + at * stride);
}

size_t nearest_index(const char *word, const char *const *names, size_t n, size_t stride)
{
	unsigned least_distance = nearest_distance(word, *names);
	size_t best = 0;
	unsigned distance;
	size_t i;

	for (i = 1; i < n; i++) {
		distance = nearest_distance(word, name_at(names, i, stride));
		if (distance >= least_distance)
			continue;
		least_distance = distance;
		best = i;
	}
	return best;
}
