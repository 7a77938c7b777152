/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/scan.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/link.h"
#include "worker/sight.h"

#include <stdio.h>

/*
 * START_MS: a lost StartDiscovery is never answered, a hung controller's after 2.1 s.
 * LOCK_MS: another round then; somebody else scans.
 */
enum {
	START_MS = 4000,
	STOP_MS = 3000,
	LOCK_MS = 30000,
	REST_FIRST_MS = 250,
	REST_MAX_MS = 5000,
	EVENTS_MAX = 16,
	RENEW_MS = 30000,
	FINDS_MAX = 256,
	QUEUED_MAX = 192, /* frames to a program that has just begun; the channel takes 256 */
};

static const char ADAPTER[] = "org.bluez.Adapter1";

struct scan {
	struct worker *w;
	enum scan_state state;
	enum scan_event events[EVENTS_MAX];
	size_t n_events;
	bool is_stepping;
	unsigned n_wants;
	unsigned n_pauses;
	uint32_t rest_ms;
	uint64_t renewed_at_ms;
	struct lock lock;
	struct bus_call *call;
	struct deadline retry;
	struct op_mark op;
	TAILQ_HEAD(, scan_client) clients;
	uint64_t finds[FINDS_MAX];
	size_t n_finds;
};

struct scan_client {
	TAILQ_ENTRY(scan_client) entry;
	struct request *request;
};

static void scan_event(struct scan *scan, enum scan_event event);

/* --- calls --- */

/*
 * A session of ours whose start was lost answers InProgress to all we ask, and ends only when its
 * sender leaves the bus (reference/lab-facts.md). Not more often than RENEW_MS: a controller that
 * hangs looks the same, and a new connection does not cure that.
 */
static void leave_the_bus(struct scan *scan)
{
	uint64_t now_ms = clock_now_ms();

	if (scan->renewed_at_ms != 0 && now_ms - scan->renewed_at_ms < RENEW_MS)
		return;
	scan->renewed_at_ms = now_ms;
	log_info("event=discovery-lost text=\"changing the bus connection\"");
	bus_renew(scan->w->bus);
}

static void on_started(void *ctx, const struct bus_result *result)
{
	struct scan *scan = ctx;

	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	if (result->reply) {
		scan->rest_ms = REST_FIRST_MS;
		scan_event(scan, SCAN_EV_STARTED);
		return;
	}
	/* Our own session, whose answer was lost, is why: adverts flow all the same. */
	if (result->is_busy && mirror_is_discovering(scan->w->mirror)) {
		scan_event(scan, SCAN_EV_STARTED);
		return;
	}
	if (result->is_busy)
		leave_the_bus(scan);
	log_info("event=discovery-failed class=%s text=\"%s\"", class_name(result->class),
		 result->text);
	scan_event(scan, SCAN_EV_FAILED);
}

static void on_stopped(void *ctx, const struct bus_result *result)
{
	struct scan *scan = ctx;

	scan->call = NULL;
	if (result->is_busy)
		leave_the_bus(scan);
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
		r = bus_call(scan->w->bus, m, BLUEZ_CALL_DISCOVERY, START_MS, on_filter, scan,
			     NULL);
	sd_bus_message_unref(m);
	return r;
}

static int call_adapter(struct scan *scan, const char *member, uint32_t timeout_ms, bus_done done)
{
	return worker_call(scan->w, scan->w->adapter_path, ADAPTER, member, BLUEZ_CALL_DISCOVERY,
			   timeout_ms, done, scan, &scan->call);
}

/* --- actions --- */

static void act_lock(struct scan *scan)
{
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
	/*
	 * In one go, BlueZ takes them in order; each time, since a filter may go with the session
	 * that StopDiscovery ended, and discovery without one would inquire for BR/EDR too.
	 */
	if (set_filter(scan) >= 0 &&
	    call_adapter(scan, "StartDiscovery", START_MS, on_started) >= 0)
		return;
	worker_op_end(scan->w, &scan->op);
	scan_event(scan, SCAN_EV_FAILED);
}

static void act_stop(struct scan *scan)
{
	if (scan->call)
		bus_abandon(scan->call);
	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	if (call_adapter(scan, "StopDiscovery", STOP_MS, on_stopped) < 0)
		scan_event(scan, SCAN_EV_STOPPED);
}

static void act_unlock(struct scan *scan)
{
	if (scan->call)
		bus_abandon(scan->call);
	scan->call = NULL;
	worker_op_end(scan->w, &scan->op);
	deadline_clear(scan->w->deadlines, &scan->retry);
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
		event = scan->n_wants > 0 ? SCAN_EV_WANT : event;
	else if (scan->n_wants == 0)
		event = SCAN_EV_UNWANT;
	else if (scan->state == SCAN_ON && scan->n_pauses > 0)
		event = SCAN_EV_PAUSE;
	else if (scan->state == SCAN_PAUSED && scan->n_pauses == 0)
		event = SCAN_EV_RESUME;
	if (event != SCAN_EVENT_COUNT && scan->n_events < EVENTS_MAX)
		scan->events[scan->n_events++] = event;
}

static void step(struct scan *scan, enum scan_event event)
{
	const struct scan_step next = scan_table_step(scan->state, event);
	bool was_quiet = scan_table_is_quiet(scan->state);

	if (next.next != scan->state)
		log_debug("event=scan from=%s to=%s", scan_table_name(scan->state),
			  scan_table_name(next.next));
	else if (next.act == SCAN_ACT_NONE)
		return;
	scan->state = next.next;
	if (ACTS[next.act])
		ACTS[next.act](scan);
	catch_up(scan);
	if (!was_quiet && scan_table_is_quiet(scan->state) && scan->n_pauses > 0)
		links_quiet(scan->w->links);
}

/* Actions cause events: they queue, so that one is finished before the next begins. */
static void scan_event(struct scan *scan, enum scan_event event)
{
	size_t i;

	assert(scan->n_events < EVENTS_MAX);
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

static void on_lock(struct lock *lock, enum lock_outcome outcome)
{
	struct scan *scan = container_of(lock, struct scan, lock);

	scan_event(scan, outcome == LOCK_GRANTED ? SCAN_EV_GRANTED : SCAN_EV_REFUSED);
}

/* --- for others --- */

void scan_want(struct scan *scan)
{
	scan->n_wants++;
	scan_event(scan, SCAN_EV_WANT);
}

void scan_unwant(struct scan *scan)
{
	assert(scan->n_wants > 0);
	scan->n_wants--;
	if (scan->n_wants == 0)
		scan_event(scan, SCAN_EV_UNWANT);
}

bool scan_pause(struct scan *scan)
{
	scan->n_pauses++;
	if (scan_table_is_quiet(scan->state))
		return true;
	scan_event(scan, SCAN_EV_PAUSE);
	return false;
}

void scan_resume(struct scan *scan)
{
	assert(scan->n_pauses > 0);
	scan->n_pauses--;
	if (scan->n_pauses == 0)
		scan_event(scan, SCAN_EV_RESUME);
}

void scan_adapter(struct scan *scan)
{
	if (scan->state == SCAN_ON && !mirror_is_discovering(scan->w->mirror))
		scan_event(scan, SCAN_EV_LOST);
	/* Power came: do not wait for the next round. */
	if (scan->state == SCAN_RESTING && mirror_is_powered(scan->w->mirror))
		scan_event(scan, SCAN_EV_RETRY);
}

void scan_gone(struct scan *scan)
{
	scan->rest_ms = REST_FIRST_MS;
	scan_event(scan, SCAN_EV_GONE);
}

/* --- programs that scan --- */

void scan_remove(struct scan *scan, struct request *request)
{
	struct scan_client *client;

	TAILQ_FOREACH(client, &scan->clients, entry)
	if (client->request == request)
		break;
	if (!client)
		return;
	TAILQ_REMOVE(&scan->clients, client, entry);
	free(client);
	scan_unwant(scan);
}

/* @only: to this client; NULL: to all. */
static void tell_advert(struct scan *scan, const struct device *device,
			const struct scan_client *only)
{
	ProtobufCBinaryData uuids[DEVICE_UUIDS_MAX];
	Bh__Advert msg = BH__ADVERT__INIT;
	struct scan_client *client;
	size_t i;

	if (TAILQ_EMPTY(&scan->clients))
		return;
	for (i = 0; i < device->n_uuids; i++) {
		uuids[i].data = device->uuids[i].octets;
		uuids[i].len = sizeof(device->uuids[i].octets);
	}
	msg.has_address = msg.has_random = 1;
	msg.address = device->addr;
	msg.random = device->is_random;
	msg.name = (char *)(uintptr_t)device->name;
	msg.has_rssi_dbm = device->has_rssi;
	msg.rssi_dbm = device->rssi_dbm;
	msg.uuids = uuids;
	msg.n_uuids = device->n_uuids;
	msg.has_company = msg.has_manufacturer_data = device->has_company;
	msg.company = device->company;
	msg.manufacturer_data.data = device->manufacturer;
	msg.manufacturer_data.len = device->manufacturer_len;
	msg.adapter = scan->w->adapter;
	TAILQ_FOREACH(client, &scan->clients, entry)
	{
		const struct seat *seat = client->request->seat;

		if (only && client != only)
			continue;
		/* A program that does not read misses adverts; there will be others. */
		if (port_queued(seat->port) <= (only ? QUEUED_MAX : 0) &&
		    scan_passes(client->request, device))
			port_send(seat->port, BH__TYPE__ADVERT, client->request->id, seat->epoch,
				  &msg.base);
	}
}

void scan_advert(struct scan *scan, const struct device *device)
{
	tell_advert(scan, device, NULL);
}

static void tell_known(void *ctx, struct device *device)
{
	struct scan_client *client = ctx;

	if (device->has_rssi)
		tell_advert(client->request->seat->w->scan, device, client);
}

void scan_add(struct scan *scan, struct request *request)
{
	struct scan_client *client = calloc(1, sizeof(*client));

	if (!client) {
		request_fail(request, CLASS_INTERNAL, "out of memory");
		return;
	}
	client->request = request;
	request->state = REQUEST_HELD;
	TAILQ_INSERT_TAIL(&scan->clients, client, entry);
	scan_want(scan);
	/*
	 * Of a discovery that runs already one hears each device once in ten seconds: a program
	 * that comes later gets what was heard so far. BlueZ takes the RSSI away at its end.
	 */
	mirror_each(scan->w->mirror, tell_known, client);
}

/* --- the supervisor's searches --- */

static void found(struct scan *scan, uint64_t addr)
{
	Bh__Ctl__Find msg = BH__CTL__FIND__INIT;

	sight_flush(scan->w->sight);
	msg.has_address = 1;
	msg.address = addr;
	port_send(scan->w->up, BH__CTL__TYPE__FIND_DONE, 0, 0, &msg.base);
}

void scan_find(struct scan *scan, uint64_t addr)
{
	const struct device *device = mirror_device(scan->w->mirror, addr);
	size_t i;

	if (device && (device->has_rssi || device->is_connected)) {
		found(scan, addr);
		return;
	}
	for (i = 0; i < scan->n_finds; i++)
		if (scan->finds[i] == addr)
			return;
	if (scan->n_finds == FINDS_MAX)
		return;
	scan->finds[scan->n_finds++] = addr;
	scan_want(scan);
}

void scan_find_stop(struct scan *scan, uint64_t addr)
{
	size_t i;

	for (i = 0; i < scan->n_finds; i++)
		if (scan->finds[i] == addr)
			break;
	if (i == scan->n_finds)
		return;
	scan->finds[i] = scan->finds[--scan->n_finds];
	scan_unwant(scan);
}

void scan_heard(struct scan *scan, const struct device *device)
{
	size_t i;

	if (!device->has_rssi && !device->is_connected)
		return;
	for (i = 0; i < scan->n_finds; i++)
		if (scan->finds[i] == device->addr) {
			scan_find_stop(scan, device->addr);
			found(scan, device->addr);
			return;
		}
}

int scan_new(struct scan **out, struct worker *w)
{
	struct scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return -ENOMEM;
	scan->w = w;
	scan->rest_ms = REST_FIRST_MS;
	scan->retry.fire = on_retry;
	TAILQ_INIT(&scan->clients);
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
	act_unlock(scan);
	free(scan);
	return NULL;
}
