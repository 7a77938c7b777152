/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/deviceview.h - all that is known of a device: collected from answers, shown as a page or as
 * an object. Pure; the texts are cleaned when they are shown.
 */
#include "ipc/bleherd.h"

#include <jansson.h>
#include <stdio.h>

#include "ipc/base.h"
#include "ipc/client/cli/sessview.h"

enum {
	DEVICEVIEW_ADAPTERS_MAX = 64,
	DEVICEVIEW_STEPS_MAX = 64,
	DEVICEVIEW_TIMINGS_MAX = 8,
	DEVICEVIEW_SESSIONS_MAX = 64,
	DEVICEVIEW_TEXT_LEN = 96,
};

struct deviceview {
	uint64_t address;
	bool is_random;
	char name[DEVICEVIEW_TEXT_LEN];
	enum bh_strategy strategy;
	char keeper[32];
	char health[16];
	char state[16];
	uint32_t state_for_ms; /* UINT32_MAX: nothing is known of it */
	uint32_t check_interval_ms;
	uint32_t circuit_failures;
	uint64_t requests;
	uint64_t values;
	size_t n_adapters;
	struct deviceview_adapter {
		char name[16];
		int8_t rssi_dbm;
		uint32_t age_ms;
		bool is_connected;
	} adapters[DEVICEVIEW_ADAPTERS_MAX];
	bool has_counts;
	char link_adapter[16];
	struct bh_device_counts counts; /* without its adapter */
	size_t n_steps;
	struct deviceview_step {
		uint64_t at_ms;
		char state[16];
		char adapter[16];
		enum bh_class error;
		char text[DEVICEVIEW_TEXT_LEN];
	} steps[DEVICEVIEW_STEPS_MAX];
	size_t n_timings;
	struct deviceview_timing {
		char part[16];
		struct bh_distribution took; /* without its part */
	} timings[DEVICEVIEW_TIMINGS_MAX];
	size_t n_sessions;
	struct sessview_kept sessions[DEVICEVIEW_SESSIONS_MAX];
	size_t n_left_out; /* sessions */
};

/* What answers say; of lists that are too long the rest is left out. */
void deviceview_device(struct deviceview *view, const struct bh_device *device);
void deviceview_counts(struct deviceview *view, const struct bh_device_counts *counts);
void deviceview_step(struct deviceview *view, const struct bh_transition *transition);
void deviceview_timing(struct deviceview *view, const struct bh_distribution *timing);
void deviceview_session(struct deviceview *view, const struct bh_session_row *row);

struct deviceview_style {
	const char *bold;
	const char *red;
	const char *plain;
	size_t columns;
	size_t lines; /* of the history; 0: all */
};

/* Errors: -ENOMEM. */
must_check int deviceview_show(const struct deviceview *view, FILE *stream,
			       const struct deviceview_style *style);
json_t *deviceview_json(const struct deviceview *view);
