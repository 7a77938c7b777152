/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/lockd/slotq_random.h - the load of test_slotq_random.c, and what nobody may ever see
 * of it (slotq_random.c).
 */
#include "lockd/slotq.h"
#include "tests/support/runner.h"

enum {
	ADAPTERS = 3,
	DEVICES = 4,
	DEVICE_THINGS = 3 * ADAPTERS, /* behind connects, scans, maintenances: devices */
	THINGS = DEVICE_THINGS + DEVICES,
	JOBS = 64,
#if defined(__SANITIZE_ADDRESS__)
	OPERATIONS = 100000,
#else
	OPERATIONS = 1000000,
#endif
	HOLD_MS = 30, /* the longest */
	LOOK_EVERY = 32,
	DRAIN_EVERY = 20000,
};

/* ck_assert() costs a system call each, and there are hundreds of millions here. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s; %s", #condition, run_where());                           \
	} while (0)

struct setting {
	uint32_t jobs; /* entries of the queue */
	uint32_t age_ms;
	uint32_t connects;
	uint32_t scans;
	bool has_recovery;
	bool has_outsiders;
	bool is_fair; /* ages, and nothing that is allowed to starve others: waits have a bound */
};

struct job {
	enum { IDLE, WAITS, HOLDS } state;
	enum slotq_class class;
	uint64_t ticket;
	uint64_t since_ms;
	uint64_t deadline_at_ms;
	uint64_t ends_at_ms;
	uint8_t needs[THINGS];
};

struct slotq_run {
	const struct setting *setting;
	struct slotq *queue;
	struct job jobs[JOBS]; /* by the queue's handle */
	unsigned used[THINGS];
	bool is_busy[THINGS];
	uint32_t n_waiting, n_live;
	uint64_t tickets;
	uint64_t now_ms;
	uint64_t random;
	uint32_t step;
	uint64_t n_grants, n_timed_out, n_cancelled, n_full, n_taken;
};

extern struct slotq_run run;

/* Which setting and operation, for a message. */
const char *run_where(void);
unsigned run_units_of(unsigned thing);
/* Whether what it needs is there, as far as holders and programs outside go. */
bool run_has_room(const struct job *job);

/* Those before the one that was just served must not have lost anything to it. */
void run_check_overtaken(const struct job *served);
/* After a pass whoever still waits has a reason. */
void run_check_reasons(void);
/* Nobody has waited for longer than all others together may hold. */
void run_check_patience(void);
