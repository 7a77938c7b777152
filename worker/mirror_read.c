/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlueZ's objects and signals into the mirror, and the table of devices; worker/mirror.h. */
#include "worker/mirror_state.h"

#include "ipc/clock.h"
#include "worker/props.h"

#include <string.h>

/* Of a peripheral that advertises ten times a second once is enough. */
enum { HEARD_AGAIN_MS = 1000 };

/* --- devices in their table --- */

static struct device **bucket_of(const struct mirror *mirror, uint64_t addr)
{
	uint64_t h = addr * 0x9e3779b97f4a7c15u;

	return (struct device **)(uintptr_t)&mirror->buckets[h >> 54 & (MIRROR_BUCKETS - 1)];
}

struct device *mirror_device(const struct mirror *mirror, uint64_t addr)
{
	struct device *device = *bucket_of(mirror, addr);

	while (device && device->addr != addr)
		device = device->next;
	return device;
}

struct device *mirror_add(struct mirror *mirror, uint64_t addr)
{
	struct device **bucket = bucket_of(mirror, addr);
	struct device *device;

	if (mirror->n_devices >= MIRROR_DEVICES_MAX)
		return NULL;
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	device->addr = addr;
	device->mirror = mirror;
	device->next = *bucket;
	*bucket = device;
	mirror->n_devices++;
	return device;
}

static void device_free(struct device *device)
{
	if (device->settling)
		bus_abandon(device->settling);
	gatt_db_clear(&device->db);
	free(device->uuids);
	free(device->manufacturer);
	free(device);
}

void mirror_remove(struct mirror *mirror, uint64_t addr)
{
	struct device **at = bucket_of(mirror, addr);
	struct device *device;

	while (*at && (*at)->addr != addr)
		at = &(*at)->next;
	device = *at;
	if (!device)
		return;
	*at = device->next;
	mirror->n_devices--;
	device->is_connected = false;
	device->is_resolved = false;
	mirror->ops->device_gone(mirror->ctx, device);
	device_free(device);
}

void mirror_clear(struct mirror *mirror)
{
	size_t i;

	for (i = 0; i < MIRROR_BUCKETS; i++)
		while (mirror->buckets[i])
			mirror_remove(mirror, mirror->buckets[i]->addr);
}

void mirror_drop_all(struct mirror *mirror)
{
	struct device *device;
	size_t i;

	for (i = 0; i < MIRROR_BUCKETS; i++)
		while ((device = mirror->buckets[i])) {
			mirror->buckets[i] = device->next;
			device_free(device);
		}
	mirror->n_devices = 0;
}

void mirror_each(const struct mirror *mirror, void (*each)(void *ctx, struct device *device),
		 void *ctx)
{
	struct device *device;
	size_t i;

	for (i = 0; i < MIRROR_BUCKETS; i++)
		for (device = mirror->buckets[i]; device; device = device->next)
			each(ctx, device);
}

/* --- objects --- */

/* Signals tell of adverts as they come; an object may keep its RSSI for as long as one discovers.
 */
static void note_heard(const struct mirror *mirror, struct device *device, unsigned changes)
{
	if ((changes & 1u << DEVICE_ADVERT) && device->has_rssi && !mirror->is_reading_all)
		device->heard_at_ms = clock_now_ms();
}

void mirror_heard(struct mirror *mirror, uint64_t addr)
{
	struct device *device = mirror_device(mirror, addr);

	if (!device || !device->has_rssi || clock_now_ms() - device->heard_at_ms < HEARD_AGAIN_MS)
		return;
	device->heard_at_ms = clock_now_ms();
	mirror->ops->device(mirror->ctx, device, 1u << DEVICE_ADVERT);
}

static int read_device(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	struct device *device = mirror_device(mirror, path->addr);
	unsigned changes = 0;
	int r;

	if (!device) {
		device = mirror_add(mirror, path->addr);
		changes = 1u << DEVICE_NEW;
	}
	if (!device)
		return sd_bus_message_skip(m, "a{sv}");
	device->is_stale = false;
	r = mirror_read_device_props(m, device, &changes);
	mirror_note_resolved(mirror, device);
	note_heard(mirror, device, changes);
	if (r >= 0 && changes != 0)
		mirror->ops->device(mirror->ctx, device, changes);
	return r;
}

static int read_service(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	struct device *device = mirror_device(mirror, path->addr);
	struct gatt_service *service;
	unsigned changes = 0;
	int r;

	if (!device || gatt_db_add_service(&device->db, path->service, &service) < 0)
		return sd_bus_message_skip(m, "a{sv}");
	r = mirror_read_service_props(m, service, &changes);
	if (r >= 0 && changes != 0)
		mirror->ops->device(mirror->ctx, device, 1u << DEVICE_GATT);
	return r;
}

static int read_chrc(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	struct device *device = mirror_device(mirror, path->addr);
	struct gatt_chrc *chrc;
	unsigned changes = 0;
	int r;

	if (!device || gatt_db_add_chrc(&device->db, path->chrc, &chrc) < 0)
		return sd_bus_message_skip(m, "a{sv}");
	chrc->service = path->service;
	r = mirror_read_chrc_props(m, chrc, &changes);
	if (r >= 0 && (changes & 1u << DEVICE_GATT))
		mirror->ops->device(mirror->ctx, device, 1u << DEVICE_GATT);
	return r;
}

static int read_adapter(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	unsigned changes = mirror->has_adapter ? 0 : 1;
	int r;

	(void)path;
	mirror->has_adapter = true;
	r = mirror_read_adapter_props(m, mirror, &changes);
	if (r >= 0 && changes != 0 && mirror->is_loaded)
		mirror->ops->adapter(mirror->ctx);
	return r;
}

static const struct {
	enum objpath_kind kind;
	const char *interface;
	int (*read)(struct mirror *mirror, const struct objpath *path, sd_bus_message *m);
} INTERFACES[] = {
	{ OBJPATH_DEVICE, "org.bluez.Device1", read_device },
	{ OBJPATH_CHRC, "org.bluez.GattCharacteristic1", read_chrc },
	{ OBJPATH_SERVICE, "org.bluez.GattService1", read_service },
	{ OBJPATH_ADAPTER, "org.bluez.Adapter1", read_adapter },
};

static int read_interface(struct mirror *mirror, const struct objpath *path, const char *interface,
			  sd_bus_message *m)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(INTERFACES); i++)
		if (INTERFACES[i].kind == path->kind &&
		    strcmp(INTERFACES[i].interface, interface) == 0)
			return INTERFACES[i].read(mirror, path, m);
	return sd_bus_message_skip(m, "a{sv}");
}

/* a{sa{sv}} of the object @path. */
static int read_object(struct mirror *mirror, const char *path, sd_bus_message *m)
{
	const struct objpath object = objpath_parse(path, mirror->adapter_path);
	const char *interface;
	int r;

	/* Other adapters, descriptors, media: most of the objects, at the price of a skip. */
	if (object.kind == OBJPATH_OTHER)
		return sd_bus_message_skip(m, "a{sa{sv}}");
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sa{sv}}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}")) > 0) {
		r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &interface);
		if (r >= 0)
			r = read_interface(mirror, &object, interface, m);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_objects(struct mirror *mirror, sd_bus_message *m)
{
	const char *path;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{oa{sa{sv}}}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "oa{sa{sv}}")) > 0) {
		r = sd_bus_message_read_basic(m, SD_BUS_TYPE_OBJECT_PATH, &path);
		if (r >= 0)
			r = read_object(mirror, path, m);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static void mark_stale(void *ctx, struct device *device)
{
	(void)ctx;
	device->is_stale = true;
}

/* What the answer did not name went while nobody listened. */
static void remove_stale(struct mirror *mirror)
{
	struct device *device;
	struct device *next;
	size_t i;

	for (i = 0; i < MIRROR_BUCKETS; i++)
		for (device = mirror->buckets[i]; device; device = next) {
			next = device->next;
			if (device->is_stale)
				mirror_remove(mirror, device->addr);
		}
}

int mirror_read_objects(struct mirror *mirror, sd_bus_message *m)
{
	int r;

	mirror_each(mirror, mark_stale, NULL);
	mirror->is_reading_all = true;
	r = read_objects(mirror, m);
	mirror->is_reading_all = false;
	remove_stale(mirror);
	return r;
}

int mirror_read_added(struct mirror *mirror, sd_bus_message *m)
{
	const char *path;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_OBJECT_PATH, &path);

	return r < 0 ? r : read_object(mirror, path, m);
}

/* --- PropertiesChanged: sa{sv}as --- */

struct value_sink {
	struct mirror *mirror;
	const struct objpath *path;
};

static int read_signal_value(sd_bus_message *m, void *object)
{
	struct value_sink *sink = object;
	const void *data;
	size_t len;
	int r = sd_bus_message_read_array(m, SD_BUS_TYPE_BYTE, &data, &len);

	if (r < 0)
		return r;
	sink->mirror->ops->value(sink->mirror->ctx, sink->path->addr, sink->path->chrc, data, len,
				 sd_bus_message_get_bus(m) != sink->mirror->conn);
	return 0;
}

static int read_notifying(sd_bus_message *m, void *object)
{
	struct value_sink *sink = object;
	int is_on;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_BOOLEAN, &is_on);

	if (r < 0)
		return r;
	sink->mirror->ops->notifying(sink->mirror->ctx, sink->path->addr, sink->path->chrc, is_on,
				     sd_bus_message_get_bus(m) != sink->mirror->conn);
	return 0;
}

static const struct prop VALUE_PROPS[] = {
	{ "Value", "ay", DEVICE_OTHER, read_signal_value },
	{ "Notifying", "b", DEVICE_OTHER, read_notifying },
};

static int changed_chrc(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	struct value_sink sink = { .mirror = mirror, .path = path };
	unsigned changes = 0;

	return props_read(m, VALUE_PROPS, ARRAY_LEN(VALUE_PROPS), &sink, &changes);
}

/* The names of properties that are no longer known: only RSSI matters to us. */
static int read_invalidated(struct device *device, sd_bus_message *m)
{
	const char *name;
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "s");

	while (r >= 0 && (r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &name)) > 0)
		if (strcmp(name, "RSSI") == 0)
			device->has_rssi = false;
	return r;
}

static int changed_device(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	struct device *device = mirror_device(mirror, path->addr);
	unsigned changes = 0;
	int r;

	/* Not one whose InterfacesAdded we have seen: leave it. */
	if (!device)
		return 0;
	r = mirror_read_device_props(m, device, &changes);
	mirror_note_resolved(mirror, device);
	note_heard(mirror, device, changes);
	if (r >= 0)
		r = read_invalidated(device, m);
	if (changes != 0)
		mirror->ops->device(mirror->ctx, device, changes);
	return r;
}

static int changed_adapter(struct mirror *mirror, const struct objpath *path, sd_bus_message *m)
{
	return mirror->has_adapter ? read_adapter(mirror, path, m) : 0;
}

static const struct {
	enum objpath_kind kind;
	const char *interface;
	int (*read)(struct mirror *mirror, const struct objpath *path, sd_bus_message *m);
} CHANGES[] = {
	{ OBJPATH_DEVICE, "org.bluez.Device1", changed_device },
	{ OBJPATH_CHRC, "org.bluez.GattCharacteristic1", changed_chrc },
	{ OBJPATH_ADAPTER, "org.bluez.Adapter1", changed_adapter },
};

int mirror_read_changed(struct mirror *mirror, const char *path, sd_bus_message *m)
{
	const struct objpath object = objpath_parse(path, mirror->adapter_path);
	const char *interface;
	size_t i;
	int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &interface);

	if (r < 0)
		return r;
	for (i = 0; i < ARRAY_LEN(CHANGES); i++)
		if (CHANGES[i].kind == object.kind && strcmp(CHANGES[i].interface, interface) == 0)
			return CHANGES[i].read(mirror, &object, m);
	return 0;
}
