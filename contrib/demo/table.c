/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/table.c - draws the tally. No state: each frame is written anew, line by line over
 * the old one and in one piece, so that nothing flickers. Plain ASCII, so that bytes are columns.
 */
#include "contrib/demo/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contrib/demo/client.h"

#define FRAME_BYTES 16384
#define COLUMNS_MAX 200

struct frame {
	const struct view *view;
	bool is_live; /* over the old frame, not below it */
	unsigned rows;
	size_t len;
	char text[FRAME_BYTES];
};

static const char *const intro[] = {
	"Three programs share six peripherals over two adapters; one link is cut, one",
	"worker killed. On bare BlueZ they would block each other and lose their links.",
};

static _printf_(2, 3) void put(struct frame *frame, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(frame->text + frame->len, FRAME_BYTES - frame->len, format, args);
	va_end(args);
	/* What does not fit is cut: a frame is at most some 30 lines of 200 columns. */
	if (n > 0 && frame->len + (size_t)n < FRAME_BYTES)
		frame->len += (size_t)n;
}

/* One line, cut to the terminal's width: a line that wraps would move all below it. */
static _printf_(3, 4) void row(struct frame *frame, enum view_tone tone, const char *format, ...)
{
	unsigned width = frame->view->columns > COLUMNS_MAX ? COLUMNS_MAX : frame->view->columns;
	char line[COLUMNS_MAX + 1];
	va_list args;

	if (frame->is_live && frame->rows >= frame->view->rows)
		return;
	/* A line feed at the bottom would scroll. */
	if (frame->is_live && frame->rows > 0)
		put(frame, "\r\n");
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(frame, "%s%.*s%s%s", view_on(frame->view, tone), (int)width, line,
	    view_off(frame->view), frame->is_live ? "\033[K" : "\n");
	frame->rows++;
}

static void put_adapters(struct frame *frame, const struct tally *tally)
{
	for (uint32_t i = 0; i < tally->adapter_count; i++) {
		const struct adapter *adapter = &tally->adapters[i];
		bool is_ready = strcmp(adapter->state, "ready") == 0;

		row(frame, is_ready ? TONE_PLAIN : TONE_WARN,
		    "%-5s worker %-8" PRIu32 " %-9s %" PRIu32 " links  %" PRIu32 " sessions",
		    adapter->name, adapter->worker_pid, adapter->state, adapter->links,
		    adapter->sessions);
	}
}

static void format_rssi(char out[8], int rssi_dbm)
{
	(void)snprintf(out, 8, "%d", rssi_dbm);
	if (rssi_dbm == 0 || rssi_dbm == BH_RSSI_UNKNOWN)
		memcpy(out, "-", 2);
}

static void put_peripheral(struct frame *frame, const struct tally *tally, uint32_t index)
{
	const struct peripheral *peripheral = &tally->peripherals[index];
	const char *adapter = tally_link_adapter(tally, index);
	char address[18], rssi[DEMO_ADAPTERS][8], users[40] = "";
	enum view_tone tone = adapter ? TONE_GOOD : TONE_PLAIN;

	bh_format_address(report_address(index), address);
	for (unsigned a = 0; a < DEMO_ADAPTERS; a++)
		format_rssi(rssi[a], peripheral->rssi_dbm[a]);
	for (unsigned p = 0; p < PROGRAM_COUNT; p++) {
		size_t len = strlen(users);

		if (tally->uses[p][index].is_troubled)
			tone = TONE_WARN;
		if (tally->uses[p][index].is_held)
			(void)snprintf(users + len, sizeof(users) - len, "%s%s", len ? " " : "",
				       client_role((enum program)p)->name);
	}
	row(frame, tone, "%-6s %s %4s %4s  %-4s %-23s %-8s %5" PRIu32, peripheral->name, address,
	    rssi[0], rssi[1], adapter ? adapter : "", users, peripheral->value,
	    peripheral->notifications);
}

static void put_peripherals(struct frame *frame, const struct tally *tally)
{
	row(frame, TONE_STRONG, "%-6s %-17s %4s %4s  %-4s %-23s %-8s %5s", "name", "address",
	    tally->adapters[0].name, tally->adapters[1].name, "via", "used by", "value", "notif");
	for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++)
		put_peripheral(frame, tally, i);
}

static void put_programs(struct frame *frame, const struct tally *tally)
{
	uint32_t missed = 0, gaps = 0;

	for (uint32_t i = 0; i < DEMO_PERIPHERALS; i++) {
		missed += tally->peripherals[i].missed;
		gaps += tally->peripherals[i].gaps + tally->peripherals[i].twice;
	}
	row(frame, TONE_PLAIN,
	    "collector  %4" PRIu32 " notifications, %" PRIu32 " lost or twice, %" PRIu32
	    " missed over the accidents",
	    tally_notifications(tally), gaps, missed);
	row(frame, TONE_PLAIN, "logger     %4" PRIu32 " tours over all six, the last in %s",
	    tally->tours, view_duration(tally->tour_us).text);
	row(frame, TONE_PLAIN,
	    "switch     %4" PRIu32 " values written and read back, %" PRIu32 " differed",
	    tally->same, tally->different);
}

static void put_story(struct frame *frame)
{
	const struct view *view = frame->view;
	size_t room = view->rows - frame->rows;
	size_t kept = view->count < VIEW_LINES ? view->count : VIEW_LINES;
	size_t first = view->count - (kept < room ? kept : room);

	for (size_t i = first; i < view->count; i++) {
		const struct view_line *line = &view->lines[i % VIEW_LINES];

		row(frame, line->tone, "%4" PRIu64 ".%" PRIu64 "  %s", line->at_us / 1000000,
		    line->at_us / 100000 % 10, line->text);
	}
}

void table_print_intro(const struct view *view)
{
	for (size_t i = 0; i < ARRAY_LEN(intro); i++)
		(void)printf("%s\n", intro[i]);
	if (!view->is_table)
		(void)putchar('\n');
}

void table_draw(const struct view *view, const struct tally *tally)
{
	struct frame frame = { .view = view, .is_live = true };
	uint64_t at_us = report_clock_us() - view->from_us;

	put(&frame, "\033[H");
	row(&frame, TONE_STRONG, "bleherd demo  %3" PRIu64 ".%" PRIu64 " s  %s", at_us / 1000000,
	    at_us / 100000 % 10, view->scene);
	for (size_t i = 0; i < ARRAY_LEN(intro); i++)
		row(&frame, TONE_PLAIN, "%s", intro[i]);
	row(&frame, TONE_PLAIN, "%s", "");
	put_adapters(&frame, tally);
	put_peripherals(&frame, tally);
	row(&frame, TONE_PLAIN, "%s", "");
	put_programs(&frame, tally);
	row(&frame, TONE_PLAIN, "%s", "");
	put_story(&frame);
	put(&frame, "\033[J");
	(void)fwrite(frame.text, 1, frame.len, stdout);
	(void)fflush(stdout);
}

void table_print_last(const struct view *view, const struct tally *tally)
{
	struct frame frame = { .view = view };

	row(&frame, TONE_PLAIN, "%s", "");
	put_peripherals(&frame, tally);
	(void)fwrite(frame.text, 1, frame.len, stdout);
}
