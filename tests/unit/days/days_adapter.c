/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/days_adapter.c - an adapter and its worker: starts, deaths, the watchdog, the
 * silence of its discovery, and its resets. What child.c and reset.c do, without processes.
 */
#include <signal.h>
#include <string.h>

#include "supervisor/child.h"
#include "tests/unit/days/days.h"

enum {
	START_MS = 200,
	WINDOW_MS = 5000,
	ABORT_MS = 100,
	PROVE_MS = 15000,
	RUNG_MS = 1000,
};

static void uproot_all(struct days *days, const struct days_adapter *adapter, bool is_link_lost)
{
	unsigned i;

	for (i = 0; i < DAYS_DEVICES; i++) {
		struct days_device *device = &days->devices[i];

		if (device->path.adapter != adapter->index || device->path.stage == STAGE_IDLE)
			continue;
		judge_disturbed(days, device);
		/* The next worker finds a link as it was. */
		if (device->path.stage == STAGE_UP && !is_link_lost)
			keeper_event(days, device, KEEPER_EV_MOVED);
		else
			path_uproot(days, device, is_link_lost);
	}
}

/* --- its worker --- */

static void child(struct days *days, struct days_adapter *adapter, enum child_event event)
{
	struct child_cell cell;

	MUST(child_table_look(adapter->child, event, &cell) == 0, "an error");
	adapter->child = cell.next;
	days_note(days, NOTE_ADAPTER, adapter->index, cell.next);
}

void adapter_start(struct days *days, struct days_adapter *adapter)
{
	child(days, adapter, CHILD_EV_START);
	timer_in(days, &adapter->child_timer, START_MS);
}

static void is_ready(struct days *days, struct days_adapter *adapter)
{
	adapter->ready_at_ms = days->now_ms;
	adapter->is_hung = false;
	watchdog_begin(&adapter->watchdog, adapter->tick, days->now_ms);
	silence_begin(&adapter->silence, days->now_ms);
	if (adapter->crashing > 0)
		timer_in(days, &adapter->child_timer, adapter->crash_ms);
	days_changed(days);
}

void adapter_die(struct days *days, struct days_adapter *adapter, bool is_signal, int status)
{
	struct child_obituary obituary = { .is_signal = is_signal, .status = status };
	bool is_counted = child_obituary_weigh(&obituary) == CHILD_WEIGHT_CRASH;
	uint32_t delay_ms;
	int verdict;

	if (adapter->child == CHILD_READY)
		obituary.healthy_ms = days->now_ms - adapter->ready_at_ms;
	silence_end(&adapter->silence, days->now_ms);
	locks_gone(days, &adapter->owner);
	child(days, adapter, CHILD_EV_REAPED);
	verdict = backoff_died(&adapter->backoff, &days->backoff, days->now_ms, obituary.healthy_ms,
			       is_counted, dice(days), &delay_ms);
	days_note(days, NOTE_RESTART, adapter->index, delay_ms);
	judge_restart(days, adapter, verdict, delay_ms, obituary.healthy_ms, is_counted);
	timer_in(days, &adapter->child_timer, delay_ms);
	uproot_all(days, adapter, false);
}

static void on_child(struct days *days, struct days_timer *timer)
{
	struct days_adapter *adapter = container_of(timer, struct days_adapter, child_timer);

	switch (adapter->child) {
	case CHILD_BACKOFF:
		child(days, adapter, CHILD_EV_TIMER);
		timer_in(days, timer, START_MS);
		return;
	case CHILD_STARTING:
		child(days, adapter, CHILD_EV_READY);
		is_ready(days, adapter);
		return;
	case CHILD_READY: /* a bad one */
	case CHILD_KILLING:
		adapter_die(days, adapter, true, adapter->is_hung ? SIGABRT : SIGSEGV);
		return;
	case CHILD_OFF:
	case CHILD_STOPPING:
	case CHILD_PARKED:
	case CHILD_STATE_COUNT:
		return;
	}
}

static void look_at_silence(struct days *days, struct days_adapter *adapter)
{
	if (silence_due(&adapter->silence, days->now_ms) == SILENCE_REPORT)
		escalation_sick(days->escalation, (uint16_t)adapter->index, ESCALATION_SILENT,
				days->now_ms);
}

void adapter_watch(struct days *days, struct days_adapter *adapter)
{
	if (adapter->child != CHILD_READY)
		return;
	look_at_silence(days, adapter);
	/* Where both stood still it is the supervisor that looks first. */
	if (!adapter->is_hung && days->now_ms - adapter->watchdog.looked_at_ms < WINDOW_MS / 2)
		adapter->tick++;
	if (watchdog_look(&adapter->watchdog, adapter->tick, days->now_ms, WINDOW_MS) !=
	    WATCHDOG_HUNG)
		return;
	/* Whoever stood still with the supervisor is not to blame. */
	MUST(adapter->is_hung, "hci%u: a worker that turns was taken for hung", adapter->index);
	child(days, adapter, CHILD_EV_HUNG);
	timer_in(days, &adapter->child_timer, ABORT_MS);
}

/* --- a reset --- */

static void enter(struct days *days, struct days_adapter *adapter);

static void chain(struct days *days, struct days_adapter *adapter, enum reset_event event)
{
	if (reset_chain_step(&adapter->chain, event))
		enter(days, adapter);
}

static void stop_worker(struct days *days, struct days_adapter *adapter)
{
	timer_clear(days, &adapter->child_timer);
	silence_end(&adapter->silence, days->now_ms);
	locks_gone(days, &adapter->owner);
	adapter->child = CHILD_OFF;
	uproot_all(days, adapter, true);
}

static void end(struct days *days, struct days_adapter *adapter)
{
	bool was_done = adapter->chain.state == RESET_DONE;
	uint64_t grant = adapter->chain_grant;

	adapter->chain.state = RESET_IDLE;
	adapter->chain_grant = 0;
	escalation_reset_ended(days->escalation, (uint16_t)adapter->index, was_done);
	days_note(days, NOTE_ADAPTER, adapter->index, 100 + was_done);
	if (grant != 0)
		locks_give(days, &days->self, grant);
	if (adapter->child == CHILD_OFF)
		adapter_start(days, adapter);
	days_changed(days);
}

static void enter(struct days *days, struct days_adapter *adapter)
{
	switch (adapter->chain.state) {
	case RESET_LOCKING:
		locks_ask_reset(days, adapter);
		return;
	case RESET_CLEARING:
		if (adapter->child != CHILD_OFF)
			stop_worker(days, adapter);
		timer_in(days, &adapter->chain_timer, 50);
		return;
	case RESET_DONE:
	case RESET_FAILED:
		end(days, adapter);
		return;
	case RESET_PROVING:
		adapter_start(days, adapter);
		timer_in(days, &adapter->chain_timer, PROVE_MS);
		return;
	case RESET_IDLE:
	case RESET_ACTING:
	case RESET_FINDING:
	case RESET_RELOCKING:
	case RESET_POWERING:
	case RESET_STATE_COUNT:
		timer_in(days, &adapter->chain_timer, RUNG_MS);
		return;
	}
}

static enum reset_event prove(const struct days *days, struct days_adapter *adapter)
{
	const struct reset_proof proof = {
		.has_bluez = days->has_bluez && adapter->child == CHILD_READY,
		.is_powered = true,
		.has_heard = adapter->sick == 0 || adapter->chain.rung >= adapter->cured,
		.was_anything_heard = true,
	};

	return reset_chain_judge(&proof);
}

static void on_chain(struct days *days, struct days_timer *timer)
{
	struct days_adapter *adapter = container_of(timer, struct days_adapter, chain_timer);
	enum reset_event event;

	switch (adapter->chain.state) {
	case RESET_LOCKING:
		chain(days, adapter, adapter->chain_grant ? RESET_EV_LOCKED : RESET_EV_DENIED);
		return;
	case RESET_CLEARING:
		chain(days, adapter, RESET_EV_CLEARED);
		return;
	case RESET_ACTING:
		chain(days, adapter,
		      world_below(days, 10) == 0 ? RESET_EV_REFUSED : RESET_EV_ACTED);
		return;
	case RESET_FINDING:
		chain(days, adapter, RESET_EV_FOUND);
		return;
	case RESET_RELOCKING:
		chain(days, adapter, RESET_EV_LOCKED);
		return;
	case RESET_POWERING:
		chain(days, adapter, RESET_EV_POWERED);
		return;
	case RESET_PROVING:
		event = prove(days, adapter);
		if (event == RESET_EV_HEARD && adapter->sick > 0) {
			adapter->sick = 0;
			judge_disturbed(days, NULL);
		}
		chain(days, adapter, event);
		return;
	case RESET_IDLE:
	case RESET_DONE:
	case RESET_FAILED:
	case RESET_STATE_COUNT:
		return;
	}
}

void adapter_reset(struct days *days, struct days_adapter *adapter)
{
	unsigned i;

	/* One at a time. */
	for (i = 0; i < DAYS_ADAPTERS; i++) {
		if (days->adapters[i].chain.state == RESET_IDLE)
			continue;
		if (i != adapter->index)
			escalation_reset_ended(days->escalation, (uint16_t)adapter->index, false);
		return;
	}
	reset_chain_begin(&adapter->chain, RESET_RUNG_ALL, false);
	days_note(days, NOTE_RESET, adapter->index, 0);
	enter(days, adapter);
}

/* From within the arbiter, which must not be asked anything there. */
void adapter_reset_locked(struct days *days, struct days_adapter *adapter, uint64_t grant)
{
	adapter->chain_grant = grant;
	timer_in(days, &adapter->chain_timer, 0);
}

void adapter_reset_denied(struct days *days, struct days_adapter *adapter)
{
	timer_in(days, &adapter->chain_timer, 0);
}

void adapter_init(struct days_adapter *adapter)
{
	adapter->child_timer.fire = on_child;
	adapter->chain_timer.fire = on_chain;
	adapter->chain.state = RESET_IDLE;
	silence_init(&adapter->silence, SILENCE_FIRST_MS);
}
