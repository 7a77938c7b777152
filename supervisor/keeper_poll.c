/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/keeper_poll.c - the polls of a device: begun at the interval, counted from beginning
 * to beginning, on the link that is kept or on one of their own, and made rarer by the breaker.
 */
#include "ipc/clock.h"
#include "supervisor/caches.h"
#include "supervisor/device_log.h"
#include "supervisor/keeper_state.h"
#include "supervisor/sessions_state.h"
#include "supervisor/slept.h"
#include "supervisor/worker_child.h"

/* The worker ends a check itself; this is for one that does not. */
enum { GRACE_MS = 1000 };

static struct breaker_limits limits_of(const struct keeper *keeper)
{
	return (struct breaker_limits){
		.failures = keeper->rule.breaker_failures,
		.probe_ms = keeper->rule.breaker_probe_ms,
	};
}

static uint32_t period_of(const struct keeper *keeper)
{
	const struct breaker_limits limits = limits_of(keeper);

	return breaker_period_ms(&keeper->poll.breaker, &limits, keeper->rule.check_interval_ms);
}

static void arm(struct keeper *keeper, uint64_t at_ms)
{
	(void)sd_event_source_set_time(keeper->poll.timer, at_ms * 1000);
	(void)sd_event_source_set_enabled(keeper->poll.timer, SD_EVENT_ONESHOT);
}

/* A persistent device is polled on the link that is kept: that it is not there is known. */
static bool is_wanted(const struct keeper *keeper)
{
	const struct device_rule *rule = &keeper->rule;

	return rule->check != DEVICE_CHECK_NONE && rule->check_interval_ms > 0 &&
	       (rule->strategy != STRATEGY_PERSISTENT || keeper->state == KEEPER_HELD);
}

void poll_plan(struct keeper *keeper)
{
	uint64_t at_ms = keeper->poll.deadline_at_ms;

	if (keeper->poll.is_running) {
		arm(keeper, keeper_server(keeper) ? at_ms + GRACE_MS : at_ms);
		return;
	}
	if (!is_wanted(keeper)) {
		(void)sd_event_source_set_enabled(keeper->poll.timer, SD_EVENT_OFF);
		return;
	}
	arm(keeper, poll_pace_next_ms(&keeper->poll.pace, period_of(keeper)));
}

void poll_now(struct keeper *keeper)
{
	keeper->poll.pace = (struct poll_pace){ .is_begun = false };
	poll_plan(keeper);
}

/* --- one of them --- */

static void begin(struct keeper *keeper)
{
	struct keepers *keepers = keeper->sup->keepers;
	uint64_t now_ms = clock_now_ms();

	if (++keepers->last_token == 0)
		keepers->last_token = 1;
	keeper->poll.token = keepers->last_token;
	poll_pace_begin(&keeper->poll.pace, period_of(keeper), now_ms);
	keeper->poll.deadline_at_ms = now_ms + keeper->rule.check_timeout_ms;
	keeper->poll.is_running = true;
	if (keeper->session)
		poll_attached(keeper);
	else
		keeper_seat(keeper);
	poll_plan(keeper);
}

void poll_attached(struct keeper *keeper)
{
	struct adapter *adapter = keeper_server(keeper);
	Bh__Ctl__Check check = BH__CTL__CHECK__INIT;

	if (!keeper->poll.is_running || !adapter)
		return;
	check.has_session = check.has_timeout_ms = 1;
	check.session = keeper->session->id;
	check.timeout_ms = clock_left_ms(keeper->poll.deadline_at_ms, clock_now_ms());
	check.has_uuid = keeper->rule.check == DEVICE_CHECK_READ;
	check.uuid.len = sizeof(keeper->rule.check_uuid.octets);
	check.uuid.data = keeper->rule.check_uuid.octets;
	worker_child_check(adapter, keeper->poll.token, &check);
	poll_plan(keeper);
}

static void tell(struct keeper *keeper, enum breaker_news news, uint32_t failures,
		 enum err_class class, const char *text)
{
	struct event event = keeper_say(keeper, EVENT_BREAKER_OPEN);

	event.class = class;
	if (news == BREAKER_OPENED)
		events_add(keeper->sup->events, &event,
			   "circuit open after %u failures; probing every %u s; the last: %s",
			   failures, period_of(keeper) / 1000, text[0] ? text : class_name(class));
	event.kind = EVENT_BREAKER_CLOSED;
	/* Whatever it was that made it fail for so long: what it says now is asked for again. */
	if (news == BREAKER_CLOSED)
		caches_forget(keeper->sup, keeper->address, NULL);
	if (news == BREAKER_CLOSED)
		events_add(keeper->sup->events, &event, "recovered after %u failures", failures);
}

static void end(struct keeper *keeper, enum err_class class, const char *text)
{
	const struct breaker_limits limits = limits_of(keeper);
	enum breaker_news news;
	uint32_t failures;

	keeper->poll.is_running = false;
	if (class != CLASS_NONE && slept_is_lenient(keeper->sup))
		return;
	news = breaker_note(&keeper->poll.breaker, &limits, class, &failures);
	tell(keeper, news, failures, class, text);
	device_log_check(keeper->sup, keeper->address, class);
}

void poll_answered(struct keeper *keeper, enum err_class class, const char *text)
{
	end(keeper, class, text);
	keeper_leave(keeper);
	poll_plan(keeper);
}

void poll_broken(struct keeper *keeper, enum err_class class, const char *text)
{
	if (keeper->poll.is_running)
		end(keeper, class, text);
	poll_plan(keeper);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct keeper *keeper = userdata;
	enum err_class class = CLASS_DEADLINE;

	(void)source;
	(void)usec;
	if (!keeper->poll.is_running) {
		begin(keeper);
		return 0;
	}
	if (keeper->session && !session_server(keeper->session, &class) && class == CLASS_NONE)
		class = CLASS_NOT_FOUND;
	poll_answered(keeper, class, "");
	return 0;
}

int poll_init(struct keeper *keeper)
{
	int r = sd_event_add_time(keeper->sup->event, &keeper->poll.timer, CLOCK_MONOTONIC, 0, 1000,
				  on_timer, keeper);

	if (r >= 0)
		r = sd_event_source_set_enabled(keeper->poll.timer, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

void poll_clear(struct keeper *keeper)
{
	sd_event_source_disable_unref(keeper->poll.timer);
}
