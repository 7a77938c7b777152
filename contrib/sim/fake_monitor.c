/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_monitor.c - org.bluez.AdvertisementMonitorManager1: programs that register an
 * object with patterns hear adverts without discovery. Only with --experimental, as in bluetoothd.
 *
 * Of the patterns only those of the flags count, which all peripherals here send alike.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>

#define MONITOR_INTERFACE "org.bluez.AdvertisementMonitor1"
/* What the model's adverts begin with (model.c): AD type flags, general discoverable, LE only. */
#define AD_FLAGS       0x01
#define AD_FLAGS_VALUE 0x06

struct fake_monitor {
	struct fake_monitor *next;
	struct fake_adapter *adapter;
	char sender[FAKE_SENDER_CHARS];
	char root[FAKE_PATH_CHARS];
	char path[FAKE_PATH_CHARS]; /* of the monitor below it; "": none was found there (yet) */
	sd_bus_slot *asking;
	bool matches;
};

static void call_monitor(struct fake_monitor *monitor, const char *member, const char *device)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(monitor->adapter->fake->bus, &m, monitor->sender,
					       monitor->path, MONITOR_INTERFACE, member);

	if (r >= 0 && device)
		r = sd_bus_message_append_basic(m, 'o', device);
	if (r >= 0)
		r = sd_bus_message_set_expect_reply(m, 0);
	fake_send(monitor->adapter->fake, r < 0 ? sd_bus_message_unref(m) : m);
}

static void remove_monitor(struct fake_monitor *monitor, bool tell)
{
	struct fake_monitor **link = &monitor->adapter->monitors;

	while (*link != monitor)
		link = &(*link)->next;
	*link = monitor->next;
	if (monitor->matches)
		monitor->adapter->model->monitoring--;
	if (tell && monitor->path[0])
		call_monitor(monitor, "Release", NULL);
	sd_bus_slot_unref(monitor->asking);
	free(monitor);
}

static struct fake_monitor *find(struct fake_adapter *adapter, const char *sender, const char *root)
{
	struct fake_monitor *monitor = adapter->monitors;

	while (monitor &&
	       (strcmp(monitor->sender, sender) != 0 || (root && strcmp(monitor->root, root) != 0)))
		monitor = monitor->next;
	return monitor;
}

/* --- reading the program's object --- */

static int read_patterns(sd_bus_message *m, struct fake_monitor *monitor)
{
	const uint8_t *content;
	uint8_t start, type;
	size_t len;
	int r;

	r = sd_bus_message_enter_container(m, 'v', "a(yyay)");
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "(yyay)");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "yyay")) > 0) {
		r = sd_bus_message_read(m, "yy", &start, &type);
		if (r >= 0)
			r = sd_bus_message_read_array(m, 'y', (const void **)&content, &len);
		if (r >= 0 && start == 0 && type == AD_FLAGS && len == 1 &&
		    content[0] == AD_FLAGS_VALUE)
			monitor->matches = true;
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_properties(sd_bus_message *m, struct fake_monitor *monitor)
{
	const char *name;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read_basic(m, 's', &name);
		if (r >= 0)
			r = strcmp(name, "Patterns") == 0 ? read_patterns(m, monitor)
							  : sd_bus_message_skip(m, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_interfaces(sd_bus_message *m, struct fake_monitor *monitor, const char *path)
{
	const char *name;
	int r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
		r = sd_bus_message_read_basic(m, 's', &name);
		if (r >= 0 && strcmp(name, MONITOR_INTERFACE) == 0) {
			(void)snprintf(monitor->path, sizeof(monitor->path), "%s", path);
			r = read_properties(m, monitor);
		} else if (r >= 0) {
			r = sd_bus_message_skip(m, "a{sv}");
		}
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_objects(sd_bus_message *m, struct fake_monitor *monitor)
{
	const char *path;
	int r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
		r = sd_bus_message_read_basic(m, 'o', &path);
		if (r >= 0)
			r = read_interfaces(m, monitor, path);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_)
{
	struct fake_monitor *monitor = userdata;
	struct fake_adapter *adapter = monitor->adapter;

	monitor->asking = sd_bus_slot_unref(monitor->asking);
	if (sd_bus_message_is_method_error(m, NULL) || read_objects(m, monitor) < 0) {
		monitor->matches = false;
		return 0;
	}
	if (!monitor->path[0])
		return 0;
	call_monitor(monitor, "Activate", NULL);
	if (!monitor->matches)
		return 0;
	adapter->model->monitoring++;
	fake_monitors_listen(adapter);
	return 0;
}

/* --- for the rest of the fake --- */

void fake_monitors_listen(struct fake_adapter *adapter)
{
	if (adapter->model->monitoring == 0 || adapter->discovering)
		return;
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++)
		adapter->devices[i].reported_at_ms = 0;
	fake_arm(adapter->fake, &adapter->scan_timer, 0, fake_scan_turn, adapter);
}

void fake_monitors_found(struct fake_device *device)
{
	struct fake_object object = fake_device_object(device);
	char path[FAKE_PATH_CHARS];

	fake_path(&object, path);
	for (struct fake_monitor *m = device->adapter->monitors; m; m = m->next) {
		if (m->matches)
			call_monitor(m, "DeviceFound", path);
	}
}

void fake_monitors_sender_gone(struct fake_adapter *adapter, const char *sender)
{
	struct fake_monitor *monitor;

	while ((monitor = find(adapter, sender, NULL)) != NULL)
		remove_monitor(monitor, false);
}

void fake_monitors_clear(struct fake_adapter *adapter, bool tell)
{
	while (adapter->monitors)
		remove_monitor(adapter->monitors, tell);
}

/* --- the interface --- */

static int register_monitor(sd_bus_message *m, const struct fake_object *object)
{
	const char *sender = sd_bus_message_get_sender(m);
	struct fake_monitor *monitor;
	const char *root;

	if (sd_bus_message_read_basic(m, 'o', &root) < 0)
		return -EBADMSG;
	if (find(object->adapter, sender, root))
		return fake_fail(object->fake, m, "AlreadyExists", "Already Exists");
	monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return -ENOMEM;
	monitor->adapter = object->adapter;
	(void)snprintf(monitor->sender, sizeof(monitor->sender), "%s", sender);
	(void)snprintf(monitor->root, sizeof(monitor->root), "%s", root);
	monitor->next = object->adapter->monitors;
	object->adapter->monitors = monitor;
	(void)fake_ok(object->fake, m);
	(void)sd_bus_call_method_async(object->fake->bus, &monitor->asking, sender, root,
				       "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
				       on_objects, monitor, NULL);
	return 0;
}

static int unregister_monitor(sd_bus_message *m, const struct fake_object *object)
{
	struct fake_monitor *monitor;
	const char *root;

	if (sd_bus_message_read_basic(m, 'o', &root) < 0)
		return -EBADMSG;
	monitor = find(object->adapter, sd_bus_message_get_sender(m), root);
	if (!monitor)
		return fake_fail(object->fake, m, "DoesNotExist", "Does Not Exist");
	remove_monitor(monitor, true);
	return fake_ok(object->fake, m);
}

static int get_types(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append(m, "as", 1, "or_patterns");
}

static int get_features(sd_bus_message *m, const struct fake_object *object _unused_)
{
	return sd_bus_message_append(m, "as", 0);
}

static bool is_experimental(const struct fake_object *object)
{
	return object->fake->options.experimental;
}

static const struct fake_property properties[] = {
	{ "SupportedMonitorTypes", "as", get_types, NULL, NULL },
	{ "SupportedFeatures", "as", get_features, NULL, NULL },
};

static const struct fake_method methods[] = {
	{ "RegisterMonitor", "o", "", register_monitor },
	{ "UnregisterMonitor", "o", "", unregister_monitor },
};

const struct fake_interface fake_monitor_manager1 = {
	.name = "org.bluez.AdvertisementMonitorManager1",
	.properties = properties,
	.property_count = ARRAY_LEN(properties),
	.methods = methods,
	.method_count = ARRAY_LEN(methods),
	.exists = is_experimental,
};
