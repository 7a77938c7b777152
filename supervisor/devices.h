/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/devices.h - who sees which peripheral, and how well: what the workers report, by
 * address. Bounded: when it is full, of a few candidates the one not heard for longest goes.
 *
 * Pure: time is passed in. Fed by worker_child.c and enumerate.c, read by finder.c and streams.c.
 */
#include "ipc/uuid.h"

enum {
	DEVICES_MAX = 8192,
	DEVICES_NAME_LEN = 64,
	DEVICES_UUIDS_MAX = 16,
	DEVICES_FRESH_MS = 30000,
	DEVICES_RSSI_NONE = 127,
};

struct sighting {
	uint16_t adapter;      /* index */
	int16_t rssi_16th_dbm; /* smoothed, in sixteenths of a dBm */
	bool is_connected;
	bool is_bonded;
	uint64_t heard_at_ms; /* 0: BlueZ knows it there, but it was not heard */
};

struct device {
	uint64_t address;
	bool is_random;
	char name[DEVICES_NAME_LEN]; /* UTF-8, cut */
	size_t n_sightings;
	struct sighting *sightings;
	size_t n_services;
	struct uuid *services; /* that it says to have, of all adapters' views the last */
};

/* What a worker says of a device. */
struct devices_report {
	uint64_t address;
	uint16_t adapter;
	bool has_random;
	bool is_random;
	const char *name; /* NULL: not said */
	int32_t rssi_dbm; /* DEVICES_RSSI_NONE: not heard */
	bool has_connected;
	bool is_connected;
	bool has_bonded;
	bool is_bonded;
	bool is_gone; /* BlueZ removed it there */
	const struct uuid *services;
	size_t n_services; /* 0: not said */
};

struct devices;

must_check int devices_new(struct devices **out);
struct devices *devices_free(struct devices *devices);

enum { DEVICES_RENAMED = 1 };

/*
 * Outcomes: 0; DEVICES_RENAMED: its name or services are others than before.
 * Errors: -EINVAL out of range, -ENOMEM.
 */
must_check int devices_report(struct devices *devices, const struct devices_report *report,
			      uint64_t now_ms);

/* The link of a device that is known there went up or down. */
void devices_link(struct devices *devices, uint64_t address, uint16_t adapter, bool is_up);

/* Forgets all that this adapter saw. */
void devices_drop_adapter(struct devices *devices, uint16_t adapter);

/* All that was heard is too long ago to mean anything; links stay as they are. */
void devices_unhear(struct devices *devices);

/* NULL if nobody knows it. Valid until the next change. */
const struct device *devices_find(const struct devices *devices, uint64_t address);
const struct sighting *device_sighting(const struct device *device, uint16_t adapter);

/* Whether any adapter did within DEVICES_FRESH_MS; not if it is NULL. */
bool device_is_heard(const struct device *device, uint64_t now_ms);

/* Whole dBm; DEVICES_RSSI_NONE if not heard within DEVICES_FRESH_MS. */
int sighting_rssi_dbm(const struct sighting *sighting, uint64_t now_ms);

size_t devices_count(const struct devices *devices);

/**
 * devices_next() - walk over all, also while they change: each that stays is met once
 * @cursor: 0 at first; moved on
 */
const struct device *devices_next(const struct devices *devices, size_t *cursor);
