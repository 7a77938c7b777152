/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/reset_acts.c - what is done on entering each state of a reset, and what answers mean.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/mgmt.h"
#include "supervisor/reset_state.h"
#include "supervisor/worker_child.h"

enum {
	LOCK_MS = 45000,       /* a lease of discovery is 30 s, an attempt to connect 20 */
	ANSWER_MS = 1000,      /* lockd's, after that */
	CLEAR_MS = 10000,      /* STOP, SIGTERM, SIGKILL: 2 s, and once more */
	POWER_GRACE_MS = 2000, /* beyond two MGMT timeouts */
	OFF_MS = 500,	       /* what bleak-connection-manager rests between off and on */
	SETTLE_MS = 500,       /* until the kernel has told that an adapter went */
	FIND_MS = 10000,       /* bluetooth-auto-recovery: 3.5 s, then three look-ups 2 s apart */
	RESCUE_GRACE_MS = 2000,
	COOLDOWN_MS = 60000, /* of a bluetoothd that did not come back */
};

/* No device has it: the worker discovers until it is told to stop. */
static const uint64_t NOBODY = 0xffffffffffff;

static const struct {
	Bh__Ctl__RescueKind kind; /* 0: not the rescue's */
	uint32_t timeout_ms;
} RESCUES[RESET_RUNG_COUNT] = {
	[RESET_RUNG_POWER] = { 0, 0 },
	/* HCIDEVUP of a controller that answers nothing: 2 s, by the kernel's own limit 10 s. */
	[RESET_RUNG_DOWN_UP] = { BH__CTL__RESCUE_KIND__RESCUE_DOWN_UP, 15000 },
	[RESET_RUNG_USB] = { BH__CTL__RESCUE_KIND__RESCUE_USB, 15000 },
	[RESET_RUNG_REBIND] = { BH__CTL__RESCUE_KIND__RESCUE_REBIND, 15000 },
	[RESET_RUNG_RFKILL] = { BH__CTL__RESCUE_KIND__RESCUE_RFKILL, 5000 },
	/* systemd gives bluetoothd's end and its start their time. */
	[RESET_RUNG_BLUETOOTHD] = { BH__CTL__RESCUE_KIND__RESCUE_BLUETOOTHD, 60000 },
};

static void arm(struct reset *reset, uint32_t delay_ms)
{
	(void)sd_event_source_set_time_relative(reset->timer, (uint64_t)delay_ms * 1000);
	(void)sd_event_source_set_enabled(reset->timer, SD_EVENT_ONESHOT);
}

/* --- the lock --- */

static void enter_locking(struct reset *reset)
{
	char resource[ADAPTER_NAME_LEN + 16];

	(void)snprintf(resource, sizeof(resource), "maintenance:%s", reset->name);
	arm(reset, LOCK_MS + ANSWER_MS);
	lock_self_acquire(reset->sup->lock_self, resource, LOCK_MS);
}

void reset_on_lock(struct sup *sup, enum lock_self_outcome outcome, const char *text)
{
	struct reset *reset = sup->reset;
	struct adapter *adapter = reset_adapter(reset);

	if (outcome == LOCK_SELF_QUEUED) {
		/* Its own worker gives way soon, not when it next renews its lease. */
		if (adapter)
			worker_child_locks_wanted(adapter);
		return;
	}
	if (outcome == LOCK_SELF_DENIED)
		reset_note(reset, CLASS_LOCK_TIMEOUT, "no lock: %s", text);
	reset_event(reset, outcome == LOCK_SELF_DENIED ? RESET_EV_DENIED : RESET_EV_LOCKED);
}

/* --- the worker --- */

static bool is_cleared(const struct reset *reset)
{
	const struct adapter *adapter = reset_adapter(reset);

	return !adapter || child_state(adapter->child) == CHILD_OFF;
}

static void enter_clearing(struct reset *reset)
{
	struct adapter *adapter = reset_adapter(reset);

	arm(reset, CLEAR_MS);
	/* Now, while its sightings are known: they go with it if it leaves the bus. */
	reset->was_anything_heard |= reset_was_anything_heard(reset->sup);
	if (adapter)
		child_stop(adapter->child);
	if (is_cleared(reset))
		reset_event_later(reset, RESET_EV_CLEARED);
}

/* --- power --- */

/* Another command may be in flight. */
static void arm_for_mgmt(struct reset *reset)
{
	arm(reset, 2 * reset->sup->config.mgmt_timeout_ms + POWER_GRACE_MS);
}

/* A socket that is lost comes back in a moment, and reset_mgmt_up() with it. */
static void set_powered(struct reset *reset, bool is_on, mgmt_reply_cb reply)
{
	struct mgmt_token token = { .id = reset->round };
	int r = mgmt_set_powered(reset->sup->mgmt, reset->index, is_on, reply, token);

	reset->is_waiting_for_mgmt = r == -ENOTCONN;
	if (r == 0 || r == -ENOTCONN)
		return;
	reset_note(reset, CLASS_NO_REPLY, "the kernel cannot be asked: %s", strerror(-r));
	reset_event_later(reset, RESET_EV_REFUSED);
}

void reset_mgmt_up(struct sup *sup)
{
	if (sup->reset && sup->reset->is_waiting_for_mgmt)
		reset_enter(sup->reset);
}

/* --- the rung --- */

static void on_off(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		   struct mgmt_token token)
{
	struct reset *reset = ((struct sup *)ctx)->reset;

	(void)index;
	(void)data;
	(void)len;
	if (token.id != reset->round)
		return;
	/* Any answer will do: what counts is whether it goes on. None: the kernel's side is stuck.
	 */
	if (status == MGMT_STATUS_NO_ANSWER) {
		reset_note(reset, CLASS_NO_REPLY, "the kernel did not answer");
		reset_event(reset, RESET_EV_REFUSED);
		return;
	}
	reset->is_off = true;
	arm(reset, OFF_MS);
}

static void act_power(struct reset *reset)
{
	const struct adapter *adapter = reset_adapter(reset);

	reset->is_off = false;
	arm_for_mgmt(reset);
	if (!adapter) {
		reset_note(reset, CLASS_ADAPTER_GONE, "it is not there");
		reset_event_later(reset, RESET_EV_REFUSED);
		return;
	}
	if (!adapter->has_power) {
		reset_event_later(reset, RESET_EV_ACTED);
		return;
	}
	set_powered(reset, false, on_off);
}

static bool is_cooling(const struct reset *reset)
{
	return reset->chain.rung == RESET_RUNG_BLUETOOTHD && reset->bluetoothd_failed_at_ms != 0 &&
	       clock_now_ms() - reset->bluetoothd_failed_at_ms < COOLDOWN_MS;
}

static void enter_acting(struct reset *reset)
{
	uint32_t timeout_ms = RESCUES[reset->chain.rung].timeout_ms;
	int r;

	if (reset->chain.rung == RESET_RUNG_POWER) {
		act_power(reset);
		return;
	}
	arm(reset, timeout_ms + RESCUE_GRACE_MS);
	if (is_cooling(reset)) {
		reset_note(reset, CLASS_BLUEZ_GONE, "it did not help less than a minute ago");
		reset_event_later(reset, RESET_EV_REFUSED);
		return;
	}
	r = rescue_child_run(reset->sup->rescue, RESCUES[reset->chain.rung].kind, reset->index,
			     reset->address, timeout_ms);
	if (r == 0)
		return;
	reset_note(reset, CLASS_INTERNAL, "%s",
		   r == -EBUSY ? "an earlier step hangs in the kernel" : strerror(-r));
	reset_event_later(reset, RESET_EV_REFUSED);
}

/* That a rung does not exist here says nothing about what is wrong with the adapter. */
static enum err_class class_of(Bh__Ctl__RescueOutcome outcome, enum reset_rung rung)
{
	if (outcome == BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_APPLICABLE ||
	    outcome == BH__CTL__RESCUE_OUTCOME__RESCUE_GONE)
		return CLASS_NONE;
	if (outcome == BH__CTL__RESCUE_OUTCOME__RESCUE_NOT_PERMITTED)
		return CLASS_INTERNAL;
	if (rung == RESET_RUNG_BLUETOOTHD)
		return CLASS_BLUEZ_GONE;
	return rung == RESET_RUNG_RFKILL ? CLASS_RFKILL : CLASS_NO_REPLY;
}

void reset_on_rescue(struct sup *sup, Bh__Ctl__RescueOutcome outcome, int error)
{
	struct reset *reset = sup->reset;
	bool is_blocked = outcome == BH__CTL__RESCUE_OUTCOME__RESCUE_BLOCKED;

	if (reset->chain.state != RESET_ACTING || RESCUES[reset->chain.rung].kind == 0)
		return;
	if (outcome == BH__CTL__RESCUE_OUTCOME__RESCUE_OK) {
		reset_event(reset, RESET_EV_ACTED);
		return;
	}
	reset_note(reset, class_of(outcome, reset->chain.rung), "%s%s%s",
		   rescue_child_text(outcome), error ? ": " : "", error ? strerror(error) : "");
	reset_event(reset, is_blocked ? RESET_EV_BLOCKED : RESET_EV_REFUSED);
}

/* --- the adapter again --- */

static void found(struct reset *reset, const struct adapter *adapter)
{
	(void)snprintf(reset->name, sizeof(reset->name), "%s", adapter->name);
	reset->index = adapter->index;
	reset_event(reset, RESET_EV_FOUND);
}

static void enter_finding(struct reset *reset)
{
	/* A power cycle takes nothing off the bus. */
	reset->is_settling = true;
	arm(reset, reset->chain.rung == RESET_RUNG_POWER ? 0 : SETTLE_MS);
}

void reset_plugged(struct sup *sup, const struct adapter *adapter)
{
	struct reset *reset = sup->reset;

	if (reset && reset->chain.state == RESET_FINDING && !reset->is_settling &&
	    adapter->address == reset->address)
		found(reset, adapter);
}

static enum reset_event timeout_finding(struct reset *reset)
{
	const struct adapter *adapter = reset_adapter(reset);

	if (adapter) {
		found(reset, adapter);
		return RESET_EVENT_COUNT;
	}
	if (reset->is_settling) {
		reset->is_settling = false;
		arm(reset, FIND_MS);
		return RESET_EVENT_COUNT;
	}
	reset_note(reset, CLASS_ADAPTER_GONE, "the adapter did not come back in %u s",
		   FIND_MS / 1000);
	return RESET_EV_TIMER;
}

static void on_powered(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		       struct mgmt_token token)
{
	struct reset *reset = ((struct sup *)ctx)->reset;
	enum reset_event event = RESET_EV_REFUSED;

	(void)index;
	(void)data;
	(void)len;
	if (token.id != reset->round)
		return;
	/* AUTH_FAILED: what 6.1 and 6.12 say of a controller that answers nothing.
	 * BUSY: bluetoothd powers it, as it does with an adapter that is new. */
	if (status == MGMT_STATUS_SUCCESS || status == MGMT_STATUS_BUSY)
		event = RESET_EV_POWERED;
	else if (status == MGMT_STATUS_RFKILLED)
		event = RESET_EV_BLOCKED;
	else if (status == MGMT_STATUS_INVALID_INDEX)
		event = RESET_EV_GONE;
	if (event != RESET_EV_POWERED)
		reset_note(reset, event == RESET_EV_BLOCKED ? CLASS_RFKILL : CLASS_NO_REPLY,
			   "the controller did not power up: %s",
			   status == MGMT_STATUS_AUTH_FAILED ? "it does not answer"
							     : mgmt_codec_status_text(status));
	reset_event(reset, event);
}

static void enter_powering(struct reset *reset)
{
	arm_for_mgmt(reset);
	set_powered(reset, true, on_powered);
}

/* --- the proof --- */

static void enter_proving(struct reset *reset)
{
	struct adapter *adapter = reset_adapter(reset);

	reset->is_listening = false;
	reset->has_heard = false;
	arm(reset, reset->sup->config.rescue_prove_ms);
	if (adapter)
		child_start(adapter->child);
}

static bool is_serving(const struct adapter *adapter)
{
	return child_state(adapter->child) == CHILD_READY && adapter->state.has_bluez;
}

static void listen(struct reset *reset, struct adapter *adapter)
{
	if (reset->is_listening || !is_serving(adapter) || !adapter->state.is_powered)
		return;
	reset->is_listening = true;
	if (!reset->was_anything_heard) {
		reset_note(reset, CLASS_NONE, "it answers; nobody advertises here");
		reset_event_later(reset, RESET_EV_HEARD);
		return;
	}
	worker_child_find(adapter, NOBODY, lock_self_grant(reset->sup->lock_self), false);
}

void reset_worker_changed(const struct adapter *changed)
{
	struct reset *reset = changed->sup->reset;
	struct adapter *adapter = reset ? reset_adapter(reset) : NULL;

	if (!reset || changed->address != reset->address)
		return;
	if (reset->chain.state == RESET_CLEARING && is_cleared(reset))
		reset_event_later(reset, RESET_EV_CLEARED);
	if (reset->chain.state == RESET_PROVING && adapter)
		listen(reset, adapter);
}

void reset_heard(const struct adapter *adapter)
{
	struct reset *reset = adapter->sup->reset;

	if (!reset || reset->chain.state != RESET_PROVING || !reset->is_listening ||
	    reset->has_heard || adapter->address != reset->address)
		return;
	reset->has_heard = true;
	reset_note(reset, CLASS_NONE, "adverts are heard again");
	reset_event_later(reset, RESET_EV_HEARD);
}

void reset_stop_listening(struct reset *reset)
{
	struct adapter *adapter = reset_adapter(reset);

	if (reset->is_listening && adapter && child_state(adapter->child) == CHILD_READY)
		worker_child_find_stop(adapter, NOBODY);
	reset->is_listening = false;
}

static enum reset_event timeout_proving(struct reset *reset)
{
	const struct adapter *adapter = reset_adapter(reset);
	struct reset_proof proof = {
		.has_bluez = adapter && is_serving(adapter),
		.is_powered = adapter && adapter->state.is_powered,
		.has_heard = reset->has_heard,
		.was_anything_heard = reset->was_anything_heard,
	};
	enum reset_event event = reset_chain_judge(&proof);

	if (event == RESET_EV_NO_BLUEZ)
		reset_note(reset, CLASS_BLUEZ_GONE, "bluetoothd does not have it");
	else if (event == RESET_EV_REFUSED)
		reset_note(reset, CLASS_NOT_POWERED, "it lost its power again");
	else if (event == RESET_EV_TIMER)
		reset_note(reset, CLASS_NO_REPLY, "it hears no advert");
	return event;
}

/* --- all states --- */

static void (*const ENTER[RESET_STATE_COUNT])(struct reset *reset) = {
	[RESET_LOCKING] = enter_locking,   [RESET_CLEARING] = enter_clearing,
	[RESET_ACTING] = enter_acting,	   [RESET_FINDING] = enter_finding,
	[RESET_RELOCKING] = enter_locking, [RESET_POWERING] = enter_powering,
	[RESET_PROVING] = enter_proving,
};

void reset_enter(struct reset *reset)
{
	ENTER[reset->chain.state](reset);
}

enum reset_event reset_timeout(struct reset *reset)
{
	enum reset_state state = reset->chain.state;

	if (state == RESET_FINDING)
		return timeout_finding(reset);
	if (state == RESET_PROVING)
		return timeout_proving(reset);
	if (state == RESET_ACTING && reset->chain.rung == RESET_RUNG_POWER && reset->is_off)
		return RESET_EV_ACTED;
	if (state == RESET_LOCKING || state == RESET_RELOCKING)
		reset_note(reset, CLASS_LOCK_TIMEOUT, "no lock: the arbiter did not answer");
	else if (state != RESET_CLEARING)
		reset_note(reset, CLASS_NO_REPLY, "no answer");
	return RESET_EV_TIMER;
}
