/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/seat.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/link.h"
#include "worker/notify.h"
#include "worker/usage.h"
#include "worker/seat_rules.h"

#include <string.h>

enum { LINGER_MS = 5000 };

/* A write that is answered or moot, and still on the page for a reason. */
struct lingering {
	TAILQ_ENTRY(lingering) entry;
	uint32_t session;
	uint32_t id;
	uint32_t epoch;
	uint64_t until_ms; /* 0: until its answer has left the queue of its seat */
};

struct seats {
	struct worker *w;
	TAILQ_HEAD(, seat) list;
	TAILQ_HEAD(, lingering) lingering;
	size_t n;
};

/* --- the page --- */

static void linger(struct seat *seat, uint32_t id, uint64_t until_ms)
{
	struct lingering *l = calloc(1, sizeof(*l));

	/* Without memory it stays on the page: a write too many is called interrupted. */
	if (!l)
		return;
	l->session = seat->session;
	l->epoch = seat->epoch;
	l->id = id;
	l->until_ms = until_ms;
	TAILQ_INSERT_TAIL(&seat->w->seats->lingering, l, entry);
}

void seat_answered(struct seat *seat, uint32_t id)
{
	/*
	 * An answer that waits in our queue dies with us: the program would send the write again,
	 * unless the page still says that it was issued.
	 */
	if (port_queued(seat->port) > 0)
		linger(seat, id, 0);
	else
		wpage_answered(seat->w->page, seat->session, id);
}

void seat_keep_on_page(struct seat *seat, uint32_t id)
{
	linger(seat, id, clock_now_ms() + LINGER_MS);
}

struct seat *seats_find(const struct seats *seats, uint32_t session)
{
	struct seat *seat;

	TAILQ_FOREACH(seat, &seats->list, entry)
	if (seat->session == session)
		return seat;
	return NULL;
}

static bool is_over(const struct seats *seats, const struct lingering *l, uint64_t now_ms)
{
	const struct seat *seat;

	if (l->until_ms != 0)
		return now_ms >= l->until_ms;
	seat = seats_find(seats, l->session);
	return !seat || port_queued(seat->port) == 0;
}

void seats_tick(struct seats *seats)
{
	struct lingering *l = TAILQ_FIRST(&seats->lingering);
	uint64_t now_ms;

	if (!l)
		return;
	now_ms = clock_now_ms();
	while (l) {
		struct lingering *next = TAILQ_NEXT(l, entry);

		if (is_over(seats, l, now_ms)) {
			TAILQ_REMOVE(&seats->lingering, l, entry);
			wpage_answered(seats->w->page, l->session, l->id);
			free(l);
		}
		l = next;
	}
}

/* --- coming and going --- */

/* Lets go of everything; the link is told last, when nothing of this seat is left on it. */
static void seat_free(struct seat *seat, bool keep_on_page)
{
	struct link *link = seat->link;
	struct request *request;
	struct lingering *l;

	/* Answers that never left: the next worker must know of those writes. */
	TAILQ_FOREACH(l, &seat->w->seats->lingering, entry)
	if (keep_on_page && l->session == seat->session && l->until_ms == 0)
		l->until_ms = clock_now_ms() + LINGER_MS;
	while ((request = TAILQ_FIRST(&seat->requests)))
		request_drop(request, keep_on_page);
	notify_drop_seat(seat);
	seat->port = port_free(seat->port);
	TAILQ_REMOVE(&seat->w->seats->list, seat, entry);
	seat->w->seats->n--;
	rights_end(seat);
	if (link)
		link_leave(link, seat);
	free(seat);
}

static void report(struct worker *w, uint16_t type, uint32_t session, const char *text)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;

	ref.has_session = 1;
	ref.session = session;
	ref.text = (char *)(uintptr_t)text;
	port_send(w->up, type, 0, 0, &ref.base);
}

static void on_closed(struct port *port, void *ctx, int error)
{
	struct seat *seat = ctx;
	struct worker *w = seat->w;
	uint32_t session = seat->session;

	(void)port;
	log_debug("event=session-closed session=%u error=%s", session, strerror(-error));
	link_seat_over(seat);
	seat_free(seat, false);
	report(w, BH__CTL__TYPE__SESSION_ENDED, session,
	       error == 0 ? "its program closed it" : "its program broke the protocol");
}

static void on_drained(struct port *port, void *ctx)
{
	struct seat *seat = ctx;

	(void)port;
	if (seat->is_scan)
		scan_drained(seat->w->scan, seat);
	else
		notify_drained(seat);
}

static const struct port_ops PORT = {
	.rules = SEAT_RULES,
	.n_rules = SEAT_RULES_LEN,
	.closed = on_closed,
	.drained = on_drained,
};

int seats_attach(struct seats *seats, const Bh__Ctl__SessionAttach *attach, int fd)
{
	struct worker *w = seats->w;
	struct seat *seat;
	int r;

	if (seats_find(seats, attach->session))
		return -EEXIST;
	seat = calloc(1, sizeof(*seat));
	if (!seat)
		return -ENOMEM;
	seat->w = w;
	seat->session = attach->session;
	seat->epoch = attach->epoch;
	seat->is_scan = attach->kind == BH__SESSION_KIND__SESSION_SCAN;
	seat->addr = attach->address;
	seat->is_random = attach->random;
	seat->under = attach->under;
	TAILQ_INIT(&seat->requests);
	TAILQ_INIT(&seat->subscribers);
	r = rights_begin(seat, attach->access, attach->epoch > 1);
	if (r == 0)
		r = port_new(&seat->port, w->event, fd, w->buf, CHAN_BODY_DATA, &PORT, seat,
			     SD_EVENT_PRIORITY_NORMAL);
	if (r == 0 && !seat->is_scan)
		r = link_join(w->links, seat, attach->rules);
	if (r < 0) {
		/* On failure the fd is still the caller's; a port that was made owns it. */
		bool took_fd = seat->port != NULL;

		port_free(seat->port);
		rights_end(seat);
		free(seat);
		return took_fd ? -ESTALE : r;
	}
	TAILQ_INSERT_TAIL(&seats->list, seat, entry);
	seats->n++;
	return 0;
}

int seats_add_keeper(struct seats *seats, const Bh__Ctl__Keep *keep, struct seat **out)
{
	struct seat *seat = calloc(1, sizeof(*seat));
	int r;

	if (!seat)
		return -ENOMEM;
	seat->w = seats->w;
	seat->session = keep->session;
	seat->epoch = keep->epoch;
	seat->is_keeper = true;
	seat->addr = keep->address;
	seat->is_random = keep->random;
	TAILQ_INIT(&seat->requests);
	TAILQ_INIT(&seat->subscribers);
	r = link_join(seats->w->links, seat, keep->rules);
	if (r < 0) {
		free(seat);
		return r;
	}
	TAILQ_INSERT_TAIL(&seats->list, seat, entry);
	seats->n++;
	*out = seat;
	return 0;
}

struct worker *seats_worker(const struct seats *seats)
{
	return seats->w;
}

void seats_detach(struct seats *seats, uint32_t session, bool is_over)
{
	struct worker *w = seats->w;
	struct seat *seat = seats_find(seats, session);

	if (seat && is_over)
		link_seat_over(seat);
	if (seat)
		seat_free(seat, true);
	report(w, BH__CTL__TYPE__SESSION_GIVEN_UP, session, "");
}

void seats_each(struct seats *seats, void (*each)(struct seat *seat, void *ctx), void *ctx)
{
	struct seat *seat;

	TAILQ_FOREACH(seat, &seats->list, entry)
	each(seat, ctx);
}

void seats_close(struct seats *seats)
{
	struct seat *seat;

	while ((seat = TAILQ_FIRST(&seats->list)))
		seat_free(seat, true);
}

size_t seats_count(const struct seats *seats)
{
	return seats->n;
}

void seat_let_go(struct seat *seat)
{
	seat->holds_link = false;
	seat->is_exclusive = false;
	usage_changed(seat->w);
}

void seat_tell_lost(struct seat *seat, enum err_class class, const char *text)
{
	Bh__LinkLost lost = BH__LINK_LOST__INIT;

	lost.has_class_ = 1;
	lost.class_ = (Bh__Class) class;
	lost.text = (char *)(uintptr_t)text;
	lost.has_resumes = 1;
	lost.resumes = resume_is_any(seat);
	port_send(seat->port, BH__TYPE__LINK_LOST, 0, seat->epoch, &lost.base);
}

static void send_back(const struct seat *seat, bool has_gap)
{
	Bh__LinkBack back = BH__LINK_BACK__INIT;

	back.adapter = (char *)(uintptr_t)seat->w->adapter;
	back.has_gap = back.gap = has_gap;
	port_send(seat->port, BH__TYPE__LINK_BACK, 0, seat->epoch, &back.base);
}

void seat_tell_back(struct seat *seat)
{
	send_back(seat, false);
}

void seat_tell_gap(struct seat *seat)
{
	send_back(seat, true);
}

int seats_new(struct seats **out, struct worker *w)
{
	struct seats *seats = calloc(1, sizeof(*seats));

	if (!seats)
		return -ENOMEM;
	seats->w = w;
	TAILQ_INIT(&seats->list);
	TAILQ_INIT(&seats->lingering);
	TAILQ_INIT(&w->tenants);
	*out = seats;
	return 0;
}

struct seats *seats_free(struct seats *seats)
{
	struct lingering *l;
	struct tenant *tenant;

	if (!seats)
		return NULL;
	seats_close(seats);
	while ((l = TAILQ_FIRST(&seats->lingering))) {
		TAILQ_REMOVE(&seats->lingering, l, entry);
		free(l);
	}
	while ((tenant = TAILQ_FIRST(&seats->w->tenants))) {
		TAILQ_REMOVE(&seats->w->tenants, tenant, entry);
		free(tenant);
	}
	free(seats);
	return NULL;
}
