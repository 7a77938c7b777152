/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/recall.h"

#include "worker/gatt.h"
#include "worker/gatt_cache.h"

static bool is_fixed(const struct rules *rules, const struct uuid *uuid)
{
	size_t i;

	for (i = 0; i < rules->n_fixed; i++)
		if (uuid_equal(&rules->fixed[i], uuid))
			return true;
	return false;
}

/* --- answering --- */

static bool try_services(const struct link *link, struct request *request)
{
	const struct gatt_known *known;

	/* One that is up says more: it was compared when it came. */
	if (link->state == LINK_UP)
		return false;
	known = gatt_cache_find(link->w->gatt_cache, link->addr);
	if (!known)
		return false;
	request->is_cached = true;
	gatt_answer_services(request, &known->db);
	return true;
}

static bool try_value(const struct link *link, struct request *request)
{
	const struct value_cached *value;
	const struct gatt_known *known;
	const struct gatt_chrc *chrc;

	if (link->rules.n_fixed == 0)
		return false;
	known = gatt_cache_find(link->w->gatt_cache, link->addr);
	chrc = known ? gatt_db_find(&known->db, request->has_uuid ? &request->uuid : NULL,
				    (uint16_t)request->handle)
		     : NULL;
	if (!chrc || !is_fixed(&link->rules, &chrc->uuid))
		return false;
	value = value_cache_find(&known->values, chrc->handle);
	if (!value)
		return false;
	request->is_cached = true;
	request_value(request, value->data, value->len);
	return true;
}

bool recall_try(struct link *link, struct request *request)
{
	/* What the daemon asks by itself is to prove that the peripheral answers. */
	if (request->is_fresh || request->seat->is_keeper)
		return false;
	if (request->type == BH__TYPE__SERVICES_REQUEST)
		return try_services(link, request);
	return request->type == BH__TYPE__READ && try_value(link, request);
}

/* --- learning --- */

static struct gatt_known *learn(const struct link *link)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);

	if (!device || !device->is_connected || !device->is_resolved)
		return NULL;
	return gatt_cache_put(link->w->gatt_cache, link->addr, &device->db, device->is_bonded);
}

void recall_up(const struct link *link)
{
	(void)learn(link);
}

void recall_value(const struct link *link, uint16_t handle, const void *value, size_t len)
{
	const struct device *device = mirror_device(link->w->mirror, link->addr);
	const struct gatt_chrc *chrc = device ? gatt_db_chrc(&device->db, handle) : NULL;
	struct gatt_known *known;

	if (!chrc || !is_fixed(&link->rules, &chrc->uuid))
		return;
	known = learn(link);
	if (known)
		value_cache_put(&known->values, handle, value, len);
}

/* --- forgetting --- */

void recall_written(const struct link *link, uint16_t handle)
{
	struct gatt_known *known = gatt_cache_find(link->w->gatt_cache, link->addr);

	if (known)
		value_cache_drop(&known->values, handle);
}

/* Objects that come and go before a link is resolved, or behind it, are no other services. */
void recall_device(const struct worker *w, const struct device *device, unsigned changes)
{
	const struct gatt_known *known;
	bool is_changed;

	if (!(changes & (1u << DEVICE_GATT | 1u << DEVICE_OTHER)))
		return;
	known = gatt_cache_find(w->gatt_cache, device->addr);
	if (!known)
		return;
	is_changed = device->is_connected && device->is_resolved &&
		     gatt_db_hash(&device->db) != known->hash;
	if (is_changed || (known->is_bonded && !device->is_bonded))
		gatt_cache_drop(w->gatt_cache, device->addr);
}
