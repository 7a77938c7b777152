/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/log_lines.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/addr.h"
#include "ipc/log_ids.h"

enum { ADDR_HIDDEN_LEN = 12 /* "C0:AA:BB:CC:" */ };

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

/* --- text that fits, on one line --- */

struct text {
	char *at;
	size_t len;
	size_t size;
};

static void add(struct text *text, const char *format, ...) _printf_(2, 3);

static void add(struct text *text, const char *format, ...)
{
	size_t room = text->size - text->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at + text->len, room, format, args);
	va_end(args);
	if (n > 0)
		text->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void finish(struct text *text, bool is_full)
{
	char *c;

	/*
	 * Texts come from programs, from workers that may have gone mad, from bluetoothd: none may
	 * begin a line or a field of its own, nor reach a terminal. What is not ASCII is somebody's
	 * language.
	 */
	for (c = text->at; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	if (!is_full)
		log_redact(text->at);
	/* No half address at the end: nobody would know it for one. */
	if (text->len == text->size - 1)
		text->at[text->len - ADDR_TEXT_LEN] = '\0';
}

static void add_pair(struct text *text, const char *key, const char *value)
{
	if (value && value[0])
		add(text, " %s=%s", key, value);
}

static const char *address_text(const struct log_fields *fields, char out[ADDR_TEXT_LEN + 1])
{
	if (fields->address == 0)
		return NULL;
	addr_format(fields->address, out);
	return out;
}

void log_line_pairs(const struct log_message *message, char out[LOG_LINE_LEN])
{
	const struct log_fields *fields = &message->fields;
	struct text text = { .at = out, .size = LOG_LINE_LEN };
	char address[ADDR_TEXT_LEN + 1];

	if (fields->event) {
		add(&text, "event=%s", fields->event);
		add_pair(&text, "adapter", fields->adapter);
		add_pair(&text, "child", fields->child);
		add_pair(&text, "device", address_text(fields, address));
		if (fields->session)
			add(&text, " session=%" PRIu32, fields->session);
		add_pair(&text, "class", fields->class_name);
		add_pair(&text, "step", fields->step);
		add(&text, " text=\"%s\"", message->text);
	} else {
		add(&text, "%s", message->text);
	}
	finish(&text, message->is_full);
}

void log_line_sentence(const struct log_message *message, char out[LOG_LINE_LEN])
{
	const struct log_fields *fields = &message->fields;
	struct text text = { .at = out, .size = LOG_LINE_LEN };
	char address[ADDR_TEXT_LEN + 1];

	if (fields->adapter && fields->adapter[0])
		add(&text, "%s ", fields->adapter);
	if (fields->address)
		add(&text, "%s ", address_text(fields, address));
	if (fields->event)
		add(&text, "%s: ", fields->event);
	add(&text, "%s", message->text);
	finish(&text, message->is_full);
}

/* --- journald --- */

/* `KEY=value\n`: the other form, with a length, is for values that have a line end in them. */
static void add_field(struct text *datagram, bool is_full, const char *key, const char *value)
{
	char clean[LOG_LINE_LEN];
	struct text text = { .at = clean, .size = sizeof(clean) };

	if (!value || !value[0])
		return;
	add(&text, "%s", value);
	finish(&text, is_full);
	add(datagram, "%s=%s\n", key, clean);
}

size_t log_line_datagram(const struct log_message *message, char out[LOG_DATAGRAM_LEN])
{
	const struct log_fields *fields = &message->fields;
	struct text datagram = { .at = out, .size = LOG_DATAGRAM_LEN };
	bool is_full = message->is_full;
	char address[ADDR_TEXT_LEN + 1];
	char line[LOG_LINE_LEN];

	log_line_sentence(message, line);
	add_field(&datagram, is_full, "MESSAGE", line);
	add(&datagram, "PRIORITY=%d\n", (int)message->level);
	add_field(&datagram, is_full, "SYSLOG_IDENTIFIER", message->tag);
	if (fields->event)
		add_field(&datagram, is_full, "MESSAGE_ID", log_id(fields->event));
	add_field(&datagram, is_full, "BLEHERD_EVENT", fields->event);
	add_field(&datagram, is_full, "BLEHERD_ADAPTER", fields->adapter);
	add_field(&datagram, is_full, "BLEHERD_CHILD", fields->child);
	add_field(&datagram, is_full, "BLEHERD_DEVICE", address_text(fields, address));
	if (fields->session)
		add(&datagram, "BLEHERD_SESSION=%" PRIu32 "\n", fields->session);
	add_field(&datagram, is_full, "BLEHERD_CLASS", fields->class_name);
	add_field(&datagram, is_full, "BLEHERD_STEP", fields->step);
	return datagram.len;
}
