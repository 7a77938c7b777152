/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/rights.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "worker/notify.h"
#include "worker/seat.h"

enum { BUCKET_MS = 1000 }; /* by then one that is left alone is full again */

/* --- users --- */

static struct tenant *need_tenant(struct tenants *tenants, uint32_t uid)
{
	struct tenant *tenant;

	TAILQ_FOREACH(tenant, tenants, entry)
	if (tenant->uid == uid)
		return tenant;
	tenant = calloc(1, sizeof(*tenant));
	if (!tenant)
		return NULL;
	tenant->uid = uid;
	TAILQ_INSERT_TAIL(tenants, tenant, entry);
	return tenant;
}

/* Not with its last session: opening another one would fill the bucket. */
static void forget_tenants(struct tenants *tenants)
{
	struct tenant *tenant = TAILQ_FIRST(tenants);
	struct tenant *next;
	uint64_t now_ms;

	if (!tenant)
		return;
	now_ms = clock_now_ms();
	for (; tenant; tenant = next) {
		next = TAILQ_NEXT(tenant, entry);
		if (tenant->n_seats > 0 || now_ms - tenant->bucket.at_ms < BUCKET_MS)
			continue;
		TAILQ_REMOVE(tenants, tenant, entry);
		free(tenant);
	}
}

/* --- telling --- */

static void tell_denied(struct seat *seat)
{
	Bh__Ctl__Denied msg = BH__CTL__DENIED__INIT;
	unsigned bit;

	msg.has_session = msg.has_right = msg.has_count = 1;
	msg.session = seat->session;
	for (bit = 0; bit < RIGHTS_COUNT; bit++) {
		if (seat->rights.denied[bit] == 0)
			continue;
		msg.right = 1u << bit;
		msg.count = seat->rights.denied[bit];
		seat->rights.denied[bit] = 0;
		port_send(seat->w->up, BH__CTL__TYPE__DENIED, 0, 0, &msg.base);
	}
}

/* The first at once, before its answer: most programs end with that, and their sessions. */
static void note_denied(struct seat *seat, uint32_t needs)
{
	seat->rights.denied[__builtin_ctz(needs)]++;
	if (seat->rights.has_told)
		return;
	seat->rights.has_told = true;
	tell_denied(seat);
}

/* --- what the supervisor says --- */

static void take_sight(struct rights_sight *out, const Bh__Ctl__Sight *said)
{
	struct pattern *pattern = &out->pattern;

	*out = (struct rights_sight){ .is_seen = said->seen };
	pattern->kind = (enum pattern_kind)said->kind;
	pattern->address = said->address;
	if (said->has_service && said->service.len == sizeof(pattern->service.octets))
		memcpy(pattern->service.octets, said->service.data, said->service.len);
	if (said->name && strlen(said->name) < sizeof(pattern->name))
		memcpy(pattern->name, said->name, strlen(said->name) + 1);
}

static int take_sights(struct rights *rights, const Bh__Ctl__Access *said)
{
	struct rights_sight *sights;
	size_t n = said->n_sights;
	size_t i;

	if (n > RIGHTS_SIGHTS_MAX)
		n = RIGHTS_SIGHTS_MAX;
	sights = n > 0 ? calloc(n, sizeof(*sights)) : NULL;
	if (n > 0 && !sights)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		take_sight(&sights[i], said->sights[i]);
	free(rights->sights);
	rights->sights = sights;
	rights->n_sights = n;
	return 0;
}

static int take(struct rights *rights, const Bh__Ctl__Access *said)
{
	int r = take_sights(rights, said);

	if (r < 0)
		return r;
	rights->mask = said->rights;
	rights->requests_per_s = said->requests_per_s;
	rights->queue = said->queue;
	rights->memory_kib = said->memory_kib;
	(void)snprintf(rights->why, sizeof(rights->why), "%s", said->why ? said->why : "");
	return 0;
}

int rights_begin(struct seat *seat, const Bh__Ctl__Access *said, bool is_moved)
{
	struct rights *rights = &seat->rights;
	int r;

	if (!said)
		return 0;
	r = take(rights, said);
	if (r < 0)
		return r;
	rights->tenant = need_tenant(&seat->w->tenants, said->uid);
	if (!rights->tenant)
		return -ENOMEM;
	rights->tenant->n_seats++;
	rights->replays = is_moved ? SEAT_REQUESTS_MAX + SEAT_SUBSCRIPTIONS_MAX : 0;
	return 0;
}

void rights_end(struct seat *seat)
{
	struct rights *rights = &seat->rights;

	tell_denied(seat);
	if (rights->tenant)
		rights->tenant->n_seats--;
	free(rights->sights);
	*rights = (struct rights){ .tenant = NULL };
}

void rights_changed(struct seats *seats, const Bh__Ctl__Access *said)
{
	struct seat *seat = seats_find(seats, said->session);
	char text[RIGHTS_DENIAL_LEN];
	bool had_values;

	if (!seat || !seat->rights.tenant)
		return;
	had_values = seat->rights.mask & RIGHT_NOTIFY;
	/* Without memory it has what it had: the supervisor ends what must not go on at all. */
	if (take(&seat->rights, said) < 0 || !had_values || seat->rights.mask & RIGHT_NOTIFY)
		return;
	rights_denial(seat->rights.tenant->uid, RIGHT_NOTIFY, seat->addr, seat->rights.why, text);
	notify_revoke(seat, text);
}

/* --- what a request may --- */

struct use {
	const struct tenant *tenant;
	uint32_t requests;
	uint32_t kib;
};

static uint32_t cost_kib(uint16_t type)
{
	return type == BH__TYPE__SUBSCRIBE ? RIGHTS_SUBSCRIPTION_KIB : RIGHTS_REQUEST_KIB;
}

static void add_use(struct seat *seat, void *ctx)
{
	struct use *use = ctx;
	const struct request *request;

	if (seat->rights.tenant != use->tenant)
		return;
	use->requests += (uint32_t)seat->n_requests;
	use->kib += (uint32_t)seat->n_subscribers * RIGHTS_SUBSCRIPTION_KIB;
	TAILQ_FOREACH(request, &seat->requests, entry)
	if (!notify_find(seat, request->id))
		use->kib += cost_kib(request->type);
}

static bool is_too_much(struct seat *seat, const struct chan_frame *frame, char *text)
{
	const struct rights *rights = &seat->rights;
	struct use use = { .tenant = rights->tenant };

	if (rights->queue == 0 && rights->memory_kib == 0)
		return false;
	seats_each(seat->w->seats, add_use, &use);
	if (rights->queue > 0 && use.requests >= rights->queue) {
		(void)snprintf(text, RIGHTS_DENIAL_LEN,
			       "uid %u has %u requests open on this adapter, as many as it may",
			       rights->tenant->uid, use.requests);
		return true;
	}
	if (rights->memory_kib > 0 && use.kib + cost_kib(frame->type) > rights->memory_kib) {
		(void)snprintf(text, RIGHTS_DENIAL_LEN,
			       "uid %u would use %u KiB on this adapter and may use %u",
			       rights->tenant->uid, use.kib + cost_kib(frame->type),
			       rights->memory_kib);
		return true;
	}
	return false;
}

static bool is_too_fast(struct rights *rights, char *text)
{
	if (rights->replays > 0) {
		rights->replays--;
		return false;
	}
	if (bucket_take(&rights->tenant->bucket, rights->requests_per_s, clock_now_ms()))
		return false;
	(void)snprintf(text, RIGHTS_DENIAL_LEN,
		       "more than %u requests a second on this adapter (uid %u): slow down",
		       rights->requests_per_s, rights->tenant->uid);
	return true;
}

bool rights_refuse(struct seat *seat, uint32_t needs, const struct chan_frame *frame,
		   enum err_class *out_class, char out_text[RIGHTS_DENIAL_LEN])
{
	struct rights *rights = &seat->rights;

	if (!rights->tenant || !(rights->mask & needs)) {
		rights_denial(rights->tenant ? rights->tenant->uid : 0, needs, seat->addr,
			      rights->why, out_text);
		note_denied(seat, needs);
		*out_class = CLASS_DENIED;
		return true;
	}
	*out_class = CLASS_LIMIT;
	return is_too_fast(rights, out_text) || is_too_much(seat, frame, out_text);
}

bool rights_sees(const struct rights *rights, const struct device *device)
{
	const struct pattern_device known = {
		.address = device->addr,
		.name = device->name,
		.services = device->uuids,
		.n_services = device->n_uuids,
	};
	size_t i;

	for (i = 0; i < rights->n_sights; i++)
		if (pattern_fits(&rights->sights[i].pattern, &known))
			return rights->sights[i].is_seen;
	return false;
}

static void tell_rest(struct seat *seat, void *ctx)
{
	(void)ctx;
	tell_denied(seat);
	seat->rights.has_told = false;
}

void rights_tick(struct seats *seats)
{
	struct worker *w = seats_worker(seats);

	seats_each(seats, tell_rest, NULL);
	forget_tenants(&w->tenants);
}
