/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watchdog of subscriptions, worker/notify_state.h: a peripheral whose values have stopped is
 * on a link that only looks alive. It ends the link, which subscriptions that resume have again;
 * once: one that has nothing to say would be connected for ever. A value arms it again.
 */
#include "worker/notify_state.h"

#include "ipc/clock.h"
#include "worker/link.h"

#include <stdio.h>

static uint32_t limit_ms(const struct subscriber *s)
{
	return s->silence_ms > 0 ? s->silence_ms : s->seat->link->rules.silence_ms;
}

/* Who is the next to miss a value, and when; NULL: nobody. */
static const struct subscriber *next(const struct sub *sub, uint64_t *out_at_ms)
{
	const struct subscriber *first = NULL;
	const struct subscriber *s;
	uint64_t at_ms;

	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	{
		if (s->request || s->is_spent || limit_ms(s) == 0)
			continue;
		at_ms = (sub->heard_at_ms > s->since_ms ? sub->heard_at_ms : s->since_ms) +
			limit_ms(s);
		if (first && at_ms >= *out_at_ms)
			continue;
		first = s;
		*out_at_ms = at_ms;
	}
	return first;
}

void quiet_review(struct sub *sub)
{
	const struct subscriber *s;
	uint64_t at_ms;

	sub->has_spent = false;
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	sub->has_spent |= s->is_spent;
	if (next(sub, &at_ms))
		deadline_set(sub->link->w->deadlines, &sub->quiet, at_ms);
	else
		deadline_clear(sub->link->w->deadlines, &sub->quiet);
}

void quiet_heard(struct sub *sub)
{
	struct subscriber *s;

	sub->heard_at_ms = sub->link->used_at_ms;
	if (!sub->has_spent)
		return;
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	s->is_spent = false;
	quiet_review(sub);
}

/* None of this link's is to end the next one for the same silence. */
static void spend(struct link *link)
{
	struct subscriber *s;
	struct sub *sub;

	TAILQ_FOREACH(sub, &link->subs, entry)
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	s->is_spent = true;
}

static void end_silent(struct link *link, const struct subscriber *s)
{
	uint32_t session = s->seat->session;
	uint32_t limit = limit_ms(s);
	char text[LINK_TEXT_LEN];

	(void)snprintf(text, sizeof(text), "no value for %u.%u s: the link is taken for dead",
		       limit / 1000, limit % 1000 / 100);
	spend(link);
	link_tell_event(link, "silent", session, CLASS_ZOMBIE, text);
	link_event_why(link, LINK_EV_DEAD, CLASS_ZOMBIE, text);
	link_review(link);
}

void quiet_on_deadline(struct deadline *deadline)
{
	struct sub *sub = container_of(deadline, struct sub, quiet);
	const struct subscriber *s;
	uint64_t at_ms;

	/* Values that have come and were not read: this process was stopped, or late. */
	sub_catch_up(sub);
	s = next(sub, &at_ms);
	if (!s)
		return;
	if (clock_now_ms() < at_ms)
		deadline_set(sub->link->w->deadlines, &sub->quiet, at_ms);
	else if (sub->link->state == LINK_UP)
		end_silent(sub->link, s);
}
