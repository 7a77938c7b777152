/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/escalation_state.h - what escalation.c and escalation_health.c share. For nobody else.
 */
#include "supervisor/decay.h"
#include "supervisor/escalation.h"

/* More peripherals than that failing at once share the records: the stalest is forgotten. */
enum { DEVICES_KEPT = 512, PAIRS_KEPT = 4, ADAPTERS_KEPT = 64, FAILING_KEPT = 8, WORKING_KEPT = 2 };

struct pair {
	uint16_t adapter;
	struct decay failures; /* value 0: free */
	struct decay heard;    /* of these: while somebody heard the peripheral */
};

/* A peripheral that failed and has not succeeded since. */
struct record {
	uint64_t address; /* 0: free */
	uint64_t at_ms;	  /* last touched */
	struct pair pairs[PAIRS_KEPT];
	enum escalation_step tried; /* its outcome is not known yet */
	uint32_t carried;	    /* attempts of the request on adapters that it left ... */
	uint32_t carried_session;   /* ... of this session */
	uint16_t carried_from;
	uint64_t carried_until_ms; /* its deadline */
	bool is_carried_on;	   /* the next adapter has reported one of them ... */
	uint64_t carried_since_ms; /* ... with that since_ms: who joined it goes on after it */
	/* What the last success forgot: it may turn out to have been none. */
	struct pair before;
	uint32_t before_carried;
};

struct failing {
	uint64_t address;
	uint32_t count;
	uint64_t at_ms;
};

struct working {
	uint64_t address;
	uint64_t at_ms;
};

struct health {
	uint16_t index; /* ESCALATION_NOBODY: it is away */
	bool is_used;
	uint64_t address; /* while it is away */
	struct decay failures;
	struct failing failing[FAILING_KEPT]; /* since the last success there */
	struct working working[WORKING_KEPT]; /* the last two that succeeded, the latest first */
	bool is_sick;
	enum escalation_sickness sickness;
	uint64_t sick_at_ms;
	bool is_resetting;
	/* A count of its own: a time of 0 must not read as a reset at boot. */
	uint32_t n_resets;
	uint64_t reset_at_ms[ESCALATION_BUDGET_MAX]; /* a ring; the last is n_resets - 1 */
};

struct escalation {
	struct escalation_limits limits;
	uint64_t pardon_until_ms;
	struct record records[DEVICES_KEPT];
	struct health adapters[ADAPTERS_KEPT];
};

/* NULL: there are more adapters than the registry holds. */
struct health *escalation_health(struct escalation *esc, uint16_t index);

void health_note_failing(struct health *health, uint64_t address, uint64_t now_ms);
void health_note_working(struct health *health, uint64_t address, uint64_t now_ms);
void health_clear(struct health *health);

/* --- resets --- */
void health_note_reset(struct health *health, uint64_t now_ms);
bool health_is_resetting(const struct health *health, uint64_t now_ms);

/* The evidence if it is to be reset now, else NULL. */
const char *health_reset_reason(const struct escalation *esc, const struct profile *profile,
				const struct escalation_failure *failure,
				const struct health *health, uint64_t now_ms);
