/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/days_faults.c - what goes wrong, by seed: each kind comes to each of its victims
 * after a while, stays for a while, and comes again, until the last hours.
 */
#include <signal.h>

#include "supervisor/child.h"
#include "tests/unit/days/days.h"

enum victim { VICTIM_DEVICE, VICTIM_ADAPTER, VICTIM_ALL };

struct kind {
	enum victim victim;
	uint32_t gap_ms;   /* half to one and a half of that in between */
	uint32_t least_ms; /* how long it stays */
	uint32_t most_ms;
	void (*begin)(struct days *days, unsigned victim);
	void (*end)(struct days *days, unsigned victim); /* NULL: it is over at once */
};

struct fault {
	struct days_timer timer;
	const struct kind *kind;
	unsigned victim;
	bool is_on;
};

/* --- peripherals --- */

static void go_silent(struct days *days, unsigned i)
{
	days->devices[i].silent++;
	days->devices[i].model->silent = true;
	judge_disturbed(days, &days->devices[i]);
	path_lost(days, &days->devices[i], CLASS_LINK_LOST);
}

static void be_back(struct days *days, unsigned i)
{
	days->devices[i].model->silent = --days->devices[i].silent > 0;
	judge_disturbed(days, &days->devices[i]);
}

static void go_mute(struct days *days, unsigned i)
{
	days->devices[i].mute++;
	judge_disturbed(days, &days->devices[i]);
}

static void answer_again(struct days *days, unsigned i)
{
	days->devices[i].mute--;
	judge_disturbed(days, &days->devices[i]);
}

static void refuse(struct days *days, unsigned i)
{
	days->devices[i].model->refuse += 1 + world_below(days, 6);
	judge_disturbed(days, &days->devices[i]);
}

static void drop(struct days *days, unsigned i)
{
	judge_disturbed(days, &days->devices[i]);
	path_lost(days, &days->devices[i], CLASS_LINK_LOST);
}

/* --- attempts --- */

enum err_class faults_attempt(struct days *days, const struct days_device *device,
			      uint32_t *out_took_ms, bool *out_came_up)
{
	static const struct {
		enum err_class class;
		uint32_t took_ms;
		bool came_up;
	} WAYS[] = {
		{ CLASS_ABORTED_LOCAL, 4000, false }, { CLASS_LINK_LOST, 600, false },
		{ CLASS_ABORTED_REMOTE, 300, false }, { CLASS_GATT_LATE, 2000, true },
		{ CLASS_VALIDATION, 1000, true },     { CLASS_NO_REPLY, 5000, false },
		{ CLASS_PHANTOM, 300, false },	      { CLASS_BUSY_SAME_DEVICE, 100, false },
	};
	uint32_t way;

	if (dice(days) % 1000 >= device->flaky || days_are_quiet(days))
		return CLASS_NONE;
	way = dice(days) % ARRAY_LEN(WAYS);
	*out_took_ms = WAYS[way].took_ms;
	*out_came_up = WAYS[way].came_up;
	return WAYS[way].class;
}

/* --- adapters --- */

static void get_sick(struct days *days, unsigned i)
{
	unsigned j;

	days->adapters[i].sick = 1;
	days->adapters[i].is_deaf = world_below(days, 3) == 0;
	days->adapters[i].cured = (enum reset_rung)world_below(days, RESET_RUNG_COUNT + 1);
	judge_disturbed(days, NULL);
	for (j = 0; j < DAYS_DEVICES; j++)
		if (days->devices[j].model->link == (int)i)
			path_lost(days, &days->devices[j], CLASS_LINK_LOST);
}

static void get_well(struct days *days, unsigned i)
{
	days->adapters[i].sick = 0;
	judge_disturbed(days, NULL);
}

static void crash(struct days *days, unsigned i)
{
	if (days->adapters[i].child == CHILD_READY)
		adapter_die(days, &days->adapters[i], true, SIGSEGV);
}

static void begin_crashing(struct days *days, unsigned i)
{
	days->adapters[i].crashing = 1;
	/* At once, or each time before it counts as healthy: that is no loop. */
	days->adapters[i].crash_ms = world_below(days, 2) == 0 ? 2000 : 50000;
	crash(days, i);
}

static void end_crashing(struct days *days, unsigned i)
{
	days->adapters[i].crashing = 0;
	/* The next one lives. */
	if (days->adapters[i].child == CHILD_READY)
		timer_clear(days, &days->adapters[i].child_timer);
}

static void hang(struct days *days, unsigned i)
{
	days->adapters[i].is_hung = days->adapters[i].child == CHILD_READY;
}

/* --- the machine --- */

static void end_bluez(struct days *days, unsigned i)
{
	(void)i;
	days->has_bluez = false;
	judge_disturbed(days, NULL);
	for (i = 0; i < DAYS_DEVICES; i++)
		path_uproot(days, &days->devices[i], true);
}

static void begin_bluez(struct days *days, unsigned i)
{
	(void)i;
	days->has_bluez = true;
	judge_disturbed(days, NULL);
	days_changed(days);
}

static void fall_asleep(struct days *days, unsigned i)
{
	(void)i;
	days->slept_ms += DAYS_HOUR;
	judge_disturbed(days, NULL);
}

/* A debugger, a virtual machine that is moved: nothing runs, and both clocks go on. */
static void stand_still(struct days *days, unsigned i)
{
	(void)i;
	if (!days->plan.has_stalls)
		return;
	days->now_ms += DAYS_HOUR;
	judge_disturbed(days, NULL);
	judge_woke(days);
}

static const struct kind KINDS[] = {
	{ VICTIM_DEVICE, 20 * DAYS_HOUR, DAYS_HOUR, 6 * DAYS_HOUR, go_silent, be_back },
	{ VICTIM_DEVICE, 5 * DAYS_HOUR, 15000, 120000, go_silent, be_back },
	{ VICTIM_DEVICE, 24 * DAYS_HOUR, 120000, 1800000, go_mute, answer_again },
	{ VICTIM_DEVICE, 8 * DAYS_HOUR, 0, 0, refuse, NULL },
	{ VICTIM_DEVICE, 2400000, 0, 0, drop, NULL },
	{ VICTIM_ADAPTER, 12 * DAYS_HOUR, 1200000, 5400000, get_sick, get_well },
	{ VICTIM_ADAPTER, 2 * DAYS_HOUR, 0, 0, crash, NULL },
	{ VICTIM_ADAPTER, 18 * DAYS_HOUR, 300000, 1800000, begin_crashing, end_crashing },
	{ VICTIM_ADAPTER, 10 * DAYS_HOUR, 0, 0, hang, NULL },
	{ VICTIM_ALL, 6 * DAYS_HOUR, 1000, 8000, end_bluez, begin_bluez },
	{ VICTIM_ALL, 14 * DAYS_HOUR, 0, 0, fall_asleep, NULL },
	{ VICTIM_ALL, 17 * DAYS_HOUR, 0, 0, stand_still, NULL },
};

enum { FAULTS_MAX = ARRAY_LEN(KINDS) * DAYS_DEVICES };

struct days_faults {
	struct fault list[FAULTS_MAX];
	size_t n;
};

static void plan_next(struct days *days, struct fault *fault)
{
	uint32_t gap_ms = fault->kind->gap_ms;

	timer_in(days, &fault->timer, gap_ms / 2 + world_below(days, gap_ms));
}

static void on_timer(struct days *days, struct days_timer *timer)
{
	struct fault *fault = container_of(timer, struct fault, timer);
	const struct kind *kind = fault->kind;
	uint64_t until_ms;

	if (fault->is_on) {
		fault->is_on = false;
		kind->end(days, fault->victim);
		plan_next(days, fault);
		return;
	}
	if (days_are_quiet(days))
		return;
	kind->begin(days, fault->victim);
	if (!kind->end) {
		plan_next(days, fault);
		return;
	}
	fault->is_on = true;
	until_ms =
		days->now_ms + kind->least_ms + world_below(days, kind->most_ms - kind->least_ms);
	if (until_ms > days->plan.base_ms + days->plan.span_ms - DAYS_QUIET)
		until_ms = days->plan.base_ms + days->plan.span_ms - DAYS_QUIET;
	timer_set(days, timer, until_ms);
}

void faults_begin(struct days *days)
{
	static const unsigned VICTIMS[] = {
		[VICTIM_DEVICE] = DAYS_DEVICES, [VICTIM_ADAPTER] = DAYS_ADAPTERS, [VICTIM_ALL] = 1
	};
	struct fault *fault;
	size_t i;
	unsigned j;

	days->faults = calloc(1, sizeof(*days->faults));
	ck_assert_ptr_nonnull(days->faults);
	for (i = 0; days->plan.has_faults && i < ARRAY_LEN(KINDS); i++) {
		for (j = 0; j < VICTIMS[KINDS[i].victim]; j++) {
			fault = &days->faults->list[days->faults->n++];
			*fault = (struct fault){ .kind = &KINDS[i], .victim = j };
			fault->timer.fire = on_timer;
			plan_next(days, fault);
		}
	}
}

void faults_done(struct days *days)
{
	free(days->faults);
	days->faults = NULL;
}
