/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/handover.c - a session changes its worker (session.proto, MOVED).
 *
 * The order is what keeps the promises: (1) the old socket is read to its end, since its answers
 * and notifications are real; (2) writes that the old worker had given to BlueZ are answered
 * `interrupted`; (3) over the new socket go CONNECT if there was a link, the subscriptions with
 * their ids, and what is unanswered, in order. Several moves wait for each other; over a socket
 * that has been replaced already nothing is sent any more.
 *
 * A daemon that goes is a move in two parts: (1) and (2) when it has gone, with all writes that
 * were sent for lack of a list, (3) when the next daemon has opened the session again (resume.c).
 *
 * What is sent for (3) on the library's own account are requests too (is_replay), so that they
 * have flow control and a deadline like all others.
 */
#include "ipc/client/session.h"

#include <stdio.h>

#include "ipc/client/client.h"
#include "ipc/clock.h"

static void free_move(struct session_move **move)
{
	if (!*move)
		return;
	(void)close_fd((*move)->fd);
	free(*move);
	*move = NULL;
}

static struct session_move *pop_move(struct bh_session *session)
{
	struct session_move *move = session->moves;

	session->moves = move->next;
	return move;
}

void handover_free_moves(struct bh_session *session)
{
	struct session_move *move;

	while (session->moves) {
		move = pop_move(session);
		free_move(&move);
	}
}

/* Removes what was sent on the library's own account. */
static void drop_replays(struct bh_session *session, bool but_resuming)
{
	struct request *request = session->lane.head;
	struct request *next;

	for (; request; request = next) {
		next = request->next;
		if (!request->is_replay || (but_resuming && request->resumes))
			continue;
		lane_unlink(&session->lane, request);
		free(request);
	}
}

static int replay_connect(struct bh_session *session)
{
	struct request_args args = { .type = BH__TYPE__CONNECT,
				     .timeout_ms = session->connect_timeout_ms,
				     .value = session->checks,
				     .len = session->checks_len };
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->is_replay = true;
	request->is_exclusive = session->is_exclusive;
	request->id = lane_new_id(&session->lane);
	lane_prepend(&session->lane, request);
	return 0;
}

static int replay_subscribe(struct bh_session *session, struct session_sub *sub)
{
	struct request_args args = { .type = BH__TYPE__SUBSCRIBE,
				     .timeout_ms = sub->timeout_ms,
				     .is_endless = sub->resumes };
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->is_replay = true;
	request->id = sub->id;
	request->uuid = sub->uuid;
	request->resumes = sub->resumes;
	request->number = sub->silence_ms;
	lane_prepend(&session->lane, request);
	return 0;
}

/* The link is about to be let go: to be had again for that it might take as long as it takes. */
static bool is_letting_go(const struct bh_session *session)
{
	const struct request *request;

	for (request = session->lane.head; request; request = request->next)
		if (request->type == BH__TYPE__DISCONNECT)
			return true;
	return false;
}

/* The list of subscriptions is newest first, so that prepending gives them their old order. */
static int replay(struct bh_session *session)
{
	struct session_sub *sub;
	int r;

	if (is_letting_go(session))
		return 0;
	for (sub = session->subs; sub; sub = sub->next) {
		sub->expected = 1;
		sub->taken = 0;
		r = sub->is_established && !sub->is_doomed ? replay_subscribe(session, sub) : 0;
		if (r < 0)
			return r;
	}
	return session->wants_link ? replay_connect(session) : 0;
}

static void interrupt_issued(struct bh_session *session, const struct session_move *move)
{
	struct bh_result result;
	struct request *request;
	size_t i;

	for (i = 0; i < move->n_issued && session->state == SESSION_OPEN; i++) {
		request = lane_find(&session->lane, move->issued[i]);
		if (!request || request->type != BH__TYPE__WRITE)
			continue;
		result = request_result(BH_CLASS_INTERRUPTED,
					"the write was under way when its worker went", NULL);
		lane_answer(&session->lane, request, &result);
	}
}

static struct request *first_sent_write(const struct bh_session *session)
{
	struct request *request;

	for (request = session->lane.head; request; request = request->next)
		if (request->is_sent && request->type == BH__TYPE__WRITE)
			return request;
	return NULL;
}

/* The daemon went, and with it who could say which writes were issued: none is sent twice. */
static void set_adrift(struct bh_session *session)
{
	struct bh_result result;
	struct request *request;

	drop_replays(session, false);
	while (session->state == SESSION_OPEN && (request = first_sent_write(session))) {
		result = request_result(BH_CLASS_INTERRUPTED,
					"the write was under way when the daemon went", NULL);
		lane_answer(&session->lane, request, &result);
	}
	/* The next daemon counts its epochs from 1: no link of its is one that was rejected. */
	for (request = session->lane.head; request; request = request->next)
		request->epoch = 0;
	session->lane.epoch = 0;
	lane_rewind(&session->lane);
}

static void wait_for_end(struct bh_session *session)
{
	session->lane.is_deaf = true;
	session->drain_until_ms = clock_now_ms() + SESSION_DRAIN_MS;
	client_expect(session->client, session->drain_until_ms);
}

static void adopt(struct bh_session *session, struct session_move *move)
{
	int r;

	r = lane_open(&session->lane, take_fd(&move->fd), CHAN_BODY_DATA, move->epoch);
	if (r == 0) {
		drop_replays(session, false);
		lane_rewind(&session->lane);
	}
	if (r == 0 && session->moves)
		wait_for_end(session);
	else if (r == 0)
		r = replay(session);
	if (r < 0) {
		session_break(session, "no memory for the new data socket");
		return;
	}
	if (move->adapter[0])
		(void)snprintf(session->adapter, sizeof(session->adapter), "%s", move->adapter);
	lane_pump(&session->lane);
	session_tell(session, BH_SESSION_MOVED, BH_CLASS_NONE, move->text);
}

static void finish(struct bh_session *session, const struct session_move *move)
{
	struct bh_result why =
		request_result(move->error == BH_CLASS_NONE ? BH_CLASS_INTERNAL : move->error,
			       move->text[0] ? move->text : NULL, move->advice);

	session_end(session, &why);
}

void handover_drained(struct bh_session *session)
{
	while (session->state == SESSION_OPEN && session->moves && !session->lane.chan) {
		_cleanup_(free_move) struct session_move *move = pop_move(session);

		interrupt_issued(session, move);
		if (session->state != SESSION_OPEN)
			return;
		if (move->is_adrift)
			set_adrift(session);
		else if (move->fd >= 0)
			adopt(session, move);
		else
			finish(session, move);
	}
}

/*
 * Going on without the answers that may still come could run a write twice: the session ends
 * instead. A session that was to end anyway does.
 */
void handover_stuck(struct bh_session *session)
{
	if (session->moves->fd >= 0) {
		session_break(session, "the worker before did not let go of the session");
		return;
	}
	lane_close(&session->lane);
	handover_drained(session);
}

void handover_queue(struct bh_session *session, struct session_move *move)
{
	struct session_move **at = &session->moves;

	while (*at)
		at = &(*at)->next;
	*at = move;
	wait_for_end(session);
	/* No more EPOLLOUT on the old socket; if it has ended already, the turn has come. */
	lane_pump(&session->lane);
	handover_drained(session);
}

static struct session_sub *first_established(const struct bh_session *session, bool resumes)
{
	struct session_sub *sub;

	for (sub = session->subs; sub; sub = sub->next)
		if (sub->is_established && !sub->is_doomed && sub->resumes == resumes)
			return sub;
	return NULL;
}

void handover_link_gone(struct bh_session *session, const struct bh_result *why, bool resumes)
{
	bool has_resuming = first_established(session, true);
	bool is_news = session->wants_link || first_established(session, false) || has_resuming;
	struct session_sub *sub;
	struct bh_result result;

	session->wants_link = false;
	drop_replays(session, resumes);
	lane_pump(&session->lane);
	while ((sub = first_established(session, false)) ||
	       (!resumes && (sub = first_established(session, true)))) {
		result = *why;
		session_end_sub(session, sub, &result);
	}
	session->awaits_link = resumes && first_established(session, true);
	/* Not for a link that the program never had, or let go itself. */
	if (is_news && session->state == SESSION_OPEN)
		session_tell(session, BH_SESSION_LINK_LOST, why->error, why->text);
}

void handover_answer(struct bh_session *session, struct request *request, struct bh_result *result)
{
	struct session_sub *sub = session_find_sub(session, request->id);
	bool is_connect = request->type == BH__TYPE__CONNECT;

	lane_unlink(&session->lane, request);
	free(request);
	lane_pump(&session->lane);
	if (result->error == BH_CLASS_NONE || session->state != SESSION_OPEN)
		return;
	if (is_connect)
		handover_link_gone(session, result, true);
	else if (sub)
		session_end_sub(session, sub, result);
}
