/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* worker/scan_state.h - what scan.c (discovery), scan_pause.c (connects beside it), scan_watch.c
 * (what it tells of the adapter) and scan_users.c (whoever wants it) share. */
#include "worker/passive.h"
#include "worker/scan.h"
#include "worker/scan_air.h"
#include "worker/scan_policy.h"
#include "worker/scan_ready.h"
#include "worker/silence.h"

enum { SCAN_EVENTS_MAX = 16 };

/* A slice of air that is owed to discovery (scan_air.h). */
enum scan_slice {
	SLICE_NONE,
	SLICE_HELD, /* connects that begin wait; those under way end first */
	SLICE_RUNS,
};

struct scan_client;
struct scan_find;

struct scan {
	struct worker *w;
	enum scan_state state;
	enum scan_event events[SCAN_EVENTS_MAX];
	size_t n_events;
	bool is_stepping;
	TAILQ_HEAD(, scan_want) wants;
	uint32_t rest_ms;
	struct lock lock;
	uint64_t granted_at_ms;
	bool is_lock_wanted;  /* others wait for it, as lockd said */
	struct deadline turn; /* until then it is ours; then: do others wait? */
	struct bus_call *call;
	struct deadline retry;
	struct op_mark op;
	bool has_session; /* of this sender, BlueZ may have one */
	bool had_session; /* before the start that is under way */
	uint64_t asked_at_ms;
	struct passive passive;
	/* scan_pause.c's */
	TAILQ_HEAD(, scan_pause) pauses;
	struct scan_air air;
	struct scan_policy policy;
	enum scan_slice slice;
	bool is_slice_timed; /* it runs: slice_limit is its end */
	struct deadline slice_limit;
	/* scan_watch.c's */
	enum scan_ready told;
	uint64_t told_at_ms;
	uint64_t renewed_at_ms;
	struct deadline settle;
	struct silence silence;
	struct deadline silent;
	struct deadline again; /* on: when it is started once more */
	uint32_t again_ms;     /* ... so long after it was on */
	bool is_again;	       /* off for nothing but that */
	/* scan_users.c's */
	TAILQ_HEAD(, scan_client) clients;
	TAILQ_HEAD(, scan_find) finds;
	size_t n_finds;
};

void scan_event(struct scan *scan, enum scan_event event);
void scan_users_free(struct scan *scan);

/* --- scan_pause.c --- */

/* Whether discovery has to be off now for those who connect. */
bool scan_pause_is_wanted(const struct scan *scan);
void scan_pause_stepped(struct scan *scan);
void scan_pause_connected(struct scan *scan, uint64_t addr);
void scan_pause_on_slice(struct deadline *deadline);

/* --- scan_watch.c --- */

/* The answers; the former returns whether discovery runs now. */
bool scan_watch_started(struct scan *scan, const struct bus_result *result);
void scan_watch_stopped(struct scan *scan, const struct bus_result *result);
void scan_watch_stepped(struct scan *scan);
void scan_watch_tell(struct scan *scan, const char *kind, enum err_class class, const char *text);
/* An advert: a sign of life if there is anything in it. */
void scan_watch_heard(struct scan *scan, const struct device *device);
void scan_watch_on_settle(struct deadline *deadline);
void scan_watch_on_silent(struct deadline *deadline);
void scan_watch_on_again(struct deadline *deadline);
/* Somebody begins to look for a device. */
void scan_watch_sought(struct scan *scan);
