/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/devices.h"

#include <string.h>

enum {
	BUCKETS = 4096,
	GROW_BY = 256,
	SIGHTINGS_MAX = 64,
	SMOOTHING = 4,	 /* a new value weighs a quarter */
	CANDIDATES = 64, /* looked at when somebody must go */
};

static const uint32_t NONE = UINT32_MAX; /* of a chain */

struct slot {
	struct device device; /* address 0: free */
	uint32_t next;	      /* of its bucket, or of the free ones */
};

struct devices {
	uint32_t buckets[BUCKETS];
	uint32_t free_head;
	uint32_t hand; /* where the next search for a victim begins */
	size_t n_slots;
	size_t n;
	struct slot *slots;
};

static uint32_t bucket_of(uint64_t address)
{
	return (uint32_t)(address * 0x9e3779b97f4a7c15u >> 52);
}
static_assert(BUCKETS == 1 << 12, "bucket_of() gives twelve bits");

int devices_new(struct devices **out)
{
	struct devices *devices = calloc(1, sizeof(*devices));

	if (!devices)
		return -ENOMEM;
	memset(devices->buckets, 0xff, sizeof(devices->buckets));
	devices->free_head = NONE;
	*out = devices;
	return 0;
}

struct devices *devices_free(struct devices *devices)
{
	size_t i;

	if (!devices)
		return NULL;
	for (i = 0; i < devices->n_slots; i++) {
		free(devices->slots[i].device.sightings);
		free(devices->slots[i].device.services);
	}
	free(devices->slots);
	free(devices);
	return NULL;
}

static uint32_t find_slot(const struct devices *devices, uint64_t address)
{
	uint32_t at = devices->buckets[bucket_of(address)];

	while (at != NONE && devices->slots[at].device.address != address)
		at = devices->slots[at].next;
	return at;
}

static void remove_slot(struct devices *devices, uint32_t at)
{
	struct slot *slot = &devices->slots[at];
	uint32_t *link = &devices->buckets[bucket_of(slot->device.address)];

	while (*link != at)
		link = &devices->slots[*link].next;
	*link = slot->next;
	free(slot->device.sightings);
	free(slot->device.services);
	memset(&slot->device, 0, sizeof(slot->device));
	slot->next = devices->free_head;
	devices->free_head = at;
	devices->n--;
}

/* When it was last heard; a link counts as being heard for ever. */
static uint64_t last_heard_ms(const struct device *device)
{
	uint64_t latest_ms = 0;
	size_t i;

	for (i = 0; i < device->n_sightings; i++) {
		if (device->sightings[i].is_connected)
			return UINT64_MAX;
		if (device->sightings[i].heard_at_ms > latest_ms)
			latest_ms = device->sightings[i].heard_at_ms;
	}
	return latest_ms;
}

static void make_room(struct devices *devices)
{
	uint64_t worst_ms = UINT64_MAX;
	uint64_t heard_ms;
	uint32_t worst = NONE;
	uint32_t i;

	for (i = 0; i < CANDIDATES; i++) {
		devices->hand = (devices->hand + 1) % (uint32_t)devices->n_slots;
		heard_ms = last_heard_ms(&devices->slots[devices->hand].device);
		if (heard_ms >= worst_ms)
			continue;
		worst_ms = heard_ms;
		worst = devices->hand;
	}
	if (worst != NONE)
		remove_slot(devices, worst);
}

static int grow(struct devices *devices)
{
	size_t n = devices->n_slots + GROW_BY;
	struct slot *slots = realloc(devices->slots, n * sizeof(*slots));
	size_t i;

	if (!slots)
		return -ENOMEM;
	memset(slots + devices->n_slots, 0, GROW_BY * sizeof(*slots));
	for (i = n; i > devices->n_slots; i--) {
		slots[i - 1].next = devices->free_head;
		devices->free_head = (uint32_t)(i - 1);
	}
	devices->slots = slots;
	devices->n_slots = n;
	return 0;
}

static int add_slot(struct devices *devices, uint64_t address, uint32_t *out_at)
{
	uint32_t *bucket = &devices->buckets[bucket_of(address)];
	uint32_t at;
	int r;

	if (devices->free_head == NONE && devices->n_slots >= DEVICES_MAX)
		make_room(devices);
	if (devices->free_head == NONE) {
		r = devices->n_slots >= DEVICES_MAX ? -ENOMEM : grow(devices);
		if (r < 0)
			return r;
	}
	at = devices->free_head;
	devices->free_head = devices->slots[at].next;
	devices->slots[at].device.address = address;
	devices->slots[at].next = *bucket;
	*bucket = at;
	devices->n++;
	*out_at = at;
	return 0;
}

static struct sighting *find_sighting(const struct device *device, uint16_t adapter)
{
	size_t i;

	for (i = 0; i < device->n_sightings; i++)
		if (device->sightings[i].adapter == adapter)
			return &device->sightings[i];
	return NULL;
}

static struct sighting *need_sighting(struct device *device, uint16_t adapter)
{
	struct sighting *sighting = find_sighting(device, adapter);

	if (sighting || device->n_sightings >= SIGHTINGS_MAX)
		return sighting;
	sighting = realloc(device->sightings, (device->n_sightings + 1) * sizeof(*sighting));
	if (!sighting)
		return NULL;
	device->sightings = sighting;
	sighting += device->n_sightings++;
	*sighting = (struct sighting){ .adapter = adapter };
	return sighting;
}

static void drop_sighting(struct devices *devices, uint32_t at, uint16_t adapter)
{
	struct device *device = &devices->slots[at].device;
	struct sighting *sighting = find_sighting(device, adapter);

	if (!sighting)
		return;
	*sighting = device->sightings[--device->n_sightings];
	if (device->n_sightings == 0)
		remove_slot(devices, at);
}

static void hear(struct sighting *sighting, int32_t rssi_dbm, uint64_t now_ms)
{
	int value = rssi_dbm * 16;

	if (sighting->heard_at_ms == 0 || now_ms - sighting->heard_at_ms > DEVICES_FRESH_MS)
		sighting->rssi_16th_dbm = (int16_t)value;
	else
		sighting->rssi_16th_dbm = (int16_t)(sighting->rssi_16th_dbm +
						    (value - sighting->rssi_16th_dbm) / SMOOTHING);
	sighting->heard_at_ms = now_ms;
}

/* Cuts between characters, so that it stays UTF-8 if it was. Whether it is another one. */
static bool set_name(struct device *device, const char *name)
{
	size_t len = strnlen(name, DEVICES_NAME_LEN);

	if (len == DEVICES_NAME_LEN) {
		len--;
		while (len > 0 && ((uint8_t)name[len] & 0xc0) == 0x80)
			len--;
	}
	if (memcmp(device->name, name, len) == 0 && device->name[len] == '\0')
		return false;
	memcpy(device->name, name, len);
	device->name[len] = '\0';
	return true;
}

static bool set_services(struct device *device, const struct devices_report *report)
{
	size_t n = report->n_services < DEVICES_UUIDS_MAX ? report->n_services : DEVICES_UUIDS_MAX;
	struct uuid *services;

	if (n == 0 || (n == device->n_services &&
		       memcmp(device->services, report->services, n * sizeof(*services)) == 0))
		return false;
	services = realloc(device->services, n * sizeof(*services));
	if (!services)
		return false;
	memcpy(services, report->services, n * sizeof(*services));
	device->services = services;
	device->n_services = n;
	return true;
}

static int update(struct device *device, const struct devices_report *report, uint64_t now_ms)
{
	struct sighting *sighting = need_sighting(device, report->adapter);
	bool is_renamed = false;

	if (!sighting)
		return -ENOMEM;
	if (report->has_random)
		device->is_random = report->is_random;
	if (report->name)
		is_renamed = set_name(device, report->name);
	is_renamed |= set_services(device, report);
	if (report->has_connected)
		sighting->is_connected = report->is_connected;
	if (report->has_bonded)
		sighting->is_bonded = report->is_bonded;
	if (report->rssi_dbm != DEVICES_RSSI_NONE)
		hear(sighting, report->rssi_dbm, now_ms);
	return is_renamed ? DEVICES_RENAMED : 0;
}

int devices_report(struct devices *devices, const struct devices_report *report, uint64_t now_ms)
{
	uint32_t at;
	int r;

	if (report->address == 0 || report->address >> 48 != 0 || report->rssi_dbm < -128 ||
	    report->rssi_dbm > DEVICES_RSSI_NONE)
		return -EINVAL;
	at = find_slot(devices, report->address);
	if (report->is_gone) {
		if (at != NONE)
			drop_sighting(devices, at, report->adapter);
		return 0;
	}
	r = at == NONE ? add_slot(devices, report->address, &at) : 0;
	if (r < 0)
		return r;
	r = update(&devices->slots[at].device, report, now_ms);
	if (devices->slots[at].device.n_sightings == 0)
		remove_slot(devices, at);
	return r;
}

void devices_link(struct devices *devices, uint64_t address, uint16_t adapter, bool is_up)
{
	uint32_t at = find_slot(devices, address);
	struct sighting *sighting;

	sighting = at == NONE ? NULL : find_sighting(&devices->slots[at].device, adapter);
	if (sighting)
		sighting->is_connected = is_up;
}

void devices_drop_adapter(struct devices *devices, uint16_t adapter)
{
	uint32_t at;

	for (at = 0; at < devices->n_slots; at++)
		if (devices->slots[at].device.address != 0)
			drop_sighting(devices, at, adapter);
}

void devices_unhear(struct devices *devices)
{
	uint32_t at;
	size_t i;

	for (at = 0; at < devices->n_slots; at++)
		for (i = 0; i < devices->slots[at].device.n_sightings; i++)
			devices->slots[at].device.sightings[i].heard_at_ms = 0;
}

const struct device *devices_find(const struct devices *devices, uint64_t address)
{
	uint32_t at = find_slot(devices, address);

	return at == NONE ? NULL : &devices->slots[at].device;
}

const struct sighting *device_sighting(const struct device *device, uint16_t adapter)
{
	return device ? find_sighting(device, adapter) : NULL;
}

bool device_is_heard(const struct device *device, uint64_t now_ms)
{
	size_t i;

	for (i = 0; device && i < device->n_sightings; i++)
		if (device->sightings[i].heard_at_ms != 0 &&
		    now_ms - device->sightings[i].heard_at_ms < DEVICES_FRESH_MS)
			return true;
	return false;
}

int sighting_rssi_dbm(const struct sighting *sighting, uint64_t now_ms)
{
	if (sighting->heard_at_ms == 0 || now_ms - sighting->heard_at_ms > DEVICES_FRESH_MS)
		return DEVICES_RSSI_NONE;
	return (sighting->rssi_16th_dbm - 8) / 16;
}

size_t devices_count(const struct devices *devices)
{
	return devices->n;
}

const struct device *devices_next(const struct devices *devices, size_t *cursor)
{
	const struct device *device;

	while (*cursor < devices->n_slots) {
		device = &devices->slots[(*cursor)++].device;
		if (device->address != 0)
			return device;
	}
	return NULL;
}
