/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/plan_turn.c - see plan_turn.h. A rule is quiet, under way (what it began has an end
 * to come), or over:
 *
 *   quiet     | its moment, and the condition holds | a deed; with `for` -> under way
 *   under way | its moment                          | nothing: one of a rule at a time
 *   under way | until_ms                            | the deed's end -> quiet
 *   any       | rest                                | the end, if under way -> over
 */
#include "contrib/sim/plan_turn.h"

#include <stdio.h>
#include <string.h>

struct state {
	bool is_mine;
	uint64_t random;
	uint64_t fire_at_ms; /* AT, EVERY: its next moment; NEVER */
	uint64_t seen;	     /* NTH: so many so far */
	bool is_pending;     /* seen, and due now */
	bool is_under_way;
	uint64_t until_ms;
	struct plan_deed deed; /* the pending one, then the one under way */
	struct plan_count count;
};

struct plan_turn {
	const struct plan *plan;
	struct plan_scene scene;
	bool is_resting;
	struct state states[];
};

/* splitmix64. */
static uint64_t random_below(struct state *state, uint64_t below)
{
	uint64_t z = state->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return below ? (z ^ z >> 31) % below : 0;
}

/* From half of the period to one and a half. */
static uint64_t spread(struct state *state, uint64_t period_ms)
{
	const uint64_t ms = period_ms / 2 + random_below(state, period_ms + 1);

	return ms ? ms : 1;
}

int plan_turn_new(struct plan_turn **out, const struct plan *plan, enum plan_doer doer,
		  uint64_t seed, const struct plan_scene *scene)
{
	struct plan_turn *turn =
		calloc(1, sizeof(*turn) + (plan->rule_count + 1) * sizeof(turn->states[0]));

	if (!turn)
		return -ENOMEM;
	turn->plan = plan;
	turn->scene = *scene;
	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct plan_rule *rule = &plan->rules[i];
		struct state *state = &turn->states[i];

		state->is_mine = rule->doer == doer;
		state->random = rule->hash ^ seed * UINT64_C(0x2545f4914f6cdd1d);
		state->fire_at_ms = PLAN_NEVER_MS;
		if (state->is_mine && rule->when == PLAN_AT)
			state->fire_at_ms = rule->time_ms;
		if (state->is_mine && rule->when == PLAN_EVERY)
			state->fire_at_ms = spread(state, rule->time_ms);
	}
	*out = turn;
	return 0;
}

struct plan_turn *plan_turn_free(struct plan_turn *turn)
{
	free(turn);
	return NULL;
}

static bool holds(const struct plan_turn *turn, enum plan_state state, unsigned index)
{
	return turn->scene.holds && turn->scene.holds(turn->scene.data, state, index);
}

static bool is_kind_under_way(const struct plan_turn *turn, const char *kind)
{
	for (size_t i = 0; i < turn->plan->rule_count; i++) {
		if (turn->states[i].is_under_way && strcmp(turn->plan->rules[i].kind, kind) == 0)
			return true;
	}
	return false;
}

/* One of those for which it holds, by the rule's own lot; -1: there is none. */
static int pick_one(const struct plan_turn *turn, struct state *state, enum plan_state condition,
		    unsigned count)
{
	unsigned found = 0;
	uint64_t left;

	for (unsigned i = 0; i < count; i++)
		found += holds(turn, condition, i);
	if (!found)
		return -1;
	left = random_below(state, found);
	for (unsigned i = 0; i < count; i++) {
		if (holds(turn, condition, i) && left-- == 0)
			return (int)i;
	}
	return -1;
}

/* What the trigger and the condition name; -1: nobody. */
struct named {
	int device, adapter;
};

/* Whether the condition holds; whom it names is added to what the trigger named. */
static bool is_met(const struct plan_turn *turn, struct state *state,
		   const struct plan_condition *condition, struct named *named)
{
	const bool is_device = condition->state == PLAN_CONNECTED;
	int *it = is_device ? &named->device : &named->adapter;
	const unsigned count = is_device ? turn->scene.devices : turn->scene.adapters;
	int index;

	if (condition->state == PLAN_ALWAYS)
		return true;
	if (condition->state == PLAN_UNDER_WAY)
		return is_kind_under_way(turn, condition->kind) != condition->negated;
	if (condition->who.pick == PLAN_ANY)
		index = pick_one(turn, state, condition->state, count);
	else
		index = condition->who.pick == PLAN_IT ? *it : (int)condition->who.index;
	if (index >= 0 && condition->who.pick != PLAN_ANY &&
	    !holds(turn, condition->state, (unsigned)index))
		index = -1;
	if (index >= 0 && *it < 0)
		*it = index;
	return (index >= 0) != condition->negated;
}

static unsigned count_of(const struct plan_scene *scene, enum plan_sort sort)
{
	switch (sort) {
	case PLAN_DEVICE:
	case PLAN_OBJECT:
		return scene->devices;
	case PLAN_ADAPTER:
	case PLAN_WORKER:
		return scene->adapters;
	case PLAN_CLIENT:
		return scene->clients;
	case PLAN_NOTHING:
	case PLAN_LOCKD:
	case PLAN_DAEMON:
	case PLAN_BLUETOOTHD:
		return 1;
	}
	return 0;
}

/* False: there is nobody. */
static bool find_target(const struct plan_turn *turn, struct state *state,
			const struct plan_target *wanted, const struct named *named,
			struct plan_target *out)
{
	int index;

	*out = *wanted;
	out->pick = PLAN_GIVEN;
	if (wanted->pick == PLAN_GIVEN)
		return true;
	if (wanted->pick == PLAN_ANY) {
		const unsigned count = count_of(&turn->scene, wanted->sort);

		index = count ? (int)random_below(state, count) : -1;
	} else {
		index = wanted->sort == PLAN_ADAPTER ? named->adapter : named->device;
	}
	/* no-reply: of the device if one is named, else of the adapter. */
	if (wanted->sort == PLAN_OBJECT && index >= 0)
		out->sort = PLAN_DEVICE;
	else if (wanted->sort == PLAN_OBJECT && wanted->pick == PLAN_IT)
		index = named->adapter;
	out->index = index < 0 ? 0 : (unsigned)index;
	return index >= 0;
}

static void write_where(struct plan_deed *deed)
{
	const struct plan_target *target = &deed->target;

	if (target->sort == PLAN_DEVICE)
		plan_address(PLAN_DEVICE, target->index, deed->where, sizeof(deed->where));
	else if (target->sort == PLAN_ADAPTER || target->sort == PLAN_WORKER)
		(void)snprintf(deed->where, sizeof(deed->where), "hci%u", target->index);
	else if (target->sort == PLAN_CLIENT)
		(void)snprintf(deed->where, sizeof(deed->where), "client %u", target->index);
}

static void write_text(struct plan_deed *deed)
{
	const char *command = deed->rule->command;
	const char *last = strrchr(command, ' ');

	if (deed->rule->verb != PLAN_COMMAND && deed->rule->target.pick == PLAN_ANY && last)
		(void)snprintf(deed->text, sizeof(deed->text), "%.*s %u", (int)(last - command),
			       command, deed->target.index);
	else if (deed->rule->verb != PLAN_COMMAND)
		(void)snprintf(deed->text, sizeof(deed->text), "%s", command);
	else
		plan_fill(command, &deed->target, deed->text, sizeof(deed->text));
}

/* The rule's moment: whether it does something, and to whom. */
static bool fires(struct plan_turn *turn, size_t i, uint64_t at_ms, const struct plan_sight *sight)
{
	const struct plan_rule *rule = &turn->plan->rules[i];
	struct state *state = &turn->states[i];
	struct named named = { sight ? sight->device : -1, sight ? sight->adapter : -1 };
	struct plan_deed deed = { .rule = rule, .index = i, .at_ms = at_ms };

	if (state->is_under_way || !is_met(turn, state, &rule->condition, &named))
		return false;
	if (rule->when == PLAN_NTH && ++state->seen != rule->nth)
		return false;
	if (!find_target(turn, state, &rule->target, &named, &deed.target))
		return false;
	deed.for_ms = rule->for_ms;
	write_text(&deed);
	if (deed.target.sort == PLAN_OBJECT)
		deed.target.sort = PLAN_ADAPTER;
	write_where(&deed);
	state->deed = deed;
	return true;
}

/* The moment after this one. Those that were slept through are left out. */
static void schedule(struct state *state, const struct plan_rule *rule, uint64_t now_ms)
{
	if (rule->when != PLAN_EVERY) {
		state->fire_at_ms = PLAN_NEVER_MS;
		return;
	}
	do {
		state->fire_at_ms += spread(state, rule->time_ms);
	} while (state->fire_at_ms + rule->time_ms < now_ms);
}

/* When the rule wants to be looked at. */
static uint64_t next_of(const struct state *state)
{
	uint64_t at_ms = state->is_pending ? state->deed.at_ms : state->fire_at_ms;

	return state->is_under_way && state->until_ms <= at_ms ? state->until_ms : at_ms;
}

uint64_t plan_turn_next_at_ms(const struct plan_turn *turn)
{
	uint64_t next_at_ms = PLAN_NEVER_MS;

	for (size_t i = 0; i < turn->plan->rule_count; i++) {
		if (turn->states[i].is_mine && next_of(&turn->states[i]) < next_at_ms)
			next_at_ms = next_of(&turn->states[i]);
	}
	return next_at_ms;
}

/* The rule that is due first; at one time those with something to end, then in the plan's order. */
static bool find_due(const struct plan_turn *turn, uint64_t now_ms, size_t *out)
{
	uint64_t best_ms = PLAN_NEVER_MS;
	bool is_end = false;

	for (size_t i = 0; i < turn->plan->rule_count; i++) {
		const struct state *state = &turn->states[i];
		const uint64_t at_ms = state->is_mine ? next_of(state) : PLAN_NEVER_MS;
		const bool ends = state->is_under_way && state->until_ms == at_ms;

		if (at_ms > now_ms || at_ms > best_ms || (at_ms == best_ms && (is_end || !ends)))
			continue;
		best_ms = at_ms;
		is_end = ends;
		*out = i;
	}
	return best_ms != PLAN_NEVER_MS;
}

static void begin(struct state *state, struct plan_deed *out)
{
	*out = state->deed;
	state->count.done++;
	state->is_under_way = out->for_ms > 0;
	state->until_ms = out->at_ms + out->for_ms;
}

static void end(struct state *state, struct plan_deed *out)
{
	*out = state->deed;
	out->ends = true;
	out->at_ms = state->until_ms;
	state->is_under_way = false;
	if (out->rule->timed)
		out->text[0] = '\0';
	else if (out->rule->verb == PLAN_COMMAND &&
		 !plan_ending(state->deed.text, out->text, sizeof(out->text)))
		out->text[0] = '\0';
}

bool plan_turn_step(struct plan_turn *turn, uint64_t now_ms, struct plan_deed *out)
{
	size_t i = 0;

	while (find_due(turn, now_ms, &i)) {
		struct state *state = &turn->states[i];
		uint64_t at_ms;

		if (state->is_under_way && state->until_ms == next_of(state)) {
			end(state, out);
			return true;
		}
		if (state->is_pending) {
			state->is_pending = false;
			begin(state, out);
			return true;
		}
		at_ms = state->fire_at_ms;
		schedule(state, &turn->plan->rules[i], now_ms);
		/* What lasts lasts from now, however late we are. */
		if (fires(turn, i, at_ms < now_ms ? now_ms : at_ms, NULL)) {
			begin(state, out);
			return true;
		}
	}
	return false;
}

static bool is_about(const struct plan_rule *rule, const struct plan_sight *sight)
{
	if (rule->when != PLAN_CHANCE && rule->when != PLAN_NTH)
		return false;
	if (strcmp(rule->trigger, sight->name) != 0)
		return false;
	if (rule->on.sort == PLAN_DEVICE)
		return sight->device == (int)rule->on.index;
	return rule->on.sort != PLAN_ADAPTER || sight->adapter == (int)rule->on.index;
}

void plan_turn_see(struct plan_turn *turn, uint64_t now_ms, const struct plan_sight *sight)
{
	for (size_t i = 0; i < turn->plan->rule_count && !turn->is_resting; i++) {
		const struct plan_rule *rule = &turn->plan->rules[i];
		struct state *state = &turn->states[i];

		if (!state->is_mine || !is_about(rule, sight))
			continue;
		/* Drawn for each call, so that what else goes on does not change the lots. */
		if (rule->when == PLAN_CHANCE && random_below(state, 10000) >= rule->permyriad)
			continue;
		if (!state->is_pending)
			state->is_pending = fires(turn, i, now_ms, sight);
	}
}

void plan_turn_failed(struct plan_turn *turn, const struct plan_deed *deed)
{
	struct state *state = &turn->states[deed->index];

	state->count.failed++;
	if (deed->ends)
		return;
	state->count.done--;
	state->is_under_way = false;
}

void plan_turn_rest(struct plan_turn *turn, uint64_t now_ms)
{
	turn->is_resting = true;
	for (size_t i = 0; i < turn->plan->rule_count; i++) {
		struct state *state = &turn->states[i];

		state->is_pending = false;
		state->fire_at_ms = PLAN_NEVER_MS;
		if (state->is_under_way && state->until_ms > now_ms)
			state->until_ms = now_ms;
	}
}

struct plan_count plan_turn_count(const struct plan_turn *turn, size_t index)
{
	const struct state *state = &turn->states[index];
	struct plan_count count = state->count;

	count.until_ms = state->is_under_way ? state->until_ms : 0;
	return count;
}
