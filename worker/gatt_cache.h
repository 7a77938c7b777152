/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/gatt_cache.h - what GATT devices had when they were last connected, and their values that
 * never change: known without a link, and while BlueZ knows nothing of them (a restart, a temporary
 * object that went). Ends with the worker. Bounded: the device that was not asked for for the
 * longest makes room. Pure apart from allocation; recall.h is who uses it.
 */
#include "worker/gatt_db.h"
#include "worker/value_cache.h"

#include <sys/queue.h>

/* BYTES_MAX: what one table of services takes at most. */
enum { GATT_CACHE_MAX = 256, GATT_CACHE_BYTES_MAX = 64 * 1024 };

struct gatt_known {
	TAILQ_ENTRY(gatt_known) entry; /* the last one asked for first */
	uint64_t addr;
	struct gatt_db db;
	uint64_t hash;
	bool is_bonded;
	struct value_cache values;
};

struct gatt_cache;

must_check int gatt_cache_new(struct gatt_cache **out);
struct gatt_cache *gatt_cache_free(struct gatt_cache *cache);

/* NULL: nothing is known of it. Valid until the next put or drop. */
struct gatt_known *gatt_cache_find(struct gatt_cache *cache, uint64_t addr);

/**
 * gatt_cache_put() - a device was found to have this
 * @db: copied; its values that are known are kept if it is the same as before
 *
 * A lost bond makes it another device. Returns NULL if it is not kept: there is nothing in it, or
 * no memory; what was known is gone then.
 */
struct gatt_known *gatt_cache_put(struct gatt_cache *cache, uint64_t addr, const struct gatt_db *db,
				  bool is_bonded);
void gatt_cache_drop(struct gatt_cache *cache, uint64_t addr);
