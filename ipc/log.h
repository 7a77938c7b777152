/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/log.h - one line per message: `key=value` on stderr, sentences on a terminal, journald's <N>
 * in front where stderr is the journal's stream; or, after log_join_journal(), messages with fields
 * in the journal. Only main.c files and state machines log; everything else returns errors.
 *
 * Addresses of devices are shown at level debug only, wherever a text has them: of the six octets
 * the last two stay, so that lines can be told apart. Values are never given to these functions.
 * Control characters of a text become `?`: one call is one line. Below debug nobody writes
 * more than log_rate.h allows.
 *
 * Never blocks, whoever reads: a line that is not taken at once is lost and counted, and the next
 * one that is taken says how many were. One thread.
 */
#include "ipc/base.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* What a line is about: BLEHERD_EVENT, BLEHERD_ADAPTER, ... What is NULL, "" or 0 is left out. */
struct log_fields {
	const char *event; /* static storage: log_rate.h tells events apart by it */
	const char *adapter;
	const char *child;
	const char *class_name;
	const char *step;
	uint64_t address;
	uint32_t session;
};

/**
 * log_setup() - name this process in every line and set what is shown
 * @tag:   short, static storage; e.g. "worker hci0"
 * @level: least important level that is written
 *
 * Looks at what stderr is and may open it a second time, so call it before privileges are given up.
 * SIGPIPE is ignored from then on: a reader that goes away is none of our business.
 */
void log_setup(const char *tag, enum log_level level);

/**
 * log_join_journal() - lines go to systemd's journal, with their fields, if that is where stderr
 * goes
 *
 * JOURNAL_STREAM says so. Opens a datagram socket, by which messages reach any other, too: not for
 * processes that give up their rights. For tests $BLEHERD_JOURNAL_SOCKET is the path, whatever
 * stderr is.
 */
void log_join_journal(void);

/* From now on; opens nothing. */
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *format, ...) _printf_(2, 3);

/* A line of something that has a name; @text is for people, without what the fields say. */
void log_event(enum log_level level, const struct log_fields *fields, const char *text);

/* Tells what was held back or lost, if nobody writes a line for a while. */
void log_tick(void);

/* Both forms of an address, with colons and as in BlueZ's paths, in place. Pure. */
void log_redact(char *line);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
