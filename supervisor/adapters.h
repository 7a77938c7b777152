/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/adapters.h - the registry: which adapters there are, and the worker of each. An
 * adapter that is unplugged stays here until its worker is dead; if its index comes back meanwhile
 * it is the same record with a new identity.
 */
#include "ipc/bucket.h"
#include "ipc/class.h"
#include "supervisor/child.h"
#include "supervisor/ctx.h"
#include "supervisor/power_up.h"
#include "supervisor/slots.h"
#include "supervisor/strays.h"

enum {
	ADAPTERS_MAX = 64,
	ADAPTERS_NOBODY = 0xffff, /* no index */
	ADAPTER_NAME_LEN = 16,
	ADAPTER_TEXT_LEN = 96,
};

struct bus_feed;

struct adapter {
	struct sup *sup;
	uint16_t index;
	char name[ADAPTER_NAME_LEN];
	uint64_t address;
	bool is_present;
	bool has_power; /* as MGMT says; what its worker says is below */
	bool has_no_le; /* the same: it is on without Low Energy */
	struct child *child;
	struct bus_feed *feed;
	uint64_t heard_at_ms; /* an advert, there; 0: never */
	struct slots slots;
	struct power_up power_up;
	struct strays strays;
	uint32_t lock_peer; /* lockd's number for its worker, 0: none */
	struct bucket said; /* events of its workers that are lines of the log */
	uint64_t unsaid;    /* those that were too many */
	struct {
		bool has_bluez;
		bool is_powered;
		bool is_discovering;
		uint32_t links;	   /* of all programs */
		uint32_t attempts; /* to connect, in progress */
		enum err_class trouble;
		char text[ADAPTER_TEXT_LEN];
	} state; /* as its worker last said */
};

struct adapters {
	size_t n;
	struct adapter *list[ADAPTERS_MAX]; /* by index */
};

must_check int adapters_new(struct adapters **out);
struct adapters *adapters_free(struct adapters *adapters);

struct adapter *adapters_find(const struct adapters *adapters, uint16_t index);
struct adapter *adapters_find_name(const struct adapters *adapters, const char *name);

/**
 * adapters_plug() - an adapter is there: makes its record and starts its worker
 * Errors: -ENOMEM, -ENOSPC there are too many.
 */
must_check int adapters_plug(struct sup *sup, uint16_t index, uint64_t address, uint32_t settings);
/* @settings: MGMT_SETTING_*, current. */
void adapters_note_settings(struct adapter *adapter, uint32_t settings);
void adapters_unplug(struct sup *sup, struct adapter *adapter);

/* Frees the records of adapters that are gone and whose worker is, too. */
void adapters_sweep(struct sup *sup);

/* Whether sessions can be opened there: worker ready, BlueZ there, power on. */
bool adapter_is_suitable(const struct adapter *adapter);

/* Why not: the class, and one line. CLASS_NONE if it is. */
enum err_class adapter_trouble(const struct adapter *adapter, const char **out_text);

/* Links that fit there, as configured and as its refusals taught; 0: not known. */
uint32_t adapter_slots(const struct adapter *adapter);

size_t adapters_present(const struct adapters *adapters);
