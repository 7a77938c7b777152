/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/topdata.h"

#include <string.h>

#define COPY(to, text) (void)snprintf(to, sizeof(to), "%s", text)

struct topdata *topdata_new(void)
{
	return calloc(1, sizeof(struct topdata));
}

struct topdata *topdata_free(struct topdata *data)
{
	size_t i;

	if (!data)
		return NULL;
	for (i = 0; i < data->n_sessions; i++)
		free(data->sessions[i]);
	free(data->sessions);
	free(data->devices);
	free(data);
	return NULL;
}

/* Room for one more of @size octets; false: there is none. */
static bool grow(struct topdata *data, void **list, size_t n, size_t *capacity, size_t size)
{
	size_t wanted = *capacity > 0 ? *capacity * 2 : 64;
	void *larger;

	if (n < *capacity)
		return true;
	larger = reallocarray(*list, wanted, size);
	if (!larger) {
		data->is_short = true;
		return false;
	}
	*list = larger;
	*capacity = wanted;
	return true;
}

void topdata_status(struct topdata *data, const struct bh_status *status)
{
	data->status = *status;
	data->status.version = "";
	data->status.arbiter_trouble = "";
}

void topdata_adapter(struct topdata *data, const struct bh_adapter *adapter)
{
	struct topdata_adapter *slot = &data->adapters[data->n_adapters];

	if (data->n_adapters == TOPDATA_ADAPTERS_MAX)
		return;
	data->n_adapters++;
	COPY(slot->name, adapter->name);
	COPY(slot->state, adapter->state);
	slot->is_powered = adapter->is_powered;
	slot->is_discovering = adapter->is_discovering;
	slot->links = adapter->links;
	slot->slots = adapter->slots;
	slot->attempts = adapter->attempts;
	slot->sessions = adapter->sessions;
	slot->trouble = adapter->trouble;
	slot->rate =
		(struct topdata_rate){ .requests = adapter->requests, .values = adapter->values };
}

/* Where its link is; else where it is heard best. */
static void place(struct topdata_device *slot, const struct bh_device *device)
{
	size_t i;

	slot->rssi_dbm = BH_RSSI_UNKNOWN;
	for (i = 0; i < device->n_sightings; i++) {
		const struct bh_sighting *s = &device->sightings[i];
		bool is_better = slot->rssi_dbm == BH_RSSI_UNKNOWN ||
				 (s->rssi_dbm != BH_RSSI_UNKNOWN && s->rssi_dbm > slot->rssi_dbm);

		if (!s->is_connected && !is_better)
			continue;
		COPY(slot->adapter, s->adapter);
		slot->rssi_dbm = s->rssi_dbm;
		if (s->is_connected)
			return;
	}
}

void topdata_device(struct topdata *data, const struct bh_device *device)
{
	struct topdata_device *slot;
	void *list = data->devices;

	if (!grow(data, &list, data->n_devices, &data->devices_size, sizeof(*slot)))
		return;
	data->devices = list;
	slot = &data->devices[data->n_devices++];
	*slot = (struct topdata_device){ .address = device->address };
	COPY(slot->name, device->name);
	COPY(slot->state, device->state);
	COPY(slot->health, device->health);
	slot->state_for_ms = device->state_for_ms;
	slot->strategy = device->strategy;
	slot->rate.requests = device->requests;
	slot->rate.values = device->values;
	place(slot, device);
}

void topdata_session(struct topdata *data, const struct bh_session_row *row)
{
	struct sessview_kept *kept = malloc(sizeof(*kept));
	void *list = data->sessions;

	if (!kept || !grow(data, &list, data->n_sessions, &data->sessions_size, sizeof(kept))) {
		data->is_short = true;
		free(kept);
		return;
	}
	data->sessions = list;
	sessview_keep(kept, row);
	data->sessions[data->n_sessions++] = kept;
}

static int by_address(const void *a, const void *b)
{
	const struct topdata_device *left = a;
	const struct topdata_device *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static struct topdata_device *find(const struct topdata *data, uint64_t address)
{
	const struct topdata_device wanted = { .address = address };

	if (data->n_devices == 0)
		return NULL;
	return bsearch(&wanted, data->devices, data->n_devices, sizeof(wanted), by_address);
}

/* A counter that is behind began anew. */
static void compare(struct topdata_rate *now, const struct topdata_rate *before, double seconds)
{
	if (seconds <= 0 || now->requests < before->requests || now->values < before->values)
		return;
	now->requests_per_s = (double)(now->requests - before->requests) / seconds;
	now->values_per_s = (double)(now->values - before->values) / seconds;
}

static void compare_adapters(struct topdata *data, const struct topdata *before, double seconds)
{
	size_t i, j;

	for (i = 0; i < data->n_adapters; i++)
		for (j = 0; j < before->n_adapters; j++)
			if (strcmp(data->adapters[i].name, before->adapters[j].name) == 0)
				compare(&data->adapters[i].rate, &before->adapters[j].rate,
					seconds);
	for (i = 0; i < data->n_adapters; i++) {
		data->rate.requests_per_s += data->adapters[i].rate.requests_per_s;
		data->rate.values_per_s += data->adapters[i].rate.values_per_s;
	}
}

void topdata_finish(struct topdata *data, const struct topdata *before)
{
	struct topdata_device *device;
	const struct topdata_device *then;
	double seconds;
	size_t i;

	if (data->n_devices > 0)
		qsort(data->devices, data->n_devices, sizeof(*data->devices), by_address);
	for (i = 0; i < data->n_sessions; i++) {
		device = find(data, data->sessions[i]->row.address);
		if (device)
			device->sessions++;
	}
	if (!before)
		return;
	seconds = (double)(data->at_ms - before->at_ms) / 1000;
	for (i = 0; i < data->n_devices; i++) {
		then = find(before, data->devices[i].address);
		if (then)
			compare(&data->devices[i].rate, &then->rate, seconds);
	}
	compare_adapters(data, before, seconds);
}

void topdata_event(struct topdata_event *out, const struct bh_event *event)
{
	out->seq = event->seq;
	out->at_ms = event->at_ms;
	out->address = event->address;
	out->error = event->error;
	COPY(out->kind, event->kind);
	COPY(out->adapter, event->adapter);
	COPY(out->text, event->text);
}

/* "connect:hci0", or a set of these: each is a row of its own. */
static bool is_of(const struct locktab_row *row, const char *adapter)
{
	const char *colon = strchr(row->resource, ':');

	return colon && strcmp(colon + 1, adapter) == 0;
}

struct topdata_lock topdata_lock(const struct topdata *data, const char *adapter)
{
	struct topdata_lock lock = { .by = "" };
	uint32_t i;

	for (i = 0; i < data->locks.n_rows; i++) {
		const struct locktab_row *row = &data->locks.rows[i];

		if (!is_of(row, adapter))
			continue;
		if (row->grant == 0 && !(row->flags & LOCKTAB_OUTSIDE)) {
			lock.n_waiting++;
			continue;
		}
		lock.n_held++;
		if (!*lock.by)
			lock.by = row->label;
	}
	return lock;
}
