/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/scan_state.h"
#include "worker/sight.h"

#include <stdio.h>

/*
 * START_MS: a lost StartDiscovery is never answered, a hung controller's after 2.1 s.
 * LOCK_MS: another round then; somebody else scans.
 * TURN_MS: as long a discovery is of use. Peripherals that advertise every second or two are heard
 * in it; two scanners that took turns faster would start and stop and hear little.
 * ASK_MS: lockd tells of others who wait when it renews, and the lease is longer than a turn. As
 * long as they wait beyond it.
 */
enum {
	START_MS = 4000,
	STOP_MS = 3000,
	LOCK_MS = 30000,
	TURN_MS = 5000,
	ASK_MS = 1000,
	REST_FIRST_MS = 250,
	REST_MAX_MS = 5000,
};

static const char ADAPTER[] = "org.bluez.Adapter1";

/* --- calls --- */

static void on_started(void *ctx, const struct bus_result *result)
{
	struct scan *scan = ctx;

	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	if (scan_watch_started(scan, result)) {
		scan->rest_ms = REST_FIRST_MS;
		scan_event(scan, SCAN_EV_STARTED);
		return;
	}
	log_info("event=discovery-failed class=%s text=\"%s\"", class_name(result->class),
		 result->text);
	scan_event(scan, SCAN_EV_FAILED);
}

static void on_stopped(void *ctx, const struct bus_result *result)
{
	struct scan *scan = ctx;

	scan->call = NULL;
	scan_watch_stopped(scan, result);
	if (!result->reply)
		log_debug("event=discovery-stop-failed text=\"%s\"", result->text);
	scan_event(scan, SCAN_EV_STOPPED);
}

static void on_filter(void *ctx, const struct bus_result *result)
{
	(void)ctx;
	if (!result->reply)
		log_info("event=discovery-filter-failed text=\"%s\"", result->text);
}

/* With a filter set BlueZ reports every change of RSSI; duplicates of the same data are noise. */
static int set_filter(struct scan *scan)
{
	sd_bus_message *m = NULL;
	int r = bus_message(scan->w->bus, &m, scan->w->adapter_path, ADAPTER, "SetDiscoveryFilter");

	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 2, "Transport", "s", "le", "DuplicateData", "b", 0);
	if (r >= 0)
		r = bus_call(scan->w->bus, m, ERRORS_CALL_DISCOVERY, START_MS, on_filter, scan,
			     NULL);
	sd_bus_message_unref(m);
	return r;
}

static int call_adapter(struct scan *scan, const char *member, uint32_t timeout_ms, bus_done done)
{
	scan->asked_at_ms = clock_now_ms();
	return worker_call(scan->w, scan->w->adapter_path, ADAPTER, member, ERRORS_CALL_DISCOVERY,
			   timeout_ms, done, scan, &scan->call);
}

/* --- actions --- */

/* The grant under which to discover: as before, while anybody wants that. */
static uint64_t wanted_under(const struct scan *scan)
{
	const struct scan_want *want;
	uint64_t under = 0;

	TAILQ_FOREACH(want, &scan->wants, entry)
	{
		if (want->under == scan->lock.under && want->under != 0)
			return want->under;
		if (under == 0)
			under = want->under;
	}
	return under;
}

static void act_lock(struct scan *scan)
{
	lockc_drop(scan->w->lockc, &scan->lock);
	/* Who only listens is in nobody's way. */
	if (passive_is_chosen(scan)) {
		scan_event(scan, SCAN_EV_GRANTED);
		return;
	}
	scan->lock.under = wanted_under(scan);
	lockc_acquire(scan->w->lockc, &scan->lock, LOCK_MS);
}

static void act_start(struct scan *scan)
{
	const char *text;

	if (worker_trouble(scan->w, &text) != CLASS_NONE) {
		scan_event(scan, SCAN_EV_FAILED);
		return;
	}
	worker_op_begin(scan->w, &scan->op, WPAGE_OP_DISCOVERY, START_MS + STOP_MS);
	if (passive_is_chosen(scan)) {
		if (passive_start(scan) < 0) {
			worker_op_end(scan->w, &scan->op);
			scan_event(scan, SCAN_EV_FAILED);
		}
		return;
	}
	/*
	 * In one go, BlueZ takes them in order; each time, since a filter may go with the session
	 * that StopDiscovery ended, and discovery without one would inquire for BR/EDR too.
	 */
	scan->had_session = scan->has_session;
	scan->has_session = true;
	if (set_filter(scan) >= 0 &&
	    call_adapter(scan, "StartDiscovery", START_MS, on_started) >= 0)
		return;
	scan->has_session = scan->had_session;
	worker_op_end(scan->w, &scan->op);
	scan_event(scan, SCAN_EV_FAILED);
}

static void act_stop(struct scan *scan)
{
	if (scan->call)
		bus_abandon(scan->call);
	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	/* BlueZ takes the RSSI back when it stops: who was heard is to be told before. */
	sight_flush(scan->w->sight);
	if ((scan->passive.is_running
		     ? passive_stop(scan)
		     : call_adapter(scan, "StopDiscovery", STOP_MS, on_stopped)) < 0)
		scan_event(scan, SCAN_EV_STOPPED);
}

static void act_unlock(struct scan *scan)
{
	if (scan->call)
		bus_abandon(scan->call);
	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	deadline_clear(scan->w->deadlines, &scan->retry);
	deadline_clear(scan->w->deadlines, &scan->turn);
	lockc_drop(scan->w->lockc, &scan->lock);
}

static void act_rest(struct scan *scan)
{
	act_unlock(scan);
	deadline_set(scan->w->deadlines, &scan->retry, clock_now_ms() + scan->rest_ms);
	scan->rest_ms = 2 * scan->rest_ms > REST_MAX_MS ? REST_MAX_MS : 2 * scan->rest_ms;
}

static void (*const ACTS[])(struct scan *scan) = {
	[SCAN_ACT_NONE] = NULL,	      [SCAN_ACT_LOCK] = act_lock, [SCAN_ACT_UNLOCK] = act_unlock,
	[SCAN_ACT_START] = act_start, [SCAN_ACT_STOP] = act_stop, [SCAN_ACT_REST] = act_rest,
};

/* --- the machine --- */

/* What was wanted before the state was there that can give it. */
static void catch_up(struct scan *scan)
{
	enum scan_event event = SCAN_EVENT_COUNT;

	if (scan->state == SCAN_IDLE)
		event = TAILQ_EMPTY(&scan->wants) ? event : SCAN_EV_WANT;
	else if (TAILQ_EMPTY(&scan->wants))
		event = SCAN_EV_UNWANT;
	else if (scan->state == SCAN_ON && scan_pause_is_wanted(scan))
		event = SCAN_EV_PAUSE;
	else if (scan->state == SCAN_PAUSED && !scan_pause_is_wanted(scan))
		event = SCAN_EV_RESUME;
	if (event != SCAN_EVENT_COUNT && scan->n_events < SCAN_EVENTS_MAX)
		scan->events[scan->n_events++] = event;
}

static void step(struct scan *scan, enum scan_event event)
{
	const struct scan_step next = scan_table_step(scan->state, event);

	if (next.next == scan->state && next.act == SCAN_ACT_NONE)
		return;
	if (next.next != scan->state) {
		log_debug("event=scan from=%s to=%s", scan_table_name(scan->state),
			  scan_table_name(next.next));
		wpage_crumb(scan->w->page, clock_now_ms(), "discovery %s > %s",
			    scan_table_name(scan->state), scan_table_name(next.next));
	}
	scan->state = next.next;
	if (ACTS[next.act])
		ACTS[next.act](scan);
	scan_watch_stepped(scan);
	scan_pause_stepped(scan);
	catch_up(scan);
}

/* Actions cause events: they queue, so that one is finished before the next begins. */
void scan_event(struct scan *scan, enum scan_event event)
{
	size_t i;

	assert(scan->n_events < SCAN_EVENTS_MAX);
	scan->events[scan->n_events++] = event;
	if (scan->is_stepping)
		return;
	scan->is_stepping = true;
	for (i = 0; i < scan->n_events; i++)
		step(scan, scan->events[i]);
	scan->n_events = 0;
	scan->is_stepping = false;
}

static void on_retry(struct deadline *deadline)
{
	scan_event(container_of(deadline, struct scan, retry), SCAN_EV_RETRY);
}

/* Its turn is over for whoever waits. */
static void on_turn(struct deadline *deadline)
{
	struct scan *scan = container_of(deadline, struct scan, turn);

	if (scan->is_lock_wanted) {
		scan_event(scan, SCAN_EV_YIELD);
		return;
	}
	lockc_ask(scan->w->lockc, &scan->lock);
	deadline_set(scan->w->deadlines, &scan->turn, clock_now_ms() + ASK_MS);
}

/* A grant is over: whoever wanted discovery under it gives up, or goes on without. */
static void fence(struct scan *scan, uint64_t under)
{
	struct scan_want *want = TAILQ_FIRST(&scan->wants);

	while (under != 0 && want) {
		if (want->under != under) {
			want = TAILQ_NEXT(want, entry);
			continue;
		}
		want->under = 0;
		if (want->fenced)
			want->fenced(want, under);
		/* That may have ended any of them. */
		want = TAILQ_FIRST(&scan->wants);
	}
}

static void on_lock(struct lock *lock, enum lock_outcome outcome)
{
	struct scan *scan = container_of(lock, struct scan, lock);

	switch (outcome) {
	case LOCK_GRANTED:
		scan->granted_at_ms = clock_now_ms();
		scan->is_lock_wanted = false;
		deadline_set(scan->w->deadlines, &scan->turn, scan->granted_at_ms + TURN_MS);
		scan_event(scan, SCAN_EV_GRANTED);
		break;
	case LOCK_WANTED:
		scan->is_lock_wanted = true;
		deadline_set(scan->w->deadlines, &scan->turn, scan->granted_at_ms + TURN_MS);
		break;
	case LOCK_REVOKED:
		fence(scan, lockc_over(lock));
		if (lock->state == LOCK_HELD)
			scan_event(scan, SCAN_EV_YIELD);
		break;
	case LOCK_FENCED:
		fence(scan, lockc_over(lock));
		if (scan->state == SCAN_LOCKING)
			scan_event(scan, SCAN_EV_YIELD);
		break;
	case LOCK_TIMED_OUT:
	case LOCK_REFUSED:
		scan_event(scan, SCAN_EV_REFUSED);
		break;
	case LOCK_LOST:
		fence(scan, lockc_over(lock));
		scan_event(scan, SCAN_EV_REFUSED);
		break;
	}
}

/* --- for others --- */

/* Waiting with the wrong grant, or none, it asks again; held under one that is not wanted: back. */
static void check_under(struct scan *scan)
{
	uint64_t under = wanted_under(scan);
	bool is_wrong = scan->lock.state == LOCK_WAITING && scan->lock.under != under;
	bool is_moot =
		scan->lock.state == LOCK_HELD && scan->lock.under != 0 && scan->lock.under != under;

	if (!TAILQ_EMPTY(&scan->wants) && (is_wrong || is_moot))
		scan_event(scan, SCAN_EV_YIELD);
}

void scan_want(struct scan *scan, struct scan_want *want)
{
	assert(!want->is_on);
	want->is_on = true;
	TAILQ_INSERT_TAIL(&scan->wants, want, entry);
	scan_event(scan, SCAN_EV_WANT);
	check_under(scan);
	if (want->is_search)
		scan_watch_sought(scan);
}

void scan_unwant(struct scan *scan, struct scan_want *want)
{
	assert(want->is_on);
	want->is_on = false;
	TAILQ_REMOVE(&scan->wants, want, entry);
	if (TAILQ_EMPTY(&scan->wants))
		scan_event(scan, SCAN_EV_UNWANT);
	else
		check_under(scan);
}

void scan_want_under(struct scan *scan, struct scan_want *want, uint64_t under)
{
	assert(want->is_on);
	want->under = under;
	check_under(scan);
}

void scan_bus(struct scan *scan, sd_bus *conn)
{
	passive_attach(scan, conn);
}

void scan_set_passive(struct scan *scan, bool is_passive)
{
	if (scan->passive.is_configured == is_passive)
		return;
	scan->passive.is_configured = is_passive;
	scan->passive.is_given_up = false;
	/* What runs is stopped; one of the two needs the lock: from the beginning. */
	scan_event(scan, SCAN_EV_YIELD);
}

void scan_gone(struct scan *scan)
{
	passive_gone(scan);
	scan->rest_ms = REST_FIRST_MS;
	scan->has_session = false;
	scan_event(scan, SCAN_EV_GONE);
}

void scan_adapter(struct scan *scan)
{
	if (scan->told == SCAN_READY_SHARED && !mirror_is_discovering(scan->w->mirror))
		scan->told = SCAN_READY;
	/* Our session went with it, and a start that was under way may not be answered. */
	if (!mirror_is_powered(scan->w->mirror))
		scan_gone(scan);
	if (scan->state == SCAN_ON && !scan->passive.is_running &&
	    !mirror_is_discovering(scan->w->mirror)) {
		scan->has_session = false;
		scan_event(scan, SCAN_EV_LOST);
	}
	/* Power came: do not wait for the next round. */
	if (scan->state == SCAN_RESTING && mirror_is_powered(scan->w->mirror))
		scan_event(scan, SCAN_EV_RETRY);
}

int scan_new(struct scan **out, struct worker *w)
{
	struct scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return -ENOMEM;
	scan->w = w;
	scan->rest_ms = REST_FIRST_MS;
	scan->passive.is_configured = w->is_passive;
	scan->retry.fire = on_retry;
	scan->turn.fire = on_turn;
	scan->slice_limit.fire = scan_pause_on_slice;
	scan->settle.fire = scan_watch_on_settle;
	scan->silent.fire = scan_watch_on_silent;
	scan->again.fire = scan_watch_on_again;
	scan->air.owed_ms = SCAN_AIR_OWED_MS / w->pace;
	scan_policy_init(&scan->policy);
	silence_init(&scan->silence, SILENCE_FIRST_MS / w->pace);
	TAILQ_INIT(&scan->wants);
	TAILQ_INIT(&scan->pauses);
	TAILQ_INIT(&scan->clients);
	TAILQ_INIT(&scan->finds);
	(void)snprintf(scan->lock.resources[0], LOCK_NAME_LEN, "scan:%s", w->adapter);
	scan->lock.n_resources = 1;
	scan->lock.class = BH__LOCK__CLASS__CLASS_SCAN;
	scan->lock.local_kind = "scan";
	scan->lock.told = on_lock;
	*out = scan;
	return 0;
}

struct scan *scan_free(struct scan *scan)
{
	if (!scan)
		return NULL;
	scan_users_free(scan);
	passive_attach(scan, NULL);
	act_unlock(scan);
	deadline_clear(scan->w->deadlines, &scan->slice_limit);
	deadline_clear(scan->w->deadlines, &scan->settle);
	deadline_clear(scan->w->deadlines, &scan->silent);
	deadline_clear(scan->w->deadlines, &scan->again);
	free(scan);
	return NULL;
}
