/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/fuzz/quiet.c - in place of ipc/log.c: lines are made, since a wrong format or a dangling
 * argument shows then, and dropped.
 */
#include "ipc/log.h"
#include "ipc/log_lines.h"
#include "tests/fuzz/feed.h"

#include <stdarg.h>
#include <stdio.h>

void log_setup(const char *tag, enum log_level level)
{
	(void)tag;
	(void)level;
}

void log_join_journal(void)
{
}

void log_set_level(enum log_level level)
{
	(void)level;
}

void log_tick(void)
{
}

void log_event(enum log_level level, const struct log_fields *fields, const char *text)
{
	struct log_message message = {
		.level = level, .tag = "fuzz", .fields = *fields, .text = text
	};
	char line[LOG_LINE_LEN];

	log_line_pairs(&message, line);
	log_line_sentence(&message, line);
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[512];
	va_list args;

	(void)level;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
}
