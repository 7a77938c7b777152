/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/value_cache.h - values of one device that never change, by handle; as many as the
 * configuration may name. Pure apart from allocation. Part of what gatt_cache.h knows of a device,
 * and gone with it: a handle means something in its table of services only.
 */
#include "ipc/base.h"
#include "worker/rules.h"

/* A value has at most 512 octets (Core 5.4, Vol 3, Part F, 3.2.9). */
enum { VALUE_CACHE_MAX = RULES_FIXED_MAX, VALUE_CACHE_LEN_MAX = 512 };

struct value_cached {
	uint16_t handle;
	uint16_t len;
	uint8_t *data;
};

/* Begins zeroed. */
struct value_cache {
	size_t n;
	struct value_cached list[VALUE_CACHE_MAX];
};

/* NULL: it is not known. Valid until the next change. */
const struct value_cached *value_cache_find(const struct value_cache *values, uint16_t handle);

/* Instead of what was known. Too long, one too many, no memory: it is not kept. */
void value_cache_put(struct value_cache *values, uint16_t handle, const void *data, size_t len);
void value_cache_drop(struct value_cache *values, uint16_t handle);
void value_cache_clear(struct value_cache *values);
