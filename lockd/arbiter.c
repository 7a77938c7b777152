/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/arbiter.h"

#include "ipc/clock.h"
#include "lockd/slotset.h"

#include <stdio.h>
#include <string.h>

enum {
	/*
	 * A grant takes more than a microsecond, so that a lockd never gets ahead of the epochs of
	 * those to come; and below 2^53, which JSON readers can hold, for eleven years.
	 */
	EPOCH_US = 10,
	GRANT_BITS = 8,
	FDS_MAX = 16,
};

static_assert((int)RESOURCE_NAME_LEN == (int)LOCKTAB_NAME_LEN, "a name fits the table");

struct record {
	struct arbiter_owner *owner; /* NULL: unused */
	struct resource_set set;
	struct slotset_lock lock;
	enum slotq_class class;
	uint32_t id;
	uint32_t max_hold_ms;
	uint64_t grant; /* 0: waits */
	uint64_t since_ms;
	uint64_t deadline_at_ms;
	uint32_t prev, next; /* of the same owner */
	char label[LOCKTAB_LABEL_LEN];
};

struct arbiter {
	struct arbiter_config config;
	const struct arbiter_ops *ops;
	struct slotq *queue;
	struct slotset *slots;
	uint64_t next_grant;
	uint64_t retry_at_ms; /* UINT64_MAX: nobody outside is in the way */
	uint64_t changes;
	uint32_t random;
	uint32_t top; /* records in use are below */
	struct record records[ARBITER_ENTRIES_MAX];
};

static const char *const CLASS_NAMES[SLOTQ_CLASSES] = {
	[SLOTQ_RECOVERY] = "recovery",
	[SLOTQ_INTERACTIVE] = "interactive",
	[SLOTQ_CONNECT] = "connect",
	[SLOTQ_SCAN] = "scan",
	[SLOTQ_BACKGROUND_SCAN] = "background",
};

uint64_t arbiter_epoch(uint64_t boot_us)
{
	return (boot_us / EPOCH_US + 1) << GRANT_BITS;
}

int arbiter_new(struct arbiter **out, const struct arbiter_config *config,
		const struct arbiter_ops *ops)
{
	struct arbiter *a;
	int r;

	assert(config->fds_max <= FDS_MAX);
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->config = *config;
	a->ops = ops;
	a->next_grant = config->first_grant;
	a->retry_at_ms = UINT64_MAX;
	a->random = (uint32_t)(config->first_grant >> GRANT_BITS) | 1u;
	r = slotq_new(&a->queue, ARBITER_ENTRIES_MAX, config->age_step_ms, &config->counts);
	if (r == 0)
		r = slotset_new(&a->slots, config->dir_fd, &config->counts);
	if (r < 0) {
		arbiter_free(a);
		return r;
	}
	*out = a;
	return 0;
}

struct arbiter *arbiter_free(struct arbiter *a)
{
	if (!a)
		return NULL;
	slotset_free(a->slots);
	slotq_free(a->queue);
	free(a);
	return NULL;
}

/* --- records --- */

static void record_new(struct arbiter *a, uint32_t at, struct arbiter_owner *owner,
		       const struct arbiter_request *request, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	const char *label = request->label && request->label[0] ? request->label : owner->label;

	*rec = (struct record){
		.owner = owner,
		.set = request->set,
		.class = request->class,
		.id = request->id,
		.max_hold_ms = request->max_hold_ms,
		.since_ms = now_ms,
		.deadline_at_ms = now_ms + request->timeout_ms,
		.prev = SLOTQ_NONE,
		.next = owner->first,
	};
	(void)snprintf(rec->label, sizeof(rec->label), "%s", label);
	if (owner->first != SLOTQ_NONE)
		a->records[owner->first].prev = at;
	owner->first = at;
	owner->n++;
	if (at >= a->top)
		a->top = at + 1;
	a->changes++;
}

/* Ends a request in whatever state, and frees what it held. */
static void record_drop(struct arbiter *a, uint32_t at)
{
	struct record *rec = &a->records[at];

	slotset_give(a->slots, &rec->lock);
	slotq_remove(a->queue, at);
	if (rec->prev != SLOTQ_NONE)
		a->records[rec->prev].next = rec->next;
	else
		rec->owner->first = rec->next;
	if (rec->next != SLOTQ_NONE)
		a->records[rec->next].prev = rec->prev;
	rec->owner->n--;
	rec->owner = NULL;
	a->changes++;
}

static uint32_t find_waiting(const struct arbiter *a, const struct arbiter_owner *owner,
			     uint32_t id)
{
	uint32_t at;

	for (at = owner->first; at != SLOTQ_NONE; at = a->records[at].next)
		if (a->records[at].grant == 0 && a->records[at].id == id)
			break;
	return at;
}

/* --- granting --- */

/* Lacking descriptors or memory is no fault of the request: it is tried again, too. */
static bool is_passing(int r)
{
	return r == SLOTFILE_BUSY || r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

static void schedule_retry(struct arbiter *a, uint64_t now_ms)
{
	uint32_t x = a->random;

	/* xorshift32; two lockds, or we and a Python program, must not try in step. */
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	a->random = x;
	a->retry_at_ms = now_ms + ARBITER_RETRY_MS * 3 / 4 + x % (ARBITER_RETRY_MS / 2);
}

static void serve_one(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	struct arbiter_owner *owner = rec->owner;
	struct resource culprit = { 0 };
	int fds[FDS_MAX];
	size_t n;
	int r;

	r = slotset_take(a->slots, &rec->set, &rec->lock, &culprit);
	if (is_passing(r)) {
		slotq_set_busy(a->queue, at, &culprit);
		if (a->retry_at_ms == UINT64_MAX)
			schedule_retry(a, now_ms);
		return;
	}
	if (r != 0) {
		uint32_t id = rec->id;

		record_drop(a, at);
		a->ops->refused(owner, id, slotfile_text(r));
		return;
	}
	slotq_grant(a->queue, at);
	rec->grant = a->next_grant++;
	a->changes++;
	n = slotset_fds(a->slots, &rec->lock, fds, a->config.fds_max);
	a->ops->granted(owner, rec->id, rec->grant, clock_span_ms(rec->since_ms, now_ms), fds, n);
	rec->since_ms = now_ms;
}

/* Serves all who can be served now. To be run after every change of the queue. */
static void run(struct arbiter *a, uint64_t now_ms)
{
	uint32_t at;

	if (now_ms < a->config.settled_at_ms)
		return;
	a->config.settled_at_ms = 0;
	if (slotq_waiters(a->queue) == 0)
		return;
	slotq_pass_begin(a->queue, now_ms);
	while (slotq_pass_next(a->queue, &at) == SLOTQ_FOUND)
		serve_one(a, at, now_ms);
}

static void expire(struct arbiter *a, uint64_t now_ms)
{
	struct arbiter_owner *owner;
	uint32_t id;
	uint32_t at;

	while (slotq_expired(a->queue, now_ms, &at) == SLOTQ_FOUND) {
		owner = a->records[at].owner;
		id = a->records[at].id;
		record_drop(a, at);
		a->ops->timed_out(owner, id);
	}
}

/* --- requests --- */

static const char *why_not(const struct arbiter_owner *owner, const struct arbiter_request *request)
{
	if (owner->n >= owner->requests_max)
		return "too many requests of this program wait or hold";
	if (request->class == SLOTQ_RECOVERY && !owner->may_recover)
		return "class `recovery` is for the daemon's own workers";
	return NULL;
}

int arbiter_acquire(struct arbiter *a, struct arbiter_owner *owner,
		    const struct arbiter_request *request, uint64_t now_ms)
{
	const char *text = why_not(owner, request);
	uint32_t at = SLOTQ_NONE;

	if (find_waiting(a, owner, request->id) != SLOTQ_NONE)
		return ARBITER_DUPLICATE;
	if (!text && slotq_push(a->queue, &request->set, request->class,
				now_ms + request->timeout_ms, now_ms, &at) == SLOTQ_FULL)
		text = "the arbiter's queue is full";
	if (text) {
		a->ops->refused(owner, request->id, text);
		return 0;
	}
	record_new(a, at, owner, request, now_ms);
	run(a, now_ms);
	expire(a, now_ms);
	return 0;
}

int arbiter_cancel(struct arbiter *a, struct arbiter_owner *owner, uint32_t id, uint64_t now_ms)
{
	uint32_t at = find_waiting(a, owner, id);

	if (at == SLOTQ_NONE)
		return ARBITER_UNKNOWN;
	record_drop(a, at);
	run(a, now_ms);
	return 0;
}

int arbiter_release(struct arbiter *a, struct arbiter_owner *owner, uint64_t grant, uint64_t now_ms)
{
	uint32_t at;

	for (at = owner->first; at != SLOTQ_NONE; at = a->records[at].next)
		if (a->records[at].grant == grant && grant != 0)
			break;
	if (at == SLOTQ_NONE)
		return ARBITER_UNKNOWN;
	record_drop(a, at);
	run(a, now_ms);
	return 0;
}

static bool is_held(const struct arbiter *a, uint64_t grant)
{
	uint32_t at;

	for (at = 0; at < a->top; at++)
		if (a->records[at].owner && a->records[at].grant == grant)
			return true;
	return false;
}

/* 0: adopted. Otherwise why not. */
static const char *adopt(struct arbiter *a, struct arbiter_owner *owner,
			 const struct arbiter_request *request, uint64_t grant, const int *fds,
			 size_t n_fds, uint64_t now_ms)
{
	uint32_t at = SLOTQ_NONE;
	int r;

	/* One of our own that nobody holds was released, or revoked: it does not come back. */
	if (grant >= a->config.first_grant || owner->n >= owner->requests_max)
		return "not a grant that can be handed back";
	r = slotq_adopt(a->queue, &request->set, request->class, now_ms, &at);
	if (r != 0)
		return r == SLOTQ_TAKEN ? "held by another by now" : "the arbiter's queue is full";
	record_new(a, at, owner, request, now_ms);
	a->records[at].grant = grant;
	r = slotset_adopt(a->slots, &request->set, fds, n_fds, &a->records[at].lock);
	if (r == 0)
		return NULL;
	record_drop(a, at);
	return slotfile_text(r);
}

void arbiter_adopt(struct arbiter *a, struct arbiter_owner *owner,
		   const struct arbiter_request *request, uint64_t grant, const int *fds,
		   size_t n_fds, uint64_t now_ms)
{
	const char *text;

	if (is_held(a, grant))
		return;
	text = adopt(a, owner, request, grant, fds, n_fds, now_ms);
	if (text)
		a->ops->revoked(owner, grant, text);
}

void arbiter_owner_gone(struct arbiter *a, struct arbiter_owner *owner, uint64_t now_ms)
{
	while (owner->first != SLOTQ_NONE)
		record_drop(a, owner->first);
	run(a, now_ms);
}

void arbiter_adapter_lost(struct arbiter *a, uint32_t adapter, uint64_t now_ms)
{
	char text[48];
	uint32_t at;

	(void)snprintf(text, sizeof(text), "adapter hci%u is gone", adapter);
	for (at = 0; at < a->top; at++) {
		struct record *rec = &a->records[at];
		struct arbiter_owner *owner = rec->owner;
		uint64_t grant = rec->grant;
		uint32_t id = rec->id;

		if (!owner || !resource_set_is_on(&rec->set, adapter))
			continue;
		record_drop(a, at);
		if (grant != 0)
			a->ops->revoked(owner, grant, text);
		else
			a->ops->refused(owner, id, text);
	}
	run(a, now_ms);
}

/* --- time --- */

void arbiter_tick(struct arbiter *a, uint64_t now_ms)
{
	expire(a, now_ms);
	if (now_ms >= a->retry_at_ms) {
		a->retry_at_ms = UINT64_MAX;
		slotq_clear_busy(a->queue);
	}
	run(a, now_ms);
}

uint64_t arbiter_next_at_ms(const struct arbiter *a)
{
	uint64_t at = slotq_deadline_ms(a->queue);

	if (slotq_waiters(a->queue) == 0)
		return UINT64_MAX;
	if (a->retry_at_ms < at)
		at = a->retry_at_ms;
	/* Nothing else would serve those who wait until it has settled. */
	if (a->config.settled_at_ms > 0 && a->config.settled_at_ms < at)
		at = a->config.settled_at_ms;
	return at;
}

/* --- the list --- */

uint64_t arbiter_changes(const struct arbiter *a)
{
	return a->changes;
}

static void list_one(const struct record *rec, const uint32_t *places,
		     void (*item)(void *ctx, const struct locktab_row *row), void *ctx)
{
	struct locktab_row row = {
		.grant = rec->grant,
		.since_ms = rec->since_ms,
		.until_ms = rec->deadline_at_ms,
		.pid = rec->owner->pid,
	};
	size_t i;

	if (rec->grant != 0)
		row.until_ms = rec->max_hold_ms > 0 ? rec->since_ms + rec->max_hold_ms : 0;
	memcpy(row.label, rec->label, sizeof(row.label));
	(void)snprintf(row.class, sizeof(row.class), "%s", CLASS_NAMES[rec->class]);
	for (i = 0; i < rec->set.n; i++) {
		resource_format(&rec->set.items[i], row.resource);
		row.slot = slotset_slot(&rec->lock, &rec->set.items[i]);
		row.place = places ? places[i] : 0;
		item(ctx, &row);
	}
}

void arbiter_list(struct arbiter *a, uint64_t now_ms,
		  void (*item)(void *ctx, const struct locktab_row *row), void *ctx)
{
	uint32_t places[RESOURCE_SET_MAX] = { 0 };
	struct slotq_cursor cursor;
	uint32_t at;

	for (at = 0; at < a->top; at++)
		if (a->records[at].owner && a->records[at].grant != 0)
			list_one(&a->records[at], NULL, item, ctx);
	slotq_walk_begin(a->queue, &cursor, now_ms);
	for (;;) {
		at = slotq_walk_next(a->queue, &cursor);
		if (at == SLOTQ_NONE)
			break;
		slotq_places(a->queue, at, places);
		list_one(&a->records[at], places, item, ctx);
	}
}
