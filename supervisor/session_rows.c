/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supervisor/session_rows.c - sessions as lists show them; sessions.h. */
#include "ipc/clock.h"
#include "supervisor/client.h"
#include "supervisor/keeper.h"
#include "supervisor/sessions_state.h"

void sessions_used(struct adapter *adapter, uint32_t id, bool holds, uint32_t subscriptions)
{
	struct session *session = session_find(adapter->sup, id);

	/* Its last words may be about one that has moved on. */
	if (!session || session->state != SESSION_SERVED || session->home != adapter->index ||
	    session->incarnation != child_incarnation(adapter->child))
		return;
	session->holds_link = holds;
	session->subscriptions = subscriptions;
}

uint64_t sessions_address(struct sup *sup, uint32_t id)
{
	const struct session *session = id ? session_find(sup, id) : NULL;

	return session ? session->address : 0;
}

static const char *state_name(enum session_state state)
{
	switch (state) {
	case SESSION_OPENING:
		return "opening";
	case SESSION_SERVED:
		return "served";
	case SESSION_HOMELESS:
		return "waits";
	}
	return "";
}

static void fill(const struct session *session, Bh__SessionRow *out)
{
	const struct adapter *adapter = adapters_find(session->sup->adapters, session->home);
	bool is_served = session->state == SESSION_SERVED;

	out->has_session = out->has_pid = out->has_state_for_ms = out->has_holds = 1;
	out->has_subscriptions = out->has_own = 1;
	out->session = session->id;
	out->has_address = !session->is_scan;
	out->address = session->address;
	out->adapter = adapter ? (char *)(uintptr_t)adapter->name : NULL;
	out->label = (char *)(uintptr_t)session_label(session);
	out->pid = (uint32_t)session_pid(session);
	out->state = (char *)(uintptr_t)state_name(session->state);
	out->state_for_ms = clock_span_ms(is_served ? session->served_at_ms : session->asked_at_ms,
					  clock_now_ms());
	out->holds = session->keeper ? keeper_holds(session->keeper) : session->holds_link;
	out->subscriptions = session->subscriptions;
	out->own = session->keeper != NULL;
	out->text = is_served ? NULL : (char *)(uintptr_t)session->reason;
}

uint32_t sessions_row(const struct sup *sup, uint32_t after, uint64_t address, Bh__SessionRow *out)
{
	const struct session *session;

	/* They stand in order of their numbers. */
	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	if (session->id > after && (address == 0 || session->address == address))
		break;
	if (!session)
		return 0;
	fill(session, out);
	return session->id;
}

void sessions_each(const struct sup *sup, uint16_t adapter,
		   void (*item)(void *ctx, const struct sessions_row *row), void *ctx)
{
	const struct session *session;

	TAILQ_FOREACH(session, &sup->sessions->all, entry)
	{
		struct sessions_row row = {
			.id = session->id,
			.address = session->address,
			.label = session_label(session),
			.pid = session_pid(session),
		};

		if (session->state == SESSION_SERVED && session->home == adapter)
			item(ctx, &row);
	}
}
