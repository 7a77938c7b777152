/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lockd/slotq_model.h"

#include <stdio.h>
#include <string.h>

enum {
	ADAPTERS = 3,
	DEVICES = 4,
	DEVICE_UNITS = 3 * ADAPTERS, /* from there on */
	UNITS = DEVICE_UNITS + DEVICES,
	ENTRIES = SLOTQ_MODEL_ENTRIES,
	AGE_MS = SLOTQ_MODEL_AGE_MS,
};

/* ck_assert() costs a system call each, and there are hundreds of millions here. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			broken(#condition, __LINE__);                                              \
	} while (0)

static slotq_model_dice dice;

__attribute__((noreturn)) static void broken(const char *condition, int line)
{
	(void)fprintf(stderr, "slotq_model.c:%d: %s\n", line, condition);
	abort();
}

/* --- the model --- */

struct request {
	enum { M_FREE, M_WAITING, M_HOLDING } state;
	struct resource_set set;
	unsigned amounts[UNITS];
	enum slotq_class class;
	uint64_t since_ms;
	uint64_t deadline_at_ms;
	uint64_t ticket;
	unsigned rank; /* at the last model_order() */
};

const struct resource_counts SLOTQ_MODEL_COUNTS = { .of = { [RESOURCE_DEVICE] = 1,
							    [RESOURCE_CONNECT] = 2,
							    [RESOURCE_SCAN] = 1,
							    [RESOURCE_MAINTENANCE] = 1 } };

static struct {
	struct request requests[ENTRIES]; /* by the queue's handle */
	unsigned used[UNITS];
	bool is_busy[UNITS];
	bool is_outside[UNITS]; /* somebody outside would be in the way */
	uint64_t next_ticket;
	uint64_t now_ms;
} model;

static unsigned unit_of(enum resource_kind kind, uint64_t key)
{
	if (kind == RESOURCE_DEVICE)
		return DEVICE_UNITS + (unsigned)key - 1;
	return ((unsigned)kind - 1) * ADAPTERS + (unsigned)key;
}

static unsigned capacity_of(unsigned unit)
{
	return unit < ADAPTERS ? SLOTQ_MODEL_COUNTS.of[RESOURCE_CONNECT] : 1;
}

static void model_enter(uint32_t entry, const struct resource_set *set, enum slotq_class class,
			uint64_t deadline_at_ms)
{
	struct request *r = &model.requests[entry];
	size_t i;

	MUST(entry < ENTRIES);
	MUST(r->state == M_FREE);
	*r = (struct request){
		.state = M_WAITING,
		.set = *set,
		.class = class,
		.since_ms = model.now_ms,
		.deadline_at_ms = deadline_at_ms,
		.ticket = ++model.next_ticket,
	};
	for (i = 0; i < set->n; i++) {
		const struct resource *item = &set->items[i];

		r->amounts[unit_of(item->kind, item->key)] = 1;
		if (item->kind != RESOURCE_MAINTENANCE)
			continue;
		r->amounts[unit_of(RESOURCE_CONNECT, item->key)] =
			SLOTQ_MODEL_COUNTS.of[RESOURCE_CONNECT];
		r->amounts[unit_of(RESOURCE_SCAN, item->key)] =
			SLOTQ_MODEL_COUNTS.of[RESOURCE_SCAN];
	}
}

static unsigned model_rank(const struct request *r)
{
	unsigned rank = r->class;
	uint64_t at;

	for (at = r->since_ms + AGE_MS; at <= model.now_ms && rank > SLOTQ_INTERACTIVE;
	     at += AGE_MS)
		rank--;
	return rank;
}

static bool is_before(const struct request *a, const struct request *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->ticket < b->ticket;
}

static bool model_fits(const struct request *r, const unsigned *claims)
{
	unsigned unit;

	for (unit = 0; unit < UNITS; unit++) {
		if (r->amounts[unit] == 0)
			continue;
		if (model.is_busy[unit] ||
		    model.used[unit] + claims[unit] + r->amounts[unit] > capacity_of(unit))
			return false;
	}
	return true;
}

static bool model_waits_for_device(const struct request *r, const unsigned *claims)
{
	unsigned unit;

	for (unit = DEVICE_UNITS; unit < UNITS; unit++)
		if (r->amounts[unit] > 0 && model.used[unit] + claims[unit] > 0)
			return true;
	return false;
}

/* All waiters in the order of service. */
static size_t model_order(uint32_t out[ENTRIES])
{
	size_t n = 0;
	size_t at;
	uint32_t i;

	for (i = 0; i < ENTRIES; i++) {
		if (model.requests[i].state != M_WAITING)
			continue;
		model.requests[i].rank = model_rank(&model.requests[i]);
		for (at = n++;
		     at > 0 && is_before(&model.requests[i], &model.requests[out[at - 1]]); at--)
			out[at] = out[at - 1];
		out[at] = i;
	}
	return n;
}

static void model_hold(uint32_t entry)
{
	struct request *r = &model.requests[entry];
	unsigned unit;

	for (unit = 0; unit < UNITS; unit++) {
		model.used[unit] += r->amounts[unit];
		MUST((model.used[unit]) <= (capacity_of(unit)));
	}
	r->state = M_HOLDING;
}

static void model_leave(uint32_t entry)
{
	struct request *r = &model.requests[entry];
	unsigned unit;

	for (unit = 0; unit < UNITS; unit++) {
		if (r->amounts[unit] > 0)
			model.is_busy[unit] = false;
		if (r->state == M_HOLDING)
			model.used[unit] -= r->amounts[unit];
	}
	r->state = M_FREE;
}

/* --- both together --- */

static struct resource_set random_set(void)
{
	struct resource_set set = { 0 };
	uint64_t adapter = dice(ADAPTERS);

	if (dice(3) == 0)
		set.items[set.n++] = (struct resource){ RESOURCE_DEVICE, 1 + dice(DEVICES) };
	if (dice(3) > 0)
		set.items[set.n++] = (struct resource){ RESOURCE_CONNECT, adapter };
	if (dice(4) == 0)
		set.items[set.n++] = (struct resource){ RESOURCE_SCAN, adapter };
	if (dice(12) == 0 || set.n == 0)
		set.items[set.n++] = (struct resource){ RESOURCE_MAINTENANCE, dice(ADAPTERS) };
	return set;
}

/* The first resource of that request that somebody outside has; NULL: none. */
static const struct resource *outside(const struct request *r, struct resource *out)
{
	unsigned kind;
	unsigned key;

	for (kind = RESOURCE_CONNECT; kind <= RESOURCE_SCAN; kind++) {
		for (key = 0; key < ADAPTERS; key++) {
			unsigned unit = unit_of((enum resource_kind)kind, key);

			*out = (struct resource){ (enum resource_kind)kind, key };
			if (r->amounts[unit] > 0 && model.is_outside[unit])
				return out;
		}
	}
	return NULL;
}

/* Steps both through a pass; each grant of the queue must be the model's next. */
static void run_pass(struct slotq *q)
{
	unsigned claims[UNITS] = { 0 };
	uint32_t order[ENTRIES];
	size_t n = model_order(order);
	struct resource culprit;
	uint32_t entry;
	unsigned unit;
	size_t i;

	slotq_pass_begin(q, model.now_ms);
	for (i = 0; i < n; i++) {
		struct request *r = &model.requests[order[i]];

		if (model_fits(r, claims)) {
			MUST(slotq_pass_next(q, &entry) == SLOTQ_FOUND);
			MUST(entry == order[i]);
			if (!outside(r, &culprit)) {
				slotq_grant(q, entry);
				model_hold(entry);
				continue;
			}
			slotq_set_busy(q, entry, &culprit);
			model.is_busy[unit_of(culprit.kind, culprit.key)] = true;
		}
		for (unit = model_waits_for_device(r, claims) ? DEVICE_UNITS : 0; unit < UNITS;
		     unit++)
			claims[unit] += r->amounts[unit];
	}
	MUST(slotq_pass_next(q, &entry) == 0);
}

static void do_push(struct slotq *q)
{
	struct resource_set set = random_set();
	enum slotq_class class = (enum slotq_class)dice(SLOTQ_CLASSES);
	uint64_t deadline = dice(4) == 0 ? UINT64_MAX : model.now_ms + dice(400);
	uint32_t entry = SLOTQ_NONE;
	uint32_t i;

	if (slotq_push(q, &set, class, deadline, model.now_ms, &entry) == 0) {
		model_enter(entry, &set, class, deadline);
		return;
	}
	for (i = 0; i < ENTRIES; i++)
		MUST(model.requests[i].state != M_FREE);
}

static void do_adopt(struct slotq *q)
{
	static const unsigned none[UNITS];
	struct resource_set set = random_set();
	uint32_t entry = SLOTQ_NONE;
	uint32_t at = 0;
	bool is_busy[UNITS];
	int r;

	r = slotq_adopt(q, &set, SLOTQ_CONNECT, model.now_ms, &entry);
	while (at < ENTRIES && model.requests[at].state != M_FREE)
		at++;
	MUST((r == SLOTQ_FULL) == (at == ENTRIES));
	if (r == SLOTQ_FULL)
		return;
	if (r == 0)
		at = entry;
	memcpy(is_busy, model.is_busy, sizeof(is_busy));
	model_enter(at, &set, SLOTQ_CONNECT, UINT64_MAX);
	MUST((model_fits(&model.requests[at], none)) == (r == 0));
	if (r == 0)
		model_hold(at);
	else
		model_leave(at);
}

static void do_remove(struct slotq *q)
{
	uint32_t entry = dice(ENTRIES);

	if (model.requests[entry].state == M_FREE)
		return;
	slotq_remove(q, entry);
	model_leave(entry);
}

static void do_time(struct slotq *q)
{
	uint64_t earliest = UINT64_MAX;
	uint32_t entry;
	uint32_t i;

	model.now_ms += dice(40);
	while (slotq_expired(q, model.now_ms, &entry) == SLOTQ_FOUND) {
		MUST(model.requests[entry].state == M_WAITING);
		MUST(model.requests[entry].deadline_at_ms <= model.now_ms);
		slotq_remove(q, entry);
		model_leave(entry);
	}
	for (i = 0; i < ENTRIES; i++) {
		if (model.requests[i].state != M_WAITING)
			continue;
		MUST(model.requests[i].deadline_at_ms > model.now_ms);
		if (model.requests[i].deadline_at_ms < earliest)
			earliest = model.requests[i].deadline_at_ms;
	}
	MUST(slotq_deadline_ms(q) <= earliest);
}

static void do_outside(struct slotq *q)
{
	unsigned unit = dice(2 * ADAPTERS);

	model.is_outside[unit] = !model.is_outside[unit] && dice(3) == 0;
	if (dice(2) == 0)
		return;
	slotq_clear_busy(q);
	memset(model.is_busy, 0, sizeof(model.is_busy));
}

void slotq_model_look(struct slotq *q)
{
	unsigned places[UNITS] = { 0 };
	uint32_t out_places[RESOURCE_SET_MAX];
	uint32_t order[ENTRIES];
	size_t n = model_order(order);
	struct slotq_cursor cursor;
	unsigned unit;
	size_t i;
	size_t j;

	MUST(slotq_waiters(q) == n);
	slotq_walk_begin(q, &cursor, model.now_ms);
	for (i = 0; i < n; i++) {
		const struct request *r = &model.requests[order[i]];

		MUST(slotq_walk_next(q, &cursor) == order[i]);
		slotq_places(q, order[i], out_places);
		for (unit = 0; unit < UNITS; unit++)
			places[unit] += r->amounts[unit] > 0;
		for (j = 0; j < r->set.n; j++)
			MUST((out_places[j]) ==
			     (places[unit_of(r->set.items[j].kind, r->set.items[j].key)]));
	}
	MUST(slotq_walk_next(q, &cursor) == SLOTQ_NONE);
}

/* --- for those who play --- */

void slotq_model_begin(slotq_model_dice the_dice)
{
	memset(&model, 0, sizeof(model));
	dice = the_dice;
}

void slotq_model_step(struct slotq *q)
{
	static void (*const OPERATIONS[])(struct slotq * q) = {
		do_push,   do_push, do_push, do_push,	 do_remove, do_remove,
		do_remove, do_time, do_time, do_outside, do_adopt,
	};

	OPERATIONS[dice((uint32_t)ARRAY_LEN(OPERATIONS))](q);
	run_pass(q);
}
