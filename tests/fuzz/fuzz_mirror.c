/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BlueZ's objects and signals through the worker's readers alone: no bus, so many more of them. */
#include "tests/fuzz/bluez.h"
#include "worker/mirror.h"

static void look_at(const struct device *device)
{
	size_t i;

	feed_touch(device->uuids, device->n_uuids * sizeof(struct uuid));
	feed_touch(device->manufacturer, device->manufacturer_len);
	MUST(device->db.n_services <= GATT_DB_SERVICES_MAX &&
	     device->db.n_chrcs <= GATT_DB_CHRCS_MAX);
	for (i = 1; i < device->db.n_services; i++)
		MUST(device->db.services[i - 1].handle < device->db.services[i].handle);
	for (i = 1; i < device->db.n_chrcs; i++)
		MUST(device->db.chrcs[i - 1].handle < device->db.chrcs[i].handle);
	(void)gatt_db_hash(&device->db);
	(void)gatt_db_mtu(&device->db);
}

static void on_device(void *ctx, struct device *device, unsigned changes)
{
	(void)ctx;
	MUST(changes != 0);
	look_at(device);
}

static void on_gone(void *ctx, struct device *device)
{
	(void)ctx;
	look_at(device);
}

static void on_value(void *ctx, uint64_t addr, uint16_t chrc, const void *data, size_t len,
		     bool is_left)
{
	(void)ctx;
	(void)is_left;
	(void)chrc;
	MUST(addr >> 48 == 0);
	feed_touch(data, len);
}

static void on_notifying(void *ctx, uint64_t addr, uint16_t chrc, bool is_on, bool is_left)
{
	(void)ctx;
	(void)is_left;
	(void)is_on;
	(void)chrc;
	MUST(addr >> 48 == 0);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static const struct mirror_ops OPS = { .loaded = nothing,
				       .gone = nothing,
				       .adapter = nothing,
				       .device = on_device,
				       .device_gone = on_gone,
				       .value = on_value,
				       .notifying = on_notifying,
				       .load_begin = nothing,
				       .load_end = nothing };

static sd_bus_message *message(void)
{
	static sd_bus *conn; /* only to make messages with: nobody is there */
	sd_bus_message *m = NULL;

	if (!conn) {
		MUST(sd_bus_new(&conn) >= 0);
		MUST(sd_bus_set_address(conn, "unix:path=/nonexistent") >= 0);
		(void)sd_bus_start(conn);
	}
	MUST(sd_bus_message_new(conn, &m, SD_BUS_MESSAGE_SIGNAL) >= 0);
	return m;
}

static void one(struct mirror *mirror, struct feed *feed)
{
	sd_bus_message *m = message();
	uint8_t choice = feed_u8(feed);
	char path[128] = "";
	void (*const PUT[])(sd_bus_message * message,
			    struct feed * feed) = { bluez_put_objects, bluez_put_added,
						    bluez_put_removed, bluez_put_changed };

	if (choice < 240)
		PUT[choice % 4](m, feed);
	else
		bluez_put_any(m, feed);
	if (choice % 4 == 3)
		(void)bluez_path(feed, path);
	if (sd_bus_message_seal(m, 1, 0) >= 0 && sd_bus_message_rewind(m, 1) >= 0) {
		if (choice % 4 == 0)
			(void)!mirror_read_objects(mirror, m);
		else if (choice % 4 == 1)
			(void)!mirror_read_added(mirror, m);
		else if (choice % 4 == 2)
			(void)!mirror_read_removed(mirror, m);
		else
			(void)!mirror_read_changed(mirror, path, m);
	}
	sd_bus_message_unref(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct deadlines *deadlines;
	static sd_event *event;
	struct feed feed = { data, size };
	struct mirror *mirror;

	if (!event) {
		MUST(sd_event_new(&event) >= 0);
		MUST(deadlines_new(&deadlines, event) == 0);
	}
	MUST(mirror_new(&mirror, NULL, deadlines, "/org/bluez/hci0", &OPS, NULL) == 0);
	while (feed.left > 0)
		one(mirror, &feed);
	mirror_free(mirror);
	return 0;
}
