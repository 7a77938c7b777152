/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/gatt_db.h"

#include <string.h>

static const char *const FLAGS[] = {
	"read",
	"write",
	"write-without-response",
	"notify",
	"indicate",
	"authenticated-signed-writes",
	"reliable-write",
	"broadcast",
	"extended-properties",
	"writable-auxiliaries",
	"encrypt-read",
	"encrypt-write",
	"encrypt-notify",
	"encrypt-indicate",
	"encrypt-authenticated-read",
	"encrypt-authenticated-write",
	"encrypt-authenticated-notify",
	"encrypt-authenticated-indicate",
	"secure-read",
	"secure-write",
	"secure-notify",
	"secure-indicate",
	"authorize",
};
static_assert(ARRAY_LEN(FLAGS) <= 32, "a bit each");

uint32_t gatt_db_flag(const char *word)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(FLAGS); i++)
		if (strcmp(FLAGS[i], word) == 0)
			return 1u << i;
	return 0;
}

const char *gatt_db_flag_name(unsigned bit)
{
	return bit < ARRAY_LEN(FLAGS) ? FLAGS[bit] : NULL;
}

/* Both kinds of entry begin with their handle: one search and one insertion serve both. */
static_assert(offsetof(struct gatt_service, handle) == 0 && offsetof(struct gatt_chrc, handle) == 0,
	      "entries begin with their handle");

/* Index of the first entry whose handle is not less. */
static size_t lower_bound(const void *entries, size_t n, size_t size, uint16_t handle)
{
	size_t low = 0;
	uint16_t at;

	while (low < n) {
		size_t mid = (low + n) / 2;

		memcpy(&at, (const char *)entries + mid * size, sizeof(at));
		if (at < handle)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

static bool has_handle_at(const void *entries, size_t n, size_t size, size_t i, uint16_t handle)
{
	return i < n && memcmp((const char *)entries + i * size, &handle, sizeof(handle)) == 0;
}

/* Makes room at @i: a zeroed entry with its handle. NULL: no memory. */
static void *open_gap(void *entries, size_t n, size_t size, size_t i, uint16_t handle)
{
	char *grown = entries;

	/* Capacity is the next power of two: grow when the count is one. */
	if ((n & (n - 1)) == 0) {
		grown = realloc(entries, size * (n == 0 ? 1 : 2 * n));
		if (!grown)
			return NULL;
	}
	memmove(grown + (i + 1) * size, grown + i * size, (n - i) * size);
	memset(grown + i * size, 0, size);
	memcpy(grown + i * size, &handle, sizeof(handle));
	return grown;
}

int gatt_db_add_service(struct gatt_db *db, uint16_t handle, struct gatt_service **out)
{
	const size_t size = sizeof(db->services[0]);
	size_t i = lower_bound(db->services, db->n_services, size, handle);
	void *grown;

	if (!has_handle_at(db->services, db->n_services, size, i, handle)) {
		if (db->n_services >= GATT_DB_SERVICES_MAX)
			return -ENOSPC;
		grown = open_gap(db->services, db->n_services, size, i, handle);
		if (!grown)
			return -ENOMEM;
		db->services = grown;
		db->n_services++;
	}
	*out = &db->services[i];
	return 0;
}

int gatt_db_add_chrc(struct gatt_db *db, uint16_t handle, struct gatt_chrc **out)
{
	const size_t size = sizeof(db->chrcs[0]);
	size_t i = lower_bound(db->chrcs, db->n_chrcs, size, handle);
	void *grown;

	if (!has_handle_at(db->chrcs, db->n_chrcs, size, i, handle)) {
		if (db->n_chrcs >= GATT_DB_CHRCS_MAX)
			return -ENOSPC;
		grown = open_gap(db->chrcs, db->n_chrcs, size, i, handle);
		if (!grown)
			return -ENOMEM;
		db->chrcs = grown;
		db->n_chrcs++;
	}
	*out = &db->chrcs[i];
	return 0;
}

static void remove_chrc_at(struct gatt_db *db, size_t i)
{
	db->n_chrcs--;
	memmove(&db->chrcs[i], &db->chrcs[i + 1], (db->n_chrcs - i) * sizeof(db->chrcs[0]));
	/* open_gap() takes a count that is a power of two for a full array: keep that true. */
	if (db->n_chrcs == 0) {
		free(db->chrcs);
		db->chrcs = NULL;
	}
}

void gatt_db_remove_chrc(struct gatt_db *db, uint16_t handle)
{
	const size_t size = sizeof(db->chrcs[0]);
	size_t i = lower_bound(db->chrcs, db->n_chrcs, size, handle);

	if (has_handle_at(db->chrcs, db->n_chrcs, size, i, handle))
		remove_chrc_at(db, i);
}

void gatt_db_remove_service(struct gatt_db *db, uint16_t handle)
{
	const size_t size = sizeof(db->services[0]);
	size_t i = lower_bound(db->services, db->n_services, size, handle);

	if (!has_handle_at(db->services, db->n_services, size, i, handle))
		return;
	db->n_services--;
	memmove(&db->services[i], &db->services[i + 1], (db->n_services - i) * size);
	if (db->n_services == 0) {
		free(db->services);
		db->services = NULL;
	}
	for (i = db->n_chrcs; i > 0; i--)
		if (db->chrcs[i - 1].service == handle)
			remove_chrc_at(db, i - 1);
}

void gatt_db_clear(struct gatt_db *db)
{
	free(db->services);
	free(db->chrcs);
	*db = (struct gatt_db){ .services = NULL };
}

int gatt_db_copy(struct gatt_db *out, const struct gatt_db *db)
{
	/* Capacities are powers of two, open_gap() says; a copy is not added to. */
	struct gatt_service *services = calloc(db->n_services + 1, sizeof(*services));
	struct gatt_chrc *chrcs = calloc(db->n_chrcs + 1, sizeof(*chrcs));

	if (!services || !chrcs) {
		free(services);
		free(chrcs);
		return -ENOMEM;
	}
	if (db->n_services > 0)
		memcpy(services, db->services, db->n_services * sizeof(*services));
	if (db->n_chrcs > 0)
		memcpy(chrcs, db->chrcs, db->n_chrcs * sizeof(*chrcs));
	*out = (struct gatt_db){ .services = services,
				 .n_services = db->n_services,
				 .chrcs = chrcs,
				 .n_chrcs = db->n_chrcs };
	return 0;
}

/* FNV-1a: another table of services is to look different, and nobody has a reason to cheat. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len-- > 0)
		hash = (hash ^ *at++) * 0x100000001b3u;
	return hash;
}

uint64_t gatt_db_hash(const struct gatt_db *db)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t i;

	if (db->n_services == 0)
		return 0;
	for (i = 0; i < db->n_services; i++) {
		hash = hash_bytes(hash, &db->services[i].handle, sizeof(db->services[i].handle));
		hash = hash_bytes(hash, &db->services[i].uuid, sizeof(db->services[i].uuid));
	}
	for (i = 0; i < db->n_chrcs; i++) {
		hash = hash_bytes(hash, &db->chrcs[i].handle, sizeof(db->chrcs[i].handle));
		hash = hash_bytes(hash, &db->chrcs[i].uuid, sizeof(db->chrcs[i].uuid));
	}
	return hash != 0 ? hash : 1;
}

struct gatt_chrc *gatt_db_chrc(const struct gatt_db *db, uint16_t handle)
{
	const size_t size = sizeof(db->chrcs[0]);
	size_t i = lower_bound(db->chrcs, db->n_chrcs, size, handle);

	return has_handle_at(db->chrcs, db->n_chrcs, size, i, handle) ? &db->chrcs[i] : NULL;
}

struct gatt_chrc *gatt_db_find(const struct gatt_db *db, const struct uuid *uuid, uint16_t handle)
{
	struct gatt_chrc *chrc;
	size_t i;

	if (handle != 0) {
		chrc = gatt_db_chrc(db, handle);
		return chrc && (!uuid || uuid_equal(&chrc->uuid, uuid)) ? chrc : NULL;
	}
	for (i = 0; uuid && i < db->n_chrcs; i++)
		if (uuid_equal(&db->chrcs[i].uuid, uuid))
			return &db->chrcs[i];
	return NULL;
}

uint16_t gatt_db_mtu(const struct gatt_db *db)
{
	size_t i;

	for (i = 0; i < db->n_chrcs; i++)
		if (db->chrcs[i].mtu != 0)
			return db->chrcs[i].mtu;
	return 0;
}
