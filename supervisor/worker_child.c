/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/worker_child.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/control.pb-c.h"
#include "supervisor/bus_feed.h"
#include "supervisor/caches.h"
#include "supervisor/cleaner.h"
#include "supervisor/deaths.h"
#include "supervisor/device_log.h"
#include "supervisor/events.h"
#include "supervisor/keeper.h"
#include "supervisor/lockd_child.h"
#include "supervisor/orphans.h"
#include "supervisor/reset.h"
#include "supervisor/room_desk.h"
#include "supervisor/sessions.h"
#include "supervisor/worker_rules.h"

static struct port *port_of(const struct adapter *adapter)
{
	return child_port(adapter->child);
}

struct event worker_event(const struct adapter *adapter, enum event_kind kind)
{
	struct event event = { .kind = kind };

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", adapter->name);
	return event;
}

/* --- D-Bus sockets --- */

static void on_bus(void *ctx, int fd)
{
	struct adapter *adapter = ctx;
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send_fds(port_of(adapter), BH__CTL__TYPE__BUS, 0, 0, &empty.base, &fd, 1);
}

static void on_bus_absent(void *ctx, int error)
{
	struct adapter *adapter = ctx;
	struct event event = worker_event(adapter, EVENT_BUS_ABSENT);

	event.class = CLASS_BLUEZ_GONE;
	events_add(adapter->sup->events, &event, "D-Bus cannot be reached: %s; trying every second",
		   strerror(-error));
}

static const struct bus_feed_ops FEED_OPS = {
	.give = on_bus,
	.absent = on_bus_absent,
};

/* --- life --- */

static size_t arguments(struct child *child, void *ctx, const char *argv[SPAWN_ARGS_MAX],
			char *text, size_t text_size)
{
	static const char *const NAMES[] = { "--incarnation", "--parent",	"--log-level",
					     "--workarounds", "--gatt-late-ms", "--passive",
					     "--links-max",   "--ask-room" };
	const struct adapter *adapter = ctx;
	const struct config *config = &adapter->sup->config;
	const char *name = adapter->name;
	size_t i;
	int n;

	n = snprintf(text, text_size, "%llu%c%d%c%u%c%u%c%u%c%u%c%u%c%u",
		     (unsigned long long)child_incarnation(child), 0, getpid(), 0,
		     config->log_level, 0, config->workarounds, 0, config->gatt_late_ms, 0,
		     config->is_passive, 0, config->devices.per_adapter, 0,
		     config->devices.total > 0);
	assert(n > 0 && (size_t)n < text_size);
	argv[0] = "--adapter";
	argv[1] = name;
	for (i = 0; i < ARRAY_LEN(NAMES); i++) {
		argv[2 + 2 * i] = NAMES[i];
		argv[3 + 2 * i] = text;
		text += strlen(text) + 1;
	}
	return 2 + 2 * ARRAY_LEN(NAMES);
}

static void on_spawned(struct child *child, void *ctx)
{
	struct adapter *adapter = ctx;
	struct event event = worker_event(adapter, EVENT_WORKER_STARTED);

	memset(&adapter->state, 0, sizeof(adapter->state));
	events_add(adapter->sup->events, &event, "pid %d", child_pid(child));
	/* It waits in its channel until it reads. */
	bus_feed_start(adapter->feed);
	lockd_child_introduce(adapter->sup->lockd, adapter);
}

static void on_ready(struct child *child, void *ctx)
{
	struct adapter *adapter = ctx;
	struct event event = worker_event(adapter, EVENT_WORKER_READY);

	events_add(adapter->sup->events, &event, "pid %d", child_pid(child));
	cleaner_worker_ready(adapter);
	orphans_worker_ready(adapter->sup->orphans);
	sessions_adapter_ready(adapter->sup, adapter);
	keepers_adapter_ready(adapter);
	reset_worker_changed(adapter);
}

static bool on_counts(struct child *child, void *ctx, const struct child_obituary *obituary)
{
	struct adapter *adapter = ctx;

	(void)child;
	return !sessions_blame(adapter->sup, adapter, obituary);
}

static void tell_death(struct adapter *adapter, const struct child_obituary *obituary,
		       uint32_t delay_ms)
{
	struct event event = worker_event(adapter, EVENT_WORKER_DIED);
	bool is_asked = obituary->cause == CHILD_CAUSE_ASKED;
	char text[128];

	child_obituary_text(obituary, text, sizeof(text));
	event.session = obituary->page.handling_session;
	if (is_asked)
		events_add(adapter->sup->events, &event, "pid %d %s", obituary->pid, text);
	else if (delay_ms == UINT32_MAX)
		events_add(adapter->sup->events, &event, "pid %d %s; not restarted", obituary->pid,
			   text);
	else
		events_add(adapter->sup->events, &event, "pid %d %s; restart in %u ms",
			   obituary->pid, text, delay_ms);
	if (child_state(adapter->child) != CHILD_PARKED)
		return;
	event = worker_event(adapter, EVENT_WORKER_PARKED);
	event.class = CLASS_INTERNAL;
	events_add(adapter->sup->events, &event,
		   "it refused its configuration, its last line in the log says why; mend that and "
		   "restart bleherdd");
}

/* Not the process is blamed any more but what it works with: that is reset, gently, and once. */
static void on_crash_loop(struct child *child, void *ctx)
{
	struct adapter *adapter = ctx;
	struct sup *sup = adapter->sup;
	struct event event = worker_event(adapter, EVENT_WORKER_LOOP);
	bool is_reset;

	(void)child;
	is_reset = reset_adapter_once(sup, adapter, "its worker dies again and again") == 0;
	event.class = CLASS_INTERNAL;
	events_add(sup->events, &event,
		   "it died %u times in %u s: %sit is started every %u s from now on; "
		   "`bleherd deaths` says of what",
		   sup->backoff.loop_deaths, sup->backoff.loop_window_ms / 1000,
		   is_reset ? "the adapter is reset once, and if that does not help " : "",
		   sup->backoff.max_ms / 1000);
}

static void on_overrun(struct child *child, void *ctx, enum watchdog_cure cure,
		       const struct wpage_view *page)
{
	struct adapter *adapter = ctx;
	struct sup *sup = adapter->sup;
	struct event event = worker_event(adapter, EVENT_OP_OVERDUE);
	const char *what = "a new connection to the bus";

	(void)child;
	event.class = CLASS_NO_REPLY;
	if (cure == WATCHDOG_CURE_BUS)
		bus_feed_again(adapter->feed);
	else if (reset_adapter_once(sup, adapter, "its worker waits for it in vain") == 0)
		what = "the adapter is reset";
	else
		what = "a reset of the adapter is not allowed now";
	events_add(sup->events, &event, "%s goes on far beyond its %u ms: %s",
		   wpage_op_name(page->op), page->op_budget_ms, what);
}

/* What it had is handed over as if it were dead; its adapter has no worker until it is. */
static void on_unkillable(struct child *child, void *ctx, const struct child_obituary *obituary)
{
	struct adapter *adapter = ctx;
	struct sup *sup = adapter->sup;
	struct event event = worker_event(adapter, EVENT_WORKER_UNKILLABLE);

	event.class = CLASS_INTERNAL;
	events_add(sup->events, &event,
		   "pid %d does not die of SIGKILL: a system call of it does not end; the adapter "
		   "is parked until it does",
		   child_pid(child));
	memset(&adapter->state, 0, sizeof(adapter->state));
	sessions_worker_died(sup, adapter, obituary, UINT32_MAX);
	reset_worker_changed(adapter);
}

static void on_died(struct child *child, void *ctx, const struct child_obituary *obituary,
		    uint32_t delay_ms)
{
	struct adapter *adapter = ctx;
	struct sup *sup = adapter->sup;

	if (obituary->cause != CHILD_CAUSE_ASKED &&
	    child_obituary_weigh(obituary) != CHILD_WEIGHT_NONE)
		sup->worker_deaths++;
	bus_feed_stop(adapter->feed);
	lockd_child_forget(sup->lockd, adapter);
	memset(&adapter->state, 0, sizeof(adapter->state));
	tell_death(adapter, obituary, delay_ms);
	deaths_note(sup, child, SPAWN_WORKER, obituary, adapter->name,
		    sessions_address(sup, obituary->page.handling_session));
	sessions_worker_died(sup, adapter, obituary, delay_ms);
	room_desk_worker_died(adapter);
	caches_worker_died(adapter);
	device_log_worker_died(adapter);
	reset_worker_changed(adapter);
}

static const struct port_ops PORT = {
	.rules = WORKER_RULES,
	.n_rules = WORKER_RULES_LEN,
	.closed = child_closed,
};

static const struct child_ops OPS = {
	.role = SPAWN_WORKER,
	.port = &PORT,
	.arguments = arguments,
	.spawned = on_spawned,
	.ready = on_ready,
	.counts = on_counts,
	.crash_loop = on_crash_loop,
	.overrun = on_overrun,
	.unkillable = on_unkillable,
	.died = on_died,
};

int worker_child_new(struct adapter *adapter)
{
	struct sup *sup = adapter->sup;
	char name[ADAPTER_NAME_LEN + 8];
	int r;

	(void)snprintf(name, sizeof(name), "worker %s", adapter->name);
	r = bus_feed_new(&adapter->feed, sup->event, sup->config.bus, &FEED_OPS, adapter);
	if (r == 0)
		r = child_new(&adapter->child, sup->event, sup->buf, &sup->binaries, &OPS, adapter,
			      name, &sup->backoff, sup->config.tick_window_ms);
	return r;
}

/* --- what the supervisor says --- */

void worker_child_arbiter(struct adapter *adapter, int fd)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send_fds(port_of(adapter), BH__CTL__TYPE__ARBITER, 0, 0, &empty.base, &fd, 1);
}

void worker_child_arbiter_gone(struct adapter *adapter)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send(port_of(adapter), BH__CTL__TYPE__ARBITER_GONE, 0, 0, &empty.base);
}

void worker_child_find(struct adapter *adapter, uint64_t address, uint64_t under, bool is_watch)
{
	Bh__Ctl__Find find = BH__CTL__FIND__INIT;

	find.has_address = 1;
	find.address = address;
	find.has_under = under != 0;
	find.under = under;
	find.has_watch = is_watch;
	find.watch = is_watch;
	port_send(port_of(adapter), BH__CTL__TYPE__FIND, 0, 0, &find.base);
}

void worker_child_find_stop(struct adapter *adapter, uint64_t address)
{
	Bh__Ctl__Find find = BH__CTL__FIND__INIT;

	find.has_address = find.has_stop = 1;
	find.address = address;
	find.stop = 1;
	port_send(port_of(adapter), BH__CTL__TYPE__FIND, 0, 0, &find.base);
}

static void cut(struct adapter *adapter, uint64_t address, bool is_random, bool is_lost)
{
	Bh__Ctl__Link link = BH__CTL__LINK__INIT;

	link.has_address = link.has_random = 1;
	link.address = address;
	link.random = is_random;
	link.has_class_ = is_lost;
	link.class_ = BH__CLASS__CLASS_LINK_LOST;
	port_send(port_of(adapter), BH__CTL__TYPE__LINK_CUT, 0, 0, &link.base);
}

void worker_child_cut(struct adapter *adapter, uint64_t address, bool is_random)
{
	cut(adapter, address, is_random, false);
}

void worker_child_cut_lost(struct adapter *adapter, uint64_t address, bool is_random)
{
	cut(adapter, address, is_random, true);
}

void worker_child_cancel(struct adapter *adapter, uint32_t id, uint64_t address)
{
	Bh__Ctl__ConnectCancel msg = BH__CTL__CONNECT_CANCEL__INIT;

	msg.has_address = 1;
	msg.address = address;
	port_send(port_of(adapter), BH__CTL__TYPE__CONNECT_CANCEL, id, 0, &msg.base);
}

void worker_child_cause(struct adapter *adapter, uint64_t address, uint8_t status,
			bool is_disconnect)
{
	Bh__Ctl__LinkCause cause = BH__CTL__LINK_CAUSE__INIT;

	cause.has_address = cause.has_status = cause.has_is_disconnect = 1;
	cause.address = address;
	cause.status = status;
	cause.is_disconnect = is_disconnect;
	port_send(port_of(adapter), BH__CTL__TYPE__LINK_CAUSE, 0, 0, &cause.base);
}

void worker_child_locks_wanted(struct adapter *adapter)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send(port_of(adapter), BH__CTL__TYPE__LOCKS_WANTED, 0, 0, &empty.base);
}

void worker_child_reload(struct adapter *adapter)
{
	const struct config *config = &adapter->sup->config;
	Bh__Ctl__Settings settings = BH__CTL__SETTINGS__INIT;

	settings.has_log_level = settings.has_workarounds = settings.has_gatt_late_ms = 1;
	settings.has_passive = settings.has_links_max = settings.has_ask_room = 1;
	settings.log_level = config->log_level;
	settings.workarounds = config->workarounds;
	settings.gatt_late_ms = config->gatt_late_ms;
	settings.passive = config->is_passive != 0;
	settings.links_max = config->devices.per_adapter;
	settings.ask_room = config->devices.total > 0;
	port_send(port_of(adapter), BH__CTL__TYPE__SETTINGS, 0, 0, &settings.base);
}

void worker_child_rules(struct adapter *adapter, const Bh__Ctl__DeviceRules *rules)
{
	port_send(port_of(adapter), BH__CTL__TYPE__DEVICE_RULES, 0, 0, &rules->base);
}

void worker_child_keep(struct adapter *adapter, const Bh__Ctl__Keep *keep)
{
	port_send(port_of(adapter), BH__CTL__TYPE__KEEP, 0, 0, &keep->base);
}

void worker_child_check(struct adapter *adapter, uint32_t id, const Bh__Ctl__Check *check)
{
	port_send(port_of(adapter), BH__CTL__TYPE__CHECK, id, 0, &check->base);
}

void worker_child_cache_clear(struct adapter *adapter, uint32_t id,
			      const Bh__Ctl__CacheClear *clear)
{
	port_send(port_of(adapter), BH__CTL__TYPE__CACHE_CLEAR, id, 0, &clear->base);
}

void worker_child_access(struct adapter *adapter, const Bh__Ctl__Access *access)
{
	port_send(port_of(adapter), BH__CTL__TYPE__ACCESS, 0, 0, &access->base);
}

void worker_child_detach(struct adapter *adapter, uint32_t session, bool is_over)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;

	ref.has_session = 1;
	ref.session = session;
	ref.has_class_ = is_over;
	ref.class_ = is_over ? BH__CLASS__CLASS_CANCELLED : BH__CLASS__CLASS_NONE;
	port_send(port_of(adapter), BH__CTL__TYPE__SESSION_DETACH, 0, 0, &ref.base);
}
