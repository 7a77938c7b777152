/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/mirror.h - what BlueZ says of our adapter: its power, its devices, their services.
 *
 * Matches first, then GetManagedObjects once; from then on signals keep it true, and nothing is
 * read again (DESIGN 12). bluetoothd may vanish and come back: then everything is cleared, told as
 * gone, and loaded anew. The number of match rules is constant. Everything read is untrusted:
 * type-checked, bounded, skipped if odd. Single threaded.
 *
 * Devices are found by address in a hash table; pointers to them are valid until the next signal.
 */
#include "ipc/uuid.h"
#include "worker/bus.h"
#include "worker/gatt_db.h"

enum {
	MIRROR_DEVICES_MAX = 8192,
	MIRROR_LOAD_TIMEOUT_MS = 10000,
	DEVICE_NAME_LEN = 63,
	DEVICE_UUIDS_MAX = 16,
	DEVICE_MANUFACTURER_MAX = 255,
};

/* What changed, as bits 1 << n. */
enum device_change {
	DEVICE_NEW,
	DEVICE_ADVERT, /* RSSI, UUIDs or manufacturer data: it was heard */
	DEVICE_NAME,
	DEVICE_CONNECTED,
	DEVICE_GATT, /* ServicesResolved, services, characteristics */
	DEVICE_OTHER,
};

struct device {
	struct device *next; /* in its hash bucket */
	struct mirror *mirror;
	uint64_t addr;
	bool is_random;
	bool is_connected;
	bool is_resolved; /* and the services that it was said of are all here */
	bool is_bonded;
	bool has_rssi;
	bool has_company;
	bool has_service_data;
	bool is_counted; /* among the links: control.c's */
	bool is_paired;
	bool is_said_resolved;	  /* ServicesResolved as BlueZ has it */
	bool is_stale;		  /* not named yet by the answer that is being read */
	uint64_t connected_at_ms; /* when is_connected last changed, as far as we saw */
	int8_t rssi_dbm;
	uint16_t company;
	uint8_t manufacturer_len;
	uint8_t n_uuids;
	char name[DEVICE_NAME_LEN + 1];
	struct uuid *uuids;
	uint8_t *manufacturer;
	uint64_t heard_at_ms; /* its last advert; 0: none since we listen */
	struct gatt_db db;
	struct bus_call *settling; /* behind its answer all services have come */
	/* What the supervisor was last told: worker/sight.c's. */
	struct {
		TAILQ_ENTRY(device) entry;
		bool is_queued;
		bool is_told;
		bool is_connected;
		bool is_bonded;
		bool has_rssi;
		uint8_t n_uuids;
		int8_t rssi_dbm;
		uint64_t at_ms;
	} sight;
};

struct mirror;

struct mirror_ops {
	void (*loaded)(void *ctx);  /* all of it was read */
	void (*gone)(void *ctx);    /* bluetoothd or the adapter went */
	void (*adapter)(void *ctx); /* power or discovering changed */
	void (*device)(void *ctx, struct device *device, unsigned changes);
	void (*device_gone)(void *ctx, struct device *device); /* valid until this returns */
	/*
	 * A characteristic's Value signal; only while mirror_want_values(). @is_left: by the
	 * connection before, which hears them until it is drained. Both hear the same.
	 */
	void (*value)(void *ctx, uint64_t addr, uint16_t chrc, const void *data, size_t len,
		      bool is_left);
	/* Its Notifying, likewise. */
	void (*notifying)(void *ctx, uint64_t addr, uint16_t chrc, bool is_on, bool is_left);
	void (*load_begin)(void *ctx);
	void (*load_end)(void *ctx);
};

must_check int mirror_new(struct mirror **out, struct bus *bus, struct deadlines *deadlines,
			  const char *adapter_path, const struct mirror_ops *ops, void *ctx);
struct mirror *mirror_free(struct mirror *mirror);

/* A new bus connection: matches and GetManagedObjects. What is known stays until that answers. */
void mirror_attach(struct mirror *mirror, sd_bus *conn);
/* The bus connection went. */
void mirror_detach(struct mirror *mirror);

bool mirror_has_bluez(const struct mirror *mirror);   /* org.bluez has an owner */
bool mirror_has_adapter(const struct mirror *mirror); /* loaded, and ours is there */
bool mirror_is_loaded(const struct mirror *mirror);   /* what there is is known */
bool mirror_is_settled(const struct mirror *mirror);  /* loaded, or known that there is nothing */
bool mirror_is_powered(const struct mirror *mirror);
bool mirror_is_discovering(const struct mirror *mirror);
size_t mirror_count(const struct mirror *mirror);

struct device *mirror_device(const struct mirror *mirror, uint64_t addr);

/* It was heard, as somebody else says; no more than once a second is told. */
void mirror_heard(struct mirror *mirror, uint64_t addr);

/* Calls @each for every device; it must not add or remove any. */
void mirror_each(const struct mirror *mirror, void (*each)(void *ctx, struct device *device),
		 void *ctx);

/* Counts who wants Value signals; the match is there while somebody does. */
void mirror_want_values(struct mirror *mirror, bool is_wanted);

/* --- for the tests: the messages as they come --- */
must_check int mirror_read_objects(struct mirror *mirror, sd_bus_message *m);
must_check int mirror_read_added(struct mirror *mirror, sd_bus_message *m);
must_check int mirror_read_removed(struct mirror *mirror, sd_bus_message *m);
must_check int mirror_read_changed(struct mirror *mirror, const char *path, sd_bus_message *m);
