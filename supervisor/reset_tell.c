/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/reset_tell.c - who is told of a reset: the event log, and the program that asked.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/client.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"
#include "supervisor/reset_state.h"
#include "supervisor/server.h"
#include "supervisor/sessions.h"

/* --- victims --- */

/* A link, or a session. */
struct victim {
	const char *adapter;
	uint64_t address;
	uint32_t session; /* 0: a link */
	const char *label;
	pid_t pid;
};

struct victims {
	struct sup *sup;
	void (*item)(const struct victims *victims, const struct victim *victim);
	struct client *client;
	uint32_t request;
	const char *adapter;
	uint32_t n_links;
	uint32_t n_sessions;
};

static void each_link(struct victims *victims, uint16_t index)
{
	const struct sighting *sighting;
	const struct device *device;
	size_t cursor = 0;

	while ((device = devices_next(victims->sup->devices, &cursor))) {
		struct victim victim = { .adapter = victims->adapter, .address = device->address };

		sighting = device_sighting(device, index);
		if (!sighting || !sighting->is_connected)
			continue;
		victims->n_links++;
		victims->item(victims, &victim);
	}
}

static void on_session(void *ctx, const struct sessions_row *row)
{
	struct victims *victims = ctx;
	struct victim victim = {
		.adapter = victims->adapter,
		.address = row->address,
		.session = row->id,
		.label = row->label,
		.pid = row->pid,
	};

	victims->n_sessions++;
	victims->item(victims, &victim);
}

static void each_victim(struct victims *victims, uint16_t index, enum reset_rung level)
{
	const struct adapters *adapters = victims->sup->adapters;
	size_t i;

	for (i = 0; i < adapters->n; i++) {
		const struct adapter *adapter = adapters->list[i];

		if (!adapter->is_present ||
		    (adapter->index != index && level != RESET_RUNG_BLUETOOTHD))
			continue;
		victims->adapter = adapter->name;
		each_link(victims, adapter->index);
		sessions_each(victims->sup, adapter->index, on_session, victims);
	}
}

static void send_victim(const struct victims *victims, const struct victim *victim)
{
	Bh__ResetVictim msg = BH__RESET_VICTIM__INIT;

	msg.adapter = (char *)(uintptr_t)victim->adapter;
	msg.has_address = victim->address != 0;
	msg.address = victim->address;
	msg.has_session = msg.has_pid = victim->session != 0;
	msg.session = victim->session;
	msg.label = (char *)(uintptr_t)victim->label;
	msg.pid = (uint32_t)victim->pid;
	client_send(victims->client, BH__TYPE__RESET_VICTIM, victims->request, &msg.base);
}

uint32_t reset_tell_victims(struct sup *sup, uint16_t index, enum reset_rung level,
			    struct client *client, uint32_t request)
{
	struct victims victims = {
		.sup = sup, .item = send_victim, .client = client, .request = request
	};

	each_victim(&victims, index, level);
	return victims.n_links + victims.n_sessions;
}

static void note_victim(const struct victims *victims, const struct victim *victim)
{
	struct event event = {
		.kind = EVENT_RESETTING,
		.address = victim->address,
		.session = victim->session,
	};

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", victim->adapter);
	if (victim->session == 0)
		events_add(victims->sup->events, &event, "a link will end");
	else
		events_add(victims->sup->events, &event, "a %s of %s (pid %d) will be moved",
			   victim->address ? "session" : "scan",
			   victim->label[0] ? victim->label : "a program", victim->pid);
}

static void count_victim(const struct victims *victims, const struct victim *victim)
{
	(void)victims;
	(void)victim;
}

static struct event event_of(const struct reset *reset, enum event_kind kind)
{
	struct event event = { .kind = kind };

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", reset->name);
	return event;
}

void reset_tell_begin(const struct reset *reset, const char *why, enum reset_rung level)
{
	struct event event = event_of(reset, EVENT_RESETTING);
	struct victims victims = { .sup = reset->sup, .item = count_victim };

	each_victim(&victims, reset->index, level);
	events_add(reset->sup->events, &event, "%s, %s; %u link%s and %u session%s suffer", why,
		   level == RESET_RUNG_ALL ? "from the mildest step on" : reset_rung_name(level),
		   victims.n_links, victims.n_links == 1 ? "" : "s", victims.n_sessions,
		   victims.n_sessions == 1 ? "" : "s");
	victims.item = note_victim;
	each_victim(&victims, reset->index, level);
}

/* --- steps --- */

void reset_tell_rung(const struct reset *reset, enum reset_rung rung, bool is_cured)
{
	struct client *client = server_find(reset->sup->server, reset->client);
	uint32_t took_ms = clock_span_ms(reset->rung_at_ms, clock_now_ms());
	struct event event = event_of(reset, EVENT_RESET_STEP);
	Bh__ResetStep step = BH__RESET_STEP__INIT;

	event.class = is_cured ? CLASS_NONE : reset->class;
	event.step = reset_rung_name(rung);
	events_add(reset->sup->events, &event, "%s: %s, after %u ms", reset_rung_name(rung),
		   reset->note, took_ms);
	if (!client)
		return;
	step.has_level = step.has_cured = step.has_took_ms = 1;
	step.level = (Bh__ResetLevel)(rung + 1);
	step.cured = is_cured;
	step.text = (char *)(uintptr_t)reset->note;
	step.took_ms = took_ms;
	step.adapter = (char *)(uintptr_t)reset->name;
	client_send(client, BH__TYPE__RESET_STEP, reset->request, &step.base);
}

/* The classes' own advice is about connecting. */
static const char *advice(enum err_class class)
{
	if (class == CLASS_NO_REPLY || class == CLASS_ADAPTER_GONE)
		return "unplug the adapter and plug it in again";
	if (class == CLASS_INTERNAL)
		return "start bleherd-rescue.socket, or run bleherdd with the capabilities it needs";
	if (class == CLASS_INVALID)
		return "take another level";
	return class_advice(class);
}

static void send_error(struct client *client, uint32_t id, enum err_class class, const char *text)
{
	Bh__Error error = BH__ERROR__INIT;

	error.has_class_ = 1;
	error.class_ = (Bh__Class) class;
	error.text = (char *)(uintptr_t)text;
	error.advice = (char *)(uintptr_t)advice(class);
	client_send(client, BH__TYPE__ERROR, id, &error.base);
}

void reset_tell_end(const struct reset *reset, bool is_cured)
{
	struct client *client = server_find(reset->sup->server, reset->client);
	uint32_t took_ms = clock_span_ms(reset->began_at_ms, clock_now_ms());
	struct event event = event_of(reset, is_cured ? EVENT_RESET_DONE : EVENT_RESET_FAILED);
	const char *what = is_cured || !reset->cause[0] ? reset->note : reset->cause;
	char text[RESET_NOTE_LEN + 64];

	event.class = is_cured ? CLASS_NONE : reset->cause_class;
	(void)snprintf(text, sizeof(text), "%s %s: %s", reset->name,
		       is_cured ? "is reset" : "could not be reset", what);
	events_add(reset->sup->events, &event, "%s, after %u ms", text, took_ms);
	if (client && is_cured)
		client_done(client, reset->request, 1);
	else if (client)
		send_error(client, reset->request, reset->cause_class, text);
}
