/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/log_lines.h - what a line of the log looks like: as key=value, for a person, as a datagram of
 * journald's native protocol. Only ipc/log.c calls it. Pure.
 */
#include "ipc/log.h"

enum { LOG_LINE_LEN = 512, LOG_DATAGRAM_LEN = 2048 };

/* One message, before it has a form. */
struct log_message {
	enum log_level level;
	const char *tag;
	struct log_fields fields;
	const char *text;
	bool is_full; /* addresses are shown */
};

/**
 * log_line_pairs() - `event=... adapter=... text="..."`, or the text alone if there is no event
 * @out: NUL-terminated; without control characters, addresses redacted unless @message->is_full.
 * One that is too long is cut, though never within an address
 */
void log_line_pairs(const struct log_message *message, char out[LOG_LINE_LEN]);

/* `hci0 worker-died: ...`, in the same way. */
void log_line_sentence(const struct log_message *message, char out[LOG_LINE_LEN]);

/**
 * log_line_datagram() - MESSAGE, PRIORITY, MESSAGE_ID where log_ids.h has one, and the fields
 *
 * Its length in bytes.
 */
size_t log_line_datagram(const struct log_message *message, char out[LOG_DATAGRAM_LEN]);
