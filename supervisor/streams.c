/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/streams.h"

#include "ipc/clock.h"
#include "ipc/session.pb-c.h"
#include "supervisor/adapters.h"
#include "supervisor/admission.h"
#include "supervisor/deaths.h"
#include "supervisor/device_log.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"
#include "supervisor/keeper.h"
#include "supervisor/sessions.h"

enum {
	PAGE = 64,	  /* items at a time: other clients' turns come between */
	QUEUE_LIMIT = 64, /* frames that wait for the program */
	SIGHTINGS_MAX = 64,
};

enum { STREAM_ITEM, STREAM_LATER, STREAM_END };

int streams_begin(struct client *client, uint32_t id, uint16_t type, struct stream **out)
{
	size_t i;

	for (i = 0; i < CLIENT_STREAMS_MAX; i++) {
		if (client->streams[i].id != 0)
			continue;
		client->streams[i] = (struct stream){ .id = id, .type = type };
		client->n_streams++;
		*out = &client->streams[i];
		return 0;
	}
	return STREAMS_FULL;
}

struct stream *streams_find(struct client *client, uint32_t id)
{
	size_t i;

	for (i = 0; i < CLIENT_STREAMS_MAX; i++)
		if (client->streams[i].id == id)
			return &client->streams[i];
	return NULL;
}

void streams_end(struct client *client, struct stream *stream)
{
	stream->id = 0;
	client->n_streams--;
}

/* --- one item of each kind --- */

static void fill_use(struct sup *sup, const struct adapter *adapter, Bh__Adapter *out,
		     struct device_log_timings *timings)
{
	const struct adapter_use *use = device_log_adapter(sup, adapter);

	out->has_slots = out->has_attempts = out->has_requests = out->has_values = 1;
	out->slots = adapter_slots(adapter);
	out->attempts = adapter->state.attempts;
	out->requests = use->requests;
	out->values = use->values;
	out->n_timings = device_log_fill(use->parts, timings);
	out->timings = timings->list;
}

static int push_adapter(struct client *client, struct stream *stream)
{
	struct sup *sup = client->sup;
	Bh__Adapter item = BH__ADAPTER__INIT;
	const struct adapter *adapter;
	const char *text;
	struct device_log_timings timings;

	do {
		if (stream->cursor >= sup->adapters->n)
			return STREAM_END;
		adapter = sup->adapters->list[stream->cursor++];
	} while (!adapter->is_present);
	item.name = (char *)(uintptr_t)adapter->name;
	item.state = (char *)(uintptr_t)child_state_name(child_state(adapter->child));
	item.has_address = item.has_powered = item.has_discovering = item.has_links = 1;
	item.has_sessions = item.has_worker_pid = item.has_deaths = item.has_trouble = 1;
	item.address = adapter->address;
	item.powered = child_state(adapter->child) == CHILD_READY && adapter->state.has_bluez
			       ? adapter->state.is_powered
			       : adapter->has_power;
	item.discovering = adapter->state.is_discovering;
	item.links = adapter->state.links;
	item.sessions = sessions_on(sup, adapter->index);
	item.worker_pid = (uint32_t)child_pid(adapter->child);
	item.deaths = child_deaths(adapter->child);
	item.trouble = (Bh__Class)adapter_trouble(adapter, &text);
	item.trouble_text = (char *)(uintptr_t)text;
	fill_use(sup, adapter, &item, &timings);
	client_send(client, BH__TYPE__ADAPTER, stream->id, &item.base);
	return STREAM_ITEM;
}

static bool fill_sighting(const struct sup *sup, const struct sighting *sighting, uint64_t now_ms,
			  Bh__Sighting *out)
{
	const struct adapter *adapter = adapters_find(sup->adapters, sighting->adapter);
	int rssi_dbm = sighting_rssi_dbm(sighting, now_ms);

	if (!adapter)
		return false;
	bh__sighting__init(out);
	out->adapter = (char *)(uintptr_t)adapter->name;
	out->has_rssi_dbm = rssi_dbm != DEVICES_RSSI_NONE;
	out->rssi_dbm = rssi_dbm;
	out->has_age_ms = sighting->heard_at_ms != 0;
	out->age_ms = clock_span_ms(sighting->heard_at_ms, now_ms);
	out->has_connected = 1;
	out->connected = sighting->is_connected;
	return true;
}

static void send_device(struct client *client, uint32_t id, const struct device *device)
{
	Bh__Device item = BH__DEVICE__INIT;
	Bh__Sighting sightings[SIGHTINGS_MAX];
	Bh__Sighting *list[SIGHTINGS_MAX];
	uint64_t now_ms = clock_now_ms();
	size_t i;

	item.has_address = item.has_random = 1;
	item.address = device->address;
	item.random = device->is_random;
	item.name = (char *)(uintptr_t)device->name;
	item.sightings = list;
	for (i = 0; i < device->n_sightings && item.n_sightings < SIGHTINGS_MAX; i++) {
		list[item.n_sightings] = &sightings[item.n_sightings];
		item.n_sightings += fill_sighting(client->sup, &device->sightings[i], now_ms,
						  &sightings[item.n_sightings]);
	}
	keepers_describe(client->sup, device->address, &item);
	device_log_describe(client->sup, device->address, &item);
	client_send(client, BH__TYPE__DEVICE, id, &item.base);
}

void streams_device(struct client *client, uint32_t id, uint64_t address)
{
	const struct device *device = devices_find(client->sup->devices, address);
	const struct device blank = { .address = address };

	send_device(client, id, device ? device : &blank);
}

static int push_device(struct client *client, struct stream *stream)
{
	const struct devices *devices = client->sup->devices;
	const struct device *device;
	size_t cursor = (size_t)stream->cursor;

	do {
		if (stream->address == 0)
			device = devices_next(devices, &cursor);
		else
			device = cursor++ == 0 ? devices_find(devices, stream->address) : NULL;
	} while (device && !admission_sees(client, device->address));
	stream->cursor = cursor;
	if (!device)
		return STREAM_END;
	send_device(client, stream->id, device);
	return STREAM_ITEM;
}

static int push_session(struct client *client, struct stream *stream)
{
	Bh__SessionRow item;

	do {
		bh__session_row__init(&item);
		stream->cursor =
			sessions_row(client->sup, (uint32_t)stream->cursor, stream->address, &item);
	} while (stream->cursor != 0 && !admission_sees(client, item.address));
	if (stream->cursor == 0)
		return STREAM_END;
	client_send(client, BH__TYPE__SESSION_ROW, stream->id, &item.base);
	return STREAM_ITEM;
}

static int push_death(struct client *client, struct stream *stream)
{
	const struct death *death = deaths_from(client->sup->deaths, stream->cursor);
	struct deaths_wire wire;

	if (!death)
		return STREAM_END;
	stream->cursor = death_number(death) + 1;
	death_fill(death, &wire);
	client_send(client, BH__TYPE__DEATH, stream->id, &wire.death.base);
	return STREAM_ITEM;
}

static int push_event(struct client *client, struct stream *stream)
{
	const struct event *event = events_from(client->sup->events, stream->cursor);
	Bh__Event item = BH__EVENT__INIT;

	while (event && !admission_sees(client, event->address)) {
		stream->cursor = event->seq + 1;
		event = events_from(client->sup->events, stream->cursor);
	}
	if (!event || (!stream->is_following && event->seq >= stream->end))
		return stream->is_following ? STREAM_LATER : STREAM_END;
	stream->cursor = event->seq + 1;
	item.has_seq = item.has_at_ms = item.has_class_ = 1;
	item.seq = event->seq;
	item.at_ms = event->at_ms;
	item.kind = (char *)(uintptr_t)event_kind_name(event->kind);
	item.adapter = (char *)(uintptr_t)event->adapter;
	item.has_address = event->address != 0;
	item.address = event->address;
	item.has_session = event->session != 0;
	item.session = event->session;
	item.class_ = (Bh__Class)event->class;
	item.text = (char *)(uintptr_t)event->text;
	client_send(client, BH__TYPE__EVENT, stream->id, &item.base);
	return STREAM_ITEM;
}

static const struct {
	uint16_t type;
	int (*push)(struct client *client, struct stream *stream);
} KINDS[] = {
	{ BH__TYPE__ADAPTERS_REQUEST, push_adapter }, { BH__TYPE__DEVICES_REQUEST, push_device },
	{ BH__TYPE__EVENTS_REQUEST, push_event },     { BH__TYPE__SESSIONS_REQUEST, push_session },
	{ BH__TYPE__DEATHS_REQUEST, push_death },
};

static int push_one(struct client *client, struct stream *stream)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		if (KINDS[i].type == stream->type)
			return KINDS[i].push(client, stream);
	return STREAM_END;
}

static enum streams_state push_page(struct client *client, struct stream *stream)
{
	unsigned i;
	int r;

	for (i = 0; i < PAGE; i++) {
		if (client_queued(client) >= QUEUE_LIMIT)
			return STREAMS_BLOCKED;
		r = push_one(client, stream);
		if (r == STREAM_LATER)
			return STREAMS_IDLE;
		if (r == STREAM_END) {
			client_done(client, stream->id, stream->count);
			streams_end(client, stream);
			return STREAMS_IDLE;
		}
		stream->count++;
	}
	return STREAMS_MORE;
}

enum streams_state streams_push(struct client *client)
{
	enum streams_state worst = STREAMS_IDLE;
	enum streams_state state;
	size_t i;

	for (i = 0; i < CLIENT_STREAMS_MAX && client->n_streams > 0; i++) {
		if (client->streams[i].id == 0)
			continue;
		state = push_page(client, &client->streams[i]);
		if (state > worst)
			worst = state;
	}
	return worst;
}
