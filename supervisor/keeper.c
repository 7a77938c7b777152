/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/keeper.c - one keeper: does what keeper_table.c says, and has the session for it.
 */
#include "supervisor/keeper_state.h"

#include "ipc/clock.h"
#include "supervisor/devices.h"
#include "supervisor/dice.h"
#include "supervisor/rules_wire.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

struct event keeper_say(const struct keeper *keeper, enum event_kind kind)
{
	struct event event = { .kind = kind };

	if (keeper->session)
		event = session_event(keeper->session, kind);
	event.address = keeper->address;
	return event;
}

bool keeper_holds(const struct keeper *keeper)
{
	return keeper_wants_link(keeper->state);
}

struct adapter *keeper_server(const struct keeper *keeper)
{
	enum err_class trouble;

	return keeper->session ? session_server(keeper->session, &trouble) : NULL;
}

/* --- its session --- */

static void send_keep(struct keeper *keeper)
{
	const struct device *device = devices_find(keeper->sup->devices, keeper->address);
	struct adapter *adapter = keeper_server(keeper);
	Bh__Ctl__Keep keep = BH__CTL__KEEP__INIT;
	struct rules_wire rules;

	if (!adapter)
		return;
	rules_wire_fill(&rules, keeper->sup, keeper->address);
	keep.has_session = keep.has_epoch = keep.has_address = keep.has_random = keep.has_hold = 1;
	keep.session = keeper->session->id;
	keep.epoch = keeper->session->epoch;
	keep.address = keeper->address;
	keep.random = device && device->is_random;
	keep.hold = keeper_holds(keeper);
	keep.rules = &rules.msg;
	worker_child_keep(adapter, &keep);
}

void keeper_seat(struct keeper *keeper)
{
	if (keeper->session)
		return;
	keeper->session = sessions_keep(keeper->sup, keeper, keeper->address);
	if (keeper->session)
		finder_step(keeper->session);
	else
		keeper_event(keeper, KEEPER_EV_DOWN);
}

void keeper_leave(struct keeper *keeper)
{
	struct session *session = keeper->session;

	if (!session || keeper_holds(keeper) || keeper->poll.is_running)
		return;
	keeper->session = NULL;
	sessions_let_go(session);
}

/* Whoever made it: it may have been there before we were. */
static bool is_up(const struct keeper *keeper)
{
	const struct adapter *adapter = keeper_server(keeper);
	const struct sighting *sighting;

	if (!adapter)
		return false;
	sighting = device_sighting(devices_find(keeper->sup->devices, keeper->address),
				   adapter->index);
	return sighting && sighting->is_connected;
}

void keeper_attached(struct keeper *keeper)
{
	send_keep(keeper);
	poll_attached(keeper);
	if (is_up(keeper))
		keeper_event(keeper, KEEPER_EV_UP);
}

void keeper_uprooted(struct keeper *keeper)
{
	keeper_event(keeper, KEEPER_EV_MOVED);
}

void keeper_unseated(struct keeper *keeper)
{
	keeper->session = NULL;
	poll_broken(keeper, CLASS_INTERNAL, "its session was closed");
	keeper_event(keeper, KEEPER_EV_DOWN);
}

/* --- the state's timer --- */

static void arm(struct keeper *keeper)
{
	uint64_t at_ms = keeper->until_ms;

	if (keeper->state == KEEPER_LEAVING && keeper->silent_since_ms + KEEPER_GONE_MS < at_ms)
		at_ms = keeper->silent_since_ms + KEEPER_GONE_MS;
	(void)sd_event_source_set_time(keeper->timer, at_ms * 1000);
	(void)sd_event_source_set_enabled(keeper->timer, at_ms ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* Where nobody listens silence says nothing, nor that of a device which a program has a link to. */
static bool is_listening(const struct keeper *keeper)
{
	const struct sup *sup = keeper->sup;
	const struct device *device = devices_find(sup->devices, keeper->address);
	size_t i;

	for (i = 0; device && i < device->n_sightings; i++)
		if (device->sightings[i].is_connected)
			return false;
	for (i = 0; i < sup->adapters->n; i++)
		if (adapter_is_suitable(sup->adapters->list[i]))
			return true;
	return false;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct keeper *keeper = userdata;
	uint64_t now_ms = clock_now_ms();

	(void)source;
	(void)usec;
	if (keeper->is_watched && !is_listening(keeper))
		keeper->silent_since_ms = now_ms;
	if (now_ms >= keeper->until_ms)
		keeper_event(keeper, KEEPER_EV_TIMER);
	else if (keeper->state == KEEPER_LEAVING &&
		 now_ms - keeper->silent_since_ms >= KEEPER_GONE_MS)
		keeper_event(keeper, KEEPER_EV_GONE);
	else
		arm(keeper);
	return 0;
}

/* --- what the table says --- */

static void unwatch(struct keeper *keeper)
{
	if (!keeper->is_watched)
		return;
	keeper->is_watched = false;
	finder_unwatch(keeper->sup, keeper->address);
}

static void watch(struct keeper *keeper)
{
	if (keeper->is_watched)
		return;
	keeper->is_watched = true;
	keeper->silent_since_ms = clock_now_ms();
	finder_watch(keeper->sup, keeper->address);
}

/* A poll on a link that went is over: its answer would go to a session that is closed. */
static void lose(struct keeper *keeper)
{
	poll_broken(keeper, CLASS_LINK_LOST, "the link went");
	keeper_leave(keeper);
}

static void rest(struct keeper *keeper, uint64_t now_ms)
{
	keeper->until_ms =
		now_ms + keeper_pace_rest_ms(&keeper->pace, keeper->rule.reconnect_base_ms,
					     keeper->rule.reconnect_max_ms, dice_throw());
}

static void tell(const struct keeper *keeper, enum event_kind kind, const char *text)
{
	struct event event = keeper_say(keeper, kind);

	events_add(keeper->sup->events, &event, "%s", text);
}

static void hold(struct keeper *keeper)
{
	if (!keeper->session) {
		keeper_seat(keeper);
		return;
	}
	/* A poll has it: its link, if it is up, is not told again. */
	send_keep(keeper);
	if (is_up(keeper))
		keeper_event(keeper, KEEPER_EV_UP);
}

static void act(struct keeper *keeper, enum keeper_act what, uint64_t now_ms)
{
	bool has_lasted = keeper_pace_act(&keeper->pace, what, now_ms);

	switch (what) {
	case KEEPER_ACT_HOLD:
		unwatch(keeper);
		hold(keeper);
		return;
	case KEEPER_ACT_HELD:
		keeper->was_awaited = false;
		return;
	case KEEPER_ACT_RELEASE:
		unwatch(keeper);
		send_keep(keeper);
		keeper_leave(keeper);
		return;
	case KEEPER_ACT_REST:
		unwatch(keeper);
		lose(keeper);
		rest(keeper, now_ms);
		return;
	case KEEPER_ACT_WATCH:
		if (has_lasted)
			keeper->was_hasty = false;
		lose(keeper);
		watch(keeper);
		tell(keeper, EVENT_DEVICE_SILENT,
		     "it does not answer any more; it is left alone until it was restarted");
		return;
	case KEEPER_ACT_AWAIT:
		keeper->was_awaited = true;
		lose(keeper);
		watch(keeper);
		tell(keeper, EVENT_DEVICE_GONE, "it is not heard any more; waiting until it is");
		return;
	case KEEPER_ACT_SETTLE:
		unwatch(keeper);
		tell(keeper, EVENT_DEVICE_BACK, "it is heard again; connecting in 2 s");
		return;
	}
}
static_assert(KEEPER_SETTLING_MS == 2000, "the event says it");

void keeper_event(struct keeper *keeper, enum keeper_event event)
{
	uint64_t now_ms = clock_now_ms();
	struct keeper_cell cell;

	if (keeper->sup->is_stopping || keeper_table_look(keeper->state, event, &cell) != 0)
		return;
	keeper->state = cell.next;
	keeper->until_ms = keeper_limit_ms(cell.next);
	if (keeper->until_ms != 0)
		keeper->until_ms += now_ms;
	act(keeper, cell.act, now_ms);
	/* Holding may have led further already. */
	if (keeper->state != cell.next)
		return;
	arm(keeper);
	poll_plan(keeper);
}

/* --- its rule --- */

static bool is_other_poll(const struct device_rule *a, const struct device_rule *b)
{
	return a->check != b->check || a->check_interval_ms != b->check_interval_ms ||
	       !uuid_equal(&a->check_uuid, &b->check_uuid);
}

void keeper_apply(struct keeper *keeper, const struct device_rule *rule)
{
	const struct device_rule before = keeper->rule;

	keeper->rule = *rule;
	keeper_event(keeper,
		     rule->strategy == STRATEGY_PERSISTENT ? KEEPER_EV_WANT : KEEPER_EV_LET);
	if (is_other_poll(&before, rule))
		poll_now(keeper);
	else
		poll_plan(keeper);
}

/* --- the whole --- */

int keeper_new(struct keeper **out, struct sup *sup, uint64_t address)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int r;

	if (!keeper)
		return -ENOMEM;
	keeper->sup = sup;
	keeper->address = address;
	r = sd_event_add_time(sup->event, &keeper->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
			      keeper);
	if (r >= 0)
		r = sd_event_source_set_enabled(keeper->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = poll_init(keeper);
	if (r < 0) {
		keeper_free(keeper);
		return r;
	}
	*out = keeper;
	return 0;
}

struct keeper *keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return NULL;
	if (keeper->session)
		sessions_let_go(keeper->session);
	poll_clear(keeper);
	sd_event_source_disable_unref(keeper->timer);
	free(keeper);
	return NULL;
}
