/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/escalation.h"

#include "ipc/errors.h"
#include "supervisor/backoff.h"
#include "supervisor/escalation_state.h"

enum { JITTER_MOST_PERMILLE = 1200 }; /* of backoff_jitter() */

/* There it failed less by that much: decay alone makes no difference worth a move. */
enum { ROTATE_GAIN = DECAY_ONE / 2 };

int escalation_new(struct escalation **out, const struct escalation_limits *limits)
{
	struct escalation *esc = calloc(1, sizeof(*esc));

	if (!esc)
		return -ENOMEM;
	escalation_set_limits(esc, limits);
	*out = esc;
	return 0;
}

void escalation_set_limits(struct escalation *esc, const struct escalation_limits *limits)
{
	esc->limits = *limits;
	if (esc->limits.half_life_ms == 0)
		esc->limits.half_life_ms = 1;
}

struct escalation *escalation_free(struct escalation *esc)
{
	free(esc);
	return NULL;
}

/* --- records of devices --- */

static struct record *record_find(const struct escalation *esc, uint64_t address)
{
	size_t i;

	for (i = 0; i < DEVICES_KEPT && address != 0; i++)
		if (esc->records[i].address == address)
			return (struct record *)(uintptr_t)&esc->records[i];
	return NULL;
}

static struct record *record_need(struct escalation *esc, uint64_t address, uint64_t now_ms)
{
	struct record *record = record_find(esc, address);
	struct record *stalest = &esc->records[0];
	size_t i;

	if (!record) {
		for (i = 0; i < DEVICES_KEPT && stalest->address != 0; i++)
			if (esc->records[i].address == 0 || esc->records[i].at_ms < stalest->at_ms)
				stalest = &esc->records[i];
		record = stalest;
		*record = (struct record){ .address = address };
	}
	record->at_ms = now_ms;
	return record;
}

static const struct pair *pair_find(const struct record *record, uint16_t adapter)
{
	size_t i;

	for (i = 0; record && i < PAIRS_KEPT; i++)
		if (record->pairs[i].failures.value != 0 && record->pairs[i].adapter == adapter)
			return &record->pairs[i];
	return NULL;
}

static uint32_t pair_value(const struct escalation *esc, const struct record *record,
			   uint16_t adapter, uint64_t now_ms)
{
	const struct pair *pair = pair_find(record, adapter);

	return pair ? decay_value(&pair->failures, esc->limits.half_life_ms, now_ms) : 0;
}

/*
 * What speaks against that adapter. A peripheral that was away failed on all of them, each as often
 * as it was asked: now that it is heard, that says nothing of which is the better one.
 */
static uint32_t pair_weight(const struct escalation *esc, const struct record *record,
			    uint16_t adapter, bool is_heard, uint64_t now_ms)
{
	const struct pair *pair = pair_find(record, adapter);

	if (!pair || !is_heard)
		return pair_value(esc, record, adapter, now_ms);
	return decay_value(&pair->heard, esc->limits.half_life_ms, now_ms);
}

static void pair_add(const struct escalation *esc, struct record *record, uint16_t adapter,
		     bool is_heard, uint64_t now_ms)
{
	const uint32_t half_life_ms = esc->limits.half_life_ms;
	struct pair *pair = NULL;
	struct pair *least = &record->pairs[0];
	size_t i;

	for (i = 0; i < PAIRS_KEPT; i++) {
		if (record->pairs[i].failures.value != 0 && record->pairs[i].adapter == adapter)
			pair = &record->pairs[i];
		if (decay_value(&record->pairs[i].failures, half_life_ms, now_ms) <
		    decay_value(&least->failures, half_life_ms, now_ms))
			least = &record->pairs[i];
	}
	if (!pair) {
		pair = least;
		*pair = (struct pair){ .adapter = adapter };
	}
	decay_add(&pair->failures, half_life_ms, now_ms);
	if (is_heard)
		decay_add(&pair->heard, half_life_ms, now_ms);
}

static void pair_clear(struct record *record, uint16_t adapter)
{
	size_t i;

	record->before = (struct pair){ 0 };
	for (i = 0; i < PAIRS_KEPT; i++) {
		if (record->pairs[i].adapter != adapter)
			continue;
		if (record->pairs[i].failures.value != 0)
			record->before = record->pairs[i];
		record->pairs[i] = (struct pair){ 0 };
	}
}

/* The success there was none. Its pair was forgotten last: the place is free, or another's now. */
static void take_back(struct record *record, const struct escalation_failure *failure)
{
	size_t i;

	if (failure->came_up && record->before_carried > 0)
		record->carried = record->before_carried;
	for (i = 0; i < PAIRS_KEPT && failure->came_up; i++) {
		if (record->before.adapter != failure->adapter ||
		    record->pairs[i].failures.value != 0)
			continue;
		record->pairs[i] = record->before;
		break;
	}
	record->before = (struct pair){ 0 };
	record->before_carried = 0;
}

uint32_t escalation_failures(const struct escalation *esc, uint64_t address, uint16_t adapter,
			     uint64_t now_ms)
{
	return pair_value(esc, record_find(esc, address), adapter, now_ms);
}

uint32_t escalation_weight(const struct escalation *esc, uint64_t address, uint16_t adapter,
			   bool is_heard, uint64_t now_ms)
{
	return pair_weight(esc, record_find(esc, address), adapter, is_heard, now_ms);
}

/* --- the decision --- */

static void count(struct escalation *esc, const struct escalation_failure *failure,
		  struct record *record, struct health *health, uint64_t now_ms)
{
	enum errors_count against = errors_counts(failure->class);

	/* That a full adapter refuses is nobody's fault; but there is no use in asking it again. */
	if (against != ERRORS_COUNT_NONE || errors_step(failure->class) == ERRORS_STEP_ROTATE)
		pair_add(esc, record, failure->adapter, failure->is_heard, now_ms);
	/* A peripheral that nobody hears may be switched off: no fault of the adapter's. */
	if (!health || against == ERRORS_COUNT_NONE ||
	    (against == ERRORS_COUNT_DEVICE && !failure->is_heard))
		return;
	decay_add(&health->failures, esc->limits.half_life_ms, now_ms);
	health_note_failing(health, failure->address, now_ms);
}

/* Jitter that stays below the maximum, and does not pile up there: all would march in step. */
static uint32_t spread(uint32_t delay_ms, uint32_t max_ms, uint32_t dice)
{
	uint32_t middle_ms = (uint32_t)((uint64_t)max_ms * 1000 / JITTER_MOST_PERMILLE);

	return backoff_jitter(delay_ms < middle_ms ? delay_ms : middle_ms, dice);
}

static uint32_t delay_of(const struct escalation *esc, enum err_class class, uint32_t attempt,
			 uint32_t dice)
{
	const struct escalation_limits *limits = &esc->limits;
	uint64_t delay_ms = (uint64_t)errors_backoff(class) * limits->base_ms;
	uint32_t i;

	/* Of 0 nothing grows, and a worker may name any number of attempts. */
	for (i = 1; i < attempt && delay_ms > 0 && delay_ms < limits->max_ms; i++)
		delay_ms *= 2;
	return spread(delay_ms < limits->max_ms ? (uint32_t)delay_ms : limits->max_ms,
		      limits->max_ms, dice);
}

static enum escalation_step choose(const struct escalation *esc, const struct profile *profile,
				   const struct escalation_failure *failure,
				   const struct record *record, uint64_t now_ms)
{
	const bool is_heard = failure->is_heard;
	uint32_t all = pair_value(esc, record, failure->adapter, now_ms);
	uint32_t here = pair_weight(esc, record, failure->adapter, is_heard, now_ms);
	uint32_t there = pair_weight(esc, record, failure->other, is_heard, now_ms);
	enum errors_step hint = errors_step(failure->class);

	if (failure->other != ESCALATION_NOBODY && profile_allows(profile, ESCALATION_ROTATE) &&
	    there + ROTATE_GAIN <= here &&
	    (hint == ERRORS_STEP_ROTATE || failure->is_stuck ||
	     decay_round(here) >= profile->rotate_after))
		return ESCALATION_ROTATE;
	if (errors_backoff(failure->class) == 0 || failure->is_stuck)
		return ESCALATION_GIVE_UP;
	if (profile_allows(profile, ESCALATION_CLEAR) &&
	    (hint == ERRORS_STEP_CLEAR || decay_round(all) >= profile->clear_after))
		return ESCALATION_CLEAR;
	return ESCALATION_RETRY;
}

/*
 * The attempts of the request on the adapters that it has left count, too. It may end unseen, and
 * its session begin another one: what is wanted only since then begins at one.
 */
static uint32_t whole_attempt(const struct escalation_failure *failure, struct record *record)
{
	bool is_it = record->is_carried_on ? record->carried_since_ms == failure->since_ms
					   : record->carried_session == failure->session &&
						     failure->since_ms <= record->carried_until_ms;

	if (!is_it || record->carried_from == failure->adapter)
		record->carried = 0;
	record->is_carried_on = true;
	record->carried_since_ms = failure->since_ms;
	return failure->attempt < UINT32_MAX - record->carried ? failure->attempt + record->carried
							       : UINT32_MAX;
}

/* The deadline has the last word; then what is to be remembered of the answer. */
static void settle(struct escalation_answer *answer, const struct escalation_failure *failure,
		   struct record *record, uint64_t now_ms)
{
	uint32_t pause_ms = answer->step == ESCALATION_ROTATE ? 0 : answer->delay_ms;

	if ((uint64_t)pause_ms + ESCALATION_ATTEMPT_MIN_MS > failure->left_ms)
		answer->step = ESCALATION_GIVE_UP;
	if (answer->step == ESCALATION_ROTATE) {
		record->carried = answer->attempt;
		record->carried_session = failure->session;
		record->carried_from = failure->adapter;
		record->carried_until_ms = now_ms + failure->left_ms;
		record->is_carried_on = false;
	}
	if (answer->step == ESCALATION_GIVE_UP)
		record->carried = 0;
	record->tried = answer->step > ESCALATION_GIVE_UP ? answer->step : ESCALATION_NOTHING;
}

struct escalation_answer escalation_failed(struct escalation *esc, const struct profile *profile,
					   const struct escalation_failure *failure,
					   uint64_t now_ms, uint32_t dice)
{
	struct record *record = record_need(esc, failure->address, now_ms);
	struct health *health = escalation_health(esc, failure->adapter);
	uint32_t most = profile->attempts > 0 ? profile->attempts : esc->limits.attempts;
	struct escalation_answer answer = { .tried = record->tried };
	bool is_waiting = health_is_resetting(health, now_ms);
	bool is_pardoned = now_ms < esc->pardon_until_ms;

	take_back(record, failure);
	answer.attempt = whole_attempt(failure, record);
	if (is_waiting) {
		answer.step = ESCALATION_RETRY;
		answer.delay_ms = spread(esc->limits.max_ms, esc->limits.max_ms, dice);
	} else if (is_pardoned) {
		answer.step = ESCALATION_RETRY;
		answer.delay_ms = delay_of(esc, failure->class, 1, dice);
	} else {
		count(esc, failure, record, health, now_ms);
		answer.step = choose(esc, profile, failure, record, now_ms);
		answer.delay_ms = delay_of(esc, failure->class, answer.attempt, dice);
		/* What no attempt can mend no reset can, but for what is stuck. */
		if (answer.step != ESCALATION_GIVE_UP || failure->is_stuck)
			answer.why = health_reset_reason(esc, profile, failure, health, now_ms);
	}
	if (answer.why) {
		health_note_reset(health, now_ms);
		answer.is_reset_due = true;
		answer.delay_ms = spread(esc->limits.max_ms, esc->limits.max_ms, dice);
		if (answer.step != ESCALATION_ROTATE)
			answer.step = ESCALATION_RESET;
	}
	if (failure->attempt == 0 || (answer.attempt >= most && !is_waiting && !is_pardoned))
		answer.step = ESCALATION_GIVE_UP;
	answer.failures = decay_round(pair_value(esc, record, failure->adapter, now_ms));
	settle(&answer, failure, record, now_ms);
	return answer;
}

void escalation_cut(struct escalation *esc, const struct escalation_failure *failure,
		    uint64_t now_ms)
{
	struct record *record = record_need(esc, failure->address, now_ms);
	struct health *health = escalation_health(esc, failure->adapter);

	if (!health_is_resetting(health, now_ms) && now_ms >= esc->pardon_until_ms)
		count(esc, failure, record, health, now_ms);
}

void escalation_pardon(struct escalation *esc, uint64_t until_ms)
{
	esc->pardon_until_ms = until_ms;
}

enum escalation_step escalation_worked(struct escalation *esc, uint64_t address, uint16_t adapter,
				       uint64_t now_ms)
{
	struct record *record = record_find(esc, address);
	struct health *health = escalation_health(esc, adapter);
	enum escalation_step tried = record ? record->tried : ESCALATION_NOTHING;

	if (record) {
		/* What it failed elsewhere still says where not to go. */
		pair_clear(record, adapter);
		record->before_carried = record->carried;
		record->tried = ESCALATION_NOTHING;
		record->carried = 0;
	}
	if (health) {
		health_clear(health);
		health->is_sick = false;
		health_note_working(health, address, now_ms);
	}
	return tried;
}
