/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/words.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

enum { WORD_MAX = 32 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

static bool is_hex_separator(char c)
{
	return c == ' ' || c == ':' || c == '-' || c == '\t' || c == '\n';
}

int words_parse_hex(const char *text, uint8_t *out, size_t size, size_t *out_len)
{
	size_t n = 0;
	int high;
	int low;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	while (*text != '\0') {
		if (is_hex_separator(*text)) {
			text++;
			continue;
		}
		high = hex_digit(text[0]);
		if (high < 0)
			return -EINVAL;
		low = hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		if (n == size)
			return -E2BIG;
		out[n++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	*out_len = n;
	return 0;
}

int words_parse_seconds(const char *text, uint32_t *out_ms)
{
	uint64_t ms = 0;
	uint64_t unit = 100;
	bool has_digit = false;

	for (; *text >= '0' && *text <= '9'; text++) {
		ms = ms * 10 + (uint64_t)(*text - '0') * 1000;
		has_digit = true;
		if (ms > UINT32_MAX)
			return -ERANGE;
	}
	if (*text == '.')
		text++;
	else if (*text != '\0')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		ms += (uint64_t)(*text - '0') * unit;
		unit /= 10;
		has_digit = true;
	}
	if (*text != '\0' || !has_digit)
		return -EINVAL;
	if (ms > UINT32_MAX)
		return -ERANGE;
	*out_ms = (uint32_t)ms;
	return 0;
}

int words_parse_number(const char *text, long min, long max, long *out)
{
	char *end;
	long number;

	/* strtol() would take leading blanks. */
	if (*text == '\0' || strchr(" \t\n\v\f\r", *text))
		return -EINVAL;
	errno = 0;
	number = strtol(text, &end, 10);
	if (*end != '\0' || end == text)
		return -EINVAL;
	if (errno == ERANGE || number < min || number > max)
		return -ERANGE;
	*out = number;
	return 0;
}

bool words_is_adapter(const char *text)
{
	size_t digits;

	if (strncmp(text, "hci", 3) != 0)
		return false;
	digits = strspn(text + 3, "0123456789");
	return digits >= 1 && digits <= 5 && text[3 + digits] == '\0';
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits from one word to the other; two neighbours swapped count as one (optimal alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t d[3][WORD_MAX + 1];
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);
	size_t i;
	size_t j;
	size_t *row;

	if (len_a > WORD_MAX || len_b > WORD_MAX)
		return SIZE_MAX;
	for (j = 0; j <= len_b; j++)
		d[0][j] = j;
	for (i = 1; i <= len_a; i++) {
		row = d[i % 3];
		row[0] = i;
		for (j = 1; j <= len_b; j++) {
			row[j] = min3(d[(i - 1) % 3][j] + 1, row[j - 1] + 1,
				      d[(i - 1) % 3][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min3(row[j], row[j], d[(i - 2) % 3][j - 2] + 1);
		}
	}
	return d[len_a % 3][len_b];
}

const char *words_suggest(const char *word, const char *const *list, size_t n)
{
	const char *best = NULL;
	size_t len = strlen(word);
	size_t best_distance = len < 3 ? 1 : 1 + len / 3;
	size_t i;
	size_t edits;

	for (i = 0; i < n; i++) {
		edits = distance(word, list[i]);
		/* "dev" for devices: the start of a word is a good guess too, but never the best.
		 */
		if (len >= 2 && strncmp(word, list[i], len) == 0)
			edits = 1;
		if (edits < best_distance || (!best && edits == best_distance)) {
			best_distance = edits;
			best = list[i];
		}
	}
	return best;
}

void words_hex(const uint8_t *value, size_t len, const char *separator, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		if (i > 0 && *separator != '\0')
			*out++ = *separator;
		*out++ = digits[value[i] >> 4];
		*out++ = digits[value[i] & 15];
	}
	*out = '\0';
}

void words_printable(const uint8_t *value, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = value[i] >= 0x20 && value[i] < 0x7f ? (char)value[i] : '.';
	out[len] = '\0';
}

bool words_is_text(const uint8_t *value, size_t len)
{
	mbstate_t state = { 0 };
	const char *at = (const char *)value;
	wchar_t c;
	size_t used;

	if (len == 0)
		return false;
	while (len > 0) {
		used = mbrtowc(&c, at, len, &state);
		/* 0: a NUL; the two largest: not a character, or half of one */
		if (used == 0 || used > len || !iswprint((wint_t)c))
			return false;
		at += used;
		len -= used;
	}
	return true;
}

/* Bytes of the printable character at @text; 0 if it is none. */
static size_t char_len(const char *text, size_t len, size_t *out_width)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t used = mbrtowc(&c, text, len, &state);
	int width;

	if (used == 0 || used > len || !iswprint((wint_t)c))
		return 0;
	width = wcwidth(c);
	if (width < 0)
		return 0;
	*out_width = (size_t)width;
	return used;
}

void words_clean(const char *text, char *out, size_t size)
{
	size_t len = strlen(text);
	size_t width;
	size_t used;

	while (len > 0 && size > 1) {
		used = char_len(text, len, &width);
		if (used >= size)
			break;
		if (used == 0) {
			*out = '?';
			used = 1;
		} else {
			memcpy(out, text, used);
		}
		out += used;
		size -= used;
		text += used;
		len -= used;
	}
	*out = '\0';
}

size_t words_width(const char *text)
{
	size_t len = strlen(text);
	size_t total = 0;
	size_t width;
	size_t used;

	while (len > 0) {
		width = 1;
		used = char_len(text, len, &width);
		if (used == 0)
			used = 1;
		total += width;
		text += used;
		len -= used;
	}
	return total;
}

void words_cut(char *text, size_t width)
{
	size_t len = strlen(text);
	size_t total = 0;
	size_t step;
	size_t used;

	if (width == 0 || words_width(text) <= width)
		return;
	while (len > 0) {
		step = 1;
		used = char_len(text, len, &step);
		if (used == 0)
			used = 1;
		if (total + step > width - 1)
			break;
		total += step;
		text += used;
		len -= used;
	}
	/* What is lost takes at least the two bytes that this needs. */
	text[0] = '~';
	text[1] = '\0';
}

void words_duration(uint64_t ms, char out[WORDS_SHORT_LEN])
{
	static const struct {
		uint64_t below_ms;
		uint64_t unit_ms;
		const char *name;
	} scale[] = {
		{ 120000, 1000, "s" },
		{ 7200000, 60000, "min" },
		{ 172800000, 3600000, "h" },
		{ UINT64_MAX, 86400000, "d" },
	};
	size_t i = 0;

	if (ms < 1000) {
		(void)snprintf(out, WORDS_SHORT_LEN, "%u ms", (unsigned)ms);
		return;
	}
	if (ms < 10000) {
		(void)snprintf(out, WORDS_SHORT_LEN, "%u.%u s", (unsigned)(ms / 1000),
			       (unsigned)(ms % 1000 / 100));
		return;
	}
	while (i + 1 < ARRAY_LEN(scale) && ms >= scale[i].below_ms)
		i++;
	(void)snprintf(out, WORDS_SHORT_LEN, "%u %s", (unsigned)(ms / scale[i].unit_ms),
		       scale[i].name);
}

void words_clock(uint64_t at_ms, char out[WORDS_SHORT_LEN])
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm)) {
		(void)snprintf(out, WORDS_SHORT_LEN, "--:--:--");
		return;
	}
	(void)snprintf(out, WORDS_SHORT_LEN, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min,
		       tm.tm_sec, (unsigned)(at_ms % 1000));
}
