/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/attempts.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/device_log.h"
#include "supervisor/devices.h"
#include "supervisor/dice.h"
#include "supervisor/escalation.h"
#include "supervisor/events.h"
#include "supervisor/keeper.h"
#include "supervisor/reset.h"
#include "supervisor/room.h"
#include "supervisor/sessions.h"
#include "supervisor/worker_child.h"
#include "supervisor/worker_rules.h"

static_assert((int)ESCALATION_RETRY == (int)BH__CTL__STEP__STEP_RETRY, "as in control.proto");
static_assert((int)ESCALATION_GIVE_UP == (int)BH__CTL__STEP__STEP_GIVE_UP, "as in control.proto");
static_assert((int)ESCALATION_CLEAR == (int)BH__CTL__STEP__STEP_CLEAR, "as in control.proto");
static_assert((int)ESCALATION_ROTATE == (int)BH__CTL__STEP__STEP_ROTATE, "as in control.proto");
static_assert((int)ESCALATION_RESET == (int)BH__CTL__STEP__STEP_RESET, "as in control.proto");
static_assert((int)ESCALATION_NOBODY == (int)ADAPTERS_NOBODY, "one word for none");

/* What follows must fit behind it. */
enum { TEXT_TOLD_LEN = EVENT_TEXT_LEN - 80 };

static struct escalation_limits limits_of(const struct config *config)
{
	return (struct escalation_limits){
		.attempts = config->retry_attempts,
		.base_ms = config->retry_base_ms,
		.max_ms = config->retry_max_ms,
		.half_life_ms = config->half_life_ms,
		.reset_cooldown_ms = config->reset_cooldown_ms,
		.reset_budget = config->reset_budget,
		.reset_window_ms = config->reset_window_ms,
	};
}

int attempts_new(struct sup *sup)
{
	const struct escalation_limits limits = limits_of(&sup->config);

	return escalation_new(&sup->escalation, &limits);
}

void attempts_reload(struct sup *sup)
{
	const struct escalation_limits limits = limits_of(&sup->config);

	escalation_set_limits(sup->escalation, &limits);
}

/* --- what is known --- */

static bool is_fresh(uint64_t heard_at_ms, uint64_t now_ms)
{
	return heard_at_ms != 0 && now_ms - heard_at_ms < DEVICES_FRESH_MS;
}

static struct escalation_failure describe(struct adapter *adapter,
					  const Bh__Ctl__AttemptFailed *failed, uint64_t now_ms)
{
	struct sup *sup = adapter->sup;
	const struct device *device = devices_find(sup->devices, failed->address);
	const struct sighting *sighting = device_sighting(device, adapter->index);
	/* BlueZ may show one of its own, which is none. */
	uint32_t own = sighting && sighting->is_connected ? 1 : 0;
	bool has_links = adapter->state.links > own;

	return (struct escalation_failure){
		.address = failed->address,
		.adapter = adapter->index,
		.other = sessions_other(sup, adapter, failed->address),
		.session = failed->session,
		.class = class_from_wire((int)failed->class_),
		.attempt = failed->attempt,
		/* A keeper has all the time; it has pauses of its own. */
		.left_ms = failed->has_left_ms ? failed->left_ms : UINT32_MAX,
		.since_ms = failed->since_ms,
		.came_up = failed->came_up,
		.is_heard = device_is_heard(device, now_ms),
		.is_alone =
			!has_links && !sessions_has_others(sup, adapter->index, failed->address),
		.is_carrying = has_links && is_fresh(adapter->heard_at_ms, now_ms),
		.is_stuck = failed->stuck,
	};
}

static void learn_slots(struct adapter *adapter, enum err_class class)
{
	if (class == CLASS_OUT_OF_SLOTS)
		slots_refused(&adapter->slots, adapter->state.links, clock_now_ms());
}

/* --- what follows --- */

static void send_step(struct adapter *adapter, uint32_t id, enum escalation_step step,
		      uint32_t delay_ms)
{
	Bh__Ctl__NextStep next = BH__CTL__NEXT_STEP__INIT;

	next.has_step = next.has_delay_ms = 1;
	next.step = (Bh__Ctl__Step)step;
	next.delay_ms = delay_ms;
	port_send(child_port(adapter->child), BH__CTL__TYPE__NEXT_STEP, id, 0, &next.base);
}

static struct event attempt_event(const struct adapter *adapter, enum event_kind kind,
				  const struct escalation_failure *failure)
{
	struct event event = worker_event(adapter, kind);

	event.address = failure->address;
	event.session = failure->session;
	event.class = failure->class;
	return event;
}

static void log_failed(struct adapter *adapter, const struct escalation_failure *failure,
		       const struct escalation_answer *answer)
{
	const struct device_log_attempt attempt = {
		.address = failure->address,
		.attempt = answer->attempt,
		.class = failure->class,
		.is_last = answer->step == ESCALATION_GIVE_UP,
		.left_ms = failure->left_ms,
	};

	device_log_attempt(adapter, &attempt);
}

static void tell_failed(const struct adapter *adapter, const struct escalation_failure *failure,
			const struct escalation_answer *answer, const char *text)
{
	struct event event = attempt_event(adapter, EVENT_CONNECT_FAILED, failure);
	bool is_plain = answer->tried == ESCALATION_NOTHING;
	char next[48] = "given up";
	bool has_text = text && *text;

	if (answer->step == ESCALATION_ROTATE)
		(void)snprintf(next, sizeof(next), "next elsewhere");
	else if (answer->step != ESCALATION_GIVE_UP)
		(void)snprintf(next, sizeof(next), "next in %u ms", answer->delay_ms);
	events_add(adapter->sup->events, &event, "attempt %u%s%s: %s%s%.*s; %s", answer->attempt,
		   is_plain ? "" : " after ", is_plain ? "" : escalation_step_name(answer->tried),
		   class_name(failure->class), has_text ? ": " : "", TEXT_TOLD_LEN,
		   has_text ? text : "", next);
}

static void reset(struct adapter *adapter, const struct escalation_failure *failure,
		  const struct escalation_answer *answer)
{
	struct event event = attempt_event(adapter, EVENT_ESCALATED, failure);
	struct sup *sup = adapter->sup;
	bool is_busy;

	event.step = "reset";
	is_busy = reset_adapter_request(sup, adapter, answer->why) == RESET_BUSY;

	/* One that is under way there is as good; one of another adapter comes first. */
	is_busy = is_busy && !reset_is_of(sup, adapter->address);
	if (is_busy)
		escalation_reset_ended(sup->escalation, adapter->index, false);
	events_add(sup->events, &event, "reset %s: %s%s", adapter->name, answer->why,
		   is_busy ? "; not now: another reset is under way" : "");
}

static void rotate(struct adapter *adapter, const struct escalation_failure *failure,
		   const struct escalation_answer *answer)
{
	const struct adapter *other = adapters_find(adapter->sup->adapters, failure->other);
	struct event event = attempt_event(adapter, EVENT_ESCALATED, failure);
	char reason[96];

	event.step = escalation_step_name(answer->step);
	(void)snprintf(reason, sizeof(reason), "rotate: %s, attempt %u on %s; now %s",
		       class_name(failure->class), failure->attempt, adapter->name,
		       other ? other->name : "another");
	events_add(adapter->sup->events, &event, "%s (%u failures there lately)", reason,
		   answer->failures);
	sessions_rotate(adapter->sup, adapter, failure->address, reason);
}

static void clear(struct adapter *adapter, const struct escalation_failure *failure,
		  const struct escalation_answer *answer)
{
	struct event event = attempt_event(adapter, EVENT_ESCALATED, failure);

	event.step = escalation_step_name(answer->step);
	events_add(adapter->sup->events, &event,
		   "clear: what BlueZ keeps of it on %s (%u failures there lately)", adapter->name,
		   answer->failures);
}

void attempts_failed(struct adapter *adapter, uint32_t id, const Bh__Ctl__AttemptFailed *failed)
{
	struct sup *sup = adapter->sup;
	uint64_t now_ms = clock_now_ms();
	struct escalation_failure failure = describe(adapter, failed, now_ms);
	struct escalation_answer answer;
	struct device_rule rule;

	keepers_rule(sup, failure.address, &rule);
	answer =
		escalation_failed(sup->escalation, profiles_of(&sup->config.profiles, rule.profile),
				  &failure, now_ms, dice_throw());
	learn_slots(adapter, failure.class);
	tell_failed(adapter, &failure, &answer, failed->text);
	log_failed(adapter, &failure, &answer);
	if (answer.is_reset_due)
		reset(adapter, &failure, &answer);
	if (answer.step == ESCALATION_CLEAR)
		clear(adapter, &failure, &answer);
	if (answer.step == ESCALATION_ROTATE)
		rotate(adapter, &failure, &answer);
	if (answer.step == ESCALATION_GIVE_UP)
		keepers_failed(adapter, failure.address, failure.class);
	/* After the sessions that leave: who stays on the link retries. */
	send_step(adapter, id, answer.step, answer.step == ESCALATION_ROTATE ? 0 : answer.delay_ms);
}

void attempts_cut(struct adapter *adapter, const Bh__Ctl__AttemptFailed *failed)
{
	uint64_t now_ms = clock_now_ms();
	const struct escalation_failure failure = describe(adapter, failed, now_ms);

	escalation_cut(adapter->sup->escalation, &failure, now_ms);
}

/*
 * What is being connected there takes a place, too, and so does what waits there for one among all
 * links: full ones would pass a session to and fro.
 */
static uint32_t places_taken(const struct adapter *adapter)
{
	uint32_t seen = adapter->state.links + adapter->state.attempts;
	uint32_t known = room_on(adapter->sup->room, adapter->index);

	return seen > known ? seen : known;
}

static bool has_room(const struct adapter *adapter)
{
	uint32_t slots = adapter_slots(adapter);

	return slots == 0 || places_taken(adapter) < slots;
}

static bool is_room_elsewhere(const struct adapter *adapter)
{
	const struct adapters *adapters = adapter->sup->adapters;
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (adapters->list[i] != adapter && adapter_is_suitable(adapters->list[i]) &&
		    has_room(adapters->list[i]))
			return true;
	return false;
}

void attempts_full(struct adapter *adapter, uint64_t address)
{
	struct sup *sup = adapter->sup;
	const struct adapter *other =
		adapters_find(sup->adapters, sessions_other(sup, adapter, address));
	char reason[96];

	if (!other && is_room_elsewhere(adapter))
		sessions_listen(sup, adapter, address);
	if (!other || !has_room(other) ||
	    !sessions_may_seek_room(sup, adapter, address, clock_now_ms()))
		return;
	(void)snprintf(reason, sizeof(reason), "%s has no room for its link; now %s", adapter->name,
		       other->name);
	sessions_rotate(sup, adapter, address, reason);
}

void attempts_worked(struct adapter *adapter, uint64_t address)
{
	struct event event = worker_event(adapter, EVENT_ESCALATED);
	enum escalation_step tried = escalation_worked(adapter->sup->escalation, address,
						       adapter->index, clock_now_ms());

	if (tried == ESCALATION_NOTHING)
		return;
	event.address = address;
	event.step = escalation_step_name(tried);
	events_add(adapter->sup->events, &event, "%s helped: connected on %s",
		   escalation_step_name(tried), adapter->name);
}
