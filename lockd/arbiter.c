/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/arbiter.h"

#include "lockd/arbiter_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	/*
	 * A grant takes more than a microsecond, so that a lockd never gets ahead of the epochs of
	 * those to come; and below 2^53, which JSON readers can hold, for eleven years.
	 */
	EPOCH_US = 10,
	GRANT_BITS = 8,
};

uint64_t arbiter_epoch(uint64_t boot_us)
{
	return (boot_us / EPOCH_US + 1) << GRANT_BITS;
}

int arbiter_new(struct arbiter **out, const struct arbiter_config *config,
		const struct arbiter_ops *ops)
{
	const struct slotset_config slots = {
		.dir_fd = config->dir_fd,
		.own_dir_fd = config->own_dir_fd,
		.counts = config->counts,
		.foreign_slots = config->foreign_slots,
	};
	struct arbiter *a;
	int r;

	/* grant() has them on its stack. */
	assert(config->fds_max <= ARBITER_FDS_MAX);
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->config = *config;
	a->ops = ops;
	a->next_grant = config->first_grant;
	a->retry_at_ms = UINT64_MAX;
	a->lease_hint_ms = UINT64_MAX;
	a->random = (uint32_t)(config->first_grant >> GRANT_BITS) | 1u;
	r = slotq_new(&a->queue, ARBITER_ENTRIES_MAX, config->limits.age_step_ms, &config->counts);
	if (r == 0)
		r = slotset_new(&a->slots, &slots);
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

void arbiter_set_limits(struct arbiter *a, const struct arbiter_limits *limits)
{
	a->config.limits = *limits;
	slotq_set_age_step(a->queue, limits->age_step_ms);
}

void arbiter_set_adapters(struct arbiter *a, const bool exists[RESOURCE_ADAPTERS_MAX],
			  uint32_t default_adapter)
{
	memcpy(a->exists, exists, sizeof(a->exists));
	a->knows_adapters = true;
	slotset_set_default(a->slots, default_adapter);
}

/* --- records --- */

/* Requests of that user, waiting and holding. */
static struct user *user_of(struct arbiter *a, uint32_t uid)
{
	uint32_t i;

	for (i = 0; i < a->n_users && a->users[i].uid != uid; i++)
		;
	if (i == a->n_users)
		a->users[a->n_users++] = (struct user){ .uid = uid };
	return &a->users[i];
}

static uint32_t user_requests(const struct arbiter *a, uint32_t uid)
{
	uint32_t i;

	for (i = 0; i < a->n_users; i++)
		if (a->users[i].uid == uid)
			return a->users[i].n;
	return 0;
}

static void count_user(struct arbiter *a, uint32_t uid, bool is_new)
{
	struct user *user = user_of(a, uid);

	user->n = is_new ? user->n + 1 : user->n - 1;
	if (user->n == 0)
		*user = a->users[--a->n_users];
}

static uint32_t longest_hold_ms(const struct arbiter *a, const struct arbiter_request *request)
{
	uint32_t most = a->config.limits.hold_ms[request->class];

	if (request->max_hold_ms > 0 && (most == 0 || request->max_hold_ms < most))
		return request->max_hold_ms;
	return most;
}

/* UINT64_MAX: never. */
static uint64_t deadline_ms(const struct arbiter_request *request, uint64_t now_ms)
{
	return request->timeout_ms == ARBITER_FOR_EVER ? UINT64_MAX : now_ms + request->timeout_ms;
}

static void record_new(struct arbiter *a, uint32_t at, struct arbiter_owner *owner,
		       const struct arbiter_request *request, const struct resource_set *rest,
		       uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	const char *label = request->label && request->label[0] ? request->label : owner->label;

	*rec = (struct record){
		.state = RECORD_WAITING,
		.owner = owner,
		.set = request->set,
		.rest = *rest,
		.class = request->class,
		.id = request->id,
		.max_hold_ms = longest_hold_ms(a, request),
		.under = request->under,
		.since_ms = now_ms,
		.until_ms = deadline_ms(request, now_ms),
		.prev = SLOTQ_NONE,
		.next = owner->first,
		.pid = owner->pid,
		.uid = owner->uid,
	};
	(void)snprintf(rec->label, sizeof(rec->label), "%s", label);
	if (owner->first != SLOTQ_NONE)
		a->records[owner->first].prev = at;
	owner->first = at;
	owner->n++;
	count_user(a, rec->uid, true);
	if (at >= a->top)
		a->top = at + 1;
	a->changes++;
}

void record_disown(struct arbiter *a, struct record *rec)
{
	if (!rec->owner)
		return;
	if (rec->prev != SLOTQ_NONE)
		a->records[rec->prev].next = rec->next;
	else
		rec->owner->first = rec->next;
	if (rec->next != SLOTQ_NONE)
		a->records[rec->next].prev = rec->prev;
	rec->owner->n--;
	rec->owner = NULL;
	count_user(a, rec->uid, false);
}

/* The next waiters' expectation: of the last holds, the last one counts a quarter. */
static void learn(struct arbiter *a, const struct record *rec, uint64_t now_ms)
{
	uint64_t held_ms = now_ms - rec->since_ms;
	uint32_t *typical;
	size_t i;

	for (i = 0; i < rec->rest.n; i++) {
		const struct resource *part = &rec->rest.items[i];

		if (part->kind != RESOURCE_CONNECT && part->kind != RESOURCE_SCAN)
			continue;
		typical = &a->typical_hold_ms[part->key][part->kind == RESOURCE_SCAN];
		if (held_ms > UINT32_MAX / 4)
			held_ms = UINT32_MAX / 4;
		*typical = *typical == 0 ? (uint32_t)held_ms + 1
					 : (uint32_t)((3ull * *typical + held_ms) / 4 + 1);
	}
}

void record_drop(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct record *rec = &a->records[at];

	if (rec->grant != 0)
		learn(a, rec, now_ms);
	slotset_give(a->slots, &rec->lock);
	slotq_remove(a->queue, at);
	record_disown(a, rec);
	rec->state = RECORD_FREE;
	a->changes++;
}

uint32_t record_by_grant(const struct arbiter *a, uint64_t grant)
{
	uint32_t at;

	for (at = 0; at < a->top && grant != 0; at++)
		if (a->records[at].state != RECORD_FREE && a->records[at].grant == grant)
			return at;
	return SLOTQ_NONE;
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

/* Whether there were any: run a pass then. */
static bool expire(struct arbiter *a, uint64_t now_ms)
{
	struct arbiter_owner *owner;
	bool any = false;
	uint32_t id;
	uint32_t at;

	while (slotq_expired(a->queue, now_ms, &at) == SLOTQ_FOUND) {
		owner = a->records[at].owner;
		id = a->records[at].id;
		record_drop(a, at, now_ms);
		a->ops->timed_out(owner, id);
		any = true;
	}
	return any;
}

/* --- requests --- */

/* Why a request cannot even wait. */
struct refusal {
	struct arbiter_verdict verdict;
	char text[ARBITER_TEXT_LEN];
};

static int _printf_(3, 4)
	refuse(struct refusal *out, enum arbiter_reason reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out->text, sizeof(out->text), format, args);
	va_end(args);
	out->verdict = (struct arbiter_verdict){ .reason = reason, .text = out->text };
	return -EPERM;
}

static int refuse_adapter(const struct arbiter *a, uint32_t adapter, struct refusal *out)
{
	char known[64] = "";
	size_t len = 0;
	unsigned i;

	for (i = 0; i < RESOURCE_ADAPTERS_MAX && len < sizeof(known) - 8; i++)
		if (a->exists[i])
			len += (size_t)snprintf(known + len, sizeof(known) - len, " hci%u", i);
	return refuse(out, ARBITER_ADAPTER_GONE, "there is no adapter hci%u; there %s%s", adapter,
		      len > 0 ? "is" : "is none", known);
}

static int check_adapters(const struct arbiter *a, const struct resource_set *set,
			  struct refusal *out)
{
	size_t i;

	for (i = 0; i < set->n && a->knows_adapters; i++)
		if (set->items[i].kind != RESOURCE_DEVICE && !a->exists[set->items[i].key])
			return refuse_adapter(a, (uint32_t)set->items[i].key, out);
	return 0;
}

static int check_limits(struct arbiter *a, const struct arbiter_owner *owner,
			const struct arbiter_request *request, struct refusal *out)
{
	if (request->class == SLOTQ_RECOVERY && !owner->is_worker)
		return refuse(out, ARBITER_NOT_ALLOWED,
			      "class `recovery` is for the daemon's own workers");
	if (owner->n >= owner->requests_max)
		return refuse(out, ARBITER_LIMIT,
			      "too many requests: %u of this program wait or hold", owner->n);
	if (!owner->is_worker && a->config.limits.per_user > 0 &&
	    user_requests(a, owner->uid) >= a->config.limits.per_user)
		return refuse(out, ARBITER_LIMIT,
			      "too many requests: %u of user %u wait or hold, as many as one may",
			      a->config.limits.per_user, owner->uid);
	return 0;
}

int arbiter_acquire(struct arbiter *a, struct arbiter_owner *owner,
		    const struct arbiter_request *asked, uint64_t now_ms)
{
	struct arbiter_request request = *asked;
	struct resource_set rest = { 0 };
	bool is_unresolved = false;
	struct refusal refusal;
	uint32_t at = SLOTQ_NONE;
	int r;

	if (find_waiting(a, owner, request.id) != SLOTQ_NONE)
		return ARBITER_DUPLICATE;
	r = check_limits(a, owner, &request, &refusal);
	if (r == 0)
		r = check_adapters(a, &request.set, &refusal);
	if (r == 0 && under_rest(a, &request, &rest, &is_unresolved) == UNDER_OVER)
		r = refuse(&refusal, ARBITER_FENCED, "grant %" PRIu64 " is over", request.under);
	if (r == 0 && slotq_push(a->queue, &rest, request.class, deadline_ms(&request, now_ms),
				 now_ms, &at) == SLOTQ_FULL)
		r = refuse(&refusal, ARBITER_LIMIT,
			   "too many requests: the queue of all programs is full");
	if (r < 0) {
		a->ops->refused(owner, request.id, &refusal.verdict);
		return 0;
	}
	record_new(a, at, owner, &request, &rest, now_ms);
	a->records[at].is_unresolved = is_unresolved;
	serve_next(a, now_ms);
	if (expire(a, now_ms))
		serve_next(a, now_ms);
	return 0;
}

int arbiter_cancel(struct arbiter *a, struct arbiter_owner *owner, uint32_t id, uint64_t now_ms)
{
	uint32_t at = find_waiting(a, owner, id);

	if (at == SLOTQ_NONE)
		return ARBITER_UNKNOWN;
	record_drop(a, at, now_ms);
	serve_next(a, now_ms);
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
	lease_release(a, at, now_ms);
	serve_next(a, now_ms);
	return 0;
}

/* 0: adopted. Otherwise why not. */
static const char *adopt(struct arbiter *a, struct arbiter_owner *owner,
			 struct arbiter_request *request, uint64_t grant, const int *fds,
			 size_t n_fds, uint64_t now_ms)
{
	struct resource_set rest;
	uint32_t at = SLOTQ_NONE;
	int r;

	/* One of our own that nobody holds was released, or revoked: it does not come back. */
	if (grant >= a->config.first_grant || owner->n >= owner->requests_max)
		return "not a grant that can be handed back";
	if (under_adopt(a, request, n_fds, &rest) == UNDER_OVER)
		return "the grant that it was under was not handed back";
	r = slotq_adopt(a->queue, &rest, request->class, now_ms, &at);
	if (r != 0)
		return r == SLOTQ_TAKEN ? "held by another by now" : "the arbiter's queue is full";
	record_new(a, at, owner, request, &rest, now_ms);
	r = slotset_adopt(a->slots, &rest, fds, n_fds, &a->records[at].lock);
	if (r != 0) {
		record_drop(a, at, now_ms);
		return slotfile_text(r);
	}
	a->records[at].grant = grant;
	a->records[at].state = RECORD_HELD;
	a->records[at].is_unresolved = request->under != 0;
	lease_begin(a, &a->records[at], now_ms);
	return NULL;
}

void arbiter_adopt(struct arbiter *a, struct arbiter_owner *owner,
		   const struct arbiter_request *asked, uint64_t grant, const int *fds,
		   size_t n_fds, uint64_t now_ms)
{
	struct arbiter_request request = *asked;
	struct arbiter_verdict verdict = { .reason = ARBITER_TAKEN };

	if (record_by_grant(a, grant) != SLOTQ_NONE)
		return;
	verdict.adapter = RESOURCE_ADAPTERS_MAX;
	verdict.text = adopt(a, owner, &request, grant, fds, n_fds, now_ms);
	if (verdict.text)
		a->ops->revoked(owner, grant, &verdict);
}

void arbiter_owner_gone(struct arbiter *a, struct arbiter_owner *owner, uint64_t now_ms)
{
	while (owner->first != SLOTQ_NONE)
		lease_abandon(a, owner->first, now_ms);
	serve_next(a, now_ms);
}

void arbiter_adapter_lost(struct arbiter *a, uint32_t adapter, uint64_t now_ms)
{
	struct refusal gone;
	uint32_t at;

	(void)refuse(&gone, ARBITER_ADAPTER_GONE, "adapter hci%u is gone", adapter);
	gone.verdict.adapter = adapter;
	for (at = 0; at < a->top; at++) {
		struct record *rec = &a->records[at];
		struct arbiter_owner *owner = rec->owner;
		uint64_t grant = rec->grant;
		uint32_t id = rec->id;

		if (rec->state == RECORD_FREE || !resource_set_is_on(&rec->set, adapter))
			continue;
		record_drop(a, at, now_ms);
		if (owner && grant != 0)
			a->ops->revoked(owner, grant, &gone.verdict);
		else if (owner)
			a->ops->refused(owner, id, &gone.verdict);
	}
	serve_next(a, now_ms);
}

/* --- time --- */

void arbiter_tick(struct arbiter *a, uint64_t now_ms)
{
	(void)expire(a, now_ms);
	lease_tick(a, now_ms);
	if (now_ms >= a->retry_at_ms) {
		a->retry_at_ms = UINT64_MAX;
		if (a->quick_tries > 0)
			a->quick_tries--;
		slotq_clear_busy(a->queue);
	}
	serve_next(a, now_ms);
}

uint64_t arbiter_next_at_ms(const struct arbiter *a)
{
	uint64_t at = a->lease_hint_ms;

	if (slotq_waiters(a->queue) == 0)
		return at;
	if (slotq_deadline_ms(a->queue) < at)
		at = slotq_deadline_ms(a->queue);
	if (a->retry_at_ms < at)
		at = a->retry_at_ms;
	/* Nothing else would serve those who wait until it has settled. */
	if (a->config.settled_at_ms > 0 && a->config.settled_at_ms < at)
		at = a->config.settled_at_ms;
	return at;
}

uint64_t arbiter_changes(const struct arbiter *a)
{
	return a->changes;
}
