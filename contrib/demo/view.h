/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/view.h - how the demo looks: a live table on a terminal, lines elsewhere.
 *
 * The table has the terminal's second screen, so that nothing of it is left behind; view_end()
 * gives the first one back and must be called on every way out.
 */
#include "contrib/demo/tally.h"

#define VIEW_LINES 40 /* of the story, for the lower part of the table */

enum view_tone { TONE_PLAIN, TONE_STRONG, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_COUNT };

struct view_line {
	uint64_t at_us; /* since the start */
	enum view_tone tone;
	char text[160];
};

struct view {
	bool is_table;
	bool has_colour;
	bool is_utf8;
	bool is_changed;
	unsigned rows, columns;
	uint64_t from_us;
	uint64_t drawn_at_us;
	const char *scene;
	struct view_line lines[VIEW_LINES]; /* a ring */
	size_t count;
};

/* Decides table or lines, and prints what is going to happen. @plain: lines in any case. */
void view_begin(struct view *view, bool plain);

/* Back to the terminal as it was, with the last state of the table. Twice is fine. */
void view_end(struct view *view, const struct tally *tally);

/* The terminal's size may have changed. */
void view_resize(struct view *view);

/* One line of the story; @who: a program, bleherdd, or the demo. */
_printf_(4, 5) void view_say(struct view *view, enum view_tone tone, const char *who,
			     const char *format, ...);

/* Redraws if something changed and the last time was long enough ago. Returns milliseconds until
 * it wants to be called again, -1: not before something changes. */
int view_draw(struct view *view, const struct tally *tally);

/* Escape sequences, or "" without colour. */
const char *view_on(const struct view *view, enum view_tone tone);
const char *view_off(const struct view *view);

/* "840 us", "12.3 ms", "1.24 s". */
struct view_duration {
	char text[32];
};
struct view_duration view_duration(uint64_t us);
