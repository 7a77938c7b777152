/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/finder_search.c - has workers discover: the devices of sessions that nobody serves, or
 * that a full adapter does, and those that a keeper waits for. A worker knows one search per
 * device, so the last one who wants it ends it.
 */
#include "supervisor/keeper.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

/* --- searching --- */

static void search_on(const struct session *session, struct adapter *adapter)
{
	/* One that serves it has no room: others are to hear the device. */
	bool is_here = session->state == SESSION_SERVED && session->home == adapter->index;

	if (adapter_is_suitable(adapter) && !is_here && finder_allows(session, adapter))
		worker_child_find(adapter, session->address, session->under,
				  keepers_watch(session->sup, session->address));
}

static void search_everywhere(const struct session *session)
{
	struct adapters *adapters = session->sup->adapters;
	size_t i;

	for (i = 0; i < adapters->n; i++)
		search_on(session, adapters->list[i]);
}

void finder_search(struct session *session)
{
	if (session->is_searching)
		return;
	session->is_searching = true;
	search_everywhere(session);
}

void finder_stop_search(struct session *session)
{
	struct adapters *adapters = session->sup->adapters;
	const struct session *other;
	size_t i;

	if (!session->is_searching)
		return;
	session->is_searching = false;
	TAILQ_FOREACH(other, &session->sup->sessions->all, entry)
	if (other->is_searching && other->address == session->address) {
		/* It goes on for that one, and no longer under our grant. */
		if (other->under != session->under)
			search_everywhere(other);
		return;
	}
	if (keepers_watch(session->sup, session->address)) {
		finder_watch(session->sup, session->address);
		return;
	}
	for (i = 0; i < adapters->n; i++)
		if (child_state(adapters->list[i]->child) == CHILD_READY)
			worker_child_find_stop(adapters->list[i], session->address);
}

/* --- listening for one that a keeper waits for --- */

void finder_watch(struct sup *sup, uint64_t address)
{
	size_t i;

	for (i = 0; i < sup->adapters->n; i++)
		if (adapter_is_suitable(sup->adapters->list[i]))
			worker_child_find(sup->adapters->list[i], address, 0, true);
}

void finder_unwatch(struct sup *sup, uint64_t address)
{
	const struct session *session;
	size_t i;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (session->is_searching && session->address == address) {
		search_everywhere(session);
		return;
	}
	for (i = 0; i < sup->adapters->n; i++)
		if (child_state(sup->adapters->list[i]->child) == CHILD_READY)
			worker_child_find_stop(sup->adapters->list[i], address);
}

/* An adapter that comes in the middle of searches joins them. */
void sessions_adapter_ready(struct sup *sup, struct adapter *adapter)
{
	struct session *session = TAILQ_FIRST(&sup->sessions->homeless);
	struct session *next;

	for (; session; session = next) {
		next = TAILQ_NEXT(session, homeless);
		if (session->is_searching)
			search_on(session, adapter);
		finder_step(session);
	}
}
