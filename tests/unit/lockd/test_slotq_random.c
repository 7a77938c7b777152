/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slotq under random load, watched from outside: test_slotq.c knows what it must answer, this file
 * knows only what nobody may ever see. A million operations a setting, each a seed of its own.
 */
#include "tests/unit/lockd/slotq_random.h"

#include <stdio.h>
#include <string.h>

static const struct setting SETTINGS[] = {
	{ .jobs = 16, .age_ms = 50, .connects = 1, .scans = 1, .is_fair = true },
	{ .jobs = 64, .age_ms = 10, .connects = 2, .scans = 1, .has_recovery = true },
	{ .jobs = 24, .age_ms = 0, .connects = 8, .scans = 3, .has_outsiders = true },
	{ .jobs = 5, .age_ms = 20, .connects = 2, .scans = 2, .has_outsiders = true },
	{ .jobs = 30, .age_ms = 5, .connects = 3, .scans = 2, .is_fair = true },
};

struct slotq_run run;

const char *run_where(void)
{
	static char text[64];

	(void)snprintf(text, sizeof(text), "setting %d, operation %u",
		       (int)(run.setting - SETTINGS), run.step);
	return text;
}

static uint32_t dice(uint32_t sides)
{
	run.random ^= run.random << 13;
	run.random ^= run.random >> 7;
	run.random ^= run.random << 17;
	return (uint32_t)(run.random >> 33) % sides;
}

/* --- what is needed, and how much there is --- */

static unsigned thing_of(const struct resource *resource)
{
	if (resource->kind == RESOURCE_DEVICE)
		return DEVICE_THINGS + (unsigned)resource->key - 1;
	return ((unsigned)resource->kind - RESOURCE_CONNECT) * ADAPTERS + (unsigned)resource->key;
}

unsigned run_units_of(unsigned thing)
{
	if (thing < ADAPTERS)
		return run.setting->connects;
	return thing < 2 * ADAPTERS ? run.setting->scans : 1;
}

static struct resource_set random_set(void)
{
	struct resource_set set = { 0 };
	uint64_t adapter = dice(ADAPTERS);

	if (dice(3) == 0)
		set.items[set.n++] = (struct resource){ RESOURCE_DEVICE, 1 + dice(DEVICES) };
	if (dice(3) > 0)
		set.items[set.n++] = (struct resource){ RESOURCE_CONNECT, adapter };
	if (dice(4) == 0)
		set.items[set.n++] = (struct resource){ RESOURCE_SCAN, dice(ADAPTERS) };
	if (dice(15) == 0 || set.n == 0)
		set.items[set.n++] = (struct resource){ RESOURCE_MAINTENANCE, dice(ADAPTERS) };
	return set;
}

static void set_needs(struct job *job, const struct resource_set *set)
{
	unsigned thing;
	size_t i;

	for (i = 0; i < set->n; i++) {
		thing = thing_of(&set->items[i]);
		if (job->needs[thing] == 0)
			job->needs[thing] = 1;
		if (set->items[i].kind != RESOURCE_MAINTENANCE)
			continue;
		/* Alone on its adapter. */
		job->needs[thing - 2 * ADAPTERS] = (uint8_t)run.setting->connects;
		job->needs[thing - ADAPTERS] = (uint8_t)run.setting->scans;
	}
}

bool run_has_room(const struct job *job)
{
	unsigned thing;

	for (thing = 0; thing < THINGS; thing++)
		if (job->needs[thing] > 0 &&
		    (run.is_busy[thing] ||
		     run.used[thing] + job->needs[thing] > run_units_of(thing)))
			return false;
	return true;
}

/* --- operations --- */

static void leave(uint32_t entry)
{
	struct job *job = &run.jobs[entry];
	unsigned thing;

	for (thing = 0; thing < THINGS; thing++) {
		if (job->needs[thing] > 0)
			run.is_busy[thing] = false;
		if (job->state == HOLDS)
			run.used[thing] -= job->needs[thing];
	}
	if (job->state == WAITS)
		run.n_waiting--;
	run.n_live--;
	*job = (struct job){ .state = IDLE };
	slotq_remove(run.queue, entry);
}

static void begin_hold(struct job *job)
{
	unsigned thing;

	for (thing = 0; thing < THINGS; thing++) {
		run.used[thing] += job->needs[thing];
		MUST(run.used[thing] <= run_units_of(thing));
	}
	job->state = HOLDS;
	job->ends_at_ms = run.now_ms + 1 + dice(HOLD_MS);
}

static void serve(uint32_t entry)
{
	slotq_grant(run.queue, entry);
	run.n_waiting--;
	run.n_grants++;
	begin_hold(&run.jobs[entry]);
	run_check_overtaken(&run.jobs[entry]);
}

/* A program outside has the slot file of a connect or scan that it needs. */
static bool turn_away(uint32_t entry)
{
	struct resource culprit = { .kind = dice(2) == 0 ? RESOURCE_CONNECT : RESOURCE_SCAN,
				    .key = dice(ADAPTERS) };

	if (!run.setting->has_outsiders || dice(4) > 0 ||
	    run.jobs[entry].needs[thing_of(&culprit)] == 0)
		return false;
	run.is_busy[thing_of(&culprit)] = true;
	slotq_set_busy(run.queue, entry, &culprit);
	return true;
}

static void serve_all(void)
{
	uint32_t n_refused = 0;
	uint32_t entry;

	slotq_pass_begin(run.queue, run.now_ms);
	while (slotq_pass_next(run.queue, &entry) == SLOTQ_FOUND) {
		MUST(entry < run.setting->jobs && run.jobs[entry].state == WAITS);
		MUST(run_has_room(&run.jobs[entry]));
		if (turn_away(entry))
			continue;
		if (dice(50) == 0 && !run.setting->is_fair) {
			leave(entry); /* its file cannot serve as a lock */
			n_refused++;
			continue;
		}
		serve(entry);
	}
	if (n_refused > 0)
		serve_all();
}

static void do_push(void)
{
	struct resource_set set = random_set();
	enum slotq_class class = (enum slotq_class)dice(SLOTQ_CLASSES);
	uint64_t deadline = dice(4) > 0 ? UINT64_MAX : run.now_ms + dice(200);
	uint32_t entry = SLOTQ_NONE;
	int r;

	if (class == SLOTQ_RECOVERY && (!run.setting->has_recovery || dice(5) > 0))
		class = SLOTQ_INTERACTIVE;
	r = slotq_push(run.queue, &set, class, deadline, run.now_ms, &entry);
	MUST(r == (run.n_live == run.setting->jobs ? SLOTQ_FULL : 0));
	if (r == SLOTQ_FULL) {
		run.n_full++;
		return;
	}
	MUST(entry < run.setting->jobs && run.jobs[entry].state == IDLE);
	run.jobs[entry] = (struct job){
		.state = WAITS,
		.class = class,
		.ticket = ++run.tickets,
		.since_ms = run.now_ms,
		.deadline_at_ms = deadline,
	};
	set_needs(&run.jobs[entry], &set);
	run.n_live++;
	run.n_waiting++;
}

/* One that has it from the lockd before. */
static void do_adopt(void)
{
	struct resource_set set = random_set();
	struct job job = { .state = HOLDS };
	uint32_t entry = SLOTQ_NONE;
	int r;

	/* Holders that come from nowhere are before everybody: waits have no bound then. */
	if (run.setting->is_fair)
		return;
	set_needs(&job, &set);
	r = slotq_adopt(run.queue, &set, SLOTQ_CONNECT, run.now_ms, &entry);
	if (run.n_live == run.setting->jobs) {
		MUST(r == SLOTQ_FULL);
		return;
	}
	MUST(r == (run_has_room(&job) ? 0 : SLOTQ_TAKEN));
	if (r == SLOTQ_TAKEN) {
		unsigned thing;

		run.n_taken++;
		for (thing = 0; thing < THINGS; thing++)
			if (job.needs[thing] > 0)
				run.is_busy[thing] = false;
		return;
	}
	MUST(entry < run.setting->jobs && run.jobs[entry].state == IDLE);
	run.n_live++;
	run.jobs[entry] = job;
	begin_hold(&run.jobs[entry]);
}

static void do_cancel(void)
{
	uint32_t entry = dice(run.setting->jobs);

	if (run.jobs[entry].state != WAITS)
		return;
	/* The patient stay until they are served, or nobody would ever wait for long. */
	if (run.setting->is_fair && run.jobs[entry].deadline_at_ms == UINT64_MAX)
		return;
	leave(entry);
	run.n_cancelled++;
}

static void do_clear_busy(void)
{
	slotq_clear_busy(run.queue);
	memset(run.is_busy, 0, sizeof(run.is_busy));
}

static void check_deadlines(void)
{
	uint64_t earliest = UINT64_MAX;
	uint32_t entry;
	uint32_t i;

	while (slotq_expired(run.queue, run.now_ms, &entry) == SLOTQ_FOUND) {
		MUST(entry < run.setting->jobs && run.jobs[entry].state == WAITS);
		MUST(run.jobs[entry].deadline_at_ms <= run.now_ms);
		leave(entry);
		run.n_timed_out++;
	}
	for (i = 0; i < run.setting->jobs; i++)
		if (run.jobs[i].state == WAITS && run.jobs[i].deadline_at_ms < earliest)
			earliest = run.jobs[i].deadline_at_ms;
	MUST(earliest > run.now_ms && slotq_deadline_ms(run.queue) <= earliest);
	MUST(slotq_waiters(run.queue) == run.n_waiting);
}

/* A millisecond: who has held long enough ends, and then whose time is over. */
static void do_time(void)
{
	uint32_t i;

	run.now_ms++;
	for (i = 0; i < run.setting->jobs; i++)
		if (run.jobs[i].state == HOLDS && run.jobs[i].ends_at_ms <= run.now_ms)
			leave(i);
	check_deadlines();
}

/* Nobody comes any more: with each round of holders that end at least one waiter is served. */
static void drain(void)
{
	uint32_t before;
	uint32_t i;

	do {
		do_clear_busy();
		for (i = 0; i < run.setting->jobs; i++)
			if (run.jobs[i].state == HOLDS)
				leave(i);
		before = run.n_waiting;
		while (run.n_waiting == before && before > 0) {
			serve_all();
			/* All who could be served met an outsider, who goes now. */
			MUST(run.n_waiting < before || run.setting->has_outsiders);
			do_clear_busy();
		}
	} while (run.n_live > 0);
	MUST(slotq_waiters(run.queue) == 0 && slotq_deadline_ms(run.queue) == UINT64_MAX);
}

START_TEST(nobody_ever_sees)
{
	static void (*const operations[])(void) = {
		do_push, do_push,   do_push,	   do_time,  do_time,
		do_time, do_cancel, do_clear_busy, do_adopt,
	};
	struct resource_counts counts = {
		.of = { [RESOURCE_DEVICE] = 1, [RESOURCE_MAINTENANCE] = 1 }
	};

	memset(&run, 0, sizeof(run));
	run.setting = &SETTINGS[_i];
	run.random = 0xd1342543de82ef95u * (uint64_t)(_i + 1);
	counts.of[RESOURCE_CONNECT] = run.setting->connects;
	counts.of[RESOURCE_SCAN] = run.setting->scans;
	MUST(slotq_new(&run.queue, run.setting->jobs, run.setting->age_ms, &counts) == 0);
	for (run.step = 0; run.step < OPERATIONS; run.step++) {
		operations[dice((uint32_t)ARRAY_LEN(operations))]();
		serve_all();
		if (run.step % LOOK_EVERY == 0) {
			run_check_reasons();
			run_check_patience();
		}
		if (run.step % DRAIN_EVERY == DRAIN_EVERY - 1)
			drain();
	}
	/* The load was one: all of this happened. */
	MUST(run.n_grants > OPERATIONS / 50 && run.n_timed_out > OPERATIONS / 10000);
	MUST(run.n_cancelled > OPERATIONS / 1000 && run.n_full > OPERATIONS / 1000);
	MUST(run.setting->is_fair || run.n_taken > OPERATIONS / 1000);
	run.queue = slotq_free(run.queue);
}
END_TEST

Suite *suite_slotq_random(void);
Suite *suite_slotq_random(void)
{
	Suite *suite = suite_create("slotq_random");
	TCase *tc = tcase_create("random");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, nobody_ever_sees, 0, (int)ARRAY_LEN(SETTINGS));
	suite_add_tcase(suite, tc);
	return suite;
}
