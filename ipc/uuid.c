/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/uuid.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Bluetooth Core, vol 3 part B 2.5.1: the base to which 16 and 32 bit UUIDs are offsets. */
static const struct uuid BASE = { .octets = { 0, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5f,
					      0x9b, 0x34, 0xfb } };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EINVAL;
}

static bool is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

static int parse_full(const char *text, struct uuid *out_uuid)
{
	struct uuid uuid = { 0 };
	size_t digit = 0;
	size_t i;
	int value;

	for (i = 0; i < UUID_TEXT_LEN; i++) {
		if (is_dash_place(i)) {
			if (text[i] != '-')
				return -EINVAL;
			continue;
		}
		value = hex_digit(text[i]);
		if (value < 0)
			return -EINVAL;
		uuid.octets[digit / 2] = (uint8_t)(uuid.octets[digit / 2] << 4 | value);
		digit++;
	}
	*out_uuid = uuid;
	return 0;
}

int uuid_parse(const char *text, struct uuid *out_uuid)
{
	struct uuid uuid = BASE;
	uint32_t number = 0;
	size_t len;
	size_t i;
	int value;

	len = strlen(text);
	if (len == UUID_TEXT_LEN)
		return parse_full(text, out_uuid);
	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		len -= 2;
	}
	if (len != 4 && len != 8)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		value = hex_digit(text[i]);
		if (value < 0)
			return -EINVAL;
		number = number << 4 | (uint32_t)value;
	}
	for (i = 0; i < 4; i++)
		uuid.octets[i] = (uint8_t)(number >> (24 - 8 * i));
	*out_uuid = uuid;
	return 0;
}

void uuid_format(const struct uuid *uuid, char out_text[UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t digit = 0;
	size_t i;

	for (i = 0; i < UUID_TEXT_LEN; i++) {
		if (is_dash_place(i)) {
			out_text[i] = '-';
			continue;
		}
		out_text[i] = digits[uuid->octets[digit / 2] >> (digit % 2 ? 0 : 4) & 15];
		digit++;
	}
	out_text[UUID_TEXT_LEN] = '\0';
}

void uuid_format_short(const struct uuid *uuid, char out_text[UUID_TEXT_LEN + 1])
{
	const uint8_t *o = uuid->octets;

	if (memcmp(o + 4, BASE.octets + 4, 12) != 0) {
		uuid_format(uuid, out_text);
		return;
	}
	if (o[0] == 0 && o[1] == 0)
		(void)snprintf(out_text, UUID_TEXT_LEN + 1, "%02x%02x", o[2], o[3]);
	else
		(void)snprintf(out_text, UUID_TEXT_LEN + 1, "%02x%02x%02x%02x", o[0], o[1], o[2],
			       o[3]);
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}
