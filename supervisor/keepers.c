/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/keepers.c - which devices have a keeper, what happens to them, and what programs ask.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/client.h"
#include "supervisor/devices.h"
#include "supervisor/keeper_state.h"
#include "supervisor/sessions_state.h"
#include "supervisor/streams.h"
#include "supervisor/worker_child.h"

static_assert((int)STRATEGY_ON_DEMAND == (int)BH__STRATEGY__STRATEGY_ON_DEMAND,
	      "as in session.proto");
static_assert((int)STRATEGY_PERSISTENT == (int)BH__STRATEGY__STRATEGY_PERSISTENT,
	      "as in session.proto");

enum { INTERVAL_MAX_MS = 86400000 };

struct keeper *keepers_find(const struct sup *sup, uint64_t address)
{
	struct keeper *keeper;

	TAILQ_FOREACH(keeper, &sup->keepers->all, entry)
	if (keeper->address == address)
		return keeper;
	return NULL;
}

/* --- rules --- */

static void configured(struct sup *sup, uint64_t address, struct device_rule *out)
{
	const struct device *device = devices_find(sup->devices, address);
	struct pattern_device who = {
		.address = address,
		.name = device ? device->name : "",
		.services = device ? device->services : NULL,
		.n_services = device ? device->n_services : 0,
	};

	device_rules_of(&sup->config.devices, &who, out);
}

static void choose(const struct keeper *keeper, struct device_rule *rule)
{
	if (keeper->chosen != 0)
		rule->strategy = keeper->chosen;
	if (keeper->has_interval)
		rule->check_interval_ms = keeper->interval_ms;
}

void keepers_rule(struct sup *sup, uint64_t address, struct device_rule *out)
{
	const struct keeper *keeper = keepers_find(sup, address);

	if (keeper)
		*out = keeper->rule;
	else
		configured(sup, address, out);
}

/* In standby, with the rule that holds for it; NULL: there cannot be one more. */
static struct keeper *need(struct sup *sup, uint64_t address)
{
	struct keepers *keepers = sup->keepers;
	struct keeper *keeper = keepers_find(sup, address);

	if (keeper)
		return keeper;
	if (keepers->n == KEEPERS_MAX || keeper_new(&keeper, sup, address) < 0) {
		log_warn("keeper=refused keepers=%u", keepers->n);
		return NULL;
	}
	configured(sup, address, &keeper->rule);
	TAILQ_INSERT_TAIL(&keepers->all, keeper, entry);
	keepers->n++;
	return keeper;
}

static void look_at(struct sup *sup, uint64_t address)
{
	struct keeper *keeper = keepers_find(sup, address);
	struct device_rule rule;

	configured(sup, address, &rule);
	if (!keeper && device_rule_is_kept(&rule))
		keeper = need(sup, address);
	if (!keeper)
		return;
	choose(keeper, &rule);
	keeper_apply(keeper, &rule);
}

void keepers_renamed(struct sup *sup, uint64_t address)
{
	if (!sup->keepers->has_patterns)
		return;
	look_at(sup, address);
	sessions_rules_changed(sup, address);
}

/* --- what happens --- */

static bool is_served_by(const struct keeper *keeper, const struct adapter *adapter)
{
	return adapter == keeper_server(keeper);
}

void keepers_heard(struct adapter *adapter, uint64_t address)
{
	struct keeper *keeper = keepers_find(adapter->sup, address);
	uint64_t now_ms = clock_now_ms();
	bool is_back;

	if (!keeper || !keeper->is_watched)
		return;
	is_back = keeper->state == KEEPER_COMING ||
		  (now_ms - keeper->silent_since_ms >= KEEPER_AWAY_MS && !keeper->was_hasty);
	keeper->silent_since_ms = now_ms;
	if (!is_back)
		return;
	keeper->was_hasty = keeper->state == KEEPER_LEAVING;
	keeper_event(keeper, KEEPER_EV_BACK);
}

/* A link that went, or was not to be had. */
static enum keeper_event end_of(const struct keeper *keeper, enum err_class class)
{
	bool is_held = keeper->state == KEEPER_HELD;

	if (is_held && (class == CLASS_ZOMBIE || class == CLASS_NO_REPLY))
		return KEEPER_EV_DEAD;
	if (!is_held && class == CLASS_NOT_FOUND && !keeper->was_awaited)
		return KEEPER_EV_GONE;
	return KEEPER_EV_DOWN;
}

void keepers_link(struct adapter *adapter, const Bh__Ctl__Link *link)
{
	struct keeper *keeper = keepers_find(adapter->sup, link->address);
	bool is_ours;

	if (!keeper)
		return;
	is_ours = is_served_by(keeper, adapter);
	if (link->up && keeper->poll.breaker.is_open && !keeper->poll.is_running)
		poll_now(keeper);
	/* Until it has a worker it is being brought to the adapter that has the link. */
	if (link->up && (is_ours || keeper->state != KEEPER_CONNECTING))
		keeper_event(keeper, KEEPER_EV_UP);
	if (!link->up && is_ours)
		keeper_event(keeper, end_of(keeper, class_from_wire((int)link->class_)));
}

void keepers_failed(struct adapter *adapter, uint64_t address, enum err_class class)
{
	struct keeper *keeper = keepers_find(adapter->sup, address);

	if (keeper && is_served_by(keeper, adapter))
		keeper_event(keeper, end_of(keeper, class));
}

/* It was asked on the link; a deadline that passed while it waited for its turn says nothing. */
static bool is_unanswered(const Bh__Ctl__Checked *checked)
{
	enum err_class class = class_from_wire((int)checked->class_);

	return class == CLASS_NO_REPLY || class == CLASS_ZOMBIE ||
	       (class == CLASS_DEADLINE && checked->timings && checked->timings->query_ms > 0);
}

void keepers_checked(struct adapter *adapter, uint32_t token, const Bh__Ctl__Checked *checked)
{
	struct keeper *keeper;

	TAILQ_FOREACH(keeper, &adapter->sup->keepers->all, entry)
	if (keeper->poll.is_running && keeper->poll.token == token)
		break;
	if (!keeper || !is_served_by(keeper, adapter))
		return;
	poll_answered(keeper, class_from_wire((int)checked->class_),
		      checked->text ? checked->text : "");
	if (is_unanswered(checked))
		keeper_event(keeper, KEEPER_EV_DEAD);
}

void keepers_adapter_ready(struct adapter *adapter)
{
	struct keeper *keeper;

	TAILQ_FOREACH(keeper, &adapter->sup->keepers->all, entry)
	if (keeper->is_watched)
		finder_watch(adapter->sup, keeper->address);
}

bool keepers_watch(struct sup *sup, uint64_t address)
{
	const struct keeper *keeper = keepers_find(sup, address);

	return keeper && keeper->is_watched;
}

/* --- what programs ask --- */

void keepers_describe(struct sup *sup, uint64_t address, Bh__Device *out)
{
	const struct keeper *keeper = keepers_find(sup, address);
	struct device_rule rule;

	keepers_rule(sup, address, &rule);
	out->has_strategy = out->has_check_interval_ms = 1;
	out->strategy = (Bh__Strategy)rule.strategy;
	out->check_interval_ms = rule.check == DEVICE_CHECK_NONE ? 0 : rule.check_interval_ms;
	if (!keeper)
		return;
	if (rule.strategy == STRATEGY_PERSISTENT)
		out->keeper = (char *)(uintptr_t)keeper_state_name(keeper->state);
	out->has_circuit_failures = keeper->poll.breaker.is_open;
	out->circuit_failures = keeper->poll.breaker.failures;
}

enum err_class keepers_circuit(struct sup *sup, uint64_t address, char *out_text, size_t size)
{
	const struct keeper *keeper = keepers_find(sup, address);

	if (!keeper || !keeper->poll.breaker.is_open)
		return CLASS_NONE;
	(void)snprintf(out_text, size, "the circuit is open after %u failures, the last: %s",
		       keeper->poll.breaker.failures, class_name(keeper->poll.breaker.class));
	return keeper->poll.breaker.class;
}

/* NULL, or what is wrong. */
static const char *refusal(const Bh__StrategySet *msg)
{
	if (msg->address == 0 || msg->address >> 48 != 0)
		return "that is no device address";
	if (msg->has_strategy && msg->strategy != BH__STRATEGY__STRATEGY_ON_DEMAND &&
	    msg->strategy != BH__STRATEGY__STRATEGY_PERSISTENT)
		return "there is no such strategy; on-demand and persistent are";
	if (msg->has_check_interval_ms && msg->check_interval_ms > INTERVAL_MAX_MS)
		return "the interval is longer than a day";
	return NULL;
}

static void tell_chosen(struct keeper *keeper, const struct client *client,
			const Bh__StrategySet *msg)
{
	struct event event = keeper_say(keeper, EVENT_STRATEGY);
	char interval[48] = "";

	if (msg->has_check_interval_ms && keeper->rule.check_interval_ms == 0)
		(void)snprintf(interval, sizeof(interval), ", not polled");
	else if (msg->has_check_interval_ms)
		(void)snprintf(interval, sizeof(interval), ", polled every %u ms",
			       keeper->rule.check_interval_ms);
	events_add(keeper->sup->events, &event, "%s%s; chosen by %s",
		   strategy_name((enum strategy)keeper->rule.strategy), interval,
		   client->label[0] ? client->label : "a program");
}

/* NULL, or why not. */
static const char *set(struct client *client, const Bh__StrategySet *msg)
{
	struct keeper *keeper;
	struct device_rule rule;

	if (!msg->has_strategy && !msg->has_check_interval_ms)
		return NULL;
	configured(client->sup, msg->address, &rule);
	if (msg->check_interval_ms > 0 && rule.check == DEVICE_CHECK_NONE)
		return "the configuration says nothing to poll it by: check = read:UUID or gatt";
	keeper = need(client->sup, msg->address);
	if (!keeper)
		return "the daemon keeps as many devices as it may";
	if (msg->has_strategy)
		keeper->chosen = (uint32_t)msg->strategy;
	if (msg->has_check_interval_ms) {
		keeper->has_interval = true;
		keeper->interval_ms = msg->check_interval_ms;
	}
	choose(keeper, &rule);
	keeper_apply(keeper, &rule);
	tell_chosen(keeper, client, msg);
	return NULL;
}

void keepers_strategy(struct client *client, uint32_t id, const Bh__StrategySet *msg)
{
	const char *text = refusal(msg);

	if (!text)
		text = set(client, msg);
	if (text) {
		client_error(client, id, CLASS_INVALID, text);
		return;
	}
	streams_device(client, id, msg->address);
	client_done(client, id, 1);
}

/* --- the whole --- */

static void look_at_named(struct sup *sup)
{
	const struct device_rules *rules = &sup->config.devices;
	size_t i;

	sup->keepers->has_patterns = device_rules_has_patterns(rules);
	for (i = 0; i < rules->n; i++)
		if (rules->list[i].who.kind == PATTERN_ADDRESS)
			look_at(sup, rules->list[i].who.address);
}

int keepers_new(struct sup *sup)
{
	sup->keepers = calloc(1, sizeof(*sup->keepers));
	if (!sup->keepers)
		return -ENOMEM;
	sup->keepers->sup = sup;
	TAILQ_INIT(&sup->keepers->all);
	look_at_named(sup);
	return 0;
}

void keepers_reload(struct sup *sup)
{
	struct keeper *keeper;
	const struct device *device;
	size_t cursor = 0;

	/* Those that were kept and are not any more, then those that are now. */
	TAILQ_FOREACH(keeper, &sup->keepers->all, entry)
	look_at(sup, keeper->address);
	look_at_named(sup);
	while (sup->keepers->has_patterns && (device = devices_next(sup->devices, &cursor)))
		if (!keepers_find(sup, device->address))
			look_at(sup, device->address);
}

struct keepers *keepers_free(struct keepers *keepers)
{
	struct keeper *keeper;

	if (!keepers)
		return NULL;
	while ((keeper = TAILQ_FIRST(&keepers->all))) {
		TAILQ_REMOVE(&keepers->all, keeper, entry);
		keeper_free(keeper);
	}
	free(keepers);
	return NULL;
}
