/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values to programs: in order, counted, the oldest dropped for who is slow; worker/notify.h. */
#include "worker/notify_state.h"

#include "worker/usage.h"

#include <string.h>

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
	s->backlog_bytes -= oldest->len;
	free(oldest);
}

void fanout_clear(struct subscriber *s)
{
	while (s->n_backlog > 0)
		drop_oldest(s);
}

static void lose_oldest(struct subscriber *s)
{
	drop_oldest(s);
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
	/*
	 * A lost value uses up its number: the program sees the gap in the count, and how wide it
	 * is. It uses up no credit, since it is never taken.
	 */
	s->next_seq += s->lost;
	s->taken_seq += s->lost;
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
		while (s->n_backlog >= NOTIFY_BACKLOG_MAX ||
		       (s->n_backlog > 0 &&
			s->backlog_bytes + values[i].len > NOTIFY_BACKLOG_BYTES))
			lose_oldest(s);
		if (!fanout_keep(&s->backlog, &values[i])) {
			/* It is the newest: those before it must go, or the count would lie. */
			while (s->n_backlog > 0)
				lose_oldest(s);
			s->lost += s->lost < UINT32_MAX ? 1 : 0;
			continue;
		}
		s->n_backlog++;
		s->backlog_bytes += values[i].len;
	}
}

/* How many values its program may be given now. */
static size_t credit(const struct subscriber *s)
{
	uint64_t under_way = s->next_seq - 1 - s->taken_seq;

	/* The SUBSCRIBE is answered first. */
	if (s->request || port_queued(s->seat->port) > 0 || under_way >= NOTIFY_CREDIT)
		return 0;
	return (size_t)(NOTIFY_CREDIT - under_way);
}

/* What waited, in messages of the usual size. */
void fanout_more(struct subscriber *s)
{
	struct span values[NOTIFY_READS_MAX];
	struct value *v;
	size_t most;
	size_t n;

	while (s->n_backlog > 0 && (most = credit(s)) > 0) {
		n = 0;
		if (most > NOTIFY_READS_MAX)
			most = NOTIFY_READS_MAX;
		TAILQ_FOREACH(v, &s->backlog, entry)
		{
			if (n == most)
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

	link_used(sub->link);
	usage_values(sub->link->w, sub->link->addr, n);
	quiet_heard(sub);
	TAILQ_FOREACH(s, &sub->subscribers, on_sub)
	{
		/* Values before its SUBSCRIBE is answered are not its own. */
		if (s->request)
			continue;
		if (s->n_backlog == 0 && credit(s) >= n) {
			send(s, values, n);
			continue;
		}
		keep(s, values, n);
		fanout_more(s);
	}
}
