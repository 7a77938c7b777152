/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/handover.c - takes sessions away from workers that died or let go of them, DESIGN 4:
 * the writes that such a worker had given to BlueZ are read from its page, the session it died of
 * is blamed, and each session then looks for the next worker (finder.c).
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "supervisor/adapters.h"
#include "supervisor/admission.h"
#include "supervisor/devices.h"
#include "supervisor/seek.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

enum {
	/*
	 * Where programs connect all the time discovery has a second in eleven (worker/scan_air.h),
	 * and a peripheral may miss one or two of them.
	 */
	LISTEN_MS = 30000,
};

/* --- issued writes --- */

static bool has_issued(const struct session *session, uint32_t id)
{
	size_t i;

	for (i = 0; i < session->n_issued; i++)
		if (session->issued[i] == id)
			return true;
	return false;
}

/* False: it cannot be kept, and a write would be run twice. */
static bool add_issued(struct session *session, uint32_t id)
{
	if (has_issued(session, id))
		return true;
	if (session->n_issued == SESSION_ISSUED_MAX)
		return false;
	if (!session->issued)
		session->issued = calloc(SESSION_ISSUED_MAX, sizeof(*session->issued));
	if (!session->issued)
		return false;
	session->issued[session->n_issued++] = id;
	return true;
}

static bool collect_issued(struct session *session, const struct wpage_view *page)
{
	size_t i;

	for (i = 0; i < page->n_issued && i < WPAGE_ISSUED_MAX; i++)
		if (page->issued[i].session == session->id &&
		    !add_issued(session, page->issued[i].id))
			return false;
	return true;
}

/* --- poison --- */

/* Whether it died by itself: not of a SIGKILL from outside, not because it was told to. */
static bool is_own_death(const struct child_obituary *obituary)
{
	if (obituary->exec_error || obituary->cause == CHILD_CAUSE_ASKED)
		return false;
	if (obituary->cause == CHILD_CAUSE_HUNG)
		return true;
	if (obituary->is_signal)
		return obituary->status != SIGKILL && obituary->status != SIGTERM &&
		       obituary->status != SIGINT && obituary->status != SIGHUP;
	return obituary->status != EXIT_SUCCESS && obituary->status != CHILD_EXIT_TEMPORARY &&
	       obituary->status != CHILD_EXIT_CONFIG && obituary->status != CHILD_EXIT_ADAPTER_GONE;
}

bool sessions_blame(struct sup *sup, struct adapter *adapter, const struct child_obituary *obituary)
{
	struct session *session;

	if (!obituary->has_page || obituary->page.handling_session == 0 || !is_own_death(obituary))
		return false;
	session = session_find(sup, obituary->page.handling_session);
	if (!session || session->state != SESSION_SERVED || session->home != adapter->index)
		return false;
	session->blames++;
	if (session->client)
		admission_blame(session->client);
	return true;
}

/* --- moving --- */

/* False: it is gone. */
static bool uproot(struct session *session, const struct wpage_view *page, const char *reason)
{
	struct event event = session_event(session, EVENT_MOVING);
	const struct adapter *adapter = adapters_find(session->sup->adapters, session->home);

	session_uproot(session, reason);
	if (page && !collect_issued(session, page)) {
		session_fail(session, CLASS_INTERNAL,
			     "more writes than can be kept track of had no answer");
		return false;
	}
	if (session->blames >= SESSION_BLAMES_MAX) {
		session_fail(session, CLASS_INTERNAL,
			     "its requests killed the worker twice; it is not served any more");
		return false;
	}
	if (session->client && admission_is_deadly(session->client)) {
		session_fail(session, CLASS_DENIED, "requests of its user killed too many workers");
		return false;
	}
	if (session->is_scan && (!adapter || !adapter->is_present)) {
		session_fail(session, CLASS_ADAPTER_GONE, "the adapter was unplugged");
		return false;
	}
	events_add(session->sup->events, &event, "%s", reason);
	return true;
}

void sessions_worker_died(struct sup *sup, struct adapter *adapter,
			  const struct child_obituary *obituary, uint32_t delay_ms)
{
	struct session *session = TAILQ_FIRST(&sup->sessions->all);
	struct session *next;
	char death[96];
	char reason[SESSION_REASON_LEN];

	if (sup->is_stopping)
		return;
	child_obituary_text(obituary, death, sizeof(death));
	(void)snprintf(reason, sizeof(reason), "worker %s: %s", adapter->name, death);
	for (; session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (session->state != SESSION_SERVED || session->home != adapter->index)
			continue;
		if (uproot(session, obituary->has_page ? &obituary->page : NULL, reason))
			session->is_home_soon = delay_ms <= SEEK_SOON_MS;
	}
	/* From the loop: whoever called us has not finished burying yet. */
	sessions_adapter_changed(sup);
}

void sessions_given_up(struct sup *sup, struct adapter *adapter, uint32_t id, const char *text)
{
	struct session *session = session_find(sup, id);
	char reason[SESSION_REASON_LEN];
	struct wpage_view page;
	bool has_page;

	/* An answer to our own SESSION_DETACH: it is forgotten already. */
	if (!session || session->state != SESSION_SERVED || session->home != adapter->index ||
	    session->incarnation != child_incarnation(adapter->child))
		return;
	has_page = child_read_page(adapter->child, &page);
	(void)snprintf(reason, sizeof(reason), "%s",
		       session->is_rotating ? session->reason
		       : text && text[0]    ? text
					    : "its worker let go of it");
	if (!uproot(session, has_page ? &page : NULL, reason))
		return;
	session->barred_until_ms = clock_now_ms() + SESSION_BARRED_MS;
	finder_step(session);
}

/* --- rotation --- */

static bool is_served_on(const struct session *session, uint16_t adapter)
{
	return session->state == SESSION_SERVED && session->home == adapter && !session->is_scan;
}

/* A grant is one adapter's, as a rule: whoever acts under one has chosen. */
static bool is_bound(const struct session *session)
{
	return session->only[0] != '\0' || session->under != 0;
}

uint16_t sessions_other(struct sup *sup, const struct adapter *adapter, uint64_t address)
{
	const struct session *session;
	uint16_t other = SESSION_NO_ADAPTER;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	{
		if (!is_served_on(session, adapter->index) || session->address != address)
			continue;
		if (is_bound(session))
			return SESSION_NO_ADAPTER;
		if (other == SESSION_NO_ADAPTER)
			other = finder_other(session);
	}
	return other;
}

void sessions_listen(struct sup *sup, const struct adapter *adapter, uint64_t address)
{
	struct session *listener = NULL;
	struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	{
		if (!is_served_on(session, adapter->index) || session->address != address)
			continue;
		if (is_bound(session) || session->is_searching)
			return;
		listener = session;
	}
	if (!listener)
		return;
	finder_search(listener);
	(void)sd_event_source_set_time(listener->timer, (clock_now_ms() + LISTEN_MS) * 1000);
	(void)sd_event_source_set_enabled(listener->timer, SD_EVENT_ONESHOT);
}

bool sessions_may_seek_room(struct sup *sup, const struct adapter *adapter, uint64_t address,
			    uint64_t now_ms)
{
	struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (is_served_on(session, adapter->index) && session->address == address &&
	    session->sought_room_at_ms > 0 && now_ms - session->sought_room_at_ms < ROOM_AGAIN_MS)
		return false;
	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (is_served_on(session, adapter->index) && session->address == address)
		session->sought_room_at_ms = now_ms;
	return true;
}

static void rotate_one(struct session *session, struct adapter *from, const char *reason)
{
	if (session->is_rotating)
		return;
	session->is_rotating = true;
	(void)snprintf(session->reason, sizeof(session->reason), "%s", reason);
	worker_child_detach(from, session->id, false);
}

void sessions_rotate(struct sup *sup, struct adapter *adapter, uint64_t address, const char *reason)
{
	struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (is_served_on(session, adapter->index) && session->address == address)
		rotate_one(session, adapter, reason);
}

bool sessions_share(const struct session *session, uint16_t adapter)
{
	const struct session *other;

	TAILQ_FOREACH(other, &session->sup->sessions->all, entry)
	if (other != session && other->address == session->address &&
	    is_served_on(other, adapter) && !is_bound(other) && !other->is_rotating)
		return true;
	return false;
}

void sessions_gather(struct sup *sup, const struct adapter *adapter, uint64_t address)
{
	const struct device *device = devices_find(sup->devices, address);
	const struct sighting *sighting;
	struct session *session;
	char reason[SESSION_REASON_LEN];

	(void)snprintf(reason, sizeof(reason), "it is connected on %s", adapter->name);
	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	{
		if (session->address != address || session->home == adapter->index ||
		    !is_served_on(session, session->home) || is_bound(session))
			continue;
		/* Some peripherals have several links. */
		sighting = device_sighting(device, session->home);
		if (!sighting || !sighting->is_connected)
			rotate_one(session, adapters_find(sup->adapters, session->home), reason);
	}
}

bool sessions_has_others(const struct sup *sup, uint16_t adapter, uint64_t address)
{
	const struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (is_served_on(session, adapter) && session->address != address)
		return true;
	return false;
}
