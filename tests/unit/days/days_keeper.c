/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/days_keeper.c - what is kept, and what is polled: supervisor/keeper.c and
 * keeper_poll.c, without sessions. And programs that come and go.
 */
#include "tests/unit/days/days.h"

/* Those of bleherd.conf(5). */
enum {
	RECONNECT_BASE_MS = 2000,
	RECONNECT_MAX_MS = 60000,
	CHECK_TIMEOUT_MS = 30000,
	CHECK_MS = 200,
	MUTE_MS = 5000, /* until a read is taken for unanswered */
	PROGRAM_MS = 40000,
};
static const struct breaker_limits BREAKER = { .failures = 5, .probe_ms = 60000 };

/* --- the keeper --- */

static void arm(struct days *days, struct days_device *device)
{
	uint64_t at_ms = device->keeper_until_ms;

	if (device->keeper == KEEPER_LEAVING && device->silent_since_ms + KEEPER_GONE_MS < at_ms)
		at_ms = device->silent_since_ms + KEEPER_GONE_MS;
	if (at_ms == UINT64_MAX)
		timer_clear(days, &device->keeper_timer);
	else
		timer_set(days, &device->keeper_timer, at_ms);
}

static void watch(struct days *days, struct days_device *device)
{
	if (!device->is_watched)
		device->silent_since_ms = days->now_ms;
	device->is_watched = true;
}

static void lose(struct days *days, struct days_device *device)
{
	poll_broken(days, device, CLASS_LINK_LOST);
	path_leave(days, device, WANT_KEEPER);
}

static void rest(struct days *days, struct days_device *device)
{
	uint32_t rest_ms;

	rest_ms =
		keeper_pace_rest_ms(&device->pace, RECONNECT_BASE_MS, RECONNECT_MAX_MS, dice(days));
	device->keeper_until_ms = days->now_ms + rest_ms;
	days_note(days, NOTE_REST, device->index, rest_ms);
	judge_rest(days, device, rest_ms);
}

static void act(struct days *days, struct days_device *device, enum keeper_act what)
{
	bool has_lasted = keeper_pace_act(&device->pace, what, days->now_ms);

	device->is_watched &=
		what == KEEPER_ACT_WATCH || what == KEEPER_ACT_AWAIT || what == KEEPER_ACT_HELD;
	switch (what) {
	case KEEPER_ACT_HOLD:
		path_want(days, device, WANT_KEEPER, UINT64_MAX);
		return;
	case KEEPER_ACT_HELD:
		device->was_awaited = false;
		return;
	case KEEPER_ACT_RELEASE:
		path_leave(days, device, WANT_KEEPER);
		return;
	case KEEPER_ACT_REST:
		lose(days, device);
		rest(days, device);
		return;
	case KEEPER_ACT_WATCH:
		if (has_lasted)
			device->was_hasty = false;
		lose(days, device);
		watch(days, device);
		return;
	case KEEPER_ACT_AWAIT:
		device->was_awaited = true;
		lose(days, device);
		watch(days, device);
		return;
	case KEEPER_ACT_SETTLE:
		return;
	}
}

void keeper_event(struct days *days, struct days_device *device, enum keeper_event event)
{
	bool was_held = device->keeper == KEEPER_HELD;
	struct keeper_cell cell;

	if (keeper_table_look(device->keeper, event, &cell) != 0)
		return;
	if (was_held != (cell.next == KEEPER_HELD))
		judge_held(days, device, !was_held);
	device->keeper = cell.next;
	device->keeper_until_ms = keeper_limit_ms(cell.next) != 0
					  ? days->now_ms + keeper_limit_ms(cell.next)
					  : UINT64_MAX;
	act(days, device, cell.act);
	if (device->keeper != cell.next)
		return;
	arm(days, device);
	poll_plan(days, device);
}

void keeper_heard(struct days *days, struct days_device *device)
{
	bool is_back =
		device->keeper == KEEPER_COMING ||
		(days->now_ms - device->silent_since_ms >= KEEPER_AWAY_MS && !device->was_hasty);

	device->silent_since_ms = days->now_ms;
	if (!is_back)
		return;
	device->was_hasty = device->keeper == KEEPER_LEAVING;
	keeper_event(days, device, KEEPER_EV_BACK);
}

static void on_keeper(struct days *days, struct days_timer *timer)
{
	struct days_device *device = container_of(timer, struct days_device, keeper_timer);
	bool is_listening = false;
	unsigned i;

	for (i = 0; i < DAYS_ADAPTERS; i++)
		is_listening |= adapter_suits(days, &days->adapters[i]);
	if (device->is_watched && !is_listening)
		device->silent_since_ms = days->now_ms;
	if (days->now_ms >= device->keeper_until_ms)
		keeper_event(days, device, KEEPER_EV_TIMER);
	else if (device->keeper == KEEPER_LEAVING &&
		 days->now_ms - device->silent_since_ms >= KEEPER_GONE_MS)
		keeper_event(days, device, KEEPER_EV_GONE);
	else
		arm(days, device);
}

/* --- polls --- */

static uint32_t period_of(const struct days_device *device)
{
	return breaker_period_ms(&device->breaker, &BREAKER, device->interval_ms);
}

void poll_plan(struct days *days, struct days_device *device)
{
	if (device->interval_ms == 0)
		return;
	if (device->is_polling)
		timer_set(days, &device->poll_timer, device->poll_until_ms);
	else if (device->is_persistent && device->keeper != KEEPER_HELD)
		timer_clear(days, &device->poll_timer);
	else
		timer_set(days, &device->poll_timer,
			  poll_pace_next_ms(&device->poll, period_of(device)));
}

static void poll_end(struct days *days, struct days_device *device, enum err_class class)
{
	enum breaker_news news;
	uint32_t failures;

	if (!device->is_polling)
		return;
	device->is_polling = false;
	timer_clear(days, &device->answer_timer);
	if (class == CLASS_NONE || !resume_is_lenient(&days->resume, days->now_ms)) {
		news = breaker_note(&device->breaker, &BREAKER, class, &failures);
		if (news != BREAKER_SAME)
			days_note(days, NOTE_CIRCUIT, device->index, news);
		(void)device_health_note(
			&histories_need(days->histories, device->address, days->now_ms)->health,
			class == CLASS_NONE);
	}
	judge_polled(days, device, class);
	path_leave(days, device, WANT_POLL);
	poll_plan(days, device);
}

void poll_broken(struct days *days, struct days_device *device, enum err_class class)
{
	poll_end(days, device, class);
}

/* There is a link for it. */
void poll_link(struct days *days, struct days_device *device)
{
	if (device->is_polling)
		timer_in(days, &device->answer_timer, device->mute > 0 ? MUTE_MS : CHECK_MS);
}

static void on_answer(struct days *days, struct days_timer *timer)
{
	struct days_device *device = container_of(timer, struct days_device, answer_timer);
	bool is_mute = device->mute > 0;

	poll_end(days, device, is_mute ? CLASS_NO_REPLY : CLASS_NONE);
	if (is_mute)
		path_lost(days, device, CLASS_NO_REPLY);
}

static void on_poll(struct days *days, struct days_timer *timer)
{
	struct days_device *device = container_of(timer, struct days_device, poll_timer);

	if (device->is_polling) {
		poll_end(days, device, CLASS_DEADLINE);
		return;
	}
	judge_poll(days, device, period_of(device));
	days_note(days, NOTE_POLL, device->index, period_of(device));
	poll_pace_begin(&device->poll, period_of(device), days->now_ms);
	device->is_polling = true;
	device->poll_until_ms = days->now_ms + CHECK_TIMEOUT_MS;
	path_want(days, device, WANT_POLL, device->poll_until_ms);
	poll_plan(days, device);
}

/* --- programs --- */

static void on_program(struct days *days, struct days_timer *timer)
{
	struct days_device *device = container_of(timer, struct days_device, program_timer);

	if (device->path.wants & WANT_PROGRAM) {
		path_leave(days, device, WANT_PROGRAM);
		timer_in(days, timer, 30000 + world_below(days, 20 * DAYS_MINUTE));
		return;
	}
	if (days_are_quiet(days))
		return;
	path_want(days, device, WANT_PROGRAM, days->now_ms + PROGRAM_MS);
	timer_in(days, timer, PROGRAM_MS + world_below(days, DAYS_MINUTE));
}

void keeper_init(struct days_device *device)
{
	device->keeper_timer.fire = on_keeper;
	device->poll_timer.fire = on_poll;
	device->answer_timer.fire = on_answer;
	device->program_timer.fire = on_program;
}

void keeper_begin(struct days *days, struct days_device *device)
{
	if (device->is_persistent)
		keeper_event(days, device, KEEPER_EV_WANT);
	else
		poll_plan(days, device);
	if (days->plan.has_faults)
		timer_in(days, &device->program_timer, 1000 + world_below(days, DAYS_HOUR));
}
