/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parsing of BlueZ's messages, with messages made by hand: good ones, odd ones. */
#include "worker/mirror.h"
#include "worker/objpath.h"
#include "worker/scan.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_mirror(void);

static struct {
	unsigned device, gone, loaded, adapter, values, notifying;
	unsigned changes;
} seen;

static void count_device(void *ctx, struct device *device, unsigned changes)
{
	(void)ctx;
	(void)device;
	seen.device++;
	seen.changes = changes;
}

static void count_gone(void *ctx, struct device *device)
{
	(void)ctx;
	(void)device;
	seen.gone++;
}

static void count_adapter(void *ctx)
{
	(void)ctx;
	seen.adapter++;
}

static void count_value(void *ctx, uint64_t addr, uint16_t chrc, const void *data, size_t len,
			bool is_left)
{
	(void)ctx;
	(void)is_left;
	ck_assert_uint_eq(addr, 0xc0aabb000001u);
	ck_assert_uint_eq(chrc, 0x000b);
	ck_assert_uint_eq(len, 2);
	ck_assert_mem_eq(data, "\x01\x02", 2);
	seen.values++;
}

static void count_notifying(void *ctx, uint64_t addr, uint16_t chrc, bool is_on, bool is_left)
{
	(void)ctx;
	(void)is_left;
	ck_assert_uint_eq(addr, 0xc0aabb000001u);
	ck_assert_uint_eq(chrc, 0x000b);
	seen.notifying += is_on ? 1 : 100;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static const struct mirror_ops OPS = { .loaded = nothing,
				       .gone = nothing,
				       .adapter = count_adapter,
				       .device = count_device,
				       .device_gone = count_gone,
				       .value = count_value,
				       .notifying = count_notifying,
				       .load_begin = nothing,
				       .load_end = nothing };

static struct mirror *mirror;
static struct deadlines *deadlines;
static sd_event *event;
static sd_bus *conn;

static void setup(void)
{
	ck_assert(sd_event_new(&event) >= 0);
	ck_assert(deadlines_new(&deadlines, event) == 0);
	ck_assert(mirror_new(&mirror, NULL, deadlines, "/org/bluez/hci0", &OPS, NULL) == 0);
	/* Only to make messages with: it is never started. */
	ck_assert(sd_bus_new(&conn) >= 0);
	ck_assert(sd_bus_set_address(conn, "unix:path=/nonexistent") >= 0);
	(void)sd_bus_start(conn);
}

static void teardown(void)
{
	mirror_free(mirror);
	deadlines_free(deadlines);
	sd_bus_unref(conn);
	sd_event_unref(event);
}

static sd_bus_message *message(void)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new(conn, &m, SD_BUS_MESSAGE_SIGNAL);

	ck_assert_msg(r >= 0, "%s", strerror(-r));
	return m;
}

static sd_bus_message *sealed(sd_bus_message *m)
{
	ck_assert(sd_bus_message_seal(m, 1, 0) >= 0);
	ck_assert(sd_bus_message_rewind(m, 1) >= 0);
	return m;
}

static void add_device(const char *path, bool is_connected, int rssi)
{
	sd_bus_message *m = message();

	ck_assert(sd_bus_message_append(
			  m, "oa{sa{sv}}", path, 2, "org.bluez.Device1", 7, "AddressType", "s",
			  "random", "Name", "s", "thing", "Connected", "b", (int)is_connected,
			  "RSSI", "n", rssi, "UUIDs", "as", 2,
			  "0000fff0-0000-1000-8000-00805f9b34fb", "no uuid",
			  /* not of the type that one expects */
			  "ServicesResolved", "s", "yes", "ManufacturerData", "a{qv}", 1, 0x004c,
			  "ay", 2, 7, 8, "org.example.Other", 1, "X", "u", 7) >= 0);
	ck_assert(mirror_read_added(mirror, sealed(m)) >= 0);
	sd_bus_message_unref(m);
}

static void add_gatt(const char *path, const char *interface, const char *uuid)
{
	sd_bus_message *m = message();

	ck_assert(sd_bus_message_append(m, "oa{sa{sv}}", path, 1, interface, 3, "UUID", "s", uuid,
					"Flags", "as", 3, "read", "notify", "unheard-of", "Primary",
					"b", 1) >= 0);
	ck_assert(mirror_read_added(mirror, sealed(m)) >= 0);
	sd_bus_message_unref(m);
}

START_TEST(device_properties)
{
	const struct device *d;

	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_01", true, -60);
	d = mirror_device(mirror, 0xc0aabb000001);
	ck_assert_ptr_nonnull(d);
	ck_assert(d->is_random && d->is_connected && d->has_rssi && !d->is_resolved);
	ck_assert_int_eq(d->rssi_dbm, -60);
	ck_assert_str_eq(d->name, "thing");
	ck_assert_uint_eq(d->n_uuids, 1);
	ck_assert_uint_eq(d->company, 0x004c);
	ck_assert_uint_eq(d->manufacturer_len, 2);
	ck_assert_uint_eq(seen.device, 1);
	ck_assert(seen.changes & 1u << DEVICE_NEW);
	/* Another adapter's, and things that are no devices. */
	add_device("/org/bluez/hci1/dev_C0_AA_BB_00_00_01", true, -60);
	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_0", true, -60);
	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_01/player0", true, -60);
	add_device("/org/bluez/hci01/dev_C0_AA_BB_00_00_02", true, -60);
	ck_assert_uint_eq(mirror_count(mirror), 1);
}
END_TEST

/* What GetManagedObjects has an RSSI of was heard who knows when; a signal tells of an advert. */
START_TEST(heard)
{
	const char *const path = "/org/bluez/hci0/dev_C0_AA_BB_00_00_01";
	sd_bus_message *m = message();
	const struct device *d;

	ck_assert(sd_bus_message_append(m, "a{oa{sa{sv}}}", 1, path, 1, "org.bluez.Device1", 2,
					"RSSI", "n", -60, "ServiceData", "a{sv}", 0) >= 0);
	ck_assert(mirror_read_objects(mirror, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	d = mirror_device(mirror, 0xc0aabb000001);
	ck_assert(d->has_rssi && d->heard_at_ms == 0 && !d->has_service_data);
	m = message();
	ck_assert(sd_bus_message_append(
			  m, "sa{sv}as", "org.bluez.Device1", 2, "RSSI", "n", -60, "ServiceData",
			  "a{sv}", 1, "0000fff0-0000-1000-8000-00805f9b34fb", "ay", 1, 7, 0) >= 0);
	ck_assert(mirror_read_changed(mirror, path, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	ck_assert(d->heard_at_ms != 0 && d->has_service_data);
	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_02", false, -60);
	ck_assert(mirror_device(mirror, 0xc0aabb000002)->heard_at_ms != 0);
}
END_TEST

START_TEST(changes_and_removal)
{
	const char *const path = "/org/bluez/hci0/dev_C0_AA_BB_00_00_01";
	sd_bus_message *m = message();
	const struct device *d;

	add_device(path, false, -60);
	ck_assert(sd_bus_message_append(m, "sa{sv}as", "org.bluez.Device1", 1, "Connected", "b", 1,
					1, "RSSI") >= 0);
	ck_assert(mirror_read_changed(mirror, path, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	d = mirror_device(mirror, 0xc0aabb000001);
	ck_assert(d->is_connected && !d->has_rssi);
	ck_assert_uint_eq(seen.changes, 1u << DEVICE_CONNECTED);
	m = message();
	ck_assert(sd_bus_message_append(m, "oas", path, 2, "org.bluez.Battery1",
					"org.bluez.Device1") >= 0);
	ck_assert(mirror_read_removed(mirror, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	ck_assert_uint_eq(seen.gone, 1);
	ck_assert_uint_eq(mirror_count(mirror), 0);
}
END_TEST

START_TEST(services)
{
	const char *const path = "/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service000a/char000b";
	sd_bus_message *m = message();
	struct gatt_chrc *c;
	struct device *d;
	struct uuid uuid;

	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_01", true, -60);
	/* In whatever order. */
	add_gatt(path, "org.bluez.GattCharacteristic1", "0000fff4-0000-1000-8000-00805f9b34fb");
	add_gatt("/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service000a", "org.bluez.GattService1",
		 "0000fff0-0000-1000-8000-00805f9b34fb");
	d = mirror_device(mirror, 0xc0aabb000001);
	ck_assert(uuid_parse("fff4", &uuid) == 0);
	c = gatt_db_find(&d->db, &uuid, 0);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->flags, GATT_READ | GATT_NOTIFY);
	ck_assert_uint_eq(c->handle, 0x000b);
	ck_assert_uint_eq(d->db.n_services, 1);
	ck_assert(sd_bus_message_append(m, "sa{sv}as", "org.bluez.GattCharacteristic1", 2, "Value",
					"ay", 2, 1, 2, "Notifying", "b", 1, 0) >= 0);
	ck_assert(mirror_read_changed(mirror, path, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	ck_assert_uint_eq(seen.values, 1);
	ck_assert_uint_eq(seen.notifying, 1);
	m = message();
	ck_assert(sd_bus_message_append(m, "oas",
					"/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service000a", 1,
					"org.bluez.GattService1") >= 0);
	ck_assert(mirror_read_removed(mirror, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	ck_assert_uint_eq(d->db.n_services, 0);
	ck_assert_uint_eq(d->db.n_chrcs, 0);
}
END_TEST

/* GetManagedObjects on a mirror that knows devices already: what is not named is gone. */
START_TEST(reload)
{
	sd_bus_message *m = message();

	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_01", true, -60);
	add_device("/org/bluez/hci0/dev_C0_AA_BB_00_00_02", true, -60);
	ck_assert(sd_bus_message_append(m, "a{oa{sa{sv}}}", 2, "/org/bluez/hci0", 1,
					"org.bluez.Adapter1", 1, "Powered", "b", 1,
					"/org/bluez/hci0/dev_C0_AA_BB_00_00_02", 1,
					"org.bluez.Device1", 1, "Connected", "b", 0) >= 0);
	ck_assert(mirror_read_objects(mirror, sealed(m)) >= 0);
	sd_bus_message_unref(m);
	ck_assert_uint_eq(mirror_count(mirror), 1);
	ck_assert_uint_eq(seen.gone, 1);
	ck_assert(mirror_is_powered(mirror));
	ck_assert(!mirror_device(mirror, 0xc0aabb000002)->is_connected);
}
END_TEST

START_TEST(paths)
{
	struct objpath o = objpath_parse("/org/bluez/hci0", "/org/bluez/hci0");
	char text[OBJPATH_LEN];

	ck_assert_int_eq((int)o.kind, OBJPATH_ADAPTER);
	o = objpath_parse("/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service0010/char00ff",
			  "/org/bluez/hci0");
	ck_assert_int_eq((int)o.kind, OBJPATH_CHRC);
	ck_assert_uint_eq(o.service, 0x10);
	ck_assert_uint_eq(o.chrc, 0xff);
	objpath_format(&o, "/org/bluez/hci0", text);
	ck_assert_str_eq(text, "/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service0010/char00ff");
	o = objpath_parse("/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service0010/char00ff/desc0101",
			  "/org/bluez/hci0");
	ck_assert_int_eq((int)o.kind, OBJPATH_OTHER);
	o = objpath_parse("/org/bluez/hci0/dev_C0_AA_BB_00_00_01/service00zz", "/org/bluez/hci0");
	ck_assert_int_eq((int)o.kind, OBJPATH_OTHER);
	o = objpath_parse("/org/bluez/hci0/dev_", "/org/bluez/hci0");
	ck_assert_int_eq((int)o.kind, OBJPATH_OTHER);
}
END_TEST

/* Against a plain model: random insertions and removals. */
START_TEST(gatt_table)
{
	struct gatt_db db = { .services = NULL };
	bool model[256] = { false };
	struct gatt_chrc *c;
	unsigned seed = 1;
	unsigned n = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		uint16_t handle;

		seed = seed * 1103515245u + 12345u;
		handle = (uint16_t)(seed >> 16 & 0xff);
		if (seed >> 30 & 1) {
			ck_assert(gatt_db_add_chrc(&db, handle, &c) == 0);
			ck_assert_uint_eq(c->handle, handle);
			n += model[handle] ? 0 : 1;
			model[handle] = true;
		} else {
			gatt_db_remove_chrc(&db, handle);
			n -= model[handle] ? 1 : 0;
			model[handle] = false;
		}
		ck_assert_uint_eq(db.n_chrcs, n);
		ck_assert_int_eq(gatt_db_chrc(&db, handle) != NULL, model[handle]);
	}
	gatt_db_clear(&db);
}
END_TEST

START_TEST(filters)
{
	struct uuid a, b;
	struct device device = { .addr = 1, .has_rssi = true, .rssi_dbm = -70 };
	struct request filter = { .rssi_min_dbm = INT32_MIN };

	ck_assert(uuid_parse("fff0", &a) == 0 && uuid_parse("180f", &b) == 0);
	ck_assert(scan_passes(&filter, &device));
	filter.address = 2;
	ck_assert(!scan_passes(&filter, &device));
	filter.address = 1;
	filter.rssi_min_dbm = -69;
	ck_assert(!scan_passes(&filter, &device));
	filter.rssi_min_dbm = -70;
	filter.uuids = &a;
	filter.n_uuids = 1;
	ck_assert(!scan_passes(&filter, &device));
	device.uuids = &b;
	device.n_uuids = 1;
	ck_assert(!scan_passes(&filter, &device));
	device.uuids = &a;
	ck_assert(scan_passes(&filter, &device));
}
END_TEST

Suite *suite_mirror(void)
{
	Suite *s = suite_create("mirror");
	TCase *c = tcase_create("messages");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, device_properties);
	tcase_add_test(c, heard);
	tcase_add_test(c, changes_and_removal);
	tcase_add_test(c, services);
	tcase_add_test(c, reload);
	suite_add_tcase(s, c);
	c = tcase_create("pure");
	tcase_add_test(c, paths);
	tcase_add_test(c, gatt_table);
	tcase_add_test(c, filters);
	suite_add_tcase(s, c);
	return s;
}
