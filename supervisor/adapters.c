/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/adapters.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/bus_feed.h"
#include "supervisor/devices.h"
#include "supervisor/escalation.h"
#include "supervisor/events.h"
#include "supervisor/lockd_child.h"
#include "supervisor/mgmt_codec.h"
#include "supervisor/reset.h"
#include "supervisor/sessions.h"
#include "supervisor/worker_child.h"

static const char NO_LE[] = "it has no Low Energy, or bluetoothd left that off (ControllerMode)";

int adapters_new(struct adapters **out)
{
	struct adapters *adapters = calloc(1, sizeof(*adapters));

	if (!adapters)
		return -ENOMEM;
	*out = adapters;
	return 0;
}

static struct adapter *adapter_free(struct adapter *adapter)
{
	if (!adapter)
		return NULL;
	child_free(adapter->child);
	bus_feed_free(adapter->feed);
	free(adapter);
	return NULL;
}

struct adapters *adapters_free(struct adapters *adapters)
{
	size_t i;

	if (!adapters)
		return NULL;
	for (i = 0; i < adapters->n; i++)
		adapter_free(adapters->list[i]);
	free(adapters);
	return NULL;
}

struct adapter *adapters_find(const struct adapters *adapters, uint16_t index)
{
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (adapters->list[i]->index == index)
			return adapters->list[i];
	return NULL;
}

struct adapter *adapters_find_name(const struct adapters *adapters, const char *name)
{
	size_t i;

	for (i = 0; i < adapters->n; i++)
		if (adapters->list[i]->is_present && strcmp(adapters->list[i]->name, name) == 0)
			return adapters->list[i];
	return NULL;
}

static void insert(struct adapters *adapters, struct adapter *adapter)
{
	size_t at = adapters->n++;

	for (; at > 0 && adapters->list[at - 1]->index > adapter->index; at--)
		adapters->list[at] = adapters->list[at - 1];
	adapters->list[at] = adapter;
}

static int make(struct sup *sup, uint16_t index, struct adapter **out)
{
	struct adapter *adapter;
	int r;

	if (sup->adapters->n == ADAPTERS_MAX)
		return -ENOSPC;
	adapter = calloc(1, sizeof(*adapter));
	if (!adapter)
		return -ENOMEM;
	adapter->sup = sup;
	adapter->index = index;
	(void)snprintf(adapter->name, sizeof(adapter->name), "hci%u", index);
	r = worker_child_new(adapter);
	if (r < 0) {
		adapter_free(adapter);
		return r;
	}
	insert(sup->adapters, adapter);
	*out = adapter;
	return 0;
}

static void tell(const struct adapter *adapter, enum event_kind kind)
{
	struct event event = { .kind = kind, .address = adapter->address };

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", adapter->name);
	events_add(adapter->sup->events, &event, "%s", adapter->name);
}

/*
 * Without LE discovery hears nobody and a Connect reaches nobody: the adapter is BR/EDR only, or
 * bluetoothd was told to leave LE off (ControllerMode). Of one that is off that says nothing:
 * bluetoothd switches LE on before the power.
 */
void adapters_note_settings(struct adapter *adapter, uint32_t settings)
{
	struct event event = { .kind = EVENT_LE_OFF, .address = adapter->address };
	bool has_no_le;

	adapter->has_power = (settings & MGMT_SETTING_POWERED) != 0;
	has_no_le = adapter->has_power && !(settings & MGMT_SETTING_LE);
	if (has_no_le == adapter->has_no_le)
		return;
	adapter->has_no_le = has_no_le;
	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", adapter->name);
	event.kind = has_no_le ? EVENT_LE_OFF : EVENT_LE_ON;
	event.class = has_no_le ? CLASS_ADAPTER_GONE : CLASS_NONE;
	events_add(adapter->sup->events, &event, "%s",
		   has_no_le ? NO_LE : "it has Low Energy again");
	sessions_adapter_changed(adapter->sup);
}

int adapters_plug(struct sup *sup, uint16_t index, uint64_t address, uint32_t settings)
{
	struct adapter *adapter = adapters_find(sup->adapters, index);
	int r;

	/* Another one under the same number: "index removed" was lost. */
	if (adapter && adapter->is_present && adapter->address != address)
		adapters_unplug(sup, adapter);
	if (!adapter) {
		r = make(sup, index, &adapter);
		if (r < 0)
			return r;
	}
	if (adapter->is_present) {
		adapters_note_settings(adapter, settings);
		return 0;
	}
	adapter->is_present = true;
	adapter->address = address;
	adapter->has_no_le = false;
	escalation_adapter_came(sup->escalation, index, address);
	tell(adapter, EVENT_ADAPTER_ADDED);
	adapters_note_settings(adapter, settings);
	lockd_child_adapters(sup->lockd);
	if (!reset_is_of(sup, address))
		child_start(adapter->child);
	reset_plugged(sup, adapter);
	return 0;
}

void adapters_unplug(struct sup *sup, struct adapter *adapter)
{
	if (!adapter->is_present)
		return;
	adapter->is_present = false;
	tell(adapter, EVENT_ADAPTER_REMOVED);
	lockd_child_adapter_lost(sup->lockd, adapter->name);
	lockd_child_adapters(sup->lockd);
	devices_drop_adapter(sup->devices, adapter->index);
	escalation_adapter_gone(sup->escalation, adapter->index, adapter->address);
	adapter->heard_at_ms = 0;
	adapter->slots = (struct slots){ 0 };
	/* Its sessions move once it is dead: until then it may still answer. */
	child_stop(adapter->child);
	sessions_adapter_changed(sup);
}

void adapters_sweep(struct sup *sup)
{
	struct adapters *adapters = sup->adapters;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < adapters->n; i++) {
		struct adapter *adapter = adapters->list[i];

		if (adapter->is_present || child_state(adapter->child) != CHILD_OFF)
			adapters->list[kept++] = adapter;
		else
			adapter_free(adapter);
	}
	adapters->n = kept;
}

bool adapter_is_suitable(const struct adapter *adapter)
{
	return adapter->is_present && child_state(adapter->child) == CHILD_READY &&
	       adapter->state.has_bluez && adapter->state.is_powered && !adapter->has_no_le &&
	       !reset_is_of(adapter->sup, adapter->address);
}

/* What is wrong when the worker is not ready to say it itself. */
static const struct {
	enum err_class class;
	const char *text;
} CHILD_TROUBLES[CHILD_STATE_COUNT] = {
	[CHILD_OFF] = { CLASS_ADAPTER_GONE, "its worker is off" },
	[CHILD_STARTING] = { CLASS_INTERNAL, "its worker is starting" },
	[CHILD_READY] = { CLASS_NONE, "" },
	[CHILD_STOPPING] = { CLASS_INTERNAL, "its worker is stopping" },
	[CHILD_KILLING] = { CLASS_INTERNAL, "its worker is being killed" },
	[CHILD_BACKOFF] = { CLASS_INTERNAL, "its worker died and waits to be restarted" },
	[CHILD_PARKED] = { CLASS_INTERNAL, "its worker died too often and is not restarted" },
};

enum err_class adapter_trouble(const struct adapter *adapter, const char **out_text)
{
	enum child_state state = child_state(adapter->child);

	*out_text = "it was unplugged";
	if (!adapter->is_present)
		return CLASS_ADAPTER_GONE;
	*out_text = "it is being reset";
	if (reset_is_of(adapter->sup, adapter->address))
		return CLASS_INTERNAL;
	*out_text = CHILD_TROUBLES[state].text;
	if (state != CHILD_READY)
		return CHILD_TROUBLES[state].class;
	*out_text = adapter->state.text;
	if (adapter->state.trouble != CLASS_NONE)
		return adapter->state.trouble;
	*out_text = adapter->state.has_bluez ? "it has no power" : "bluetoothd does not have it";
	if (!adapter->state.has_bluez)
		return CLASS_BLUEZ_GONE;
	if (!adapter->state.is_powered)
		return CLASS_NOT_POWERED;
	*out_text = NO_LE;
	if (adapter->has_no_le)
		return CLASS_ADAPTER_GONE;
	*out_text = "";
	return CLASS_NONE;
}

uint32_t adapter_slots(const struct adapter *adapter)
{
	return slots_limit(&adapter->slots, adapter->sup->config.devices.per_adapter,
			   clock_now_ms());
}

size_t adapters_present(const struct adapters *adapters)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < adapters->n; i++)
		n += adapters->list[i]->is_present;
	return n;
}
