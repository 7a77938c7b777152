/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockd/arbiter_under.c - requests under a grant: what is left to wait for, also after a restart.
 */
#include "lockd/arbiter_state.h"

const struct arbiter_verdict UNDER_VERDICT = {
	.reason = ARBITER_FENCED,
	.text = "the grant that it was under is over",
};

static bool is_settling(const struct arbiter *a)
{
	return a->config.settled_at_ms > 0;
}

/* What a grant covers is what it has, and what the one has that it is under. */
static size_t take_covered(const struct arbiter *a, uint32_t at, struct resource_set *rest)
{
	size_t covered = 0;

	for (; at != SLOTQ_NONE; at = record_by_grant(a, a->records[at].under))
		covered += resource_set_minus(rest, &a->records[at].set);
	return covered;
}

int under_rest(const struct arbiter *a, struct arbiter_request *request,
	       struct resource_set *out_rest, bool *out_is_unresolved)
{
	uint32_t at = record_by_grant(a, request->under);

	*out_rest = request->set;
	*out_is_unresolved = request->under != 0 && at == SLOTQ_NONE && is_settling(a);
	if (request->under == 0 || *out_is_unresolved)
		return 0;
	if (at == SLOTQ_NONE || a->records[at].state != RECORD_HELD)
		return UNDER_OVER;
	if (take_covered(a, at, out_rest) > 0)
		resource_set_add_under(out_rest, request->under);
	else
		request->under = 0;
	return 0;
}

int under_adopt(const struct arbiter *a, struct arbiter_request *request, size_t n_fds,
		struct resource_set *out_rest)
{
	struct resource_set cover = { 0 };
	size_t i;

	*out_rest = request->set;
	/* With descriptors it has it by itself: that grant covers nothing of it. */
	if (n_fds > 0)
		request->under = 0;
	if (request->under == 0)
		return 0;
	if (!is_settling(a) && record_by_grant(a, request->under) == SLOTQ_NONE)
		return UNDER_OVER;
	for (i = 0; i < request->set.n; i++)
		if (request->set.items[i].kind != RESOURCE_DEVICE)
			cover.items[cover.n++] = request->set.items[i];
	if (resource_set_minus(out_rest, &cover) > 0)
		resource_set_add_under(out_rest, request->under);
	return 0;
}

/* A waiter whose grant had not been handed back: now it is, or the request is refused. */
static void resolve(struct arbiter *a, uint32_t at, uint64_t now_ms)
{
	struct record *rec = &a->records[at];
	struct arbiter_request request = { .set = rec->set, .under = rec->under };
	struct arbiter_owner *owner = rec->owner;
	uint32_t id = rec->id;
	bool is_unresolved;
	uint32_t again = 0;

	if (under_rest(a, &request, &rec->rest, &is_unresolved) == UNDER_OVER) {
		record_drop(a, at, now_ms);
		a->ops->refused(owner, id, &UNDER_VERDICT);
		return;
	}
	rec->under = request.under;
	/* The place that it leaves is the first that is free. */
	slotq_remove(a->queue, at);
	if (slotq_push(a->queue, &rec->rest, rec->class, rec->until_ms, now_ms, &again) != 0 ||
	    again != at)
		abort();
}

void under_settled(struct arbiter *a, uint64_t now_ms)
{
	uint32_t at;

	for (at = 0; at < a->top; at++) {
		struct record *rec = &a->records[at];

		if (rec->state == RECORD_FREE || !rec->is_unresolved)
			continue;
		rec->is_unresolved = false;
		if (rec->state == RECORD_WAITING)
			resolve(a, at, now_ms);
		else if (record_by_grant(a, rec->under) == SLOTQ_NONE)
			lease_revoke(a, at, &UNDER_VERDICT, now_ms);
	}
}
