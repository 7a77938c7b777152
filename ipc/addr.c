/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/addr.h"

#include <string.h>

static const char DIGITS[] = "0123456789ABCDEF";

static int hex_digit(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'f')
		c = (char)(c - 'a' + 'A');
	at = c == '\0' ? NULL : strchr(DIGITS, c);
	return at ? (int)(at - DIGITS) : -EINVAL;
}

int addr_parse(const char *text, uint64_t *out_addr)
{
	uint64_t addr = 0;
	size_t i;
	int value;

	for (i = 0; i < ADDR_TEXT_LEN; i++) {
		if (i % 3 == 2) {
			if (text[i] != ':' && text[i] != '_')
				return -EINVAL;
			continue;
		}
		value = hex_digit(text[i]);
		if (value < 0)
			return -EINVAL;
		addr = addr << 4 | (uint64_t)value;
	}
	if (text[ADDR_TEXT_LEN] != '\0' || addr == 0)
		return -EINVAL;
	*out_addr = addr;
	return 0;
}

static void format(uint64_t addr, char separator, char out_text[ADDR_TEXT_LEN + 1])
{
	unsigned shift = 48;
	size_t i;

	for (i = 0; i < ADDR_TEXT_LEN; i++) {
		if (i % 3 == 2) {
			out_text[i] = separator;
			continue;
		}
		shift -= 4;
		out_text[i] = DIGITS[addr >> shift & 15];
	}
	out_text[ADDR_TEXT_LEN] = '\0';
}

void addr_format(uint64_t addr, char out_text[ADDR_TEXT_LEN + 1])
{
	format(addr, ':', out_text);
}

void addr_format_path(uint64_t addr, char out_text[ADDR_TEXT_LEN + 1])
{
	format(addr, '_', out_text);
}
