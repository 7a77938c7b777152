/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/value.h"

#include "ipc/client/cli/words.h"

enum { PER_LINE = 16 };

void value_write_line(FILE *stream, const uint8_t *value, size_t len)
{
	char hex[WORDS_HEX_MAX];
	char printable[WORDS_VALUE_MAX + 1];

	if (len > WORDS_VALUE_MAX)
		len = WORDS_VALUE_MAX;
	if (len == 0) {
		(void)fputs("(empty)\n", stream);
		return;
	}
	words_hex(value, len, " ", hex);
	words_printable(value, len, printable);
	(void)fprintf(stream, "%s  |%s|\n", hex, printable);
}

void value_write(FILE *stream, const uint8_t *value, size_t len)
{
	char hex[PER_LINE * 3 + 1];
	char printable[PER_LINE + 1];
	size_t at;
	size_t n;

	if (len <= PER_LINE) {
		value_write_line(stream, value, len);
		return;
	}
	for (at = 0; at < len; at += n) {
		n = len - at < PER_LINE ? len - at : PER_LINE;
		words_hex(value + at, n, " ", hex);
		words_printable(value + at, n, printable);
		(void)fprintf(stream, "%04zx  %-47s  |%s|\n", at, hex, printable);
	}
}

void value_json(json_t *object, const uint8_t *value, size_t len)
{
	char hex[WORDS_HEX_MAX];

	if (len > WORDS_VALUE_MAX)
		len = WORDS_VALUE_MAX;
	words_hex(value, len, "", hex);
	(void)json_object_set_new(object, "hex", json_string(hex));
	if (words_is_text(value, len))
		(void)json_object_set_new(object, "text", json_stringn((const char *)value, len));
}
