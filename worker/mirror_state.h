/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* worker/mirror_state.h - what mirror.c (bus) and mirror_read.c (parsing) share, and nobody else.
 */
#include "worker/mirror.h"
#include "worker/objpath.h"

enum { MIRROR_BUCKETS = 1024, MIRROR_MATCHES = 8 };

struct mirror {
	struct bus *bus;
	struct deadlines *deadlines;
	const struct mirror_ops *ops;
	void *ctx;
	char adapter_path[32];
	struct device *buckets[MIRROR_BUCKETS];
	size_t n_devices;
	bool has_owner;
	bool has_adapter;
	bool is_loaded;
	bool is_settled;
	bool is_reading_all; /* GetManagedObjects: what was heard, who knows when */
	bool is_powered;
	bool is_discovering;
	unsigned n_value_wants;
	sd_bus *conn;
	sd_bus_slot *matches[MIRROR_MATCHES];
	sd_bus_slot *value_match;
	sd_bus_slot *left_match; /* the same on the connection before */
	struct bus_call *load;
	struct deadline retry;
};

/* mirror_props.c: an a{sv}; bits of what changed are added. */
must_check int mirror_read_adapter_props(sd_bus_message *m, struct mirror *mirror,
					 unsigned *changes);
must_check int mirror_read_device_props(sd_bus_message *m, struct device *device,
					unsigned *changes);
must_check int mirror_read_service_props(sd_bus_message *m, struct gatt_service *service,
					 unsigned *changes);
must_check int mirror_read_chrc_props(sd_bus_message *m, struct gatt_chrc *chrc, unsigned *changes);

/*
 * mirror.c: what BlueZ says of ServicesResolved was read. It may say so before it shows the
 * services (contrib/lab/README.md): then the device is resolved when they have come.
 */
void mirror_note_resolved(struct mirror *mirror, struct device *device);

/* mirror_read.c */
struct device *mirror_add(struct mirror *mirror, uint64_t addr);
void mirror_remove(struct mirror *mirror, uint64_t addr);
/* Forgets all devices, telling each as gone. */
void mirror_clear(struct mirror *mirror);
/* The same, telling nobody: the end. */
void mirror_drop_all(struct mirror *mirror);
