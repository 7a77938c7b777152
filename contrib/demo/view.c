/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/view.c - the two ways to show the story; see view.h. What the table looks like is
 * in table.c. Owns the state of the terminal between view_begin() and view_end().
 */
#include "contrib/demo/view.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "contrib/demo/table.h"

/* Smaller than this shows nothing useful. */
#define ROWS_MIN    18
#define COLUMNS_MIN 60
#define FRAME_US    (100 * 1000)

/* Second screen, cursor off; and back. */
#define SCREEN_ON  "\033[?1049h\033[?25l\033[H\033[2J"
#define SCREEN_OFF "\033[?25h\033[?1049l"

const char *view_on(const struct view *view, enum view_tone tone)
{
	static const char *const sequences[TONE_COUNT] = {
		[TONE_PLAIN] = "",	  [TONE_STRONG] = "\033[1m", [TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m",
	};

	return view->has_colour ? sequences[tone] : "";
}

const char *view_off(const struct view *view)
{
	return view->has_colour ? "\033[0m" : "";
}

struct view_duration view_duration(uint64_t us)
{
	struct view_duration out;

	if (us < 1000)
		(void)snprintf(out.text, sizeof(out.text), "%" PRIu64 " us", us);
	else if (us < 100 * 1000)
		(void)snprintf(out.text, sizeof(out.text), "%" PRIu64 ".%" PRIu64 " ms", us / 1000,
			       us % 1000 / 100);
	else if (us < 1000 * 1000)
		(void)snprintf(out.text, sizeof(out.text), "%" PRIu64 " ms", us / 1000);
	else
		(void)snprintf(out.text, sizeof(out.text), "%" PRIu64 ".%02" PRIu64 " s",
			       us / 1000000, us % 1000000 / 10000);
	return out;
}

void view_resize(struct view *view)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) {
		size.ws_row = 24;
		size.ws_col = 80;
	}
	view->rows = size.ws_row;
	view->columns = size.ws_col;
	view->is_changed = true;
	if (view->is_table)
		(void)fputs("\033[2J", stdout);
}

static bool is_terminal(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDOUT_FILENO) && kind && kind[0] && strcmp(kind, "dumb") != 0;
}

void view_begin(struct view *view, bool plain)
{
	const char *no_colour = getenv("NO_COLOR");

	*view = (struct view){ .from_us = report_clock_us(), .scene = "" };
	(void)setlocale(LC_CTYPE, "");
	view->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	view_resize(view);
	view->has_colour = is_terminal() && !(no_colour && no_colour[0]);
	view->is_table =
		is_terminal() && !plain && view->rows >= ROWS_MIN && view->columns >= COLUMNS_MIN;
	table_print_intro(view);
	if (view->is_table)
		(void)fputs(SCREEN_ON, stdout);
	(void)fflush(stdout);
}

void view_end(struct view *view, const struct tally *tally)
{
	if (!view->is_table)
		return;
	view->is_table = false;
	(void)fputs(SCREEN_OFF, stdout);
	table_print_last(view, tally);
	(void)fflush(stdout);
}

void view_say(struct view *view, enum view_tone tone, const char *who, const char *format, ...)
{
	struct view_line *line = &view->lines[view->count++ % VIEW_LINES];
	char text[sizeof(line->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	line->at_us = report_clock_us() - view->from_us;
	line->tone = tone;
	(void)snprintf(line->text, sizeof(line->text), "%-9s  %.140s", who, text);
	view->is_changed = true;
	if (view->is_table)
		return;
	(void)printf("%3" PRIu64 ".%03" PRIu64 "  %s%s%s\n", line->at_us / 1000000,
		     line->at_us / 1000 % 1000, view_on(view, tone), line->text, view_off(view));
	(void)fflush(stdout);
}

int view_draw(struct view *view, const struct tally *tally)
{
	uint64_t now_us = report_clock_us();

	if (!view->is_table || !view->is_changed)
		return -1;
	if (now_us < view->drawn_at_us + FRAME_US)
		return (int)((view->drawn_at_us + FRAME_US - now_us + 999) / 1000);
	view->is_changed = false;
	view->drawn_at_us = now_us;
	table_draw(view, tally);
	return -1;
}
