/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/topview_json.c - a sample as an object; topview.h. */
#include "ipc/client/cli/topview.h"

#include "ipc/client/cli/out.h"

static void set_rate(json_t *object, const struct topdata_rate *rate)
{
	(void)json_object_set_new(object, "requests_per_s", json_real(rate->requests_per_s));
	(void)json_object_set_new(object, "values_per_s", json_real(rate->values_per_s));
}

static json_t *adapter_json(const struct topdata *data, const struct topdata_adapter *a)
{
	struct topdata_lock lock = topdata_lock(data, a->name);
	json_t *object = json_object();

	(void)json_object_set_new(object, "adapter", out_string(a->name));
	(void)json_object_set_new(object, "state", out_string(a->state));
	(void)json_object_set_new(object, "powered", json_boolean(a->is_powered));
	(void)json_object_set_new(object, "discovering", json_boolean(a->is_discovering));
	(void)json_object_set_new(object, "links", json_integer(a->links));
	(void)json_object_set_new(object, "slots", json_integer(a->slots));
	(void)json_object_set_new(object, "attempts", json_integer(a->attempts));
	(void)json_object_set_new(object, "sessions", json_integer(a->sessions));
	(void)json_object_set_new(object, "trouble", out_string(bh_class_name(a->trouble)));
	(void)json_object_set_new(object, "locks_held", json_integer((json_int_t)lock.n_held));
	(void)json_object_set_new(object, "locks_waited_for",
				  json_integer((json_int_t)lock.n_waiting));
	set_rate(object, &a->rate);
	return object;
}

static json_t *device_json(const struct topdata_device *d)
{
	json_t *object = json_object();
	char address[18];

	bh_format_address(d->address, address);
	(void)json_object_set_new(object, "address", json_string(address));
	(void)json_object_set_new(object, "name", out_string(d->name));
	(void)json_object_set_new(object, "state", out_string(d->state));
	if (d->state_for_ms != UINT32_MAX)
		(void)json_object_set_new(object, "since_ms", json_integer(d->state_for_ms));
	(void)json_object_set_new(object, "health", out_string(d->health));
	(void)json_object_set_new(object, "strategy", out_string(bh_strategy_name(d->strategy)));
	if (*d->adapter)
		(void)json_object_set_new(object, "adapter", out_string(d->adapter));
	if (d->rssi_dbm != BH_RSSI_UNKNOWN)
		(void)json_object_set_new(object, "rssi_dbm", json_integer(d->rssi_dbm));
	(void)json_object_set_new(object, "sessions", json_integer(d->sessions));
	set_rate(object, &d->rate);
	return object;
}

static json_t *event_json(const struct topdata_event *event)
{
	const struct bh_event kept = {
		.seq = event->seq,
		.at_ms = event->at_ms,
		.kind = event->kind,
		.adapter = event->adapter,
		.address = event->address,
		.error = event->error,
		.text = event->text,
	};

	return out_event(&kept);
}

json_t *topview_json(const struct topdata *data, const struct topdata_event *events,
		     size_t n_events, uint64_t wall_ms)
{
	json_t *object = json_object();
	json_t *adapters = json_array();
	json_t *devices = json_array();
	json_t *sessions = json_array();
	json_t *news = json_array();
	size_t i;

	for (i = 0; i < data->n_adapters; i++)
		(void)json_array_append_new(adapters, adapter_json(data, &data->adapters[i]));
	for (i = 0; i < data->n_devices; i++)
		(void)json_array_append_new(devices, device_json(&data->devices[i]));
	for (i = 0; i < data->n_sessions; i++)
		(void)json_array_append_new(sessions, sessview_json(&data->sessions[i]->row));
	for (i = 0; i < n_events; i++)
		(void)json_array_append_new(news, event_json(&events[i]));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)wall_ms));
	(void)json_object_set_new(object, "uptime_ms",
				  json_integer((json_int_t)data->status.uptime_ms));
	(void)json_object_set_new(object, "links", json_integer(data->status.links));
	(void)json_object_set_new(object, "clients", json_integer(data->status.clients));
	set_rate(object, &data->rate);
	(void)json_object_set_new(object, "adapters", adapters);
	(void)json_object_set_new(object, "devices", devices);
	(void)json_object_set_new(object, "sessions", sessions);
	(void)json_object_set_new(object, "events", news);
	return object;
}
