/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd/slotq_order.c - the order of the waiters, and what each of them claims. */
#include "lockd/slotq_state.h"

static unsigned rank_of(const struct slotq *q, const struct entry *e, uint64_t now_ms)
{
	uint64_t steps;

	if (e->class <= SLOTQ_INTERACTIVE || q->age_step_ms == 0)
		return e->class;
	steps = (now_ms - e->since_ms) / q->age_step_ms;
	if (steps >= (uint64_t)(e->class - SLOTQ_INTERACTIVE))
		return SLOTQ_INTERACTIVE;
	return e->class - (unsigned)steps;
}

static void cursor_set(const struct slotq *q, struct slotq_cursor *cursor, unsigned class,
		       uint32_t entry)
{
	cursor->entry[class] = entry;
	if (entry != SLOTQ_NONE)
		cursor->rank[class] = rank_of(q, &q->entries[entry], cursor->now_ms);
}

void slotq_walk_begin(struct slotq *q, struct slotq_cursor *cursor, uint64_t now_ms)
{
	unsigned i;

	q->stamp++;
	cursor->now_ms = now_ms;
	for (i = 0; i < SLOTQ_CLASSES; i++)
		cursor_set(q, cursor, i, q->first[i]);
}

/*
 * A class's list is sorted by arrival, so also by effective class (who came first is oldest): the
 * whole order is a merge of the lists, and ageing never sorts anything.
 */
uint32_t slotq_walk_next(struct slotq *q, struct slotq_cursor *cursor)
{
	unsigned best = SLOTQ_CLASSES;
	unsigned i;
	uint32_t at;

	for (i = 0; i < SLOTQ_CLASSES; i++) {
		at = cursor->entry[i];
		if (at == SLOTQ_NONE)
			continue;
		if (best == SLOTQ_CLASSES || cursor->rank[i] < cursor->rank[best] ||
		    (cursor->rank[i] == cursor->rank[best] &&
		     q->entries[at].ticket < q->entries[cursor->entry[best]].ticket))
			best = i;
	}
	if (best == SLOTQ_CLASSES)
		return SLOTQ_NONE;
	at = cursor->entry[best];
	cursor_set(q, cursor, best, q->entries[at].next);
	return at;
}

static uint32_t claim(struct slotq *q, const struct need *n)
{
	struct unit *unit = &q->units[n->unit];

	if (unit->stamp != q->stamp) {
		unit->stamp = q->stamp;
		unit->claimed = 0;
	}
	/* Claims of many waiters may exceed any count; they must not wrap. */
	unit->claimed += n->amount;
	return unit->claimed;
}

static bool is_device(const struct slotq *q, const struct need *n)
{
	return q->units[n->unit].resource.kind == RESOURCE_DEVICE;
}

static bool waits_for_device(const struct slotq *q, const struct entry *e)
{
	uint32_t i;

	for (i = 0; i < e->n_needs; i++) {
		const struct unit *unit = &q->units[e->needs[i].unit];
		uint32_t claimed = unit->stamp == q->stamp ? unit->claimed : 0;

		if (is_device(q, &e->needs[i]) && unit->used + claimed >= unit->capacity)
			return true;
	}
	return false;
}

void slotq_claim(struct slotq *q, const struct entry *e)
{
	bool is_device_only = waits_for_device(q, e);
	uint32_t i;

	for (i = 0; i < e->n_needs; i++)
		if (!is_device_only || is_device(q, &e->needs[i]))
			(void)claim(q, &e->needs[i]);
}

void slotq_places(struct slotq *q, uint32_t entry, uint32_t out_places[RESOURCE_SET_MAX])
{
	const struct entry *e = &q->entries[entry];
	uint32_t place;
	uint32_t i;

	for (i = 0; i < e->n_needs; i++) {
		place = claim(q, &(struct need){ .unit = e->needs[i].unit, .amount = 1 });
		if (i < e->n_set)
			out_places[i] = place;
	}
}
