/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/feed.h"

#include <string.h>

static const uint64_t NUMBERS[] = {
	0,
	1,
	2,
	3,
	7,
	100,
	1000,
	60000,
	0xc0aabb000001u,
	0xc0aabb000002u,
	0xc0aabb000003u,
	255,
	4096,
	65535,
	INT32_MAX,
	UINT32_MAX,
	INT64_MAX,
	UINT64_MAX,
};

static const char *const WORDS[] = {
	"",
	"hci0",
	"hci1",
	"hci255",
	"C0:AA:BB:00:00:01",
	"C0:AA:BB:00:00:02",
	"connect:hci0",
	"connect:hci1",
	"scan:hci0",
	"maintenance:hci0",
	"device:C0:AA:BB:00:00:01",
	"device:C0:AA:BB:00:00:02",
	"power",
	"usb",
	"bluetoothd",
	"a program",
};

uint8_t feed_u8(struct feed *feed)
{
	if (feed->left == 0)
		return 0;
	feed->left--;
	return *feed->at++;
}

uint32_t feed_u32(struct feed *feed)
{
	uint32_t value = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		value |= (uint32_t)feed_u8(feed) << 8 * i;
	return value;
}

uint32_t feed_below(struct feed *feed, uint32_t n)
{
	return feed_u8(feed) % n;
}

uint64_t feed_number(struct feed *feed)
{
	uint8_t choice = feed_u8(feed);

	if (choice < 128)
		return NUMBERS[choice % ARRAY_LEN(NUMBERS)];
	if (choice < 224)
		return feed_u8(feed);
	if (choice < 248)
		return feed_u32(feed);
	return (uint64_t)feed_u32(feed) << 32 | feed_u32(feed);
}

size_t feed_bytes(struct feed *feed, size_t max, const uint8_t **out)
{
	size_t n = max < feed->left ? max : feed->left;

	*out = feed->at;
	feed->at += n;
	feed->left -= n;
	return n;
}

void feed_text(struct feed *feed, char *out, size_t size)
{
	uint8_t choice = feed_u8(feed);
	const uint8_t *bytes;
	size_t n;

	if (choice < 192) {
		n = strlen(WORDS[choice % ARRAY_LEN(WORDS)]);
		n = n < size ? n : size - 1;
		memcpy(out, WORDS[choice % ARRAY_LEN(WORDS)], n);
	} else {
		n = feed_bytes(feed, choice - 192u < size - 1 ? choice - 192u : size - 1, &bytes);
		memcpy(out, n > 0 ? (const char *)bytes : "", n);
	}
	out[n] = '\0';
}

void feed_touch(const void *data, size_t len)
{
	static volatile uint8_t sink;
	const uint8_t *at = data;
	size_t i;

	for (i = 0; i < len; i++)
		sink = (uint8_t)(sink ^ at[i]);
}
