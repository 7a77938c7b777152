/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/slotq_state.h"

int slotq_new(struct slotq **out, uint32_t entries_max, uint32_t age_step_ms,
	      const struct resource_counts *counts)
{
	struct slotq *q;
	unsigned i;

	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->entries_max = entries_max;
	q->age_step_ms = age_step_ms;
	q->counts = *counts;
	/* calloc() of that size is fresh zero pages: memory is used as the queue grows. */
	q->entries = calloc(entries_max, sizeof(*q->entries));
	q->units = calloc((size_t)entries_max * NEEDS_MAX, sizeof(*q->units));
	if (!q->entries || !q->units) {
		slotq_free(q);
		return -ENOMEM;
	}
	q->entry_free = SLOTQ_NONE;
	q->unit_free = SLOTQ_NONE;
	for (i = 0; i < BUCKETS; i++)
		q->buckets[i] = SLOTQ_NONE;
	for (i = 0; i < SLOTQ_CLASSES; i++)
		q->first[i] = q->last[i] = SLOTQ_NONE;
	q->deadline_hint_ms = UINT64_MAX;
	*out = q;
	return 0;
}

void slotq_set_age_step(struct slotq *q, uint32_t age_step_ms)
{
	q->age_step_ms = age_step_ms;
}

struct slotq *slotq_free(struct slotq *q)
{
	if (!q)
		return NULL;
	free(q->entries);
	free(q->units);
	free(q);
	return NULL;
}

/* --- units --- */

static uint32_t bucket_of(const struct resource *resource)
{
	uint64_t h = (resource->key ^ (uint64_t)resource->kind << 56) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h >> 56);
}
static_assert(BUCKETS == 256, "the hash is 8 bits");

/* SLOTQ_NONE: nobody waits for it or has it. */
static uint32_t unit_find(const struct slotq *q, const struct resource *resource)
{
	uint32_t at = q->buckets[bucket_of(resource)];

	while (at != SLOTQ_NONE && (q->units[at].resource.kind != resource->kind ||
				    q->units[at].resource.key != resource->key))
		at = q->units[at].next;
	return at;
}

/* The unit of that resource; made if nobody has one. Never fails: see slotq_new(). */
static uint32_t unit_ref(struct slotq *q, const struct resource *resource)
{
	uint32_t *bucket = &q->buckets[bucket_of(resource)];
	uint32_t at = unit_find(q, resource);

	if (at != SLOTQ_NONE) {
		q->units[at].refs++;
		return at;
	}
	at = q->unit_free;
	if (at != SLOTQ_NONE)
		q->unit_free = q->units[at].next;
	else
		at = q->unit_top++;
	q->units[at] = (struct unit){
		.resource = *resource,
		.capacity = resource->kind == RESOURCE_CONNECT || resource->kind == RESOURCE_SCAN
				    ? q->counts.of[resource->kind]
				    : 1,
		.refs = 1,
		.next = *bucket,
	};
	*bucket = at;
	return at;
}

static void unit_set_busy(struct slotq *q, struct unit *unit, bool is_busy)
{
	if (unit->is_busy == is_busy)
		return;
	unit->is_busy = is_busy;
	if (is_busy)
		q->n_busy++;
	else
		q->n_busy--;
}

static void unit_unref(struct slotq *q, uint32_t at)
{
	uint32_t *link = &q->buckets[bucket_of(&q->units[at].resource)];

	if (--q->units[at].refs > 0)
		return;
	assert(q->units[at].used == 0);
	while (*link != at)
		link = &q->units[*link].next;
	*link = q->units[at].next;
	q->units[at].next = q->unit_free;
	q->unit_free = at;
}

/* --- entries --- */

static void need(struct slotq *q, struct entry *e, struct resource resource, uint32_t amount)
{
	uint32_t unit = unit_ref(q, &resource);
	uint32_t i;

	for (i = 0; i < e->n_needs; i++) {
		if (e->needs[i].unit != unit)
			continue;
		if (e->needs[i].amount < amount)
			e->needs[i].amount = amount;
		unit_unref(q, unit);
		return;
	}
	e->needs[e->n_needs++] = (struct need){ .unit = unit, .amount = amount };
}

static uint32_t entry_new(struct slotq *q, const struct resource_set *set, enum slotq_class class,
			  uint64_t now_ms)
{
	uint32_t at = q->entry_free;
	const struct resource *maintenance;
	struct entry *e;
	uint32_t i;

	assert(set->n > 0 && set->n <= RESOURCE_SET_MAX && class < SLOTQ_CLASSES);
	if (at != SLOTQ_NONE)
		q->entry_free = q->entries[at].next;
	else if (q->entry_top < q->entries_max)
		at = q->entry_top++;
	else
		return SLOTQ_NONE;
	e = &q->entries[at];
	*e = (struct entry){
		.class = class,
		.ticket = ++q->next_ticket,
		.since_ms = now_ms,
		.deadline_at_ms = UINT64_MAX,
		.prev = SLOTQ_NONE,
		.next = SLOTQ_NONE,
		.n_set = (uint32_t)set->n,
	};
	for (i = 0; i < set->n; i++)
		need(q, e, set->items[i], 1);
	/* One at most. */
	maintenance = resource_set_find(set, RESOURCE_MAINTENANCE);
	for (i = RESOURCE_CONNECT; maintenance && i <= RESOURCE_SCAN; i++)
		need(q, e,
		     (struct resource){ .kind = (enum resource_kind)i, .key = maintenance->key },
		     q->counts.of[i]);
	return at;
}

static void unlink_waiter(struct slotq *q, struct entry *e)
{
	if (e->prev != SLOTQ_NONE)
		q->entries[e->prev].next = e->next;
	else
		q->first[e->class] = e->next;
	if (e->next != SLOTQ_NONE)
		q->entries[e->next].prev = e->prev;
	else
		q->last[e->class] = e->prev;
	e->prev = e->next = SLOTQ_NONE;
	if (--q->n_waiting == 0)
		q->deadline_hint_ms = UINT64_MAX;
}

int slotq_push(struct slotq *q, const struct resource_set *set, enum slotq_class class,
	       uint64_t deadline_at_ms, uint64_t now_ms, uint32_t *out_entry)
{
	uint32_t at = entry_new(q, set, class, now_ms);
	struct entry *e;

	if (at == SLOTQ_NONE)
		return SLOTQ_FULL;
	e = &q->entries[at];
	e->state = WAITING;
	e->deadline_at_ms = deadline_at_ms;
	e->prev = q->last[class];
	if (e->prev != SLOTQ_NONE)
		q->entries[e->prev].next = at;
	else
		q->first[class] = at;
	q->last[class] = at;
	q->n_waiting++;
	if (deadline_at_ms < q->deadline_hint_ms)
		q->deadline_hint_ms = deadline_at_ms;
	*out_entry = at;
	return 0;
}

static void hold(struct slotq *q, struct entry *e)
{
	uint32_t i;

	for (i = 0; i < e->n_needs; i++)
		q->units[e->needs[i].unit].used += e->needs[i].amount;
	e->state = HOLDING;
}

static bool is_free(const struct slotq *q, const struct entry *e)
{
	uint32_t i;

	for (i = 0; i < e->n_needs; i++) {
		const struct unit *unit = &q->units[e->needs[i].unit];
		uint32_t claimed = unit->stamp == q->stamp ? unit->claimed : 0;

		if (unit->is_busy || unit->used + claimed + e->needs[i].amount > unit->capacity)
			return false;
	}
	return true;
}

int slotq_adopt(struct slotq *q, const struct resource_set *set, enum slotq_class class,
		uint64_t now_ms, uint32_t *out_entry)
{
	uint32_t at = entry_new(q, set, class, now_ms);

	if (at == SLOTQ_NONE)
		return SLOTQ_FULL;
	q->stamp++; /* no claims: those who wait have no older right than a holder */
	if (!is_free(q, &q->entries[at])) {
		slotq_remove(q, at);
		return SLOTQ_TAKEN;
	}
	hold(q, &q->entries[at]);
	*out_entry = at;
	return 0;
}

void slotq_remove(struct slotq *q, uint32_t entry)
{
	struct entry *e = &q->entries[entry];
	uint32_t i;

	assert(entry < q->entry_top);
	if (e->state == WAITING)
		unlink_waiter(q, e);
	for (i = 0; i < e->n_needs; i++) {
		struct unit *unit = &q->units[e->needs[i].unit];

		if (e->state == HOLDING)
			unit->used -= e->needs[i].amount;
		/* What was busy may not be needed by anybody now, or be free: look again. */
		unit_set_busy(q, unit, false);
		unit_unref(q, e->needs[i].unit);
	}
	e->state = FREE;
	e->next = q->entry_free;
	q->entry_free = entry;
}

/* --- passes --- */

void slotq_pass_begin(struct slotq *q, uint64_t now_ms)
{
	slotq_walk_begin(q, &q->pass, now_ms);
}

int slotq_pass_next(struct slotq *q, uint32_t *out_entry)
{
	uint32_t at;

	for (;;) {
		at = slotq_walk_next(q, &q->pass);
		if (at == SLOTQ_NONE)
			return 0;
		if (is_free(q, &q->entries[at]))
			break;
		slotq_claim(q, &q->entries[at]);
	}
	*out_entry = at;
	return SLOTQ_FOUND;
}

void slotq_grant(struct slotq *q, uint32_t entry)
{
	assert(q->entries[entry].state == WAITING);
	unlink_waiter(q, &q->entries[entry]);
	hold(q, &q->entries[entry]);
}

void slotq_set_busy(struct slotq *q, uint32_t entry, const struct resource *resource)
{
	const struct entry *e = &q->entries[entry];
	uint32_t i;

	for (i = 0; i < e->n_needs; i++) {
		struct unit *unit = &q->units[e->needs[i].unit];

		if (unit->resource.kind == resource->kind && unit->resource.key == resource->key)
			unit_set_busy(q, unit, true);
	}
	slotq_claim(q, e);
}

void slotq_clear_busy(struct slotq *q)
{
	uint32_t i;

	for (i = 0; q->n_busy > 0 && i < q->unit_top; i++)
		if (q->units[i].refs > 0)
			unit_set_busy(q, &q->units[i], false);
}

bool slotq_is_busy(const struct slotq *q, const struct resource *resource)
{
	uint32_t at = unit_find(q, resource);

	return at != SLOTQ_NONE && q->units[at].is_busy;
}

/* --- deadlines --- */

int slotq_expired(struct slotq *q, uint64_t now_ms, uint32_t *out_entry)
{
	uint64_t earliest = UINT64_MAX;
	unsigned i;
	uint32_t at;

	if (now_ms < q->deadline_hint_ms)
		return 0;
	for (i = 0; i < SLOTQ_CLASSES; i++) {
		for (at = q->first[i]; at != SLOTQ_NONE; at = q->entries[at].next) {
			if (q->entries[at].deadline_at_ms <= now_ms) {
				*out_entry = at;
				return SLOTQ_FOUND;
			}
			if (q->entries[at].deadline_at_ms < earliest)
				earliest = q->entries[at].deadline_at_ms;
		}
	}
	q->deadline_hint_ms = earliest;
	return 0;
}

uint64_t slotq_deadline_ms(const struct slotq *q)
{
	return q->deadline_hint_ms;
}

uint32_t slotq_waiters(const struct slotq *q)
{
	return q->n_waiting;
}

static bool is_shared(const struct entry *a, const struct entry *b)
{
	uint32_t i;

	for (i = 0; i < a->n_needs * b->n_needs; i++)
		if (a->needs[i / b->n_needs].unit == b->needs[i % b->n_needs].unit)
			return true;
	return false;
}

bool slotq_is_wanted(const struct slotq *q, uint32_t entry)
{
	unsigned i;
	uint32_t at;

	for (i = 0; i < SLOTQ_CLASSES; i++)
		for (at = q->first[i]; at != SLOTQ_NONE; at = q->entries[at].next)
			if (is_shared(&q->entries[entry], &q->entries[at]))
				return true;
	return false;
}
