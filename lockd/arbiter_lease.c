/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd/arbiter_lease.c - how long a grant lasts, and what is left when its holder does not say. */
#include "ipc/clock.h"
#include "lockd/arbiter_state.h"

#include <string.h>

static void remind(struct arbiter *a, uint64_t at_ms)
{
	if (at_ms < a->lease_hint_ms)
		a->lease_hint_ms = at_ms;
}

void lease_begin(struct arbiter *a, struct record *rec, uint64_t now_ms)
{
	rec->until_ms = rec->max_hold_ms > 0 ? now_ms + rec->max_hold_ms : UINT64_MAX;
	remind(a, rec->until_ms);
}

/* --- renewing --- */

static bool is_wanted(struct arbiter *a, uint32_t at)
{
	const struct resource_set *set = &a->records[at].rest;
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct outside *o = outside_of(a, &set->items[i]);

		if (o && o->tries_since_ms != 0)
			return true;
	}
	return slotq_is_wanted(a->queue, at);
}

int arbiter_renew(struct arbiter *a, struct arbiter_owner *owner, uint64_t grant, uint64_t now_ms,
		  uint32_t *out_lease_ms, bool *out_is_wanted)
{
	uint32_t at = record_by_grant(a, grant);
	struct record *rec = &a->records[at == SLOTQ_NONE ? 0 : at];

	if (at == SLOTQ_NONE || rec->owner != owner || rec->state != RECORD_HELD)
		return ARBITER_UNKNOWN;
	*out_is_wanted = is_wanted(a, at);
	if (!*out_is_wanted || now_ms - rec->since_ms < a->config.limits.hold_total_ms) {
		lease_begin(a, rec, now_ms);
		a->changes++;
	}
	*out_lease_ms = clock_left_ms(rec->until_ms, now_ms);
	return 0;
}

/* --- ends without a word --- */

static uint64_t device_of(const struct resource_set *set)
{
	const struct resource *device = resource_set_find(set, RESOURCE_DEVICE);

	return device ? device->key : 0;
}

static bool connects(const struct record *rec)
{
	return rec->grant != 0 && resource_set_find(&rec->set, RESOURCE_CONNECT);
}

static uint32_t adapter_of(const struct resource_set *set)
{
	const struct resource *last = &set->items[set->n - 1];

	return last->kind == RESOURCE_DEVICE ? RESOURCE_ADAPTERS_MAX : (uint32_t)last->key;
}

void lease_tell_revoked(struct arbiter *a, const struct record *rec,
			const struct arbiter_verdict *verdict)
{
	struct arbiter_verdict told = *verdict;

	told.adapter = adapter_of(&rec->set);
	a->ops->revoked(rec->owner, rec->grant, &told);
}

static void describe(const struct record *rec, struct arbiter_stray *out)
{
	*out = (struct arbiter_stray){
		.owner = rec->owner,
		.grant = rec->grant,
		.pid = rec->pid,
		.label = rec->label,
		.adapter = adapter_of(&rec->set),
		.address = device_of(&rec->set),
	};
}

static void make_dirty(struct arbiter *a, uint32_t at, uint64_t address, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	struct arbiter_stray stray;

	record_disown(a, rec);
	rec->state = RECORD_DIRTY;
	rec->until_ms = now_ms + a->config.limits.dirty_ms;
	remind(a, rec->until_ms);
	a->changes++;
	describe(rec, &stray);
	if (stray.address == 0)
		stray.address = address;
	a->ops->dirty(a->config.ctx, &stray);
}

/* With grace; those who wait are refused. */
static void revoke_under(struct arbiter *a, uint64_t grant, const struct arbiter_verdict *verdict,
			 uint64_t now_ms)
{
	uint32_t at;

	for (at = 0; at < a->top; at++) {
		struct record *rec = &a->records[at];
		struct arbiter_owner *owner = rec->owner;
		uint32_t id = rec->id;

		if (rec->state == RECORD_HELD && rec->under == grant) {
			lease_revoke(a, at, verdict, now_ms);
		} else if (rec->state == RECORD_WAITING && rec->under == grant) {
			record_drop(a, at, now_ms);
			a->ops->refused(owner, id, verdict);
		}
	}
}

static bool has_under(const struct arbiter *a, uint64_t grant)
{
	uint32_t at;

	for (at = 0; at < a->top; at++)
		if (a->records[at].state >= RECORD_HELD && a->records[at].under == grant)
			return true;
	return false;
}

/*
 * What is used under a grant that was given back: those who use it are told to stop, and until they
 * have, or their grace is over, nobody else gets it.
 */
static void linger(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct arbiter_verdict verdict = UNDER_VERDICT;
	struct record *rec = &a->records[at];

	verdict.grace_ms = a->config.limits.grace_ms;
	record_disown(a, rec);
	rec->state = RECORD_REVOKED;
	rec->until_ms = now_ms + verdict.grace_ms;
	remind(a, rec->until_ms);
	a->changes++;
	revoke_under(a, rec->grant, &verdict, now_ms);
}

/* The last one under a grant that lingers has gone. */
static void end_lingering(struct arbiter *a, uint64_t grant, uint64_t now_ms)
{
	uint32_t at = record_by_grant(a, grant);

	if (at != SLOTQ_NONE && a->records[at].state == RECORD_REVOKED && !a->records[at].owner &&
	    !has_under(a, grant))
		record_drop(a, at, now_ms);
}

void lease_release(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	uint64_t under = a->records[at].under;
	uint64_t address = 0;

	if (a->config.limits.grace_ms > 0 && has_under(a, a->records[at].grant))
		linger(a, at, now_ms);
	else if (lease_end_under(a, a->records[at].grant, now_ms, &address))
		make_dirty(a, at, address, now_ms);
	else
		record_drop(a, at, now_ms);
	end_lingering(a, under, now_ms);
}

void lease_abandon(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	uint64_t under = rec->under;
	uint64_t address = 0;
	bool is_connecting = connects(rec);

	if (rec->grant != 0 && lease_end_under(a, rec->grant, now_ms, &address))
		is_connecting = true;
	if (is_connecting)
		make_dirty(a, at, address, now_ms);
	else
		record_drop(a, at, now_ms);
	end_lingering(a, under, now_ms);
}

/* --- revoking --- */

void lease_revoke(struct arbiter *a, uint32_t at, const struct arbiter_verdict *verdict,
		  uint64_t now_ms)
{
	struct record *rec = &a->records[at];

	lease_tell_revoked(a, rec, verdict);
	if (verdict->grace_ms == 0) {
		lease_abandon(a, at, now_ms);
		return;
	}
	rec->state = RECORD_REVOKED;
	rec->until_ms = now_ms + verdict->grace_ms;
	remind(a, rec->until_ms);
	a->changes++;
}

bool lease_end_under(struct arbiter *a, uint64_t grant, uint64_t now_ms, uint64_t *out_address)
{
	const struct arbiter_verdict verdict = UNDER_VERDICT;
	bool is_connecting = false;
	uint32_t at;

	for (at = 0; at < a->top; at++) {
		struct record *rec = &a->records[at];
		struct arbiter_owner *owner = rec->owner;
		uint32_t id = rec->id;

		if (rec->state == RECORD_FREE || rec->under != grant)
			continue;
		if (connects(rec)) {
			is_connecting = true;
			*out_address = device_of(&rec->set);
		}
		if (rec->state == RECORD_WAITING) {
			record_drop(a, at, now_ms);
			a->ops->refused(owner, id, &verdict);
			continue;
		}
		/* Its turn was the grant's; the one that it was under stays dirty in its place. */
		if (owner)
			lease_tell_revoked(a, rec, &verdict);
		(void)lease_end_under(a, rec->grant, now_ms, out_address);
		record_drop(a, at, now_ms);
	}
	return is_connecting;
}

static void overdue(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	const struct arbiter_verdict verdict = {
		.reason = ARBITER_EXPIRED,
		.text = "held for longer than its lease, and not given up when told to",
	};
	struct arbiter_stray stray;
	uint64_t address = 0;

	if (!a->records[at].owner) { /* it lingered */
		if (lease_end_under(a, a->records[at].grant, now_ms, &address))
			make_dirty(a, at, address, now_ms);
		else
			record_drop(a, at, now_ms);
		return;
	}
	describe(&a->records[at], &stray);
	a->ops->overdue(a->config.ctx, &stray);
	lease_revoke(a, at, &verdict, now_ms);
}

static void expire(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	const struct arbiter_verdict verdict = {
		.reason = ARBITER_EXPIRED,
		.text = "held for longer than its lease",
		.grace_ms = a->config.limits.grace_ms,
	};

	if (verdict.grace_ms > 0)
		revoke_under(a, a->records[at].grant, &verdict, now_ms);
	lease_revoke(a, at, &verdict, now_ms);
}

void lease_tick(struct arbiter *a, uint64_t now_ms)
{
	uint32_t at;

	if (now_ms < a->lease_hint_ms)
		return;
	a->lease_hint_ms = UINT64_MAX;
	for (at = 0; at < a->top; at++) {
		const struct record *rec = &a->records[at];

		if (rec->state == RECORD_HELD && rec->until_ms <= now_ms)
			expire(a, at, now_ms);
		else if (rec->state == RECORD_REVOKED && rec->until_ms <= now_ms)
			overdue(a, at, now_ms);
		else if (rec->state == RECORD_DIRTY && rec->until_ms <= now_ms)
			record_drop(a, at, now_ms);
		if (rec->state >= RECORD_HELD)
			remind(a, rec->until_ms);
	}
}

void arbiter_clean(struct arbiter *a, uint64_t grant, uint64_t now_ms)
{
	uint32_t at = record_by_grant(a, grant);

	if (at == SLOTQ_NONE || a->records[at].state != RECORD_DIRTY)
		return;
	record_drop(a, at, now_ms);
	serve_next(a, now_ms);
}
