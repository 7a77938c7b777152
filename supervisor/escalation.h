/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/escalation.h - what to do after a failed attempt to connect.
 *
 *   retry ─► clear ─► rotate ─► reset ─► give up
 *
 * Failures are counted per device and adapter, and per adapter; the counts halve every half-life, a
 * success clears those of the device there and of the adapter, unless it turns out that the link
 * did not pass its check: then the device's are what they were. A rung is taken when its count is
 * reached and its profile allows it; what a class says helps at once (a full adapter: another one)
 * is done at the first failure. A device rotates only to an adapter where it failed less, so it
 * does not swing to and fro; while it is heard, what it failed when nobody heard it does not count
 * there. However it goes, a request ends: its attempts are counted across
 * adapters, and its deadline is never passed.
 *
 * A reset costs others their links. It needs as many failures of the adapter as the profile says
 * and evidence that the adapter is sick: several peripherals that were heard failed there, more
 * than once each, and nobody succeeded since; or it fell silent or its commands time out; or there
 * is nothing else on it. A link that can neither be used nor ended is tried elsewhere or given up
 * at once, and where nothing else is on the adapter it is reset at once. Each adapter has a
 * cooldown and a budget per window.
 *
 * Pure: time and dice are passed in; what it remembers is bounded. Used by worker_rules.c, and by
 * finder.c for the score.
 */
#include "ipc/class.h"
#include "supervisor/profile.h"

enum {
	ESCALATION_NOBODY = 0xffff,	  /* no adapter */
	ESCALATION_BUDGET_MAX = 8,	  /* resets of an adapter per window */
	ESCALATION_RESETTING_MS = 120000, /* a reset that nobody reports the end of */
	ESCALATION_SICK_MS = 60000,	  /* how long silence and timeouts are evidence */
	ESCALATION_EVIDENCE_DEVICES = 2,  /* so many peripherals failed ... */
	ESCALATION_EVIDENCE_FAILURES = 2, /* ... so often each */
	ESCALATION_ATTEMPT_MIN_MS = 300,  /* less than that left: an attempt cannot succeed */
};

/* Of the configuration. */
struct escalation_limits {
	uint32_t attempts; /* of one request, the first included */
	uint32_t base_ms;
	uint32_t max_ms;
	uint32_t half_life_ms;
	uint32_t reset_cooldown_ms;
	uint32_t reset_budget; /* per window; 0: no resets */
	uint32_t reset_window_ms;
};

struct escalation_failure {
	uint64_t address;
	uint16_t adapter;
	uint16_t other; /* the best other adapter that could take it, ESCALATION_NOBODY: none */
	uint32_t session;
	enum err_class class;
	uint32_t attempt; /* 1 for the first of this request on this adapter */
	uint32_t left_ms; /* of the request's deadline */
	/* CLOCK_MONOTONIC: since then the link there is wanted, without a break */
	uint64_t since_ms;
	bool came_up;	  /* the link was there, but did not pass its check: it was no success */
	bool is_heard;	  /* some adapter heard the peripheral lately: it is on */
	bool is_alone;	  /* no link or session of another peripheral is on the adapter */
	bool is_carrying; /* links of others are up there, and it hears adverts */
	bool is_stuck;	  /* nothing that is done there helps but a reset */
};

struct escalation_answer {
	enum escalation_step step;
	uint32_t delay_ms; /* before the next attempt; not with GIVE_UP and ROTATE */
	bool is_reset_due; /* the adapter is to be reset: counted as done; step may be another */
	uint32_t attempt;  /* of the request, across adapters */
	uint32_t failures; /* of the device there, whole */
	enum escalation_step tried; /* what was to help and did not; NOTHING: a plain retry */
	const char *why;	    /* of a reset: the evidence, in words */
};

/* What is known of an adapter beside failed attempts. */
enum escalation_sickness { ESCALATION_SILENT, ESCALATION_TIMEOUTS };

struct escalation;

must_check int escalation_new(struct escalation **out, const struct escalation_limits *limits);
/* Other limits from now on; what was counted stays. */
void escalation_set_limits(struct escalation *esc, const struct escalation_limits *limits);
struct escalation *escalation_free(struct escalation *esc);

/* Counts a failed attempt and decides. @dice: any random number, for jitter. */
struct escalation_answer escalation_failed(struct escalation *esc, const struct profile *profile,
					   const struct escalation_failure *failure,
					   uint64_t now_ms, uint32_t dice);

/*
 * An attempt whose request ended first, after a time in which it would have come up: counts as any
 * other, and nothing follows. Of @failure: address, adapter, class, is_heard.
 */
void escalation_cut(struct escalation *esc, const struct escalation_failure *failure,
		    uint64_t now_ms);

/* The machine has slept: until then failures say nothing, and are not counted. */
void escalation_pardon(struct escalation *esc, uint64_t until_ms);

/* A link came up. What had been tried for it last: NOTHING if it was a plain attempt. */
enum escalation_step escalation_worked(struct escalation *esc, uint64_t address, uint16_t adapter,
				       uint64_t now_ms);

void escalation_sick(struct escalation *esc, uint16_t adapter, enum escalation_sickness sickness,
		     uint64_t now_ms);

/*
 * A reset began that was not decided here (a person asked), and any reset ended. In between,
 * failures there are not counted and attempts wait. One that was refused or failed keeps its place
 * in cooldown and budget: it would be refused again, or fail again.
 */
void escalation_reset_began(struct escalation *esc, uint16_t adapter, uint64_t now_ms);
void escalation_reset_ended(struct escalation *esc, uint16_t adapter, bool was_done);

/* Whether cooldown and budget of the adapter allow a reset now. */
bool escalation_may_reset(struct escalation *esc, uint16_t adapter, uint64_t now_ms);

/*
 * Its number is free for another. Its resets are remembered under its address: a reset of its USB
 * port unplugs it, too, and must not begin a new budget.
 */
void escalation_adapter_gone(struct escalation *esc, uint16_t adapter, uint64_t address);
void escalation_adapter_came(struct escalation *esc, uint16_t adapter, uint64_t address);

/* Failures of the device there, in 256ths, as they weigh now. */
uint32_t escalation_failures(const struct escalation *esc, uint64_t address, uint16_t adapter,
			     uint64_t now_ms);

/* Those of them that say which adapter to take. @is_heard: some adapter hears the device now. */
uint32_t escalation_weight(const struct escalation *esc, uint64_t address, uint16_t adapter,
			   bool is_heard, uint64_t now_ms);
