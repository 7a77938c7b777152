/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/log.h - one line per message on stderr, `key=value`, with journald's <N> prefix where stderr
 * is the journal. Only main.c files and state machines log; everything else returns errors.
 * Addresses of devices are shown at level debug only, wherever a text has them: of the six octets
 * the last two stay, so that lines can be told apart. Control characters of a text become `?`: one
 * call is one line. Never blocks: a line that stderr does not take at once is dropped and counted.
 */
#include "ipc/base.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/**
 * log_setup() - name this process in every line and set what is shown
 * @tag:   short, static storage; e.g. "worker hci0"
 * @level: least important level that is written
 */
void log_setup(const char *tag, enum log_level level);

void log_write(enum log_level level, const char *format, ...) _printf_(2, 3);

/* Both forms of an address, with colons and as in BlueZ's paths, in place. Pure. */
void log_redact(char *line);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
