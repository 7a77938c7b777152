/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_adapter.c - org.bluez.Adapter1, and adapters that are switched, pulled out and
 * put back. Owns the array of adapters and, in each, that of the devices as it knows them.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

static const char *const host_name = "bleherd-sim";

static int append_bool(sd_bus_message *m, bool value)
{
	const int number = value;

	return sd_bus_message_append_basic(m, 'b', &number);
}

static int get_address(sd_bus_message *m, const struct fake_object *object)
{
	char address[MODEL_ADDRESS_CHARS];

	model_address_format(object->adapter->model->address, address);
	return sd_bus_message_append_basic(m, 's', address);
}

static int get_address_type(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append_basic(m, 's', "public");
}

static int get_name(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append_basic(m, 's', host_name);
}

static int get_alias(sd_bus_message *m, const struct fake_object *object)
{
	const char *alias = object->adapter->alias;

	return sd_bus_message_append_basic(m, 's', alias ? alias : host_name);
}

static int set_alias(sd_bus_message *m, const struct fake_object *object)
{
	const char *text;
	char *alias;

	if (sd_bus_message_read_basic(m, 's', &text) < 0)
		return -EBADMSG;
	/* An empty alias means the name again. */
	alias = text[0] ? strdup(text) : NULL;
	free(object->adapter->alias);
	object->adapter->alias = alias;
	FAKE_CHANGED(object, &fake_adapter1, "Alias");
	return fake_ok(object->fake, m);
}

static int get_zero(sd_bus_message *m, const struct fake_object *object _unused_)
{
	const uint32_t zero = 0;

	return sd_bus_message_append_basic(m, 'u', &zero);
}

static int get_discoverable_timeout(sd_bus_message *m, const struct fake_object *object _unused_)
{
	const uint32_t seconds = 180;

	return sd_bus_message_append_basic(m, 'u', &seconds);
}

static int get_false(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return append_bool(m, false);
}

static int get_powered(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->adapter->powered);
}

static int set_powered(sd_bus_message *m, const struct fake_object *object)
{
	int on, status;

	if (sd_bus_message_read_basic(m, 'b', &on) < 0)
		return -EBADMSG;
	status = fake_adapter_power(object->adapter, on, NULL, m);
	if (status == MGMT_RFKILLED)
		return fake_fail(object->fake, m, "Blocked", "Blocked through rfkill");
	if (status != MGMT_OK)
		return fake_fail(object->fake, m, "Failed", "Failed");
	return 0;
}

static int get_discovering(sd_bus_message *m, const struct fake_object *object)
{
	return append_bool(m, object->adapter->discovering);
}

static int get_uuids(sd_bus_message *m, const struct fake_object *object _unused_)
{
	static const uint16_t uuids[] = { 0x1800, 0x1801, 0x180a };
	int r;

	r = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(uuids); i++)
		r = fake_append_uuid(m, uuids[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_modalias(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append_basic(m, 's', "usb:v1D6Bp0246d0542");
}

static int get_roles(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append(m, "as", 2, "central", "peripheral");
}

static int remove_device(sd_bus_message *m, const struct fake_object *object)
{
	struct fake_object found;
	const char *path;

	if (sd_bus_message_read_basic(m, 'o', &path) < 0)
		return -EBADMSG;
	if (fake_find(object->fake, path, &found) < 0 || found.kind != FAKE_DEVICE ||
	    found.adapter != object->adapter)
		return fake_fail(object->fake, m, "DoesNotExist", "Does Not Exist");
	if (!object->adapter->powered)
		return fake_fail(object->fake, m, "NotReady", "Resource Not Ready");
	if (found.device->connected) {
		found.device->removing = true;
		return fake_disconnect(found.device, m);
	}
	fake_link_fail(found.device, "br-connection-canceled", MGMT_DISCONNECTED);
	fake_scan_remove(found.device, false);
	return fake_ok(object->fake, m);
}

/* The order of the real table; what is experimental there does not exist here. */
static const struct fake_property properties[] = {
	{ "Address", "s", get_address, NULL, NULL },
	{ "AddressType", "s", get_address_type, NULL, NULL },
	{ "Name", "s", get_name, NULL, NULL },
	{ "Alias", "s", get_alias, NULL, set_alias },
	{ "Class", "u", get_zero, NULL, NULL },
	{ "Powered", "b", get_powered, NULL, set_powered },
	{ "Discoverable", "b", get_false, NULL, NULL },
	{ "DiscoverableTimeout", "u", get_discoverable_timeout, NULL, NULL },
	{ "Pairable", "b", get_false, NULL, NULL },
	{ "PairableTimeout", "u", get_zero, NULL, NULL },
	{ "Discovering", "b", get_discovering, NULL, NULL },
	{ "UUIDs", "as", get_uuids, NULL, NULL },
	{ "Modalias", "s", get_modalias, NULL, NULL },
	{ "Roles", "as", get_roles, NULL, NULL },
};

static const struct fake_method methods[] = {
	{ "StartDiscovery", "", "", fake_start_discovery },
	{ "SetDiscoveryFilter", "a{sv}", "", fake_set_filter },
	{ "StopDiscovery", "", "", fake_stop_discovery },
	{ "RemoveDevice", "o", "", remove_device },
	{ "GetDiscoveryFilters", "", "as", fake_get_filters },
};

const struct fake_interface fake_adapter1 = {
	.name = "org.bluez.Adapter1",
	.properties = properties,
	.property_count = ARRAY_LEN(properties),
	.methods = methods,
	.method_count = ARRAY_LEN(methods),
};

static void number(struct fake_adapter *adapter)
{
	adapter->hci = adapter->fake->next_hci++;
	(void)snprintf(adapter->path, sizeof(adapter->path), "/org/bluez/hci%u", adapter->hci);
}

int fake_adapters_new(struct fake *fake)
{
	const unsigned count = model_adapter_count(fake->model);
	const unsigned devices = model_device_count(fake->model);

	fake->adapters = calloc((size_t)count + 1, sizeof(*fake->adapters));
	if (!fake->adapters)
		return -ENOMEM;
	for (unsigned a = 0; a < count; a++) {
		struct fake_adapter *adapter = &fake->adapters[a];

		adapter->fake = fake;
		adapter->model = model_adapter(fake->model, a);
		adapter->exported = adapter->powered = true;
		number(adapter);
		adapter->devices = calloc((size_t)devices + 1, sizeof(*adapter->devices));
		if (!adapter->devices)
			return -ENOMEM;
		for (unsigned d = 0; d < devices; d++) {
			adapter->devices[d].adapter = adapter;
			adapter->devices[d].model = model_device(fake->model, d);
		}
	}
	return 0;
}

void fake_adapters_free(struct fake *fake)
{
	for (unsigned a = 0; fake->adapters && a < model_adapter_count(fake->model); a++) {
		struct fake_adapter *adapter = &fake->adapters[a];

		if (adapter->devices)
			fake_adapter_clear(adapter);
		free(adapter->devices);
		free(adapter->alias);
	}
	free(fake->adapters);
	fake->adapters = NULL;
}

struct fake_adapter *fake_adapter_by_hci(struct fake *fake, unsigned hci)
{
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		if (fake->adapters[i].hci == hci && fake->adapters[i].model->plugged)
			return &fake->adapters[i];
	}
	return NULL;
}

/* With the adapter come the devices that bluetoothd had stored, without their GATT objects. */
void fake_adapter_export(struct fake_adapter *adapter)
{
	struct fake_object object = fake_adapter_object(adapter);

	adapter->exported = true;
	fake_added(&object, NULL);
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		struct fake_device *device = &adapter->devices[i];

		if (!device->known)
			continue;
		device->temporary = false;
		device->connected = device->kernel_link;
		fake_scan_export(device);
	}
}

static void fail_connects(struct fake_adapter *adapter)
{
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		struct fake_device *device = &adapter->devices[i];

		if (!device->connect)
			continue;
		fake_link_fail(device, "le-connection-abort-by-local", MGMT_NOT_POWERED);
		if (device->temporary)
			fake_scan_remove(device, false);
	}
}

static void remove_batteries(struct fake_adapter *adapter)
{
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++)
		fake_link_remove_battery(&adapter->devices[i]);
}

void fake_adapter_drop_links(struct fake_adapter *adapter)
{
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++) {
		struct fake_device *device = &adapter->devices[i];

		if (device->connected || device->kernel_link)
			fake_link_drop(device, MGMT_REASON_LOCAL);
	}
}

/* What is connected or trusted was stored by bluetoothd. */
static void remove_device_object(struct fake_device *device)
{
	const bool known = device->exported && (device->connected || device->trusted);

	if (device->connected || device->kernel_link)
		fake_link_drop(device, MGMT_REASON_LOCAL);
	fake_scan_remove(device, known);
}

void fake_adapter_clear(struct fake_adapter *adapter)
{
	fake_scan_clear(adapter);
	fake_monitors_clear(adapter, false);
	fail_connects(adapter);
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++)
		remove_device_object(&adapter->devices[i]);
	/* Nothing is left that could be forgotten. */
	fake_disarm(&adapter->scan_timer);
}

static void power_off(struct fake_adapter *adapter, sd_bus_message *call)
{
	struct fake_object object = fake_adapter_object(adapter);

	/* In the order of the real one: the caller is answered in the middle of it. */
	fake_scan_remove_temporaries(adapter);
	fake_scan_clear(adapter);
	remove_batteries(adapter);
	fail_connects(adapter);
	if (call)
		(void)fake_ok(adapter->fake, call);
	fake_adapter_drop_links(adapter);
	if (adapter->exported)
		FAKE_CHANGED(&object, &fake_adapter1, "Powered", "Discovering");
}

static void power_on(struct fake_adapter *adapter, sd_bus_message *call)
{
	struct fake_object object = fake_adapter_object(adapter);

	if (call)
		(void)fake_ok(adapter->fake, call);
	if (adapter->exported)
		FAKE_CHANGED(&object, &fake_adapter1, "Powered");
	fake_monitors_listen(adapter);
}

int fake_adapter_power(struct fake_adapter *adapter, bool on, struct seqpacket_peer *issuer,
		       sd_bus_message *call)
{
	if (adapter->powered == on) {
		if (call)
			(void)fake_ok(adapter->fake, call);
		return MGMT_OK;
	}
	if (on && adapter->rfkilled)
		return MGMT_RFKILLED;
	/* As measured on a controller that answers nothing: off works, on does not. */
	if (on && adapter->hung)
		return MGMT_AUTH_FAILED;
	adapter->powered = on;
	if (on)
		power_on(adapter, call);
	else
		power_off(adapter, call);
	fake_mgmt_settings(adapter, issuer);
	return MGMT_OK;
}

void fake_adapter_unplug(struct fake_adapter *adapter)
{
	struct fake_object object = fake_adapter_object(adapter);

	fake_adapter_clear(adapter);
	if (adapter->exported)
		fake_removed(&object, NULL);
	adapter->exported = adapter->powered = false;
	fake_mgmt_index(adapter, false);
	adapter->model->plugged = false;
}

void fake_adapter_plug(struct fake_adapter *adapter)
{
	/* As seen on the real one: the old number stays taken for as long as anybody may know it.
	 */
	number(adapter);
	adapter->model->plugged = true;
	adapter->powered = true;
	adapter->hung = adapter->rfkilled = false;
	fake_mgmt_index(adapter, true);
	if (adapter->fake->bus)
		fake_adapter_export(adapter);
}
