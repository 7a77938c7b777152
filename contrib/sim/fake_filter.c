/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_filter.c - SetDiscoveryFilter's dictionary, what passes it, and what there is.
 */
#include "contrib/sim/fake_state.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What a client may ask for; more is refused, as everything that comes from outside has a limit. */
#define UUIDS_MAX 32

/* "fff0" and "0000fff0" mean the long form; bluetoothd takes all three. */
static char *normalise_uuid(const char *text)
{
	char *out = NULL;
	size_t len = strlen(text);

	if (len != 4 && len != 8 && len != 36)
		return NULL;
	if (asprintf(&out, "%s%s%s", len == 4 ? "0000" : "", text,
		     len == 36 ? "" : "-0000-1000-8000-00805f9b34fb") < 0)
		return NULL;
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

static int parse_uuids(struct fake_filter *filter, sd_bus_message *m)
{
	const char *text;
	size_t count = 0;
	int r;

	filter->uuids = calloc(UUIDS_MAX + 1, sizeof(*filter->uuids));
	if (!filter->uuids)
		return -ENOMEM;
	r = sd_bus_message_enter_container(m, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &text)) > 0) {
		if (count == UUIDS_MAX)
			return -EINVAL;
		filter->uuids[count] = normalise_uuid(text);
		if (!filter->uuids[count++])
			return -EINVAL;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int parse_text(char *out, size_t size, sd_bus_message *m)
{
	const char *text;
	int r;

	r = sd_bus_message_read_basic(m, 's', &text);
	if (r < 0)
		return r;
	if (strlen(text) >= size)
		return -EINVAL;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int parse_transport(struct fake_filter *filter, sd_bus_message *m)
{
	int r;

	r = parse_text(filter->transport, sizeof(filter->transport), m);
	if (r < 0)
		return r;
	return strcmp(filter->transport, "le") == 0 || strcmp(filter->transport, "auto") == 0 ||
			       strcmp(filter->transport, "bredr") == 0
		       ? 0
		       : -EINVAL;
}

static int parse_bool(bool *out, sd_bus_message *m)
{
	int value = 0, r;

	r = sd_bus_message_read_basic(m, 'b', &value);
	*out = value;
	return r;
}

static int parse_value(struct fake_filter *filter, const char *key, sd_bus_message *m)
{
	if (strcmp(key, "UUIDs") == 0)
		return parse_uuids(filter, m);
	if (strcmp(key, "Transport") == 0)
		return parse_transport(filter, m);
	if (strcmp(key, "Pattern") == 0)
		return parse_text(filter->pattern, sizeof(filter->pattern), m);
	if (strcmp(key, "DuplicateData") == 0)
		return parse_bool(&filter->duplicate, m);
	if (strcmp(key, "Discoverable") == 0)
		return parse_bool(&filter->discoverable, m);
	if (strcmp(key, "RSSI") == 0) {
		filter->has_rssi = true;
		return sd_bus_message_read_basic(m, 'n', &filter->rssi_dbm);
	}
	if (strcmp(key, "Pathloss") == 0) {
		filter->has_pathloss = true;
		return sd_bus_message_read_basic(m, 'q', &filter->pathloss_db);
	}
	return -EINVAL;
}

static int parse_entry(struct fake_filter *filter, sd_bus_message *m)
{
	const char *key, *contents;
	char type;
	int r;

	r = sd_bus_message_read_basic(m, 's', &key);
	if (r >= 0)
		r = sd_bus_message_peek_type(m, &type, &contents);
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'v', contents);
	if (r >= 0)
		r = parse_value(filter, key, m);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 0;
}

int fake_filter_parse(struct fake_filter *out, sd_bus_message *m)
{
	struct fake_filter filter = { .set = false };
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		filter.set = true;
		r = parse_entry(&filter, m);
	}
	/* An RSSI limit and a pathloss limit exclude one another. */
	if (r < 0 || (filter.has_rssi && filter.has_pathloss)) {
		fake_filter_clear(&filter);
		return -EINVAL;
	}
	*out = filter;
	return 0;
}

void fake_filter_clear(struct fake_filter *filter)
{
	for (size_t i = 0; filter->uuids && filter->uuids[i]; i++)
		free(filter->uuids[i]);
	free(filter->uuids);
	*filter = (struct fake_filter){ 0 };
}

static bool matches_uuid(const struct fake_filter *filter)
{
	char advertised[FAKE_UUID_CHARS];

	if (!filter->uuids || !filter->uuids[0])
		return true;
	fake_uuid(MODEL_ADVERTISED_UUID, advertised);
	for (size_t i = 0; filter->uuids[i]; i++) {
		if (strcmp(filter->uuids[i], advertised) == 0)
			return true;
	}
	return false;
}

bool fake_filter_matches(const struct fake_filter *filter, const struct model_device *device,
			 int8_t rssi_dbm)
{
	char address[MODEL_ADDRESS_CHARS];
	size_t len = strlen(filter->pattern);

	if (!filter->set)
		return true;
	/* The adverts carry no transmit power: nothing has a pathloss, so nothing passes. */
	if (filter->has_pathloss || (filter->has_rssi && rssi_dbm < filter->rssi_dbm))
		return false;
	model_address_format(device->address, address);
	if (len && strncmp(device->name, filter->pattern, len) != 0 &&
	    strncmp(address, filter->pattern, len) != 0)
		return false;
	return matches_uuid(filter);
}

int fake_get_filters(sd_bus_message *m, const struct fake_object *object)
{
	static const char *const names[] = {
		"UUIDs",	 "RSSI",	 "Pathloss", "Transport",
		"DuplicateData", "Discoverable", "Pattern",
	};
	sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "s");
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(names); i++)
		r = sd_bus_message_append_basic(reply, 's', names[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r < 0) {
		sd_bus_message_unref(reply);
		return r;
	}
	fake_answer(object->fake, m, reply);
	return 0;
}
