/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/promises.h - what the demo promised, each with its evidence, and whether it held.
 */
#include "contrib/demo/view.h"

/* Sorts the samples in @tally. Prints the summary; true if every promise was kept. */
bool promises_print(const struct view *view, struct tally *tally);
