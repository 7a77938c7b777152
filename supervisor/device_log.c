/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/device_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/errors.h"
#include "supervisor/events.h"
#include "supervisor/sessions.h"
#include "supervisor/slept.h"

struct device_log {
	struct histories *histories;
	struct adapter_use adapters[ADAPTERS_MAX];
};

int device_log_new(struct sup *sup)
{
	int r;

	sup->log = calloc(1, sizeof(*sup->log));
	if (!sup->log)
		return -ENOMEM;
	r = histories_new(&sup->log->histories);
	if (r < 0)
		sup->log = device_log_free(sup->log);
	return r;
}

struct device_log *device_log_free(struct device_log *log)
{
	if (!log)
		return NULL;
	log->histories = histories_free(log->histories);
	free(log);
	return NULL;
}

struct history *device_log_need(struct sup *sup, uint64_t address)
{
	return histories_need(sup->log->histories, address, clock_now_ms());
}

/* --- adapters --- */

static struct adapter_use *use_of(struct device_log *log, const struct adapter *adapter)
{
	struct adapter_use *use = NULL;
	size_t i;

	for (i = 0; i < ADAPTERS_MAX; i++) {
		if (log->adapters[i].address != 0 && log->adapters[i].index == adapter->index)
			use = &log->adapters[i];
		else if (!use && log->adapters[i].address == 0)
			use = &log->adapters[i];
	}
	/* More than there can be at a time have come and gone. */
	if (!use)
		use = &log->adapters[0];
	if (use->address != adapter->address || use->index != adapter->index)
		*use = (struct adapter_use){ .index = adapter->index, .address = adapter->address };
	return use;
}

const struct adapter_use *device_log_adapter(struct sup *sup, const struct adapter *adapter)
{
	return use_of(sup->log, adapter);
}

/* --- states --- */

struct change {
	enum history_state state;
	enum err_class class;
	uint32_t ago_ms;
};

_printf_(4, 5) static bool enter(struct history *history, const struct adapter *adapter,
				 const struct change *change, const char *format, ...)
{
	struct history_step step = {
		.at_ms = clock_wall_ms() - change->ago_ms,
		.adapter = adapter ? adapter->index : HISTORY_NOWHERE,
		.state = (uint8_t)change->state,
		.class = (uint8_t)change->class,
	};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(step.text, sizeof(step.text), format, args);
	va_end(args);
	return history_enter(history, &step, clock_now_ms());
}

/* Nobody tells the supervisor that a program stopped waiting: its time does. */
static void settle(struct history *history)
{
	uint64_t now_ms = clock_now_ms();
	struct change change = { .state = HISTORY_DISCONNECTED, .class = CLASS_DEADLINE };

	if (history->state != HISTORY_CONNECTING || history->until_ms == 0 ||
	    now_ms < history->until_ms)
		return;
	change.ago_ms = clock_span_ms(history->until_ms, now_ms);
	(void)enter(history, NULL, &change, "nobody wants it any more");
}

const struct history *device_log_of(struct sup *sup, uint64_t address)
{
	struct history *history = histories_find(sup->log->histories, address);

	if (history)
		settle(history);
	return history;
}

void device_log_heard(struct sup *sup, uint64_t address)
{
	struct history *history = histories_find(sup->log->histories, address);

	if (history)
		history->heard_at_ms = clock_now_ms();
}

void device_log_last_heard(struct sup *sup, uint64_t address, char out[DEVICE_LOG_HEARD_LEN])
{
	static const struct {
		const char *name;
		uint64_t s;
	} UNITS[] = { { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	const struct history *history = histories_find(sup->log->histories, address);
	uint64_t ago_s;
	size_t i = 0;

	out[0] = '\0';
	if (!history || history->heard_at_ms == 0)
		return;
	ago_s = (clock_now_ms() - history->heard_at_ms) / 1000;
	/* The first unit of which there are two. */
	while (i + 1 < ARRAY_LEN(UNITS) && ago_s < 2 * UNITS[i].s)
		i++;
	(void)snprintf(out, DEVICE_LOG_HEARD_LEN, "last heard %llu %s ago",
		       (unsigned long long)(ago_s / UNITS[i].s), UNITS[i].name);
}

/* --- health --- */

void device_log_tell_health(struct sup *sup, const struct history *history, enum err_class class,
			    const char *format, ...)
{
	struct event event = { .kind = EVENT_HEALTH, .address = history->address, .class = class };
	char text[96];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	events_add(sup->events, &event, "%s: %s", health_state_name(history->health.state), text);
}

/* Whether the device, or the way to it, failed: what this machine's side did says nothing of it. */
static bool is_its_own(enum err_class class)
{
	static const enum err_class ALSO[] = { CLASS_AUTH, CLASS_KEY_MISSING, CLASS_GATT_MISSING,
					       CLASS_GATT_REFUSED, CLASS_DEADLINE };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ALSO); i++)
		if (ALSO[i] == class)
			return true;
	return errors_counts(class) != ERRORS_COUNT_NONE;
}

static void note_health(struct sup *sup, struct history *history, enum err_class class)
{
	struct device_health *health = &history->health;

	if (class != CLASS_NONE && (!is_its_own(class) || slept_is_lenient(sup)))
		return;
	if (!device_health_note(health, class == CLASS_NONE))
		return;
	if (class != CLASS_NONE)
		device_log_tell_health(sup, history, class, "%u failures in a row, the last: %s",
				       health->failures, class_name(class));
	else if (health->successes > 1)
		device_log_tell_health(sup, history, CLASS_NONE, "it works again, %u times by now",
				       health->successes);
	else
		device_log_tell_health(sup, history, CLASS_NONE, "it works");
}

void device_log_check(struct sup *sup, uint64_t address, enum err_class class)
{
	struct history *history = device_log_need(sup, address);

	if (!history)
		return;
	history->checks++;
	history->checks_failed += class != CLASS_NONE;
	note_health(sup, history, class);
}

/* --- links --- */

static void add_times(struct hist parts[HISTORY_PARTS], const Bh__Ctl__Link *link)
{
	hist_add(&parts[HISTORY_QUEUE], link->queue_ms);
	hist_add(&parts[HISTORY_CONNECT], link->connect_ms);
	hist_add(&parts[HISTORY_SERVICES], link->services_ms);
}

static void link_up(struct adapter *adapter, struct history *history, const Bh__Ctl__Link *link)
{
	struct change change = { .state = HISTORY_CONNECTING };
	uint64_t took_ms = (uint64_t)link->queue_ms + link->connect_ms + link->services_ms;

	if (!link->adopted) {
		change.ago_ms = took_ms < HIST_VALUE_MAX ? (uint32_t)took_ms : HIST_VALUE_MAX;
		(void)enter(history, adapter, &change, "%s", "");
		add_times(history->parts, link);
		add_times(use_of(adapter->sup->log, adapter)->parts, link);
	}
	change = (struct change){ .state = HISTORY_CONNECTED };
	(void)enter(history, adapter, &change, "%s",
		    link->adopted ? "it was there, and is used" : "");
	history->connects++;
	note_health(adapter->sup, history, CLASS_NONE);
}

/* Whether nobody on our side ended it. */
static bool is_loss(enum err_class class)
{
	return class != CLASS_NONE && class != CLASS_CANCELLED && class != CLASS_LIMIT;
}

static void link_down(struct adapter *adapter, struct history *history, const Bh__Ctl__Link *link)
{
	enum err_class class = class_from_wire((int)link->class_);
	struct change change = { .state = HISTORY_DISCONNECTED, .class = class };

	if (class == CLASS_ZOMBIE) {
		change.state = HISTORY_ERROR;
		note_health(adapter->sup, history, class);
	}
	(void)enter(history, adapter, &change, "%s", link->text ? link->text : "");
	history->losses += is_loss(class);
}

void device_log_link(struct adapter *adapter, const Bh__Ctl__Link *link)
{
	struct history *history = device_log_need(adapter->sup, link->address);

	if (!history)
		return;
	settle(history);
	history->heard_at_ms = clock_now_ms();
	/* It is up elsewhere: a late word of the adapter that had it is none about it. */
	if (!link->up && history->state == HISTORY_CONNECTED && history->adapter != adapter->index)
		return;
	(link->up ? link_up : link_down)(adapter, history, link);
}

void device_log_ending(struct adapter *adapter, uint64_t address, const char *who)
{
	struct history *history = histories_find(adapter->sup->log->histories, address);
	struct change change = { .state = HISTORY_DISCONNECTING };

	/* What ends otherwise is an attempt. */
	if (!history || history->state != HISTORY_CONNECTED || history->adapter != adapter->index)
		return;
	(void)enter(history, adapter, &change, "%s%s", who ? "asked for by " : "", who ? who : "");
}

void device_log_attempt(struct adapter *adapter, const struct device_log_attempt *attempt)
{
	struct history *history = device_log_need(adapter->sup, attempt->address);
	struct change change = { .state = HISTORY_CONNECTING, .class = attempt->class };

	if (!history)
		return;
	settle(history);
	history->attempts_failed++;
	note_health(adapter->sup, history, attempt->class);
	if (attempt->is_last) {
		change.state = HISTORY_ERROR;
		history->given_up++;
	}
	(void)enter(history, adapter, &change, "attempt %u failed%s", attempt->attempt,
		    attempt->is_last ? ", given up" : "");
	if (history->state == HISTORY_CONNECTING)
		history->until_ms =
			attempt->left_ms == UINT32_MAX ? 0 : clock_now_ms() + attempt->left_ms;
}

static void leave(struct history *history, void *ctx)
{
	const struct adapter *adapter = ctx;
	struct change change = { .state = HISTORY_DISCONNECTED, .class = CLASS_INTERNAL };

	if (history->adapter == adapter->index && history->state != HISTORY_ERROR)
		(void)enter(history, adapter, &change, "its worker ended");
}

void device_log_worker_died(struct adapter *adapter)
{
	histories_each(adapter->sup->log->histories, leave, adapter);
}

/* --- use --- */

static bool take_spread(const Bh__Ctl__Spread *spread, struct hist *out)
{
	size_t i;

	*out = (struct hist){ 0 };
	if (!spread)
		return true;
	if (spread->n_buckets > HIST_BUCKETS_MAX || spread->n_counts != spread->n_buckets)
		return false;
	out->count = spread->count;
	out->min_ms = spread->min_ms;
	out->max_ms = spread->max_ms;
	out->n = (uint8_t)spread->n_buckets;
	for (i = 0; i < spread->n_buckets; i++) {
		if (spread->buckets[i] > UINT8_MAX)
			return false;
		out->buckets[i] = (uint8_t)spread->buckets[i];
		out->counts[i] = spread->counts[i];
	}
	return hist_is_sound(out);
}

static int add_used(struct adapter *adapter, const Bh__Ctl__Used *used)
{
	struct adapter_use *use = use_of(adapter->sup->log, adapter);
	struct history *history;
	struct hist query;
	struct hist total;

	if (used->address == 0 || used->address >> 48 != 0 || !take_spread(used->query, &query) ||
	    !take_spread(used->total, &total))
		return -EBADMSG;
	use->requests += used->requests;
	use->values += used->values;
	hist_merge(&use->parts[HISTORY_QUERY], &query);
	hist_merge(&use->parts[HISTORY_TOTAL], &total);
	history = device_log_need(adapter->sup, used->address);
	if (!history)
		return 0;
	history->requests += used->requests;
	history->request_failures += used->failures;
	history->values += used->values;
	hist_merge(&history->parts[HISTORY_QUERY], &query);
	hist_merge(&history->parts[HISTORY_TOTAL], &total);
	return 0;
}

int device_log_usage(struct adapter *adapter, const Bh__Ctl__Usage *usage)
{
	size_t i;
	int r = 0;

	for (i = 0; i < usage->n_used && r == 0; i++)
		r = add_used(adapter, usage->used[i]);
	for (i = 0; i < usage->n_sessions && r == 0; i++)
		sessions_used(adapter, usage->sessions[i]->session, usage->sessions[i]->holds,
			      usage->sessions[i]->subscriptions);
	return r;
}
