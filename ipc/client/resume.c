/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/resume.c - the daemon goes: what was asked of it and not answered is asked of the next
 * one, unless it may have been done and must not be done twice. Sessions become adrift: handover.c
 * reads their old socket to its end, they are opened again, and then it is a move like others.
 *
 * A session that the daemon which is back cannot serve yet (it has heard no adverts so far, or has
 * no adapter) waits, as one does whose worker went.
 */
#include "ipc/client/resume.h"

#include "ipc/client/client.h"
#include "ipc/client/pace.h"
#include "ipc/clock.h"

enum { AGAIN_MS = 1000 /* between two SESSION_OPENs that were refused */ };

/* --- it goes --- */

enum verdict { ASK_AGAIN, FORGET, INTERRUPT };

static enum verdict verdict_of(const struct request *request)
{
	switch (request->type) {
	case BH__TYPE__HELLO:
	case BH__TYPE__SESSION_CLOSE: /* the sessions went, too */
		return FORGET;
	case BH__TYPE__SESSION_OPEN:
		return request->is_replay ? FORGET : ASK_AGAIN;
	case BH__TYPE__LINK_DROP:
	case BH__TYPE__RESET_ADAPTER:
	case BH__TYPE__CACHE_CLEAR:
	case BH__TYPE__HEALTH_MARK:
		return request->is_sent ? INTERRUPT : ASK_AGAIN;
	default:
		/* Half a list and then a whole one would be no list. */
		return request->has_items && !request->wants_follow ? INTERRUPT : ASK_AGAIN;
	}
}

static struct request *first_of(const struct bh_client *client, enum verdict verdict)
{
	struct request *request;

	for (request = client->control.head; request; request = request->next)
		if (verdict_of(request) == verdict)
			return request;
	return NULL;
}

static void forget(struct bh_client *client, struct request *request)
{
	if (request->session && request->is_replay)
		request->session->open_id = 0;
	lane_unlink(&client->control, request);
	free(request);
}

static void settle_requests(struct bh_client *client)
{
	struct bh_result why;
	struct request *request;

	while ((request = first_of(client, FORGET)))
		forget(client, request);
	for (request = client->control.head; request; request = request->next)
		if (request->type == BH__TYPE__EVENTS_REQUEST && request->wants_follow)
			request->is_resumed = request->is_marked = true;
	/* A callback may ask anew: that is not sent, and so not among these. */
	while ((request = first_of(client, INTERRUPT))) {
		why = request_result(BH_CLASS_INTERRUPTED, "the daemon went in the middle of it",
				     NULL);
		client_fail(&client->control, request, &why);
	}
	lane_rewind(&client->control);
}

static struct bh_session *first_untold(const struct bh_client *client)
{
	struct bh_session *session;

	for (session = client->sessions; session; session = session->next)
		if (session->losses != client->dial.losses &&
		    (session->state == SESSION_OPENING || session->state == SESSION_OPEN))
			return session;
	return NULL;
}

static void set_adrift(struct bh_session *session)
{
	struct bh_result why = request_result(BH_CLASS_INTERNAL, "no memory to resume", NULL);
	struct session_move *move;

	if (session->state != SESSION_OPEN || session->is_adrift)
		return;
	session->is_adrift = true;
	session->open_id = 0;
	session->reopen_at_ms = DIAL_NEVER;
	session->refused = BH_CLASS_NONE;
	move = session_make_move(0, NULL);
	if (!move) {
		session_end(session, &why);
		return;
	}
	move->is_adrift = true;
	handover_queue(session, move);
}

static void settle_sessions(struct bh_client *client, const char *text)
{
	struct bh_session *session;

	while ((session = first_untold(client))) {
		session->losses = client->dial.losses;
		set_adrift(session);
		if (session->state == SESSION_OPENING || session->state == SESSION_OPEN)
			session_tell(session, BH_SESSION_WAITS, BH_CLASS_NO_DAEMON, text);
	}
}

void resume_lost(struct bh_client *client, const char *text)
{
	bool was_up = dial_lost(client);

	lane_close(&client->control);
	lock_line_adrift(client);
	settle_requests(client);
	if (was_up)
		settle_sessions(client, text);
	if (was_up && !client->is_freed)
		dial_tell(client, BH_DAEMON_GONE, text);
}

/* --- it comes back --- */

static int ask_open(struct bh_session *session, struct request **out)
{
	struct request_args args = { .type = BH__TYPE__SESSION_OPEN,
				     .timeout_ms = session->open_timeout_ms };
	int r;

	session->reopen_at_ms = DIAL_NEVER;
	r = request_new(out, &args);
	if (r < 0)
		return r;
	(*out)->is_replay = true;
	session_fill_open(session, *out);
	return 0;
}

/* The list of sessions is newest first, so that prepending gives them their old order. */
static int reopen_all(struct bh_client *client)
{
	struct bh_session *session;
	struct request *request;
	int r;

	for (session = client->sessions; session; session = session->next) {
		if (!session->is_adrift || session->state != SESSION_OPEN)
			continue;
		r = ask_open(session, &request);
		if (r < 0)
			return r;
		lane_prepend(&client->control, request);
	}
	return 0;
}

int resume_dialled(struct bh_client *client)
{
	struct request *request;
	int r;

	r = reopen_all(client);
	if (r == 0)
		r = dial_say_hello(client);
	while (r < 0 && (request = first_of(client, FORGET)))
		forget(client, request);
	return r;
}

static struct request *first_marked(const struct bh_client *client)
{
	struct request *request;

	for (request = client->control.head; request; request = request->next)
		if (request->is_marked)
			return request;
	return NULL;
}

void resume_back(struct bh_client *client, const char *text)
{
	const struct bh_event event = {
		.at_ms = clock_wall_ms(), .kind = "daemon-back", .adapter = "", .text = text
	};
	struct request *request;

	/* All of them first: what a callback asks for now has missed nothing. */
	for (request = client->control.head; client->dial.is_other && request;
	     request = request->next)
		request->last_seq = 0;
	while ((request = first_marked(client))) {
		request->is_marked = false;
		if (request->item.event)
			request->item.event(request->ctx, &event);
	}
}

static void plan(struct bh_session *session)
{
	uint32_t dice = (uint32_t)rand_r(&session->client->dial.seed);

	session->reopen_at_ms = clock_now_ms() + pace_ms(AGAIN_MS, 0, AGAIN_MS, dice);
	client_expect(session->client, session->reopen_at_ms);
}

void resume_refused(struct bh_client *client, struct request *request, struct bh_result *why)
{
	struct bh_session *session = request->session;

	forget(client, request);
	if (why->error == BH_CLASS_INVALID) {
		session_end(session, why);
		return;
	}
	plan(session);
	if (session->refused == why->error)
		return;
	session->refused = why->error;
	session_tell(session, BH_SESSION_WAITS, why->error, why->text);
}

void resume_tick(struct bh_session *session, uint64_t now_ms, uint64_t *next_ms)
{
	struct bh_client *client = session->client;
	struct request *request;

	/* While the daemon is away the next one is asked when it is dialled. */
	if (!session->is_adrift || session->state != SESSION_OPEN || client->dial.is_away ||
	    session->open_id != 0)
		return;
	if (session->reopen_at_ms <= now_ms &&
	    (ask_open(session, &request) < 0 || client_ask(client, request) < 0)) {
		session->open_id = 0;
		plan(session);
	}
	if (session->reopen_at_ms < *next_ms)
		*next_ms = session->reopen_at_ms;
}
