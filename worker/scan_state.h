/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* worker/scan_state.h - what scan.c (discovery) and scan_users.c (whoever wants it) share. */
#include "worker/scan.h"

enum { SCAN_EVENTS_MAX = 16 };

struct scan_client;
struct scan_find;

struct scan {
	struct worker *w;
	enum scan_state state;
	enum scan_event events[SCAN_EVENTS_MAX];
	size_t n_events;
	bool is_stepping;
	TAILQ_HEAD(, scan_want) wants;
	unsigned n_pauses;
	uint32_t rest_ms;
	uint64_t renewed_at_ms;
	struct lock lock;
	uint64_t granted_at_ms;
	struct deadline turn; /* others wait: until then it is ours */
	struct bus_call *call;
	struct deadline retry;
	struct op_mark op;
	/* scan_users.c's */
	TAILQ_HEAD(, scan_client) clients;
	TAILQ_HEAD(, scan_find) finds;
	size_t n_finds;
};

void scan_users_free(struct scan *scan);
