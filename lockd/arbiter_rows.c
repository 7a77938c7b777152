/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd/arbiter_rows.c - the list of who holds and who waits, for the lock table. */
#include "ipc/clock.h"
#include "lockd/arbiter_state.h"
#include "lockd/proclocks.h"

#include <stdio.h>
#include <string.h>

static_assert((int)SLOTFILE_NAME_LEN <= (int)LOCKTAB_LABEL_LEN, "a file's name is a label");
static_assert((int)RESOURCE_NAME_LEN == (int)LOCKTAB_NAME_LEN, "a name fits the table");

static const char *const CLASS_NAMES[SLOTQ_CLASSES] = {
	[SLOTQ_RECOVERY] = "recovery",
	[SLOTQ_INTERACTIVE] = "interactive",
	[SLOTQ_CONNECT] = "connect",
	[SLOTQ_SCAN] = "scan",
	[SLOTQ_BACKGROUND_SCAN] = "background",
};

struct list {
	struct arbiter *a;
	uint64_t now_ms;
	void (*item)(void *ctx, const struct locktab_row *row);
	void *ctx;
};

/* As many typical holds as there are turns before its own, less what has passed of the first. */
static uint32_t expected_ms(const struct list *list, const struct resource *resource,
			    uint32_t place)
{
	uint64_t units;
	uint64_t held_ms;
	uint64_t wait_ms;
	uint32_t typical;

	if (resource->kind != RESOURCE_CONNECT && resource->kind != RESOURCE_SCAN)
		return UINT32_MAX;
	typical = list->a->typical_hold_ms[resource->key][resource->kind == RESOURCE_SCAN];
	if (typical == 0)
		return UINT32_MAX;
	units = list->a->config.counts.of[resource->kind];
	wait_ms = (place + units - 1) / units * typical;
	held_ms = list->now_ms -
		  list->a->granted_at_ms[resource->key][resource->kind == RESOURCE_SCAN];
	wait_ms -= held_ms < typical ? held_ms : typical;
	return wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX - 1;
}

/* What is covered by another grant waits for its turn under that. */
static uint32_t place_of(const struct record *rec, const struct resource *resource,
			 const uint32_t *places)
{
	uint32_t under = 1;
	size_t i;

	for (i = 0; i < rec->rest.n; i++) {
		if (rec->rest.items[i].kind == resource->kind &&
		    rec->rest.items[i].key == resource->key)
			return places[i];
		if (rec->rest.items[i].kind == RESOURCE_UNDER)
			under = places[i];
	}
	return under;
}

static void list_record(const struct list *list, const struct record *rec, const uint32_t *places)
{
	struct locktab_row row = {
		.grant = rec->grant,
		.since_ms = rec->since_ms,
		.until_ms = rec->until_ms == UINT64_MAX ? 0 : rec->until_ms,
		.pid = rec->pid,
		.uid = rec->uid,
		.flags = (rec->state == RECORD_DIRTY ? (uint32_t)LOCKTAB_DIRTY : 0) |
			 (rec->state == RECORD_REVOKED ? (uint32_t)LOCKTAB_REVOKED : 0) |
			 (rec->under != 0 ? (uint32_t)LOCKTAB_UNDER : 0),
	};
	size_t i;

	memcpy(row.label, rec->label, sizeof(row.label));
	(void)snprintf(row.class, sizeof(row.class), "%s", CLASS_NAMES[rec->class]);
	for (i = 0; i < rec->set.n; i++) {
		const struct resource *resource = &rec->set.items[i];

		resource_format(resource, row.resource);
		row.slot = slotset_slot(&rec->lock, resource);
		row.place = 0;
		row.expected_ms = 0;
		if (places) {
			row.place = place_of(rec, resource, places);
			row.expected_ms = expected_ms(list, resource, row.place);
		}
		list->item(list->ctx, &row);
	}
}

/* Programs outside that are in somebody's way. */
static void list_outside(const struct list *list, const struct resource *resource)
{
	const struct outside *o = outside_of(list->a, resource);
	char names[SLOTSET_FILES][SLOTFILE_NAME_LEN];
	struct locktab_row row = { .flags = LOCKTAB_OUTSIDE };
	size_t n;
	size_t i;

	if (o->blocks_since_ms == 0)
		return;
	resource_format(resource, row.resource);
	row.since_ms = o->blocks_since_ms;
	n = slotset_outside(list->a->slots, resource, names, SLOTSET_FILES);
	for (i = 0; i < n; i++) {
		memcpy(row.label, names[i], SLOTFILE_NAME_LEN);
		row.pid = proclocks_holder(list->a->config.dir_fd, names[i]);
		list->item(list->ctx, &row);
	}
}

static void list_outsides(const struct list *list)
{
	struct resource resource = { 0 };

	if (!arbiter_is_blocked(list->a))
		return;
	for (resource.key = 0; resource.key < RESOURCE_ADAPTERS_MAX; resource.key++) {
		resource.kind = RESOURCE_CONNECT;
		list_outside(list, &resource);
		resource.kind = RESOURCE_SCAN;
		list_outside(list, &resource);
	}
}

void arbiter_list(struct arbiter *a, uint64_t now_ms,
		  void (*item)(void *ctx, const struct locktab_row *row), void *ctx)
{
	const struct list list = { .a = a, .now_ms = now_ms, .item = item, .ctx = ctx };
	uint32_t places[RESOURCE_SET_MAX] = { 0 };
	struct slotq_cursor cursor;
	uint32_t at;

	for (at = 0; at < a->top; at++)
		if (a->records[at].state >= RECORD_HELD)
			list_record(&list, &a->records[at], NULL);
	list_outsides(&list);
	slotq_walk_begin(a->queue, &cursor, now_ms);
	for (;;) {
		at = slotq_walk_next(a->queue, &cursor);
		if (at == SLOTQ_NONE)
			break;
		slotq_places(a->queue, at, places);
		list_record(&list, &a->records[at], places);
	}
}
