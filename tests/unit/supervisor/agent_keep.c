/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/agent_keep.c - the fake worker's sessions without a program. What it is
 * told it says as an event of the kind "connecting": "keep 1" (hold), "keep 0", "left", "check read
 * 4000" (its timeout), "watch", "unwatch", "rules 1000" (linger_ms). It obeys files of the rig's
 * directory:
 *
 *   check N      class of CHECKED; 99: it is never answered
 *   connect N    a link that is to be held is not made: attempts fail with that class
 *   first        ... the first one; without it the last
 *   crash        a session that is to be held kills it
 */
#include <stdio.h>
#include <string.h>

#include "ipc/control.pb-c.h"
#include "ipc/hist.h"
#include "tests/unit/supervisor/rig.h"

enum { KEPT_MAX = 16, NEVER = 99 };

static struct kept {
	uint32_t session; /* 0: free */
	uint64_t address;
	bool is_holding;
} kept[KEPT_MAX];

static void say(struct chan *up, const char *text)
{
	Bh__Event event = BH__EVENT__INIT;

	event.kind = (char *)(uintptr_t) "connecting";
	event.text = (char *)(uintptr_t)text;
	(void)!chan_send(up, BH__CTL__TYPE__EVENT, 0, 0, &event.base, NULL, 0);
}

void agent_link(struct chan *up, uint64_t address, bool is_up, int class, uint64_t services)
{
	Bh__Ctl__Link link = BH__CTL__LINK__INIT;

	link.has_address = link.has_up = link.has_class_ = link.has_services_hash = 1;
	link.has_bonded = 1;
	link.address = address;
	link.up = is_up;
	link.class_ = (Bh__Class) class;
	link.services_hash = services;
	link.bonded = services % 2;
	(void)!chan_send(up, BH__CTL__TYPE__LINK_STATE, 0, 0, &link.base, NULL, 0);
}

void agent_use(struct chan *up, uint32_t session, uint64_t address, unsigned n)
{
	Bh__Ctl__Usage usage = BH__CTL__USAGE__INIT;
	Bh__Ctl__SessionUse use = BH__CTL__SESSION_USE__INIT;
	Bh__Ctl__SessionUse *uses[] = { &use };
	Bh__Ctl__Used used = BH__CTL__USED__INIT;
	Bh__Ctl__Used *all[] = { &used };
	Bh__Ctl__Spread query = BH__CTL__SPREAD__INIT;
	struct hist hist = { 0 };
	uint32_t buckets[HIST_BUCKETS_MAX];
	unsigned i;

	for (i = 1; i <= n; i++)
		hist_add(&hist, i);
	for (i = 0; i < hist.n; i++)
		buckets[i] = hist.buckets[i];
	query.has_count = query.has_min_ms = query.has_max_ms = 1;
	query.count = hist.count;
	query.min_ms = hist.min_ms;
	query.max_ms = hist.max_ms;
	query.n_buckets = query.n_counts = hist.n;
	query.buckets = buckets;
	query.counts = hist.counts;
	used.has_address = used.has_requests = used.has_failures = used.has_values = 1;
	used.address = address;
	used.requests = n;
	used.failures = 1;
	used.values = 3;
	used.query = &query;
	use.has_session = use.has_holds = use.has_subscriptions = 1;
	use.session = session;
	use.holds = 1;
	use.subscriptions = 2;
	usage.n_used = usage.n_sessions = 1;
	usage.used = all;
	usage.sessions = uses;
	(void)!chan_send(up, BH__CTL__TYPE__USAGE, 0, 0, &usage.base, NULL, 0);
}

/* The number in that file; -1: there is none. */
static int number_in(const char *file)
{
	char text[16] = "";

	return agent_read(file, text, sizeof(text)) ? atoi(text) : -1;
}

static void fail(struct chan *up, const struct kept *at, int class)
{
	Bh__Ctl__AttemptFailed failed = BH__CTL__ATTEMPT_FAILED__INIT;

	failed.has_session = failed.has_address = failed.has_attempt = failed.has_class_ = 1;
	failed.session = at->session;
	failed.address = at->address;
	failed.attempt = number_in("first") >= 0 ? 1 : 100;
	failed.class_ = (Bh__Class) class;
	(void)!chan_send(up, BH__CTL__TYPE__ATTEMPT_FAILED, 1, 0, &failed.base, NULL, 0);
}

static struct kept *find(uint32_t session)
{
	size_t i;

	for (i = 0; i < KEPT_MAX; i++)
		if (kept[i].session == session)
			return &kept[i];
	return NULL;
}

static void on_keep(struct chan *up, const Bh__Ctl__Keep *msg)
{
	struct kept *at = find(msg->session) ? find(msg->session) : find(0);

	if (!at || !msg->rules || msg->rules->address != msg->address)
		_exit(9);
	say(up, msg->hold ? "keep 1" : "keep 0");
	*at = (struct kept){ .session = msg->session,
			     .address = msg->address,
			     .is_holding = msg->hold };
	if (!msg->hold)
		return;
	if (agent_read("crash", NULL, 0))
		_exit(3);
	if (number_in("connect") >= 0)
		fail(up, at, number_in("connect"));
	else
		agent_link(up, at->address, true, 0, 0);
}

static void on_check(struct chan *up, uint32_t id, const Bh__Ctl__Check *msg)
{
	Bh__Ctl__Checked checked = BH__CTL__CHECKED__INIT;
	char text[64];

	if (!find(msg->session))
		_exit(9);
	(void)snprintf(text, sizeof(text), "check %s %u", msg->has_uuid ? "read" : "gatt",
		       msg->timeout_ms);
	say(up, text);
	checked.has_class_ = 1;
	checked.class_ = (Bh__Class)(number_in("check") > 0 ? number_in("check") : 0);
	if (number_in("check") != NEVER)
		(void)!chan_send(up, BH__CTL__TYPE__CHECKED, id, 0, &checked.base, NULL, 0);
}

static void on_detach(struct chan *up, const Bh__Ctl__SessionRef *msg)
{
	Bh__Ctl__SessionRef ref = BH__CTL__SESSION_REF__INIT;
	struct kept *at = find(msg->session);

	if (!at || msg->session == 0)
		return;
	say(up, "left");
	*at = (struct kept){ .session = 0 };
	ref.has_session = 1;
	ref.session = msg->session;
	(void)!chan_send(up, BH__CTL__TYPE__SESSION_GIVEN_UP, 0, 0, &ref.base, NULL, 0);
}

void agent_on_keep(struct chan *up, struct chan_frame *frame)
{
	const Bh__Ctl__DeviceRules *rules;
	const Bh__Ctl__Find *search;
	char text[64];

	switch (frame->type) {
	case BH__CTL__TYPE__KEEP:
		on_keep(up, chan_unpack(up, frame, &bh__ctl__keep__descriptor));
		return;
	case BH__CTL__TYPE__CHECK:
		on_check(up, frame->id, chan_unpack(up, frame, &bh__ctl__check__descriptor));
		return;
	case BH__CTL__TYPE__SESSION_DETACH:
		on_detach(up, chan_unpack(up, frame, &bh__ctl__session_ref__descriptor));
		return;
	case BH__CTL__TYPE__DEVICE_RULES:
		rules = chan_unpack(up, frame, &bh__ctl__device_rules__descriptor);
		(void)snprintf(text, sizeof(text), "rules %u", rules->linger_ms);
		say(up, text);
		return;
	case BH__CTL__TYPE__FIND:
		search = chan_unpack(up, frame, &bh__ctl__find__descriptor);
		if (search->watch || search->stop)
			say(up, search->watch ? "watch" : "unwatch");
		return;
	default:
		return;
	}
}
