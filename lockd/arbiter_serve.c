/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd/arbiter_serve.c - who gets it now, and programs outside that are in the way. */
#include "ipc/clock.h"
#include "lockd/arbiter_state.h"

enum {
	/*
	 * The kernel tells that a file is closed before it drops the lock (__fput() calls
	 * fsnotify_close() first): tries after 1, 2, 4 ms, before ARBITER_SAFETY_MS.
	 */
	QUICK_TRIES = 3,
};

/* --- programs outside --- */

struct outside *outside_of(struct arbiter *a, const struct resource *resource)
{
	if (resource->kind == RESOURCE_CONNECT)
		return &a->outside[resource->key][OUTSIDE_CONNECT];
	if (resource->kind == RESOURCE_SCAN)
		return &a->outside[resource->key][OUTSIDE_SCAN];
	return NULL;
}

static void retry_at(struct arbiter *a, uint64_t at_ms)
{
	if (at_ms < a->retry_at_ms)
		a->retry_at_ms = at_ms;
}

static void retry_jittered(struct arbiter *a, uint64_t now_ms)
{
	uint32_t x = a->random;

	/* xorshift32; two lockds, or we and a Python program, must not try in step. */
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	a->random = x;
	retry_at(a, now_ms + ARBITER_RETRY_MS * 3 / 4 + x % (ARBITER_RETRY_MS / 2));
}

static void outside_blocks(struct arbiter *a, const struct resource *resource, uint64_t now_ms)
{
	struct outside *o = outside_of(a, resource);

	if (o && o->blocks_since_ms == 0) {
		o->blocks_since_ms = now_ms;
		a->n_blocked++;
		a->changes++;
	}
	if (!a->config.is_watching)
		retry_jittered(a, now_ms);
	else if (a->quick_tries == 0)
		retry_at(a, now_ms + ARBITER_SAFETY_MS);
	else
		retry_at(a, now_ms + (1u << (QUICK_TRIES - a->quick_tries)));
}

void outside_clear(struct arbiter *a, const struct resource *resource)
{
	struct outside *o = outside_of(a, resource);

	if (!o || o->blocks_since_ms == 0)
		return;
	slotset_forget(a->slots, resource);
	o->blocks_since_ms = 0;
	a->n_blocked--;
	a->changes++;
}

static void clear_set(struct arbiter *a, const struct resource_set *set)
{
	size_t i;

	for (i = 0; i < set->n && a->n_blocked > 0; i++) {
		struct resource part = set->items[i];

		if (part.kind != RESOURCE_MAINTENANCE) {
			outside_clear(a, &part);
			continue;
		}
		part.kind = RESOURCE_CONNECT;
		outside_clear(a, &part);
		part.kind = RESOURCE_SCAN;
		outside_clear(a, &part);
	}
}

/*
 * What is in nobody's way is not looked at, so it is not known either; and what is kept for one of
 * ours that waits must not stay locked when it does so no more.
 */
static void clear_moot(struct arbiter *a)
{
	struct resource resource = { 0 };
	unsigned i;

	for (i = 0; i < 2 * RESOURCE_ADAPTERS_MAX && a->n_blocked > 0; i++) {
		resource.key = i / 2;
		resource.kind = i % 2 == 0 ? RESOURCE_CONNECT : RESOURCE_SCAN;
		if (!slotq_is_busy(a->queue, &resource))
			outside_clear(a, &resource);
	}
}

bool arbiter_is_blocked(const struct arbiter *a)
{
	return a->n_blocked > 0;
}

/* It tries them in order: who failed on the last one has failed on all. */
static bool is_last_try(const struct arbiter *a, enum resource_kind kind, uint32_t slot)
{
	return kind == RESOURCE_SCAN || slot + 1 == a->config.foreign_slots;
}

void arbiter_look_again(struct arbiter *a, uint64_t now_ms)
{
	a->quick_tries = QUICK_TRIES;
	a->retry_at_ms = UINT64_MAX;
	slotq_clear_busy(a->queue);
	serve_next(a, now_ms);
}

void arbiter_outside(struct arbiter *a, const char *name, enum arbiter_outside what,
		     uint64_t now_ms)
{
	struct resource resource = { 0 };
	struct outside *o;
	uint32_t named;
	uint32_t slot;

	if (slotfile_parse(name, &resource.kind, &named, &slot) < 0)
		return;
	resource.key = slotset_adapter(a->slots, named);
	if (resource.key >= RESOURCE_ADAPTERS_MAX)
		return;
	/* If it is locked by whoever made it we run beside that program, this once. */
	if (what == ARBITER_FILE_MADE &&
	    slotset_appeared(a->slots, resource.kind, named, slot) != 0)
		return;
	if (slotset_is_ours(a->slots, resource.kind, named, slot)) {
		o = outside_of(a, &resource);
		if (what == ARBITER_FILE_CLOSED && a->config.limits.foreign_yield_ms > 0 &&
		    o->tries_since_ms == 0 && is_last_try(a, resource.kind, slot))
			o->tries_since_ms = now_ms;
		return;
	}
	if (a->n_blocked > 0)
		arbiter_look_again(a, now_ms);
}

/* --- the turn of a program outside --- */

static bool yields_to(struct arbiter *a, const struct record *rec, const struct resource *part,
		      uint64_t now_ms)
{
	struct outside *o = outside_of(a, part);

	if (o->tries_since_ms == 0 || rec->since_ms <= o->tries_since_ms)
		return false;
	if (o->yield_until_ms == 0)
		o->yield_until_ms = now_ms + a->config.limits.foreign_yield_ms;
	if (now_ms < o->yield_until_ms) {
		retry_at(a, o->yield_until_ms);
		return true;
	}
	/* It had its turn; when it tries again in vain it queues again. */
	o->tries_since_ms = 0;
	o->yield_until_ms = 0;
	return false;
}

/* Whether @rec came after a program outside that waits; *out_part is what that one waits for. */
static bool must_yield(struct arbiter *a, const struct record *rec, uint64_t now_ms,
		       struct resource *out_part)
{
	size_t i;

	if (rec->class == SLOTQ_RECOVERY)
		return false;
	for (i = 0; i < rec->rest.n; i++) {
		struct resource part = rec->rest.items[i];
		bool is_all = part.kind == RESOURCE_MAINTENANCE;

		if (is_all)
			part.kind = RESOURCE_CONNECT;
		*out_part = part;
		if (outside_of(a, &part) && yields_to(a, rec, &part, now_ms))
			return true;
		out_part->kind = RESOURCE_SCAN;
		if (is_all && yields_to(a, rec, out_part, now_ms))
			return true;
	}
	return false;
}

/* --- granting --- */

/* Lacking descriptors or memory is no fault of the request: it is tried again, too. */
static bool is_short(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

static void note_time(struct arbiter *a, const struct resource_set *set, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (outside_of(a, &set->items[i]))
			a->granted_at_ms[set->items[i].key][set->items[i].kind == RESOURCE_SCAN] =
				now_ms;
}

static void grant(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	uint32_t waited_ms = clock_span_ms(rec->since_ms, now_ms);
	int fds[ARBITER_FDS_MAX];
	size_t n;

	clear_set(a, &rec->rest);
	note_time(a, &rec->rest, now_ms);
	slotq_grant(a->queue, at);
	rec->grant = a->next_grant++;
	rec->state = RECORD_HELD;
	rec->since_ms = now_ms;
	lease_begin(a, rec, now_ms);
	a->changes++;
	n = slotset_fds(a->slots, &rec->lock, fds, a->config.fds_max);
	a->ops->granted(rec->owner, rec->id, rec->grant, waited_ms,
			clock_left_ms(rec->until_ms, now_ms), fds, n);
}

static void serve_one(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	struct arbiter_verdict verdict = { .reason = ARBITER_UNUSABLE };
	struct arbiter_owner *owner = rec->owner;
	struct resource culprit = { 0 };
	uint32_t id = rec->id;
	int r;

	if (must_yield(a, rec, now_ms, &culprit)) {
		/* With what is kept for this one that turn would be none. */
		outside_clear(a, &culprit);
		slotq_set_busy(a->queue, at, &culprit);
		return;
	}
	r = slotset_take(a->slots, &rec->rest, &rec->lock, &culprit);
	if (r == 0) {
		grant(a, at, now_ms);
		return;
	}
	if (r == SLOTFILE_BUSY || is_short(r)) {
		slotq_set_busy(a->queue, at, &culprit);
		if (is_short(r))
			retry_jittered(a, now_ms);
		else
			outside_blocks(a, &culprit, now_ms);
		return;
	}
	record_drop(a, at, now_ms);
	verdict.text = slotfile_text(r);
	a->ops->refused(owner, id, &verdict);
}

void serve_next(struct arbiter *a, uint64_t now_ms)
{
	uint32_t at;

	if (now_ms < a->config.settled_at_ms)
		return;
	if (a->config.settled_at_ms > 0) {
		a->config.settled_at_ms = 0;
		under_settled(a, now_ms);
	}
	slotq_pass_begin(a->queue, now_ms);
	while (slotq_pass_next(a->queue, &at) == SLOTQ_FOUND)
		serve_one(a, at, now_ms);
	clear_moot(a);
	if (slotq_waiters(a->queue) == 0)
		a->retry_at_ms = UINT64_MAX;
}
