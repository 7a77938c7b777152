/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/reset.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/client.h"
#include "supervisor/devices.h"
#include "supervisor/escalation.h"
#include "supervisor/reset_state.h"
#include "supervisor/sessions.h"

/* What was heard within that time speaks for peripherals that can be heard again. */
enum { HEARD_LATELY_MS = 600000 };

struct adapter *reset_adapter(const struct reset *reset)
{
	const struct adapters *adapters = reset->sup->adapters;
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (adapters->list[i]->is_present && adapters->list[i]->address == reset->address)
			return adapters->list[i];
	return NULL;
}

void reset_note(struct reset *reset, enum err_class class, const char *format, ...)
{
	va_list args;

	reset->class = class;
	va_start(args, format);
	(void)vsnprintf(reset->note, sizeof(reset->note), format, args);
	va_end(args);
	if (class == CLASS_NONE)
		return;
	memcpy(reset->cause, reset->note, sizeof(reset->cause));
	reset->cause_class = class;
}

/* --- the machine --- */

static void quiet(struct reset *reset)
{
	(void)sd_event_source_set_enabled(reset->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(reset->defer, SD_EVENT_OFF);
}

/* Everything is as it was, but for the adapter: its worker starts, sessions come back. */
static void end(struct reset *reset)
{
	struct sup *sup = reset->sup;
	struct adapter *adapter = reset_adapter(reset);
	bool is_cured = reset->chain.state == RESET_DONE;

	lock_self_release(sup->lock_self);
	escalation_reset_ended(sup->escalation, reset->index, is_cured);
	reset_tell_end(reset, is_cured);
	reset->chain.state = RESET_IDLE;
	reset->client = 0;
	if (!adapter || sup->is_stopping)
		return;
	child_start(adapter->child);
	if (child_state(adapter->child) == CHILD_READY)
		sessions_adapter_ready(sup, adapter);
	sessions_adapter_changed(sup);
}

static bool is_over(enum reset_state state)
{
	return state == RESET_DONE || state == RESET_FAILED;
}

/* Whether a rung was tried before, and now is over. */
static bool is_rung_over(enum reset_state before, enum reset_state now)
{
	return before > RESET_CLEARING && (is_over(now) || now == RESET_CLEARING);
}

void reset_event(struct reset *reset, enum reset_event event)
{
	struct reset_chain before = reset->chain;

	if (reset->sup->is_stopping || !reset_chain_step(&reset->chain, event))
		return;
	quiet(reset);
	reset->is_waiting_for_mgmt = false;
	reset->round++;
	log_debug("reset=%s rung=%s state=%s event=%u next=%s", reset->name,
		  reset_rung_name(before.rung), reset_state_name(before.state), event,
		  reset_state_name(reset->chain.state));
	if (before.state == RESET_PROVING)
		reset_stop_listening(reset);
	if (is_rung_over(before.state, reset->chain.state)) {
		if (before.rung == RESET_RUNG_BLUETOOTHD)
			reset->bluetoothd_failed_at_ms =
				reset->chain.state == RESET_DONE ? 0 : clock_now_ms();
		reset_tell_rung(reset, before.rung, reset->chain.state == RESET_DONE);
		reset->rung_at_ms = clock_now_ms();
	}
	if (is_over(reset->chain.state))
		end(reset);
	else
		reset_enter(reset);
}

void reset_event_later(struct reset *reset, enum reset_event event)
{
	reset->due = event;
	(void)sd_event_source_set_enabled(reset->defer, SD_EVENT_ONESHOT);
}

static int on_defer(sd_event_source *source, void *userdata)
{
	struct reset *reset = userdata;

	(void)source;
	reset_event(reset, reset->due);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct reset *reset = userdata;
	enum reset_event event = reset_timeout(reset);

	(void)source;
	(void)usec;
	if (event != RESET_EVENT_COUNT)
		reset_event(reset, event);
	return 0;
}

/* --- the beginning --- */

bool reset_was_anything_heard(const struct sup *sup)
{
	uint64_t now_ms = clock_now_ms();
	const struct device *device;
	size_t cursor = 0;
	size_t i;

	while ((device = devices_next(sup->devices, &cursor)))
		for (i = 0; i < device->n_sightings; i++)
			if (device->sightings[i].heard_at_ms != 0 &&
			    now_ms - device->sightings[i].heard_at_ms < HEARD_LATELY_MS)
				return true;
	return false;
}

static void begin(struct reset *reset, const struct adapter *adapter, enum reset_rung level,
		  const char *why)
{
	bool may_restart = strcmp(reset->sup->config.rescue_bluetoothd, "never") != 0;

	reset->address = adapter->address;
	reset->index = adapter->index;
	(void)snprintf(reset->name, sizeof(reset->name), "%s", adapter->name);
	reset->was_anything_heard = false;
	reset->began_at_ms = reset->rung_at_ms = clock_now_ms();
	reset_note(reset, CLASS_NONE, "%s", "");
	reset->cause[0] = '\0';
	reset->cause_class = CLASS_INVALID;
	escalation_reset_began(reset->sup->escalation, adapter->index, reset->began_at_ms);
	reset_chain_begin(&reset->chain, level, may_restart);
	reset->round++;
	reset_tell_begin(reset, why, level);
	reset_enter(reset);
}

int reset_adapter_request(struct sup *sup, struct adapter *adapter, const char *why)
{
	if (sup->reset->chain.state != RESET_IDLE || sup->is_stopping)
		return RESET_BUSY;
	begin(sup->reset, adapter, RESET_RUNG_ALL, why);
	return 0;
}

int reset_adapter_once(struct sup *sup, struct adapter *adapter, const char *why)
{
	if (sup->reset->chain.state != RESET_IDLE || sup->is_stopping || !adapter->is_present ||
	    !escalation_may_reset(sup->escalation, adapter->index, clock_now_ms()))
		return RESET_BUSY;
	begin(sup->reset, adapter, RESET_RUNG_POWER, why);
	return 0;
}

bool reset_is_of(const struct sup *sup, uint64_t address)
{
	return sup->reset && sup->reset->chain.state > RESET_LOCKING &&
	       sup->reset->address == address;
}

/* --- programs --- */

/* As on the wire: 0 is the whole chain. */
static_assert((int)BH__RESET_LEVEL__RESET_POWER == RESET_RUNG_POWER + 1, "as in session.proto");
static_assert((int)BH__RESET_LEVEL__RESET_RFKILL == RESET_RUNG_RFKILL + 1, "as in session.proto");
static_assert((int)BH__RESET_LEVEL__RESET_BLUETOOTHD == RESET_RUNG_BLUETOOTHD + 1,
	      "as in session.proto");

bool reset_is_asked(const struct sup *sup, const struct client *client, uint32_t request)
{
	const struct reset *reset = sup->reset;

	return reset->client != 0 && reset->client == client->serial && reset->request == request;
}

void reset_ask(struct sup *sup, struct client *client, uint32_t request,
	       const Bh__ResetAdapter *msg)
{
	const struct adapter *adapter =
		msg->adapter ? adapters_find_name(sup->adapters, msg->adapter) : NULL;
	unsigned wire = (unsigned)msg->level;
	enum reset_rung level = wire == 0 ? RESET_RUNG_ALL : (enum reset_rung)(wire - 1);
	struct reset *reset = sup->reset;
	char text[96];
	uint32_t n;

	if (!adapter) {
		client_error(client, request, CLASS_ADAPTER_GONE, "there is no such adapter");
		return;
	}
	if (wire > RESET_RUNG_COUNT) {
		client_error(client, request, CLASS_INVALID, "there is no such level");
		return;
	}
	if (!msg->only_list && (reset->chain.state != RESET_IDLE || sup->is_stopping)) {
		(void)snprintf(text, sizeof(text), "%s is being reset; one at a time", reset->name);
		client_error(client, request, CLASS_LOCK_TIMEOUT, text);
		return;
	}
	n = reset_tell_victims(sup, adapter->index, level, client, request);
	if (msg->only_list) {
		client_done(client, request, n);
		return;
	}
	(void)snprintf(text, sizeof(text), "asked for by %s (pid %d)",
		       client->label[0] ? client->label : "a program", client->pid);
	reset->client = client->serial;
	reset->request = request;
	begin(reset, adapter, level, text);
}

/* --- the whole --- */

int reset_new(struct reset **out, struct sup *sup)
{
	struct reset *reset = calloc(1, sizeof(*reset));
	int r;

	if (!reset)
		return -ENOMEM;
	reset->sup = sup;
	r = sd_event_add_time(sup->event, &reset->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, reset);
	if (r >= 0)
		r = sd_event_add_defer(sup->event, &reset->defer, on_defer, reset);
	if (r < 0) {
		reset_free(reset);
		return r;
	}
	quiet(reset);
	*out = reset;
	return 0;
}

struct reset *reset_free(struct reset *reset)
{
	if (!reset)
		return NULL;
	sd_event_source_disable_unref(reset->timer);
	sd_event_source_disable_unref(reset->defer);
	free(reset);
	return NULL;
}
