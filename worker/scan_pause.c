/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Discovery beside connects: who pauses it, who need not, and the slice that it is owed when
 * programs connect all the time; worker/scan.h, scan_policy.h, scan_air.h.
 */
#include "ipc/clock.h"
#include "worker/link.h"
#include "worker/scan_state.h"

/* A link waits 3 s for quiet (link_table.c): the slice fits in behind this. */
enum { HOLD_MS = 1500 };

/* The connect begins: from here on it is timed, if nothing else is in its way. */
static void let_go(struct scan *scan, struct scan_pause *pause)
{
	bool is_alone = TAILQ_NEXT(TAILQ_FIRST(&scan->pauses), entry) == NULL;
	struct scan_pause *other;

	/* Connects wait for each other. */
	TAILQ_FOREACH(other, &scan->pauses, entry)
	other->is_timed = false;
	pause->is_answered = true;
	pause->is_held = false;
	pause->is_timed = is_alone;
	pause->at_ms = clock_now_ms();
}

static void took(struct scan *scan, struct scan_pause *pause, bool is_up)
{
	/* Asked at the end: Discovering turns false only after StopDiscovery was answered. */
	bool is_beside = pause->is_left || mirror_is_discovering(scan->w->mirror);

	if (!pause->is_timed)
		return;
	pause->is_timed = false;
	scan_policy_took(&scan->policy, is_beside, is_up,
			 clock_span_ms(pause->at_ms, clock_now_ms()));
}

void scan_pause_connected(struct scan *scan, uint64_t addr)
{
	struct scan_pause *pause;

	TAILQ_FOREACH(pause, &scan->pauses, entry)
	if (pause->addr == addr)
		took(scan, pause, true);
}

bool scan_pause_is_wanted(const struct scan *scan)
{
	const struct scan_pause *pause;

	if (scan->slice == SLICE_RUNS || passive_is_chosen(scan))
		return false;
	TAILQ_FOREACH(pause, &scan->pauses, entry)
	if (!pause->is_held && !pause->is_left)
		return true;
	return false;
}

static bool has(const struct scan *scan, bool is_held)
{
	const struct scan_pause *pause;

	TAILQ_FOREACH(pause, &scan->pauses, entry)
	if (pause->is_held == is_held)
		return true;
	return false;
}

static void end_slice(struct scan *scan)
{
	struct scan_pause *pause;

	scan->slice = SLICE_NONE;
	scan->is_slice_timed = false;
	deadline_clear(scan->w->deadlines, &scan->slice_limit);
	TAILQ_FOREACH(pause, &scan->pauses, entry)
	pause->is_held = false;
}

static bool has_lock(const struct scan *scan)
{
	return scan->state == SCAN_STARTING || scan->state == SCAN_ON ||
	       scan->state == SCAN_PAUSING || scan->state == SCAN_PAUSED;
}

static void step_slice(struct scan *scan)
{
	uint64_t now_ms = clock_now_ms();

	if (scan->slice == SLICE_NONE)
		return;
	if (!has_lock(scan) || !has(scan, true)) {
		end_slice(scan);
		return;
	}
	if (scan->slice == SLICE_HELD && !has(scan, false))
		scan->slice = SLICE_RUNS;
	if (scan->slice != SLICE_RUNS || scan->state != SCAN_ON || scan->is_slice_timed)
		return;
	scan->is_slice_timed = true;
	deadline_set(scan->w->deadlines, &scan->slice_limit,
		     now_ms + scan_air_left_ms(&scan->air, now_ms));
}

/* Whoever waits for quiet has it. */
static void tell_quiet(struct scan *scan)
{
	struct scan_pause *pause;
	bool any = false;

	if (!scan_table_is_quiet(scan->state))
		return;
	TAILQ_FOREACH(pause, &scan->pauses, entry)
	if (!pause->is_answered && !pause->is_held)
		any = true;
	if (!any)
		return;
	/* Links are told all at once: one that is held goes too, and the slice is owed still. */
	end_slice(scan);
	TAILQ_FOREACH(pause, &scan->pauses, entry)
	if (!pause->is_answered)
		let_go(scan, pause);
	links_quiet(scan->w->links);
}

void scan_pause_stepped(struct scan *scan)
{
	uint64_t now_ms = clock_now_ms();

	if (scan->state == SCAN_ON)
		scan_air_on(&scan->air, now_ms);
	else if (has_lock(scan))
		scan_air_off(&scan->air, now_ms);
	else
		scan_air_forget(&scan->air);
	step_slice(scan);
	tell_quiet(scan);
}

void scan_pause_on_slice(struct deadline *deadline)
{
	struct scan *scan = container_of(deadline, struct scan, slice_limit);

	end_slice(scan);
	if (scan->state == SCAN_ON && scan_pause_is_wanted(scan))
		scan_event(scan, SCAN_EV_PAUSE);
	else
		tell_quiet(scan);
}

static void hold(struct scan *scan, struct scan_pause *pause)
{
	pause->is_held = true;
	if (scan->slice == SLICE_NONE) {
		scan->slice = SLICE_HELD;
		deadline_set(scan->w->deadlines, &scan->slice_limit, clock_now_ms() + HOLD_MS);
	}
	step_slice(scan);
	if (scan->slice == SLICE_RUNS)
		scan_event(scan, SCAN_EV_RESUME);
}

bool scan_pause(struct scan *scan, struct scan_pause *pause, uint64_t addr)
{
	assert(!pause->is_on);
	*pause = (struct scan_pause){ .is_on = true, .addr = addr };
	TAILQ_INSERT_TAIL(&scan->pauses, pause, entry);
	/* Nothing is learned of discovery then. */
	if (passive_is_chosen(scan)) {
		let_go(scan, pause);
		pause->is_timed = false;
		return true;
	}
	if (scan->state == SCAN_ON && !scan_policy_pauses(&scan->policy)) {
		pause->is_left = true;
		let_go(scan, pause);
		return true;
	}
	if (scan_air_is_owed(&scan->air, clock_now_ms())) {
		hold(scan, pause);
		return false;
	}
	if (scan_table_is_quiet(scan->state)) {
		let_go(scan, pause);
		return true;
	}
	scan_event(scan, SCAN_EV_PAUSE);
	return false;
}

void scan_resume(struct scan *scan, struct scan_pause *pause)
{
	if (!pause->is_on)
		return;
	took(scan, pause, false);
	pause->is_on = false;
	TAILQ_REMOVE(&scan->pauses, pause, entry);
	step_slice(scan);
	if (!scan_pause_is_wanted(scan))
		scan_event(scan, SCAN_EV_RESUME);
}
