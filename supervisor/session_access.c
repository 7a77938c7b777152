/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/session_access.c - what the programs of sessions may do; sessions.h. */
#include "supervisor/admission.h"
#include "supervisor/sessions_state.h"
#include "supervisor/worker_child.h"

bool session_end_denied(struct session *session)
{
	char text[RIGHTS_DENIAL_LEN];

	if (!session->client ||
	    !admission_denies(session->client, session->is_scan ? RIGHT_SEE : RIGHTS_USE,
			      session->address, session->id, text))
		return false;
	session_fail(session, CLASS_DENIED, text);
	return true;
}

void session_tell_access(struct session *session, struct adapter *adapter)
{
	struct admission_wire wire;

	admission_fill(&wire, session->client, session->id, session->address);
	worker_child_access(adapter, &wire.msg);
}

void sessions_access_changed(struct sup *sup, uint64_t address)
{
	struct session *session = TAILQ_FIRST(&sup->sessions->all);
	struct session *next;

	for (; session; session = next) {
		next = TAILQ_NEXT(session, entry);
		if (!session->client || (address != 0 && session->address != address) ||
		    session_end_denied(session) || session->state != SESSION_SERVED)
			continue;
		session->is_access_untold = true;
		sup->sessions->has_untold = true;
	}
	sessions_rules_review(sup);
}

void sessions_denied(struct adapter *adapter, uint32_t id, uint32_t right, uint32_t count)
{
	struct session *session = session_find(adapter->sup, id);

	/* Only the one who serves it may say so. */
	if (!session || !session->client || session->state != SESSION_SERVED ||
	    session->home != adapter->index)
		return;
	admission_denied(session->client, right, count, session->address, id);
}

bool sessions_of_others(const struct sup *sup, uint64_t address, uint32_t uid)
{
	const struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (session->address == address && (!session->client || session->client->peer.uid != uid))
		return true;
	return false;
}
