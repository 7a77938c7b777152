/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/table.h - the live table: what one frame of it consists of.
 */
#include "contrib/demo/view.h"

/* What is going to happen, and why it matters. */
void table_print_intro(const struct view *view);

/* One frame, over the old one. */
void table_draw(const struct view *view, const struct tally *tally);

/* The state at the end, to stay on the terminal. */
void table_print_last(const struct view *view, const struct tally *tally);
