/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/escalation_health.c - what speaks for and against an adapter, and whether it may be
 * reset; escalation.h.
 */
#include <string.h>

#include "supervisor/escalation_state.h"

static struct health *health_find(struct escalation *esc, uint16_t index)
{
	size_t i;

	for (i = 0; i < ADAPTERS_KEPT; i++)
		if (esc->adapters[i].is_used && esc->adapters[i].index == index)
			return &esc->adapters[i];
	return NULL;
}

/* With n_resets > 0. */
static uint64_t last_reset_ms(const struct health *health)
{
	return health->reset_at_ms[(health->n_resets - 1) % ESCALATION_BUDGET_MAX];
}

/* Which place is rather given away: one that is free, then that of an adapter long away. */
static bool is_less(const struct health *a, const struct health *b)
{
	if (!a->is_used || !b->is_used)
		return !a->is_used && b->is_used;
	if (a->index != ESCALATION_NOBODY || b->index != ESCALATION_NOBODY)
		return a->index == ESCALATION_NOBODY && b->index != ESCALATION_NOBODY;
	return last_reset_ms(a) < last_reset_ms(b);
}

/* NULL: there are more adapters than the registry holds. */
struct health *escalation_health(struct escalation *esc, uint16_t index)
{
	struct health *health = health_find(esc, index);
	size_t i;

	if (health)
		return health;
	for (i = 0; i < ADAPTERS_KEPT; i++)
		if (!health || is_less(&esc->adapters[i], health))
			health = &esc->adapters[i];
	if (health->is_used && health->index != ESCALATION_NOBODY)
		return NULL;
	*health = (struct health){ .index = index, .is_used = true };
	return health;
}

void health_note_failing(struct health *health, uint64_t address, uint64_t now_ms)
{
	struct failing *at = NULL;
	struct failing *oldest = &health->failing[0];
	size_t i;

	for (i = 0; i < FAILING_KEPT; i++) {
		if (health->failing[i].address == address)
			at = &health->failing[i];
		if (health->failing[i].at_ms < oldest->at_ms)
			oldest = &health->failing[i];
	}
	if (!at) {
		at = oldest;
		*at = (struct failing){ .address = address };
	}
	at->count++;
	at->at_ms = now_ms;
}

/* Of the last half-life. */
static uint32_t count_failing(const struct escalation *esc, const struct health *health,
			      uint64_t now_ms)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < FAILING_KEPT; i++)
		n += health->failing[i].count >= ESCALATION_EVIDENCE_FAILURES &&
		     now_ms - health->failing[i].at_ms <= esc->limits.half_life_ms;
	return n;
}

void health_note_working(struct health *health, uint64_t address, uint64_t now_ms)
{
	struct working *working = health->working;

	if (working[0].address != address)
		working[1] = working[0];
	working[0] = (struct working){ .address = address, .at_ms = now_ms };
}

/* Whether another peripheral connected there within the last half-life. */
static bool others_worked(const struct escalation *esc, const struct health *health,
			  uint64_t address, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < WORKING_KEPT; i++)
		if (health->working[i].address != 0 && health->working[i].address != address &&
		    now_ms - health->working[i].at_ms <= esc->limits.half_life_ms)
			return true;
	return false;
}

void health_clear(struct health *health)
{
	health->failures = (struct decay){ 0 };
	memset(health->failing, 0, sizeof(health->failing));
}

/* --- resets --- */

void health_note_reset(struct health *health, uint64_t now_ms)
{
	health->reset_at_ms[health->n_resets % ESCALATION_BUDGET_MAX] = now_ms;
	health->n_resets++;
	health->is_resetting = true;
}

bool health_is_resetting(const struct health *health, uint64_t now_ms)
{
	return health && health->is_resetting &&
	       now_ms - last_reset_ms(health) < ESCALATION_RESETTING_MS;
}

static bool is_affordable(const struct escalation *esc, const struct health *health,
			  uint64_t now_ms)
{
	const struct escalation_limits *limits = &esc->limits;
	uint32_t kept = health->n_resets;
	uint32_t n = 0;
	uint32_t i;

	if (health->n_resets > 0 && now_ms - last_reset_ms(health) < limits->reset_cooldown_ms)
		return false;
	if (kept > ESCALATION_BUDGET_MAX)
		kept = ESCALATION_BUDGET_MAX;
	for (i = 0; i < kept; i++)
		n += now_ms - health->reset_at_ms[i] < limits->reset_window_ms;
	return n < limits->reset_budget;
}

/* NULL: nothing speaks against the adapter. */
static const char *evidence(const struct escalation *esc, const struct health *health,
			    const struct escalation_failure *failure, uint64_t now_ms)
{
	if (health->is_sick && now_ms - health->sick_at_ms <= ESCALATION_SICK_MS)
		return health->sickness == ESCALATION_SILENT ? "it fell silent"
							     : "its commands time out";
	/* An adapter that is full refuses everybody, and yet nothing is wrong with its links. */
	if (failure->is_carrying)
		return NULL;
	if (count_failing(esc, health, now_ms) >= ESCALATION_EVIDENCE_DEVICES)
		return "several peripherals failed there and none succeeded";
	if (failure->is_alone && !others_worked(esc, health, failure->address, now_ms))
		return "nothing else is on it";
	return NULL;
}

const char *health_reset_reason(const struct escalation *esc, const struct profile *profile,
				const struct escalation_failure *failure,
				const struct health *health, uint64_t now_ms)
{
	uint32_t failures;

	if (!health || !profile_allows(profile, ESCALATION_RESET))
		return NULL;
	if (!is_affordable(esc, health, now_ms))
		return NULL;
	/* It costs nobody anything, and does not heal by itself. */
	if (failure->is_stuck && failure->is_alone)
		return "a link is stuck there, and nothing else is on it";
	failures = decay_value(&health->failures, esc->limits.half_life_ms, now_ms);
	if (decay_round(failures) < profile->reset_after)
		return NULL;
	return evidence(esc, health, failure, now_ms);
}

void escalation_reset_began(struct escalation *esc, uint16_t adapter, uint64_t now_ms)
{
	struct health *health = escalation_health(esc, adapter);

	if (health && !health_is_resetting(health, now_ms))
		health_note_reset(health, now_ms);
}

bool escalation_may_reset(struct escalation *esc, uint16_t adapter, uint64_t now_ms)
{
	const struct health *health = escalation_health(esc, adapter);

	if (health_is_resetting(health, now_ms))
		return false;
	return health ? is_affordable(esc, health, now_ms) : esc->limits.reset_budget > 0;
}

/* What failed there failed on what is now another state. */
static void forget_failures(struct escalation *esc, struct health *health)
{
	const uint16_t adapter = health->index;
	size_t i, j;

	health_clear(health);
	health->is_sick = false;
	for (i = 0; i < DEVICES_KEPT; i++)
		for (j = 0; j < PAIRS_KEPT; j++)
			if (esc->records[i].pairs[j].adapter == adapter)
				esc->records[i].pairs[j] = (struct pair){ 0 };
}

void escalation_reset_ended(struct escalation *esc, uint16_t adapter, bool was_done)
{
	struct health *health = health_find(esc, adapter);

	if (!health)
		return;
	health->is_resetting = false;
	if (was_done)
		forget_failures(esc, health);
}

void escalation_adapter_gone(struct escalation *esc, uint16_t adapter, uint64_t address)
{
	struct health *health = health_find(esc, adapter);

	if (!health)
		return;
	forget_failures(esc, health);
	memset(health->working, 0, sizeof(health->working));
	health->index = ESCALATION_NOBODY;
	health->address = address;
	health->is_used = health->n_resets > 0;
}

void escalation_adapter_came(struct escalation *esc, uint16_t adapter, uint64_t address)
{
	struct health *health;
	size_t i;

	for (i = 0; i < ADAPTERS_KEPT; i++) {
		health = &esc->adapters[i];
		if (health->is_used && health->index == ESCALATION_NOBODY &&
		    health->address == address && !health_find(esc, adapter))
			health->index = adapter;
	}
}

void escalation_sick(struct escalation *esc, uint16_t adapter, enum escalation_sickness sickness,
		     uint64_t now_ms)
{
	struct health *health = escalation_health(esc, adapter);

	if (!health || health_is_resetting(health, now_ms))
		return;
	health->is_sick = true;
	health->sickness = sickness;
	health->sick_at_ms = now_ms;
}
