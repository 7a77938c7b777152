/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/deadline.h"

#include "ipc/clock.h"

#include <time.h>

TAILQ_HEAD(deadline_list, deadline);

struct deadlines {
	struct deadline_list list;
	sd_event_source *timer;
	uint64_t armed_at_ms; /* UINT64_MAX: off */
};

static void arm(struct deadlines *d, uint64_t at_ms)
{
	d->armed_at_ms = at_ms;
	if (at_ms == UINT64_MAX) {
		(void)sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(d->timer, at_ms * 1000u);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct deadlines *d = userdata;
	struct deadline *first;
	uint64_t now_ms = clock_now_ms();

	(void)source;
	(void)usec;
	while ((first = TAILQ_FIRST(&d->list)) && first->at_ms <= now_ms) {
		deadline_clear(d, first);
		first->fire(first);
	}
	first = TAILQ_FIRST(&d->list);
	arm(d, first ? first->at_ms : UINT64_MAX);
	return 0;
}

int deadlines_new(struct deadlines **out, sd_event *event)
{
	struct deadlines *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	TAILQ_INIT(&d->list);
	d->armed_at_ms = UINT64_MAX;
	r = sd_event_add_time(event, &d->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_timer, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
	if (r < 0) {
		deadlines_free(d);
		return r;
	}
	*out = d;
	return 0;
}

struct deadlines *deadlines_free(struct deadlines *d)
{
	if (!d)
		return NULL;
	sd_event_source_disable_unref(d->timer);
	free(d);
	return NULL;
}

void deadline_set(struct deadlines *d, struct deadline *deadline, uint64_t at_ms)
{
	struct deadline *before;

	deadline_clear(d, deadline);
	deadline->at_ms = at_ms;
	deadline->is_set = true;
	before = TAILQ_LAST(&d->list, deadline_list);
	while (before && before->at_ms > at_ms)
		before = TAILQ_PREV(before, deadline_list, entry);
	if (before)
		TAILQ_INSERT_AFTER(&d->list, before, deadline, entry);
	else
		TAILQ_INSERT_HEAD(&d->list, deadline, entry);
	if (at_ms < d->armed_at_ms)
		arm(d, at_ms);
}

void deadline_clear(struct deadlines *d, struct deadline *deadline)
{
	if (!deadline->is_set)
		return;
	deadline->is_set = false;
	TAILQ_REMOVE(&d->list, deadline, entry);
}
