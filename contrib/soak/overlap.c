/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/overlap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct overlap_resource *find(struct overlap *o, const char *name, uint32_t units)
{
	struct overlap_resource *resource;

	for (size_t i = 0; i < o->n_resources; i++)
		if (strcmp(o->resources[i].name, name) == 0)
			return &o->resources[i];
	if (o->n_resources == OVERLAP_RESOURCES_MAX)
		return NULL;
	resource = &o->resources[o->n_resources++];
	(void)snprintf(resource->name, sizeof(resource->name), "%s", name);
	resource->units = units;
	return resource;
}

static size_t kept(const struct overlap_resource *resource)
{
	return resource->n < OVERLAP_KEPT ? (size_t)resource->n : OVERLAP_KEPT;
}

static bool is_at(const struct overlap_turn *turn, int64_t at_us)
{
	return turn->took_us <= at_us && at_us < turn->gave_us;
}

/* Whether one too many had it at that moment, of those kept. */
static bool is_crowded(const struct overlap_resource *resource, int64_t at_us)
{
	uint32_t ours = 0, outside = 0;

	for (size_t i = 0; i < kept(resource); i++) {
		if (!is_at(&resource->turns[i], at_us))
			continue;
		if (resource->turns[i].is_outsider)
			outside++;
		else
			ours++;
	}
	return ours > 0 && ours + outside > resource->units;
}

static void describe(const struct overlap_resource *resource, const struct overlap_turn *turn,
		     const struct overlap_turn *other, char out[OVERLAP_TEXT_LEN])
{
	int64_t from_us = turn->took_us > other->took_us ? turn->took_us : other->took_us;
	int64_t until_us = turn->gave_us < other->gave_us ? turn->gave_us : other->gave_us;

	(void)snprintf(out, OVERLAP_TEXT_LEN,
		       "%s: %s (grant %" PRIx64 ") and %s (grant %" PRIx64
		       ") had it at once, for %" PRId64 " us",
		       resource->name, other->who, other->grant, turn->who, turn->grant,
		       until_us - from_us);
}

bool overlap_add(struct overlap *o, const char *name, uint32_t units,
		 const struct overlap_turn *turn, char out_text[OVERLAP_TEXT_LEN])
{
	struct overlap_resource *resource = find(o, name, units);

	if (!resource)
		return false;
	resource->turns[resource->n++ % OVERLAP_KEPT] = *turn;
	for (size_t i = 0; i < kept(resource); i++) {
		const struct overlap_turn *other = &resource->turns[i];
		int64_t from_us = turn->took_us > other->took_us ? turn->took_us : other->took_us;

		if (other->who == turn->who || !is_at(turn, from_us) || !is_at(other, from_us) ||
		    !is_crowded(resource, from_us))
			continue;
		describe(resource, turn, other, out_text);
		return true;
	}
	return false;
}
