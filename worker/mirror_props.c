/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The properties of BlueZ's objects that the mirror keeps, as tables; worker/mirror.h. */
#include "worker/mirror_state.h"

#include "ipc/clock.h"
#include "worker/props.h"

#include <string.h>

static int read_bool(sd_bus_message *m, bool *at)
{
	int value;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_BOOLEAN, &value);

	if (r < 0)
		return r;
	if (*at == (value != 0))
		return 0;
	*at = value != 0;
	return 1;
}

static int read_uuid(sd_bus_message *m, struct uuid *at)
{
	const char *text;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &text);

	if (r < 0)
		return r;
	return uuid_parse(text, at) == 0 ? 1 : 0;
}

static int read_powered(sd_bus_message *m, void *object)
{
	return read_bool(m, &((struct mirror *)object)->is_powered);
}

static int read_discovering(sd_bus_message *m, void *object)
{
	return read_bool(m, &((struct mirror *)object)->is_discovering);
}

static const struct prop ADAPTER_PROPS[] = {
	{ "Powered", "b", 0, read_powered },
	{ "Discovering", "b", 0, read_discovering },
};

static int read_address_type(sd_bus_message *m, void *object)
{
	struct device *device = object;
	const char *text;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &text);

	if (r < 0)
		return r;
	device->is_random = strcmp(text, "random") == 0;
	return 0;
}

/* Cut at a character: what is left must be UTF-8 too. */
static size_t cut_utf8(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static int read_name(sd_bus_message *m, void *object)
{
	struct device *device = object;
	const char *text;
	size_t n;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &text);

	if (r < 0)
		return r;
	n = cut_utf8(text, DEVICE_NAME_LEN);
	if (strlen(device->name) == n && memcmp(device->name, text, n) == 0)
		return 0;
	memcpy(device->name, text, n);
	device->name[n] = '\0';
	return 1;
}

static int read_rssi(sd_bus_message *m, void *object)
{
	struct device *device = object;
	int16_t rssi;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_INT16, &rssi);

	if (r < 0)
		return r;
	if (rssi < -127 || rssi > 20)
		return 0;
	device->rssi_dbm = (int8_t)rssi;
	device->has_rssi = true;
	return 1; /* the same value again was heard too */
}

static int read_connected(sd_bus_message *m, void *object)
{
	struct device *device = object;
	int r = read_bool(m, &device->is_connected);

	if (r > 0)
		device->connected_at_ms = clock_now_ms();
	return r;
}

static int read_paired(sd_bus_message *m, void *object)
{
	return read_bool(m, &((struct device *)object)->is_paired);
}

static int read_resolved(sd_bus_message *m, void *object)
{
	return read_bool(m, &((struct device *)object)->is_said_resolved);
}

static int read_bonded(sd_bus_message *m, void *object)
{
	return read_bool(m, &((struct device *)object)->is_bonded);
}

static int read_uuids(sd_bus_message *m, void *object)
{
	struct device *device = object;
	struct uuid uuids[DEVICE_UUIDS_MAX];
	size_t n = 0;
	const char *text;
	struct uuid *copy;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "s");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &text)) > 0)
		if (n < DEVICE_UUIDS_MAX && uuid_parse(text, &uuids[n]) == 0)
			n++;
	if (r < 0)
		return r;
	copy = n > 0 ? realloc(device->uuids, n * sizeof(uuids[0])) : NULL;
	if (copy) {
		memcpy(copy, uuids, n * sizeof(uuids[0]));
		device->uuids = copy;
		device->n_uuids = (uint8_t)n;
	}
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static void keep_manufacturer(struct device *device, uint16_t company, const void *data, size_t len)
{
	uint8_t *copy;

	len = len > DEVICE_MANUFACTURER_MAX ? DEVICE_MANUFACTURER_MAX : len;
	copy = realloc(device->manufacturer, len > 0 ? len : 1);
	if (!copy)
		return;
	if (len > 0)
		memcpy(copy, data, len);
	device->manufacturer = copy;
	device->manufacturer_len = (uint8_t)len;
	device->company = company;
	device->has_company = true;
}

/* a{qv}: the first company is kept, as nearly every advert has one. */
static int read_manufacturer(sd_bus_message *m, void *object)
{
	struct device *device = object;
	bool is_first = true;
	uint16_t company;
	const void *data;
	const char *type;
	size_t len;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{qv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "qv")) > 0) {
		r = sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT16, &company);
		if (r >= 0)
			r = sd_bus_message_peek_type(m, NULL, &type);
		if (r < 0)
			return r;
		if (strcmp(type, "ay") == 0 && is_first) {
			r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "ay");
			if (r >= 0)
				r = sd_bus_message_read_array(m, SD_BUS_TYPE_BYTE, &data, &len);
			if (r >= 0)
				keep_manufacturer(device, company, data, len);
			is_first = false;
			if (r >= 0)
				r = sd_bus_message_exit_container(m);
		} else {
			r = sd_bus_message_skip(m, "v");
		}
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

/* Nobody asks for it yet: that there is some is all. */
static int read_service_data(sd_bus_message *m, void *object)
{
	struct device *device = object;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_skip(m, "{sv}")) > 0)
		device->has_service_data = true;
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static const struct prop DEVICE_PROPS[] = {
	{ "RSSI", "n", DEVICE_ADVERT, read_rssi },
	{ "Connected", "b", DEVICE_CONNECTED, read_connected },
	{ "Bonded", "b", DEVICE_OTHER, read_bonded },
	{ "ServicesResolved", "b", DEVICE_GATT, read_resolved },
	{ "ManufacturerData", "a{qv}", DEVICE_ADVERT, read_manufacturer },
	{ "ServiceData", "a{sv}", DEVICE_ADVERT, read_service_data },
	{ "UUIDs", "as", DEVICE_OTHER, read_uuids },
	{ "Paired", "b", DEVICE_OTHER, read_paired },
	{ "Name", "s", DEVICE_NAME, read_name },
	{ "AddressType", "s", DEVICE_OTHER, read_address_type },
};

static int read_service_uuid(sd_bus_message *m, void *object)
{
	return read_uuid(m, &((struct gatt_service *)object)->uuid);
}

static int read_primary(sd_bus_message *m, void *object)
{
	return read_bool(m, &((struct gatt_service *)object)->is_primary);
}

static const struct prop SERVICE_PROPS[] = {
	{ "UUID", "s", DEVICE_GATT, read_service_uuid },
	{ "Primary", "b", DEVICE_GATT, read_primary },
};

static int read_chrc_uuid(sd_bus_message *m, void *object)
{
	return read_uuid(m, &((struct gatt_chrc *)object)->uuid);
}

static int read_flags(sd_bus_message *m, void *object)
{
	struct gatt_chrc *chrc = object;
	const char *word;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "s");

	chrc->flags = 0;
	while (r >= 0 && (r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &word)) > 0)
		chrc->flags |= gatt_db_flag(word);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

static int read_mtu(sd_bus_message *m, void *object)
{
	return sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT16, &((struct gatt_chrc *)object)->mtu);
}

static const struct prop CHRC_PROPS[] = {
	{ "UUID", "s", DEVICE_GATT, read_chrc_uuid },
	{ "Flags", "as", DEVICE_GATT, read_flags },
	{ "MTU", "q", DEVICE_OTHER, read_mtu },
};

int mirror_read_adapter_props(sd_bus_message *m, struct mirror *mirror, unsigned *changes)
{
	return props_read(m, ADAPTER_PROPS, ARRAY_LEN(ADAPTER_PROPS), mirror, changes);
}

int mirror_read_device_props(sd_bus_message *m, struct device *device, unsigned *changes)
{
	return props_read(m, DEVICE_PROPS, ARRAY_LEN(DEVICE_PROPS), device, changes);
}

int mirror_read_service_props(sd_bus_message *m, struct gatt_service *service, unsigned *changes)
{
	return props_read(m, SERVICE_PROPS, ARRAY_LEN(SERVICE_PROPS), service, changes);
}

int mirror_read_chrc_props(sd_bus_message *m, struct gatt_chrc *chrc, unsigned *changes)
{
	return props_read(m, CHRC_PROPS, ARRAY_LEN(CHRC_PROPS), chrc, changes);
}
