/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/bluez.h"

#include <stdio.h>
#include <string.h>

#define DEV "/org/bluez/hci0/dev_C0_AA_BB_00_00_0"

static const char *const PATHS[] = {
	"/org/bluez/hci0",
	DEV "1",
	DEV "2",
	DEV "3",
	DEV "1/service000a",
	DEV "1/service000a/char000b",
	DEV "1/service000a/char000d",
	DEV "1/service000a/char000b/desc000c",
	DEV "2/service000a",
	DEV "2/service000a/char000b",
	"/org/bluez/hci1",
	"/org/bluez/hci1/dev_C0_AA_BB_00_00_01",
	"/org/bluez",
	"/",
};

static const char *const INTERFACES[] = {
	"org.bluez.Device1",  "org.bluez.GattCharacteristic1",	 "org.bluez.GattService1",
	"org.bluez.Adapter1", "org.freedesktop.DBus.Properties",
};

/* What BlueZ has of each, and its type. */
static const struct {
	const char *name;
	const char *type;
} PROPS[] = {
	{ "RSSI", "n" },
	{ "Connected", "b" },
	{ "ServicesResolved", "b" },
	{ "Powered", "b" },
	{ "Discovering", "b" },
	{ "Value", "ay" },
	{ "UUIDs", "as" },
	{ "UUID", "s" },
	{ "Flags", "as" },
	{ "ManufacturerData", "a{qv}" },
	{ "ServiceData", "a{sv}" },
	{ "Name", "s" },
	{ "AddressType", "s" },
	{ "Bonded", "b" },
	{ "Paired", "b" },
	{ "Primary", "b" },
	{ "MTU", "q" },
	{ "Notifying", "b" },
	{ "Service", "o" },
	{ "Other", "v" },
};

static const char *const TYPES[] = { "b",     "n",	"q", "u", "s", "o",    "as",  "ay", "a{qv}",
				     "a{sv}", "a{sas}", "v", "y", "t", "(sn)", "aay", "d",  "g" };

/* Cut in the middle of a letter it is no UTF-8 any more. */
static const char LONG_NAME[] =
	"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x\xc3\xa9\xc3\xa9\xc3\xa9";

static const char *const WORDS[] = {
	"0000fff3-0000-1000-8000-00805f9b34fb",
	"00002a19-0000-1000-8000-00805f9b34fb",
	"read",
	"write",
	"notify",
	"indicate",
	"random",
	"public",
	"no uuid",
	"",
	LONG_NAME,
};

const char *bluez_path(struct feed *feed, char out[128])
{
	uint8_t choice = feed_u8(feed);

	if (choice < 224) {
		(void)snprintf(out, 128, "%s", PATHS[choice % ARRAY_LEN(PATHS)]);
		return out;
	}
	/* Handles of all kinds, and many devices. */
	(void)snprintf(out, 128, DEV "%X/service%04x/char%04x", choice % 16u,
		       feed_u32(feed) & 0xffffu, feed_u32(feed) & 0xffffu);
	if (choice >= 240)
		out[feed_u8(feed) % 80u] = '\0';
	return out;
}

static void put_word(sd_bus_message *m, struct feed *feed)
{
	(void)sd_bus_message_append_basic(m, 's', WORDS[feed_below(feed, ARRAY_LEN(WORDS))]);
}

static void put_type(sd_bus_message *m, const char *type, struct feed *feed, unsigned depth);

static void put_variant(sd_bus_message *m, const char *type, struct feed *feed, unsigned depth)
{
	if (sd_bus_message_open_container(m, 'v', type) < 0)
		return;
	put_type(m, type, feed, depth + 1);
	(void)sd_bus_message_close_container(m);
}

static const char *any_type(struct feed *feed, unsigned depth)
{
	return depth > 4 ? "b" : TYPES[feed_below(feed, ARRAY_LEN(TYPES))];
}

/* a{qv}, a{sv}, a{sas}: @type names what is between the braces. */
static void put_dict(sd_bus_message *m, const char *type, struct feed *feed, unsigned depth)
{
	char entry[8] = "";
	uint16_t key;
	unsigned n = feed_below(feed, 4);

	(void)snprintf(entry, sizeof(entry), "%.*s", (int)strlen(type) - 3, type + 2);
	(void)sd_bus_message_open_container(m, 'a', type + 1);
	for (; n > 0; n--) {
		(void)sd_bus_message_open_container(m, 'e', entry);
		key = (uint16_t)feed_u8(feed);
		if (entry[0] == 'q')
			(void)sd_bus_message_append_basic(m, 'q', &key);
		else
			put_word(m, feed);
		if (entry[1] == 'v')
			put_variant(m, entry[0] == 'q' && key < 128 ? "ay" : any_type(feed, depth),
				    feed, depth);
		else
			put_type(m, entry + 1, feed, depth + 1);
		(void)sd_bus_message_close_container(m);
	}
	(void)sd_bus_message_close_container(m);
}

static void put_words(sd_bus_message *m, struct feed *feed)
{
	unsigned n = feed_below(feed, 20);

	(void)sd_bus_message_open_container(m, 'a', "s");
	for (; n > 0; n--)
		put_word(m, feed);
	(void)sd_bus_message_close_container(m);
}

static void put_octets(sd_bus_message *m, struct feed *feed)
{
	static const uint8_t LONG[600];
	uint8_t n = feed_u8(feed);
	const uint8_t *bytes;
	size_t len;

	if (n > 250) {
		(void)sd_bus_message_append_array(m, 'y', LONG, sizeof(LONG));
		return;
	}
	len = feed_bytes(feed, n, &bytes);
	(void)sd_bus_message_append_array(m, 'y', len > 0 ? bytes : LONG, len);
}

static void put_number(sd_bus_message *m, char type, struct feed *feed)
{
	uint64_t value = feed_number(feed);
	double real = (double)value;
	int truth = value & 1;
	uint8_t octet = (uint8_t)value;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;

	switch (type) {
	case 'b':
		(void)sd_bus_message_append_basic(m, type, &truth);
		return;
	case 'y':
		(void)sd_bus_message_append_basic(m, type, &octet);
		return;
	case 'n':
	case 'q':
		(void)sd_bus_message_append_basic(m, type, &half);
		return;
	case 'd':
		(void)sd_bus_message_append_basic(m, type, &real);
		return;
	case 'u':
		(void)sd_bus_message_append_basic(m, type, &word);
		return;
	default:
		(void)sd_bus_message_append_basic(m, type, &value);
	}
}

static void put_type(sd_bus_message *m, const char *type, struct feed *feed, unsigned depth)
{
	char path[128];

	if (strcmp(type, "s") == 0)
		put_word(m, feed);
	else if (strcmp(type, "o") == 0)
		(void)sd_bus_message_append_basic(m, 'o', bluez_path(feed, path));
	else if (strcmp(type, "g") == 0)
		(void)sd_bus_message_append_basic(m, 'g', "a{sv}");
	else if (strcmp(type, "as") == 0)
		put_words(m, feed);
	else if (strcmp(type, "ay") == 0)
		put_octets(m, feed);
	else if (strcmp(type, "aay") == 0)
		(void)sd_bus_message_append(m, "aay", 1, 2, 1, 2);
	else if (strcmp(type, "(sn)") == 0)
		(void)sd_bus_message_append(m, "(sn)", "x", 1);
	else if (strncmp(type, "a{", 2) == 0)
		put_dict(m, type, feed, depth);
	else if (strcmp(type, "v") == 0)
		put_variant(m, any_type(feed, depth), feed, depth);
	else
		put_number(m, type[0], feed);
}

void bluez_put_any(sd_bus_message *m, struct feed *feed)
{
	put_type(m, any_type(feed, 0), feed, 0);
}

/* a{sv} */
static void put_props(sd_bus_message *m, struct feed *feed)
{
	unsigned n = feed_below(feed, 6);
	uint8_t choice;
	size_t which;

	(void)sd_bus_message_open_container(m, 'a', "{sv}");
	for (; n > 0; n--) {
		choice = feed_u8(feed);
		which = choice % ARRAY_LEN(PROPS);
		(void)sd_bus_message_open_container(m, 'e', "sv");
		(void)sd_bus_message_append_basic(m, 's', PROPS[which].name);
		/* Now and then it is of another type than it should be. */
		put_variant(m, choice < 240 ? PROPS[which].type : any_type(feed, 0), feed, 0);
		(void)sd_bus_message_close_container(m);
	}
	(void)sd_bus_message_close_container(m);
}

/* a{sa{sv}} */
static void put_interfaces(sd_bus_message *m, struct feed *feed)
{
	unsigned n = feed_below(feed, 3) + 1;

	(void)sd_bus_message_open_container(m, 'a', "{sa{sv}}");
	for (; n > 0; n--) {
		(void)sd_bus_message_open_container(m, 'e', "sa{sv}");
		(void)sd_bus_message_append_basic(
			m, 's', INTERFACES[feed_below(feed, ARRAY_LEN(INTERFACES))]);
		put_props(m, feed);
		(void)sd_bus_message_close_container(m);
	}
	(void)sd_bus_message_close_container(m);
}

void bluez_put_objects(sd_bus_message *m, struct feed *feed)
{
	unsigned n = feed_below(feed, 12);
	char path[128];

	(void)sd_bus_message_open_container(m, 'a', "{oa{sa{sv}}}");
	for (; n > 0; n--) {
		(void)sd_bus_message_open_container(m, 'e', "oa{sa{sv}}");
		(void)sd_bus_message_append_basic(m, 'o', bluez_path(feed, path));
		put_interfaces(m, feed);
		(void)sd_bus_message_close_container(m);
	}
	(void)sd_bus_message_close_container(m);
}

void bluez_put_added(sd_bus_message *m, struct feed *feed)
{
	char path[128];

	(void)sd_bus_message_append_basic(m, 'o', bluez_path(feed, path));
	put_interfaces(m, feed);
}

void bluez_put_removed(sd_bus_message *m, struct feed *feed)
{
	char path[128];

	(void)sd_bus_message_append(m, "oas", bluez_path(feed, path), 2,
				    INTERFACES[feed_below(feed, ARRAY_LEN(INTERFACES))],
				    INTERFACES[feed_below(feed, ARRAY_LEN(INTERFACES))]);
}

void bluez_put_changed(sd_bus_message *m, struct feed *feed)
{
	(void)sd_bus_message_append_basic(m, 's',
					  INTERFACES[feed_below(feed, ARRAY_LEN(INTERFACES))]);
	put_props(m, feed);
	put_words(m, feed);
}

/* Our adapter, and three peripherals, two of which have a service. */
void bluez_put_world(sd_bus_message *m)
{
	static const char FFF3[] = "0000fff3-0000-1000-8000-00805f9b34fb";
	unsigned i;

	(void)sd_bus_message_open_container(m, 'a', "{oa{sa{sv}}}");
	(void)sd_bus_message_append(m, "{oa{sa{sv}}}", "/org/bluez/hci0", 1, "org.bluez.Adapter1",
				    2, "Powered", "b", 1, "Discovering", "b", 0);
	for (i = 1; i <= 3; i++)
		(void)sd_bus_message_append(m, "{oa{sa{sv}}}", PATHS[i], 1, "org.bluez.Device1", 4,
					    "AddressType", "s", i == 3 ? "public" : "random",
					    "RSSI", "n", -60, "Name", "s", "thing", "Connected",
					    "b", i == 2);
	for (i = 4; i <= 8; i += 4)
		(void)sd_bus_message_append(m, "{oa{sa{sv}}}", PATHS[i], 1,
					    "org.bluez.GattService1", 2, "UUID", "s", FFF3,
					    "Primary", "b", 1);
	for (i = 5; i <= 9; i += 4)
		(void)sd_bus_message_append(m, "{oa{sa{sv}}}", PATHS[i], 1,
					    "org.bluez.GattCharacteristic1", 2, "UUID", "s", FFF3,
					    "Flags", "as", 4, "read", "write", "notify",
					    "write-without-response");
	(void)sd_bus_message_close_container(m);
}
