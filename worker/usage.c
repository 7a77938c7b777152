/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/usage.h"

#include "ipc/class.h"
#include "ipc/clock.h"
#include "ipc/hist.h"
#include "worker/seat.h"

/*
 * A frame's body has 4 KiB. A bucket takes 2 octets at most and its count 3 (it is of one second),
 * a device some 60 besides, and a session 20.
 */
enum { BUCKETS_PER_MESSAGE = 400, USED_PER_MESSAGE = 20, SESSIONS_PER_MESSAGE = 100 };

struct used {
	uint64_t addr;
	uint32_t requests;
	uint32_t failures;
	uint32_t values;
	struct hist query;
	struct hist total;
};

struct usages {
	struct worker *w;
	struct deadline flush;
	uint64_t sent_at_ms;
	size_t n;
	struct used *used[USAGE_DEVICES_MAX]; /* those made so far are kept for the next time */
};

/* --- noting --- */

void usage_changed(struct worker *w)
{
	struct usages *usages = w->usages;
	uint64_t at_ms = clock_now_ms() + USAGE_FIRST_MS;

	if (usages->flush.is_set || !w->up)
		return;
	if (at_ms < usages->sent_at_ms + USAGE_EVERY_MS)
		at_ms = usages->sent_at_ms + USAGE_EVERY_MS;
	deadline_set(w->deadlines, &usages->flush, at_ms);
}

/* NULL: out of memory. Nothing is lost by it but figures. */
static struct used *need(struct usages *usages, uint64_t addr)
{
	size_t i;

	for (i = 0; i < usages->n; i++)
		if (usages->used[i]->addr == addr)
			return usages->used[i];
	if (usages->n == USAGE_DEVICES_MAX)
		usages_flush(usages);
	i = usages->n;
	if (!usages->used[i])
		usages->used[i] = malloc(sizeof(*usages->used[i]));
	if (!usages->used[i])
		return NULL;
	*usages->used[i] = (struct used){ .addr = addr };
	usages->n++;
	return usages->used[i];
}

void usage_answered(const struct request *request, enum err_class class)
{
	const struct seat *seat = request->seat;
	struct used *used;
	uint64_t now_ms = clock_now_ms();

	usage_changed(seat->w);
	if (seat->is_scan || !request_needs_link(request) || class == CLASS_CANCELLED)
		return;
	used = need(seat->w->usages, seat->addr);
	if (!used)
		return;
	used->requests++;
	used->failures += class != CLASS_NONE;
	if (class != CLASS_NONE)
		return;
	hist_add(&used->total, clock_span_ms(request->at_ms, now_ms));
	if (request->issued_at_ms != 0)
		hist_add(&used->query, clock_span_ms(request->issued_at_ms, now_ms));
}

void usage_values(struct worker *w, uint64_t addr, size_t n)
{
	struct used *used = need(w->usages, addr);

	usage_changed(w);
	if (used)
		used->values += (uint32_t)n;
}

/* --- saying --- */

struct message {
	struct worker *w;
	Bh__Ctl__Usage msg;
	size_t n_buckets;
	uint32_t buckets[BUCKETS_PER_MESSAGE];
	uint32_t counts[BUCKETS_PER_MESSAGE];
	size_t n_spreads;
	Bh__Ctl__Spread spreads[USED_PER_MESSAGE * 2];
	Bh__Ctl__Used used[USED_PER_MESSAGE];
	Bh__Ctl__Used *used_list[USED_PER_MESSAGE];
	Bh__Ctl__SessionUse sessions[SESSIONS_PER_MESSAGE];
	Bh__Ctl__SessionUse *session_list[SESSIONS_PER_MESSAGE];
};

static void clear(struct message *m)
{
	bh__ctl__usage__init(&m->msg);
	m->msg.used = m->used_list;
	m->msg.sessions = m->session_list;
	m->n_buckets = 0;
	m->n_spreads = 0;
}

static void send(struct message *m)
{
	if (m->msg.n_used > 0 || m->msg.n_sessions > 0)
		port_send(m->w->up, BH__CTL__TYPE__USAGE, 0, 0, &m->msg.base);
	clear(m);
}

static Bh__Ctl__Spread *add_spread(struct message *m, const struct hist *hist)
{
	Bh__Ctl__Spread *spread = &m->spreads[m->n_spreads];
	size_t i;

	if (hist->count == 0)
		return NULL;
	m->n_spreads++;
	bh__ctl__spread__init(spread);
	spread->has_count = spread->has_min_ms = spread->has_max_ms = 1;
	spread->count = hist->count;
	spread->min_ms = hist->min_ms;
	spread->max_ms = hist->max_ms;
	spread->n_buckets = spread->n_counts = hist->n;
	spread->buckets = &m->buckets[m->n_buckets];
	spread->counts = &m->counts[m->n_buckets];
	for (i = 0; i < hist->n; i++) {
		m->buckets[m->n_buckets] = hist->buckets[i];
		m->counts[m->n_buckets++] = hist->counts[i];
	}
	return spread;
}

static void add_used(struct message *m, const struct used *used)
{
	Bh__Ctl__Used *item;

	static_assert(BUCKETS_PER_MESSAGE >= 2 * HIST_BUCKETS_MAX, "one fits");
	if (m->msg.n_used == USED_PER_MESSAGE ||
	    m->n_buckets + used->query.n + used->total.n > BUCKETS_PER_MESSAGE)
		send(m);
	item = &m->used[m->msg.n_used];
	m->used_list[m->msg.n_used++] = item;
	bh__ctl__used__init(item);
	item->has_address = item->has_requests = item->has_failures = item->has_values = 1;
	item->address = used->addr;
	item->requests = used->requests;
	item->failures = used->failures;
	item->values = used->values;
	item->query = add_spread(m, &used->query);
	item->total = add_spread(m, &used->total);
}

static void add_seat(struct seat *seat, void *ctx)
{
	struct message *m = ctx;
	Bh__Ctl__SessionUse *item;

	if (seat->is_scan ||
	    (seat->told.holds == seat->holds_link && seat->told.subscribers == seat->n_subscribers))
		return;
	if (m->msg.n_sessions == SESSIONS_PER_MESSAGE)
		send(m);
	item = &m->sessions[m->msg.n_sessions];
	m->session_list[m->msg.n_sessions++] = item;
	bh__ctl__session_use__init(item);
	item->has_session = item->has_holds = item->has_subscriptions = 1;
	item->session = seat->session;
	item->holds = seat->told.holds = seat->holds_link;
	seat->told.subscribers = seat->n_subscribers;
	item->subscriptions = (uint32_t)seat->n_subscribers;
}

void usages_flush(struct usages *usages)
{
	struct message *m = calloc(1, sizeof(*m));
	size_t i;

	deadline_clear(usages->w->deadlines, &usages->flush);
	usages->sent_at_ms = clock_now_ms();
	if (m) {
		m->w = usages->w;
		clear(m);
		for (i = 0; i < usages->n; i++)
			add_used(m, usages->used[i]);
		send(m);
		seats_each(usages->w->seats, add_seat, m);
		send(m);
	}
	usages->n = 0;
	free(m);
}

static void on_flush(struct deadline *deadline)
{
	usages_flush(container_of(deadline, struct usages, flush));
}

int usages_new(struct usages **out, struct worker *w)
{
	struct usages *usages = calloc(1, sizeof(*usages));

	if (!usages)
		return -ENOMEM;
	usages->w = w;
	usages->flush.fire = on_flush;
	*out = usages;
	return 0;
}

struct usages *usages_free(struct usages *usages)
{
	size_t i;

	if (!usages)
		return NULL;
	deadline_clear(usages->w->deadlines, &usages->flush);
	for (i = 0; i < USAGE_DEVICES_MAX; i++)
		free(usages->used[i]);
	free(usages);
	return NULL;
}
