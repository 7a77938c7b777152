/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/nearest.h - which known word somebody meant who mistyped one. Pure.
 */
#include "ipc/base.h"

enum { NEAREST_WORD_MAX = 32 }; /* longer words are compared up to here */

/* How many letters one must change, add or leave out to get from one word to the other. */
unsigned nearest_distance(const char *a, const char *b);
