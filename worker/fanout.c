/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values to programs: in order, counted, the oldest dropped for who is slow; worker/notify.h. */
#include "worker/notify_state.h"

#include "ipc/clock.h"
#include "worker/usage.h"

#include <string.h>

enum { DRAIN_MS = 10 };

bool fanout_keep(struct value_list *list, const struct span *value)
{
	struct value *copy = malloc(sizeof(*copy) + value->len);

	if (!copy)
		return false;
	copy->len = value->len;
	if (value->len > 0)
		memcpy(copy->data, value->data, value->len);
	TAILQ_INSERT_TAIL(list, copy, entry);
	return true;
}

static void drop_oldest(struct subscriber *s)
{
	struct value *oldest = TAILQ_FIRST(&s->backlog);

	TAILQ_REMOVE(&s->backlog, oldest, entry);
	s->n_backlog--;
	free(oldest);
}

void fanout_clear(struct subscriber *s)
{
	while (s->n_backlog > 0)
		drop_oldest(s);
}

/* A lost value uses up its number: the program sees the gap in the count, and how wide it is. */
static void lose_oldest(struct subscriber *s)
{
	drop_oldest(s);
	s->next_seq++;
	s->lost += s->lost < UINT32_MAX ? 1 : 0;
}

static void send(struct subscriber *s, const struct span *values, size_t n)
{
	ProtobufCBinaryData wire[NOTIFY_READS_MAX];
	Bh__Notified msg = BH__NOTIFIED__INIT;
	size_t i;

	for (i = 0; i < n; i++) {
		wire[i].data = (uint8_t *)(uintptr_t)values[i].data;
		wire[i].len = values[i].len;
	}
	msg.has_first_seq = 1;
	msg.first_seq = s->next_seq;
	msg.values = wire;
	msg.n_values = n;
	msg.has_lost = s->lost > 0;
	msg.lost = s->lost;
	s->next_seq += n;
	s->lost = 0;
	port_send(s->seat->port, BH__TYPE__NOTIFIED, s->id, s->seat->epoch, &msg.base);
}

static void keep(struct subscriber *s, const struct span *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s->n_backlog >= NOTIFY_BACKLOG_MAX)
			lose_oldest(s);
		if (fanout_keep(&s->backlog, &values[i]))
			s->n_backlog++;
	}
}

/* What waited, in messages of the usual size, as long as the socket takes them. */
static void send_backlog(struct subscriber *s)
{
	struct span values[NOTIFY_READS_MAX];
	struct value *v;
	size_t n;

	while (s->n_backlog > 0 && port_queued(s->seat->port) == 0) {
		n = 0;
		TAILQ_FOREACH(v, &s->backlog, entry)
		{
			if (n == NOTIFY_READS_MAX)
				break;
			values[n].data = v->data;
			values[n++].len = v->len;
		}
		send(s, values, n);
		while (n-- > 0)
			drop_oldest(s);
	}
}

void fanout_values(struct sub *sub, const struct span *values, size_t n)
{
	struct subscriber *s;
	bool is_slow = false;

	link_used(sub->link);
	usage_values(sub->link->w, sub->link->addr, n);
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	{
		/* The SUBSCRIBE is answered first. */
		if (s->request)
			continue;
		if (s->n_backlog == 0 && port_queued(s->seat->port) == 0)
			send(s, values, n);
		else
			keep(s, values, n);
		is_slow = is_slow || s->n_backlog > 0;
	}
	if (is_slow && !sub->drain.is_set)
		deadline_set(sub->link->w->deadlines, &sub->drain, clock_now_ms() + DRAIN_MS);
}

void fanout_drain(struct sub *sub)
{
	struct subscriber *s;
	bool is_slow = false;

	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	{
		send_backlog(s);
		is_slow = is_slow || s->n_backlog > 0;
	}
	if (is_slow)
		deadline_set(sub->link->w->deadlines, &sub->drain, clock_now_ms() + DRAIN_MS);
}
