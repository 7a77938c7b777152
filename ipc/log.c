/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/log.h"

#include <ctype.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/addr.h"

enum { ADDR_HIDDEN_LEN = 12 /* "C0:AA:BB:CC:" */ };

/* The one process-wide state that STYLE 9 tolerates: set once in main(), before anything runs. */
static struct {
	const char *tag;
	enum log_level level;
	bool is_journal;
	unsigned dropped;
} logger = { .tag = "bleherd", .level = LOG_LEVEL_INFO };

void log_setup(const char *tag, enum log_level level)
{
	logger.tag = tag;
	logger.level = level;
	logger.is_journal = getenv("JOURNAL_STREAM") != NULL;
}

static bool stderr_takes(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* XX:XX:XX:XX:XX:XX with either separator: the first of it, at a word's begin. */
static bool is_address(const char *at)
{
	const char between = at[2];
	size_t i;

	if (between != ':' && between != '_')
		return false;
	for (i = 0; i < ADDR_TEXT_LEN; i++)
		if (i % 3 == 2 ? at[i] != between : !isxdigit((unsigned char)at[i]))
			return false;
	return !isxdigit((unsigned char)at[i]);
}

void log_redact(char *line)
{
	size_t i;

	for (; line[0] && line[1] && line[2]; line++) {
		if (!is_address(line))
			continue;
		for (i = 0; i < ADDR_HIDDEN_LEN; i++)
			if (i % 3 != 2)
				line[i] = 'x';
		line += ADDR_TEXT_LEN - 1;
	}
}

/*
 * Texts come from programs, from workers that may have gone mad, from bluetoothd: none may begin a
 * line of its own, nor reach a terminal. What is not ASCII is somebody's language.
 */
static void make_one_line(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == '\x7f')
			*line = '?';
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[512];
	int len = 0;
	va_list args;

	if (level > logger.level)
		return;
	if (!stderr_takes()) {
		logger.dropped++;
		return;
	}
	if (logger.is_journal)
		len = snprintf(line, sizeof(line), "<%d>", (int)level);
	len += snprintf(line + len, sizeof(line) - (size_t)len, "%s: ", logger.tag);
	va_start(args, format);
	len += vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
	va_end(args);
	make_one_line(line);
	if (logger.level < LOG_LEVEL_DEBUG)
		log_redact(line);
	/* No half address at the end: nobody would know it for one. */
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2 - ADDR_TEXT_LEN;
	line[len] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len + 1) < 0)
		logger.dropped++;
}
