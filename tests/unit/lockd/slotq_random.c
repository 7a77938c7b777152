/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lockd/slotq_random.h"

/* --- who is before whom --- */

static unsigned rank_of(const struct job *job)
{
	uint64_t rises =
		run.setting->age_ms > 0 ? (run.now_ms - job->since_ms) / run.setting->age_ms : 0;
	unsigned rank = job->class;

	while (rises-- > 0 && rank > SLOTQ_INTERACTIVE)
		rank--;
	return rank;
}

static bool is_before(const struct job *a, const struct job *b)
{
	unsigned rank_a = rank_of(a);
	unsigned rank_b = rank_of(b);

	/* Inside a class the older one is before the younger, whatever the ages. */
	if (a->class == b->class)
		return a->ticket < b->ticket;
	return rank_a != rank_b ? rank_a < rank_b : a->ticket < b->ticket;
}

/* Somebody has its device, or is before it for that. */
static bool waits_for_device(const struct job *job)
{
	unsigned thing;
	uint32_t i;

	for (thing = DEVICE_THINGS; thing < THINGS; thing++) {
		if (job->needs[thing] == 0)
			continue;
		if (run.used[thing] > 0)
			return true;
		for (i = 0; i < run.setting->jobs; i++)
			if (run.jobs[i].state == WAITS && run.jobs[i].needs[thing] > 0 &&
			    &run.jobs[i] != job && is_before(&run.jobs[i], job))
				return true;
	}
	return false;
}

/*
 * Those before the one that was just served must not have lost anything to it; who waits for a
 * device, not that device.
 */
void run_check_overtaken(const struct job *served)
{
	unsigned thing;
	uint32_t i;

	for (i = 0; i < run.setting->jobs; i++) {
		const struct job *job = &run.jobs[i];

		if (job->state != WAITS || !is_before(job, served))
			continue;
		for (thing = waits_for_device(job) ? DEVICE_THINGS : 0; thing < THINGS; thing++)
			MUST(served->needs[thing] == 0 || job->needs[thing] == 0 ||
			     run.used[thing] + job->needs[thing] <= run_units_of(thing));
	}
}

/*
 * After a pass whoever still waits has a reason: a holder, an outsider, or one before it that waits
 * for the same. Reasons lead forward in the order and so end at a holder: nobody waits in a circle.
 */
void run_check_reasons(void)
{
	bool is_claimed[THINGS] = { false };
	const struct job *order[JOBS];
	size_t n = 0;
	size_t at;
	size_t i;
	unsigned thing;

	for (i = 0; i < run.setting->jobs; i++) {
		if (run.jobs[i].state != WAITS)
			continue;
		for (at = n++; at > 0 && is_before(&run.jobs[i], order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = &run.jobs[i];
	}
	for (i = 0; i < n; i++) {
		unsigned from = waits_for_device(order[i]) ? DEVICE_THINGS : 0;
		bool has_reason = !run_has_room(order[i]);

		for (thing = 0; thing < THINGS; thing++) {
			if (order[i]->needs[thing] == 0)
				continue;
			has_reason = has_reason || is_claimed[thing];
			is_claimed[thing] = is_claimed[thing] || thing >= from;
		}
		MUST(has_reason);
	}
}

/*
 * The longest wait that can be: until it is interactive, and then for all others to be before it
 * and to hold one after the other. Time goes by steps of one.
 */
void run_check_patience(void)
{
	const uint64_t rise_ms =
		(uint64_t)(SLOTQ_BACKGROUND_SCAN - SLOTQ_INTERACTIVE) * run.setting->age_ms;
	uint32_t i;

	if (!run.setting->is_fair)
		return;
	for (i = 0; i < run.setting->jobs; i++)
		MUST(run.jobs[i].state != WAITS ||
		     run.now_ms - run.jobs[i].since_ms <=
			     rise_ms + (uint64_t)run.setting->jobs * (HOLD_MS + 1));
}
