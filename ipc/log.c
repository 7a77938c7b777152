/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len + 1) < 0)
		logger.dropped++;
}
