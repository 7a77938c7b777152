/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/days/days_time.c - the time that is a variable: timers in a heap, and two dice. */
#include "tests/unit/days/days.h"

/* splitmix64, as in contrib/sim/model.c. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

uint32_t world_below(struct days *days, uint32_t n)
{
	return (uint32_t)(next_random(&days->world_random) % n);
}

uint32_t dice(struct days *days)
{
	return (uint32_t)next_random(&days->dice_random);
}

uint64_t days_at(const struct days *days)
{
	return days->now_ms - days->plan.base_ms;
}

bool days_are_quiet(const struct days *days)
{
	return days_at(days) + DAYS_QUIET >= days->plan.span_ms;
}

void days_note(struct days *days, enum days_note what, uint32_t who, uint64_t value)
{
	if (days->n_lines == days->lines_max) {
		days->lines_max = days->lines_max ? 2 * days->lines_max : 65536;
		days->lines = realloc(days->lines, days->lines_max * sizeof(*days->lines));
		ck_assert_ptr_nonnull(days->lines);
	}
	days->lines[days->n_lines++] = (struct days_line){ days_at(days), what, who, value };
}

/* --- the heap; its first is the next --- */

static bool is_earlier(const struct days_timer *a, const struct days_timer *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void put(struct days *days, struct days_timer *timer, size_t place)
{
	days->heap[place - 1] = timer;
	timer->place = place;
}

static void rise(struct days *days, struct days_timer *timer)
{
	size_t at = timer->place;

	for (; at > 1 && is_earlier(timer, days->heap[at / 2 - 1]); at /= 2)
		put(days, days->heap[at / 2 - 1], at);
	put(days, timer, at);
}

static void sink(struct days *days, struct days_timer *timer)
{
	size_t at = timer->place;
	size_t below;

	while ((below = 2 * at) <= days->n_timers) {
		if (below < days->n_timers && is_earlier(days->heap[below], days->heap[below - 1]))
			below++;
		if (!is_earlier(days->heap[below - 1], timer))
			break;
		put(days, days->heap[below - 1], at);
		at = below;
	}
	put(days, timer, at);
}

void timer_clear(struct days *days, struct days_timer *timer)
{
	struct days_timer *last;

	if (timer->place == 0)
		return;
	last = days->heap[--days->n_timers];
	if (last != timer) {
		put(days, last, timer->place);
		rise(days, last);
		sink(days, last);
	}
	timer->place = 0;
}

void timer_set(struct days *days, struct days_timer *timer, uint64_t at_ms)
{
	timer_clear(days, timer);
	MUST(days->n_timers < DAYS_TIMERS_MAX && timer->fire, "no such timer");
	timer->at_ms = at_ms > days->now_ms ? at_ms : days->now_ms;
	timer->order = ++days->orders;
	put(days, timer, ++days->n_timers);
	rise(days, timer);
}

void days_run(struct days *days)
{
	struct days_timer *timer;
	uint64_t late_ms;

	while (days->n_timers > 0) {
		timer = days->heap[0];
		if (timer->at_ms > days->now_ms &&
		    timer->at_ms - days->plan.base_ms >= days->plan.span_ms)
			break;
		late_ms = days->plan.late_ms > 0 ? dice(days) % (days->plan.late_ms + 1) : 0;
		if (timer->at_ms + late_ms > days->now_ms)
			days->now_ms = timer->at_ms + late_ms;
		timer_clear(days, timer);
		timer->fire(days, timer);
	}
}
