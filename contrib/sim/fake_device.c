/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_device.c - org.bluez.Device1 and Battery1: tables over what fake_link.c keeps.
 */
#include "contrib/sim/fake_state.h"

#include <string.h>

static int append_bool(sd_bus_message *m, bool value)
{
	const int number = value;

	return sd_bus_message_append_basic(m, 'b', &number);
}

static int get_address(sd_bus_message *m, const struct fake_object *object)
{
	char address[MODEL_ADDRESS_CHARS];

	model_address_format(object->device->model->address, address);
	return sd_bus_message_append_basic(m, 's', address);
}

static int get_address_type(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append_basic(m, 's', "random");
}

static int get_name(sd_bus_message *m, const struct fake_object *object)
{
	return sd_bus_message_append_basic(m, 's', object->device->model->name);
}

static int get_alias(sd_bus_message *m, const struct fake_object *object)
{
	const struct fake_device *device = object->device;

	return sd_bus_message_append_basic(m, 's',
					   device->alias ? device->alias : device->model->name);
}

static int set_alias(sd_bus_message *m, const struct fake_object *object)
{
	const char *text;
	char *alias;

	if (sd_bus_message_read_basic(m, 's', &text) < 0)
		return -EBADMSG;
	alias = text[0] ? strdup(text) : NULL;
	free(object->device->alias);
	object->device->alias = alias;
	FAKE_CHANGED(object, &fake_device1, "Alias");
	return fake_ok(object->fake, m);
}

static int get_false(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return append_bool(m, false);
}

static int get_bonded(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->device->bonded);
}

static int get_trusted(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->device->trusted);
}

static int set_trusted(sd_bus_message *m, const struct fake_object *object)
{
	int value;

	if (sd_bus_message_read_basic(m, 'b', &value) < 0)
		return -EBADMSG;
	object->device->trusted = value;
	/* What is trusted stays. */
	object->device->temporary = !value && !object->device->connected;
	if (object->device->temporary)
		fake_scan_age(object->device);
	FAKE_CHANGED(object, &fake_device1, "Trusted");
	return fake_ok(object->fake, m);
}

static int get_blocked(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->device->blocked);
}

static int set_blocked(sd_bus_message *m, const struct fake_object *object)
{
	int value;

	if (sd_bus_message_read_basic(m, 'b', &value) < 0)
		return -EBADMSG;
	object->device->blocked = value;
	FAKE_CHANGED(object, &fake_device1, "Blocked");
	return fake_ok(object->fake, m);
}

static int get_rssi(sd_bus_message *m, const struct fake_object *object)
{
	const int16_t rssi_dbm = (int16_t)object->device->rssi_dbm;

	return sd_bus_message_append_basic(m, 'n', &rssi_dbm);
}

static bool has_rssi(const struct fake_object *object)
{
	return object->device->has_rssi;
}

/* What an empty advert does not tell is learned with the first link. */
static bool has_data(const struct fake_object *object)
{
	return !object->device->model->bare || object->device->has_cache;
}

static int get_connected(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->device->connected);
}

/* Until GATT was read: what the advert says; then all services, sorted as bluetoothd sorts them. */
static int get_uuids(sd_bus_message *m, const struct fake_object *object)
{
	const struct model_kind *kind = object->device->model->kind;
	uint32_t below = 0;
	int r;

	r = sd_bus_message_open_container(m, 'a', "s");
	if (r >= 0 && !object->device->has_cache)
		r = fake_append_uuid(m, MODEL_ADVERTISED_UUID);
	while (r >= 0 && object->device->has_cache) {
		uint32_t next = UINT32_MAX;

		for (size_t i = 0; i < kind->attr_count; i++) {
			const struct model_attr *attr = &kind->attrs[i];

			if (attr->type == MODEL_TYPE_SERVICE && attr->uuid >= below &&
			    attr->uuid < next)
				next = attr->uuid;
		}
		if (next == UINT32_MAX)
			break;
		r = fake_append_uuid(m, (uint16_t)next);
		below = next + 1;
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_adapter(sd_bus_message *m, const struct fake_object *object)
{
	return sd_bus_message_append_basic(m, 'o', object->adapter->path);
}

static bool has_manufacturer_data(const struct fake_object *object)
{
	return has_data(object) && model_config(object->fake->model)->manufacturer_data;
}

static int get_manufacturer_data(sd_bus_message *m, const struct fake_object *object)
{
	const uint16_t company = MODEL_MANUFACTURER;
	uint8_t data[MODEL_ADVERT_BYTES];
	size_t len = model_manufacturer_data(object->device->model, data, sizeof(data));
	int r;

	r = sd_bus_message_open_container(m, 'a', "{qv}");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'e', "qv");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 'q', &company);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', data, len);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_resolved(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->device->resolved);
}

static int connect_device(sd_bus_message *m, const struct fake_object *object)
{
	return fake_connect(object->device, m);
}

static int disconnect_device(sd_bus_message *m, const struct fake_object *object)
{
	object->device->removing = false;
	return fake_disconnect(object->device, m);
}

static int connect_profile(sd_bus_message *m, const struct fake_object *object)
{
	return fake_fail(object->fake, m, "InvalidArguments", "Invalid arguments in method call");
}

/* These peripherals know no pairing, and bluetoothd ends the link when it fails. */
static int pair_device(sd_bus_message *m, const struct fake_object *object)
{
	(void)fake_fail(object->fake, m, "AuthenticationFailed", "Authentication Failed");
	fake_link_unpaired(object->device);
	return 0;
}

static int cancel_pairing(sd_bus_message *m, const struct fake_object *object)
{
	return fake_fail(object->fake, m, "DoesNotExist", "Does Not Exist");
}

static const struct fake_property properties[] = {
	{ "Address", "s", get_address, NULL, NULL },
	{ "AddressType", "s", get_address_type, NULL, NULL },
	{ "Name", "s", get_name, has_data, NULL },
	{ "Alias", "s", get_alias, NULL, set_alias },
	{ "Paired", "b", get_bonded, NULL, NULL },
	{ "Bonded", "b", get_bonded, NULL, NULL },
	{ "Trusted", "b", get_trusted, NULL, set_trusted },
	{ "Blocked", "b", get_blocked, NULL, set_blocked },
	{ "LegacyPairing", "b", get_false, NULL, NULL },
	{ "RSSI", "n", get_rssi, has_rssi, NULL },
	{ "Connected", "b", get_connected, NULL, NULL },
	{ "UUIDs", "as", get_uuids, has_data, NULL },
	{ "Adapter", "o", get_adapter, NULL, NULL },
	{ "ManufacturerData", "a{qv}", get_manufacturer_data, has_manufacturer_data, NULL },
	{ "ServicesResolved", "b", get_resolved, NULL, NULL },
};

static const struct fake_method methods[] = {
	{ "Disconnect", "", "", disconnect_device },
	{ "Connect", "", "", connect_device },
	{ "ConnectProfile", "s", "", connect_profile },
	{ "DisconnectProfile", "s", "", connect_profile },
	{ "Pair", "", "", pair_device },
	{ "CancelPairing", "", "", cancel_pairing },
};

const struct fake_interface fake_device1 = {
	.name = "org.bluez.Device1",
	.properties = properties,
	.property_count = ARRAY_LEN(properties),
	.methods = methods,
	.method_count = ARRAY_LEN(methods),
};

static int get_percentage(sd_bus_message *m, const struct fake_object *object)
{
	return sd_bus_message_append_basic(m, 'y', &object->device->model->battery);
}

static bool has_battery(const struct fake_object *object)
{
	return object->device->battery;
}

static const struct fake_property battery_properties[] = {
	{ "Percentage", "y", get_percentage, NULL, NULL },
};

const struct fake_interface fake_battery1 = {
	.name = "org.bluez.Battery1",
	.properties = battery_properties,
	.property_count = ARRAY_LEN(battery_properties),
	.exists = has_battery,
};
