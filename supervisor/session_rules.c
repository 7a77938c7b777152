/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/session_rules.c - workers are told what the configuration says of the devices and the
 * programs of their sessions.
 */
#include "supervisor/rules_wire.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

void sessions_rules_changed(struct sup *sup, uint64_t address)
{
	const struct session *session;
	struct rules_wire wire;
	size_t i;

	rules_wire_fill(&wire, sup, address);
	for (i = 0; i < sup->adapters->n; i++) {
		struct adapter *adapter = sup->adapters->list[i];

		TAILQ_FOREACH(session, &sup->sessions->all, entry)
		if (session->address == address && session->state == SESSION_SERVED &&
		    session->home == adapter->index)
			break;
		if (session)
			worker_child_rules(adapter, &wire.msg);
	}
}

/* Frames beyond what a channel holds would cost the worker its life. */
static bool tell(struct session *session)
{
	enum { BACKLOG_MAX = CHAN_QUEUE_FRAMES / 4 };
	struct adapter *adapter = adapters_find(session->sup->adapters, session->home);
	bool has_rules =
		session->is_scan || session->rules_told == session->sup->sessions->rules_change;
	struct rules_wire wire;

	/* Another worker is told when it gets the session. */
	if ((has_rules && !session->is_access_untold) || session->state != SESSION_SERVED ||
	    !adapter)
		return true;
	if (port_queued(child_port(adapter->child)) >= BACKLOG_MAX)
		return false;
	if (!has_rules) {
		rules_wire_fill(&wire, session->sup, session->address);
		worker_child_rules(adapter, &wire.msg);
		session->rules_told = session->sup->sessions->rules_change;
	}
	if (session->is_access_untold)
		session_tell_access(session, adapter);
	session->is_access_untold = false;
	return true;
}

void sessions_rules_review(struct sup *sup)
{
	struct sessions *sessions = sup->sessions;
	struct session *session;

	if (!sessions->has_untold)
		return;
	sessions->has_untold = false;
	TAILQ_FOREACH(session, &sessions->all, entry)
	if (!tell(session))
		sessions->has_untold = true;
}

void sessions_rules_reload(struct sup *sup)
{
	sup->sessions->rules_change++;
	sup->sessions->has_untold = true;
	sessions_rules_review(sup);
}
