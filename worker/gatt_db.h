/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/gatt_db.h - the services and characteristics of one device, as BlueZ exports them: two
 * arrays sorted by handle. Pure apart from allocation. Pointers into it are valid until the next
 * change; whoever waits keeps handles.
 */
#include "ipc/uuid.h"

enum {
	GATT_DB_SERVICES_MAX = 256,
	GATT_DB_CHRCS_MAX = 1024,
};

/* BlueZ's flag words as bits; gatt_db_flag_name() gives them back. */
enum gatt_flag {
	GATT_READ = 1u << 0,
	GATT_WRITE = 1u << 1,
	GATT_WRITE_COMMAND = 1u << 2,
	GATT_NOTIFY = 1u << 3,
	GATT_INDICATE = 1u << 4,
	GATT_SIGNED_WRITE = 1u << 5,
	GATT_RELIABLE_WRITE = 1u << 6,
	/* the words from here on are only shown to programs */
};

struct gatt_service {
	uint16_t handle;
	bool is_primary;
	struct uuid uuid;
};

struct gatt_chrc {
	uint16_t handle;
	uint16_t service;
	uint16_t mtu; /* 0: unknown */
	uint32_t flags;
	struct uuid uuid;
	uint64_t again_at_ms; /* BlueZ was busy with it: not before */
	bool has_session;     /* StartNotify of this bus connection, kept without a link, too */
};

struct gatt_db {
	struct gatt_service *services;
	size_t n_services;
	struct gatt_chrc *chrcs;
	size_t n_chrcs;
};

/**
 * gatt_db_add_service(), gatt_db_add_chrc() - find by handle, or add
 * Errors: -ENOMEM; -ENOSPC more than the limit.
 */
must_check int gatt_db_add_service(struct gatt_db *db, uint16_t handle, struct gatt_service **out);
must_check int gatt_db_add_chrc(struct gatt_db *db, uint16_t handle, struct gatt_chrc **out);

/* A service goes with its characteristics. */
void gatt_db_remove_service(struct gatt_db *db, uint16_t handle);
void gatt_db_remove_chrc(struct gatt_db *db, uint16_t handle);
void gatt_db_clear(struct gatt_db *db);

/* @out: empty. -ENOMEM: it stays that. */
must_check int gatt_db_copy(struct gatt_db *out, const struct gatt_db *db);

/* Of handles and UUIDs: another table is to look different. 0: there are no services. */
uint64_t gatt_db_hash(const struct gatt_db *db);

/* NULL if there is none. */
struct gatt_chrc *gatt_db_chrc(const struct gatt_db *db, uint16_t handle);

/**
 * gatt_db_find() - the characteristic that a program means
 * @uuid:   NULL: any
 * @handle: 0: the first of that UUID
 */
struct gatt_chrc *gatt_db_find(const struct gatt_db *db, const struct uuid *uuid, uint16_t handle);

/* The bit of a word, 0 if it is unknown; the word of bit number @bit, NULL past the last. */
uint32_t gatt_db_flag(const char *word);
const char *gatt_db_flag_name(unsigned bit);

/* The MTU that any characteristic tells, 0 if none does. */
uint16_t gatt_db_mtu(const struct gatt_db *db);
