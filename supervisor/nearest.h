/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/nearest.h - which known word somebody meant who mistyped one. Pure.
 */
#include "ipc/base.h"

enum { NEAREST_WORD_MAX = 32 }; /* longer words are compared up to here */

/* How many letters one must change, add or leave out to get from one word to the other. */
unsigned nearest_distance(const char *a, const char *b);

/**
 * nearest_index() - the same among the rows of a table
 * @names:  the name in the first row
 * @n:      rows, at least one
 * @stride: octets from one row to the next
 */
size_t nearest_index(const char *word, const char *const *names, size_t n, size_t stride);
