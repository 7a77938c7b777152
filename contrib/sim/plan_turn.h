/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/plan_turn.h - when what of a plan happens: (plan, seed, time, what was seen) to
 * deeds.
 *
 * Pure: no I/O and no clock; all times are ms since the plan's begin. Each rule has a random
 * generator of its own, made from the seed and the rule's text: another rule more or less, or lines
 * moved about, change nothing for the others. Used by bleherd-sim (plan_run.c) for its rules and by
 * bleherd-soak for those of processes:
 *
 *   plan_turn_new(&turn, plan, PLAN_SOAK, seed, &scene);
 *   on a timer at plan_turn_next_at_ms(turn):
 *     while (plan_turn_step(turn, now_ms, &deed))
 *       if (do(&deed) < 0)
 *         plan_turn_failed(turn, &deed);
 */
#include "contrib/sim/plan.h"

#define PLAN_NEVER_MS	 UINT64_MAX
#define PLAN_WHERE_CHARS 24

struct plan_turn;

/* How many there are of what `any` may be, and what can be asked of the world. */
struct plan_scene {
	unsigned adapters, devices, clients;
	/* CONNECTED: of a device's index; DISCOVERING: of an adapter's. NULL: never. */
	bool (*holds)(void *data, enum plan_state state, unsigned index);
	void *data;
};

/* A D-Bus call or an HCI command that is about to be handled; -1: names none. */
struct plan_sight {
	const char *name;
	int device, adapter;
};

/* What is to be done now. */
struct plan_deed {
	const struct plan_rule *rule;
	size_t index; /* of the rule */
	bool ends;    /* what the rule began is over: undo it */
	uint64_t at_ms;
	uint64_t for_ms;	   /* how long it will last; 0: a moment, or not known */
	struct plan_target target; /* found: pick is GIVEN */
	/* A device's address, "hci1" (the sim's adapter 1, whatever the kernel calls it), or "". A
	 * worker is where its adapter is; clients are "client 3". */
	char where[PLAN_WHERE_CHARS];
	/* The sim's command, or "stop worker 1"; an end's: the command that undoes it, or "" */
	char text[PLAN_LINE_CHARS];
};

/**
 * plan_turn_new() - the schedule of one doer's rules; the plan begins at 0
 * @plan:  must outlive the turn
 * @scene: copied
 *
 * Errors: -ENOMEM.
 */
must_check int plan_turn_new(struct plan_turn **out, const struct plan *plan, enum plan_doer doer,
			     uint64_t seed, const struct plan_scene *scene);
struct plan_turn *plan_turn_free(struct plan_turn *turn);

/* When plan_turn_step() has something; PLAN_NEVER_MS. */
uint64_t plan_turn_next_at_ms(const struct plan_turn *turn);

/* The next deed that is due, in the order of time, ends before begins. True: do it, ask again. */
bool plan_turn_step(struct plan_turn *turn, uint64_t now_ms, struct plan_deed *out);

/* Something is seen: what it sets off is due now, before it is handled. */
void plan_turn_see(struct plan_turn *turn, uint64_t now_ms, const struct plan_sight *sight);

/* The deed could not be done: nothing has begun, nothing will end. */
void plan_turn_failed(struct plan_turn *turn, const struct plan_deed *deed);

/* Nothing new from now on; what lasts ends now (ask plan_turn_step()). */
void plan_turn_rest(struct plan_turn *turn, uint64_t now_ms);

struct plan_count {
	uint64_t done, failed;
	uint64_t until_ms; /* under way until then; 0: not */
};

/* What became of a rule so far. */
struct plan_count plan_turn_count(const struct plan_turn *turn, size_t index);
