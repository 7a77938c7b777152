/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/topdata.h - what `bleherd top` shows: a sample of all there is, and what was done in each
 * second since the one before. Pure but for memory.
 */
#include "ipc/bleherd.h"
#include "ipc/client/cli/sessview.h"
#include "ipc/locktab.h"

enum { TOPDATA_EVENTS_MAX = 64, TOPDATA_ADAPTERS_MAX = 64, TOPDATA_TEXT_LEN = 160 };

struct topdata_rate {
	uint64_t requests; /* counters */
	uint64_t values;
	double requests_per_s;
	double values_per_s;
};

struct topdata_adapter {
	char name[16];
	char state[16];
	bool is_powered;
	bool is_discovering;
	uint32_t links, slots, attempts, sessions;
	enum bh_class trouble;
	struct topdata_rate rate;
};

struct topdata_device {
	uint64_t address;
	char name[64];
	char state[16];
	uint32_t state_for_ms; /* UINT32_MAX: nothing is known of it */
	char health[16];
	enum bh_strategy strategy;
	char adapter[16]; /* that has its link, or hears it best; "": none */
	int8_t rssi_dbm;
	uint32_t sessions;
	struct topdata_rate rate;
};

struct topdata_event {
	uint64_t seq, at_ms;
	char kind[32];
	char adapter[16];
	uint64_t address;
	enum bh_class error;
	char text[TOPDATA_TEXT_LEN];
};

struct topdata {
	uint64_t at_ms; /* CLOCK_MONOTONIC */
	struct bh_status status;
	size_t n_adapters;
	struct topdata_adapter adapters[TOPDATA_ADAPTERS_MAX];
	struct topdata_device *devices; /* by address */
	size_t n_devices, devices_size;
	struct sessview_kept **sessions;
	size_t n_sessions, sessions_size;
	struct locktab_copy locks;
	struct topdata_rate rate; /* of all */
	bool is_short;		  /* of memory: something is missing */
};

struct topdata *topdata_new(void);
struct topdata *topdata_free(struct topdata *data);

/* What answers say. */
void topdata_status(struct topdata *data, const struct bh_status *status);
void topdata_adapter(struct topdata *data, const struct bh_adapter *adapter);
void topdata_device(struct topdata *data, const struct bh_device *device);
void topdata_session(struct topdata *data, const struct bh_session_row *row);

/* All is there: sorts, counts, and compares with the sample before (NULL: there is none). */
void topdata_finish(struct topdata *data, const struct topdata *before);

void topdata_event(struct topdata_event *out, const struct bh_event *event);

/* Who has a lock of that adapter, and how many wait for one. */
struct topdata_lock {
	const char *by; /* "": nobody */
	size_t n_held;
	size_t n_waiting;
};
struct topdata_lock topdata_lock(const struct topdata *data, const char *adapter);
