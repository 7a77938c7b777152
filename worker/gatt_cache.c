/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/gatt_cache.h"

static_assert(GATT_DB_SERVICES_MAX * sizeof(struct gatt_service) +
			      GATT_DB_CHRCS_MAX * sizeof(struct gatt_chrc) <=
		      GATT_CACHE_BYTES_MAX,
	      "a table within its bound");

struct gatt_cache {
	TAILQ_HEAD(gatt_known_list, gatt_known) list;
	size_t n;
};

int gatt_cache_new(struct gatt_cache **out)
{
	struct gatt_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	TAILQ_INIT(&cache->list);
	*out = cache;
	return 0;
}

static void forget(struct gatt_cache *cache, struct gatt_known *known)
{
	TAILQ_REMOVE(&cache->list, known, entry);
	cache->n--;
	gatt_db_clear(&known->db);
	value_cache_clear(&known->values);
	free(known);
}

struct gatt_cache *gatt_cache_free(struct gatt_cache *cache)
{
	if (!cache)
		return NULL;
	while (!TAILQ_EMPTY(&cache->list))
		forget(cache, TAILQ_FIRST(&cache->list));
	free(cache);
	return NULL;
}

struct gatt_known *gatt_cache_find(struct gatt_cache *cache, uint64_t addr)
{
	struct gatt_known *known;

	TAILQ_FOREACH(known, &cache->list, entry)
	if (known->addr == addr)
		break;
	if (!known || known == TAILQ_FIRST(&cache->list))
		return known;
	TAILQ_REMOVE(&cache->list, known, entry);
	TAILQ_INSERT_HEAD(&cache->list, known, entry);
	return known;
}

void gatt_cache_drop(struct gatt_cache *cache, uint64_t addr)
{
	struct gatt_known *known = gatt_cache_find(cache, addr);

	if (known)
		forget(cache, known);
}

struct gatt_known *gatt_cache_put(struct gatt_cache *cache, uint64_t addr, const struct gatt_db *db,
				  bool is_bonded)
{
	struct gatt_known *known = gatt_cache_find(cache, addr);
	uint64_t hash = gatt_db_hash(db);

	if (known && known->hash == hash && (is_bonded || !known->is_bonded)) {
		known->is_bonded = is_bonded;
		return known;
	}
	if (known)
		forget(cache, known);
	/* Services without characteristics are some that have not all come yet. */
	if (db->n_services == 0 || db->n_chrcs == 0)
		return NULL;
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	if (gatt_db_copy(&known->db, db) < 0) {
		free(known);
		return NULL;
	}
	known->addr = addr;
	known->hash = hash;
	known->is_bonded = is_bonded;
	if (cache->n == GATT_CACHE_MAX)
		forget(cache, TAILQ_LAST(&cache->list, gatt_known_list));
	TAILQ_INSERT_HEAD(&cache->list, known, entry);
	cache->n++;
	return known;
}
