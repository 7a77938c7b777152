/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/session.h"

#include <stdio.h>
#include <string.h>

#include "ipc/client/client.h"
#include "ipc/client/lists.h"

enum { ADDRESS_BITS = 48 };

/* --- opening --- */

static void link_in(struct bh_session *session)
{
	struct bh_client *client = session->client;

	session->next = client->sessions;
	if (session->next)
		session->next->prev = session;
	client->sessions = session;
}

static void link_out(struct bh_session *session)
{
	if (session->prev)
		session->prev->next = session->next;
	else
		session->client->sessions = session->next;
	if (session->next)
		session->next->prev = session->prev;
	session->prev = NULL;
}

static struct bh_session *make(struct bh_client *client, const struct session_args *args)
{
	struct bh_session *session;

	session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->client = client;
	session->lane.client = client;
	session->lane.session = session;
	session->is_scan = args->is_scan;
	session->address = args->address;
	session->under = client->under;
	session->is_failing_fast = client->is_failing_fast && !args->is_scan;
	session->open_timeout_ms = args->timeout_ms;
	session->losses = client->dial.losses;
	session->news = args->news;
	session->ctx = args->ctx;
	if (args->adapter)
		(void)snprintf(session->wanted_adapter, sizeof(session->wanted_adapter), "%s",
			       args->adapter);
	return session;
}

void session_fill_open(struct bh_session *session, struct request *request)
{
	request->session = session;
	request->is_scan = session->is_scan;
	request->address = session->address;
	request->under = session->under;
	request->is_failing_fast = session->is_failing_fast;
	request->text = session->wanted_adapter[0] ? session->wanted_adapter : NULL;
	request->id = session->open_id = lane_new_id(&session->client->control);
}

int session_new(struct bh_session **out, struct bh_client *client, const struct session_args *args)
{
	struct request_args asked = { .type = BH__TYPE__SESSION_OPEN,
				      .timeout_ms = args->timeout_ms,
				      .done = args->done,
				      .ctx = args->ctx };
	_cleanup_free_ struct bh_session *session = NULL;
	struct request *request;
	int r;

	if (args->adapter &&
	    (!*args->adapter || strlen(args->adapter) >= sizeof(session->wanted_adapter)))
		return -EINVAL;
	session = make(client, args);
	if (!session)
		return -ENOMEM;
	r = request_new(&request, &asked);
	if (r < 0)
		return r;
	session_fill_open(session, request);
	r = client_ask(client, request);
	if (r < 0)
		return r;
	link_in(session);
	*out = TAKE_PTR(session);
	return 0;
}

int bh_session_open(struct bh_session **out, struct bh_client *client, uint64_t address,
		    const char *adapter, uint32_t timeout_ms, bh_session_cb news, bh_result_cb done,
		    void *ctx)
{
	struct session_args args = { .address = address,
				     .adapter = adapter,
				     .timeout_ms = timeout_ms,
				     .news = news,
				     .done = done,
				     .ctx = ctx };

	if (!out || !client || address == 0 || address >> ADDRESS_BITS != 0)
		return -EINVAL;
	return session_new(out, client, &args);
}

const char *bh_session_adapter(const struct bh_session *session)
{
	return session->adapter;
}

int session_ask(struct bh_session *session, struct request *request)
{
	bool is_over = session->state == SESSION_OVER || session->state == SESSION_RELEASED;

	if (is_over || session->lane.n_open >= LANE_OPEN_MAX) {
		free(request);
		return is_over ? -ENOTCONN : -ENOBUFS;
	}
	if (request->id == 0)
		request->id = lane_new_id(&session->lane);
	lane_add(&session->lane, request);
	return 0;
}

void session_tell(struct bh_session *session, enum bh_session_event event, enum bh_class class,
		  const char *text)
{
	struct bh_session_news news = { .event = event,
					.error = class,
					.adapter = session->adapter,
					.text = request_text(text),
					.resumes = event == BH_SESSION_LINK_LOST &&
						   session->awaits_link };

	if (session->news)
		session->news(session->ctx, session, &news);
}

/* --- subscriptions --- */

struct session_sub *session_find_sub(const struct bh_session *session, uint32_t id)
{
	struct session_sub *sub;

	for (sub = session->subs; sub; sub = sub->next)
		if (sub->id == id)
			return sub;
	return NULL;
}

static void unlink_sub(struct bh_session *session, struct session_sub *sub)
{
	struct session_sub **at = &session->subs;

	while (*at != sub)
		at = &(*at)->next;
	*at = sub->next;
}

void session_forget_sub(struct bh_session *session, uint32_t id)
{
	struct session_sub *sub = session_find_sub(session, id);

	if (!sub)
		return;
	unlink_sub(session, sub);
	free(sub);
}

void session_doom_subs(struct bh_session *session)
{
	struct session_sub *sub;

	for (sub = session->subs; sub; sub = sub->next)
		sub->is_doomed = sub->is_muted = true;
}

void session_forget_doomed(struct bh_session *session)
{
	struct session_sub *sub = session->subs;
	struct session_sub *next;

	for (; sub; sub = next) {
		next = sub->next;
		if (!sub->is_doomed)
			continue;
		unlink_sub(session, sub);
		free(sub);
	}
}

void session_end_sub(struct bh_session *session, struct session_sub *sub, struct bh_result *result)
{
	unlink_sub(session, sub);
	if (sub->done && !sub->is_muted)
		sub->done(sub->ctx, result);
	free(sub);
}

/* --- the end --- */

/* Tells the daemon. If that cannot be sent the control connection is lost, and with it all. */
static void send_close(struct bh_client *client, uint32_t number)
{
	struct request_args args = { .type = BH__TYPE__SESSION_CLOSE };
	struct request *request;

	if (request_new(&request, &args) < 0)
		return;
	request->number = number;
	if (client_ask(client, request) < 0)
		return;
}

static void close_lane(struct bh_session *session)
{
	lane_close(&session->lane);
	handover_free_moves(session);
}

void session_end(struct bh_session *session, const struct bh_result *why)
{
	bool was_open = session->state == SESSION_OPEN;
	struct bh_client *client = session->client;
	struct request *opening;
	struct bh_result result;

	if (session->state == SESSION_OVER || session->state == SESSION_RELEASED)
		return;
	session->state = SESSION_OVER;
	close_lane(session);
	if (session->is_adrift)
		lists_drop(client, session->open_id);
	opening = was_open ? NULL : lane_find(&client->control, session->open_id);
	if (opening)
		client_fail(&client->control, opening, why);
	client_fail_all(&session->lane, why);
	while (session->subs) {
		result = *why;
		session_end_sub(session, session->subs, &result);
	}
	if (was_open && session->state == SESSION_OVER)
		session_tell(session, BH_SESSION_CLOSED, why->error, why->text);
}

void session_break(struct bh_session *session, const char *text)
{
	struct bh_result why = request_result(BH_CLASS_INTERNAL, text, NULL);

	if (session->state == SESSION_OPEN && !session->is_adrift)
		send_close(session->client, session->number);
	session_end(session, &why);
}

static void cancel_opening(struct bh_session *session, const struct bh_result *why)
{
	struct lane *control = &session->client->control;
	struct request *opening = lane_find(control, session->open_id);

	if (!opening)
		return;
	if (opening->is_sent)
		lane_cancel(control, opening->id);
	client_fail(control, opening, why);
}

struct bh_session *bh_session_close(struct bh_session *session)
{
	struct bh_result why = request_result(BH_CLASS_CANCELLED, NULL, NULL);
	struct bh_client *client;
	enum session_state was;

	/* Released already: called again by a callback that runs because of that. */
	if (!session || session->state == SESSION_RELEASED)
		return NULL;
	client = session->client;
	client_enter(client);
	was = session->state;
	session->state = SESSION_RELEASED;
	close_lane(session);
	/* First of all, since what is subscribed ends without a word. */
	while (session->subs)
		session_forget_sub(session, session->subs->id);
	if (was == SESSION_OPENING)
		cancel_opening(session, &why);
	if (session->is_adrift)
		lists_drop(client, session->open_id);
	else if (was == SESSION_OPEN)
		send_close(client, session->number);
	client_fail_all(&session->lane, &why);
	link_out(session);
	session->next = client->dead;
	client->dead = session;
	(void)client_leave(client);
	return NULL;
}

void session_free_all(struct bh_session *list)
{
	struct bh_session *next;

	for (; list; list = next) {
		next = list->next;
		free(list);
	}
}

/* --- frames of the control connection --- */

static struct bh_session *find(const struct bh_client *client, uint32_t number)
{
	struct bh_session *session;

	for (session = client->sessions; session; session = session->next)
		if (session->state == SESSION_OPEN && !session->is_adrift &&
		    session->number == number)
			return session;
	return NULL;
}

static struct bh_session *find_opening(const struct bh_client *client, uint32_t open_id)
{
	struct bh_session *session;

	for (session = client->sessions; session; session = session->next)
		if ((session->state == SESSION_OPENING || session->is_adrift) &&
		    session->open_id == open_id)
			return session;
	return NULL;
}

static void set_adapter(struct bh_session *session, const char *adapter)
{
	if (adapter)
		(void)snprintf(session->adapter, sizeof(session->adapter), "%.15s", adapter);
}

struct session_move *session_make_move(size_t n_issued, const uint32_t *issued)
{
	struct session_move *move;

	move = calloc(1, sizeof(*move) + n_issued * sizeof(issued[0]));
	if (!move)
		return NULL;
	move->fd = -EBADF;
	move->n_issued = n_issued;
	if (n_issued > 0)
		memcpy(move->issued, issued, n_issued * sizeof(issued[0]));
	return move;
}

static void set_text(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%.*s", (int)size - 1, request_text(text));
}

/* A daemon that is back took it: from here on as after a move. */
static int reopened(struct bh_session *session, struct chan_frame *frame,
		    const Bh__SessionOpened *opened)
{
	struct session_move *move = session_make_move(0, NULL);

	session->is_adrift = false;
	session->open_id = 0;
	session->refused = BH_CLASS_NONE;
	if (!move)
		return -ENOMEM;
	move->fd = take_fd(&frame->fds[0]);
	move->epoch = opened->epoch;
	set_text(move->adapter, sizeof(move->adapter), opened->adapter);
	set_text(move->text, sizeof(move->text), "the daemon is back");
	handover_queue(session, move);
	return 0;
}

int session_on_opened(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	const Bh__SessionOpened *opened = msg;
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	struct request *request = lane_find(&client->control, frame->id);
	struct bh_session *session;

	if (request && request->type != BH__TYPE__SESSION_OPEN)
		return -EBADMSG;
	/* Given up while this was on its way: the daemon must not keep it. */
	if (!request) {
		send_close(client, opened->session);
		return 0;
	}
	session = request->session;
	session->number = opened->session;
	if (request->is_replay) {
		lane_unlink(&client->control, request);
		free(request);
		return reopened(session, frame, opened);
	}
	session->state = SESSION_OPEN;
	set_adapter(session, opened->adapter);
	if (lane_open(&session->lane, take_fd(&frame->fds[0]), CHAN_BODY_DATA, opened->epoch) < 0) {
		result = request_result(BH_CLASS_INTERNAL, "no memory for the data socket", NULL);
		lane_answer(&client->control, request, &result);
		session_break(session, result.text);
		return 0;
	}
	lane_pump(&session->lane);
	result.adapter = session->adapter;
	lane_answer(&client->control, request, &result);
	return 0;
}

int session_on_moved(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Moved *moved = msg;
	struct bh_session *session = find(ctx, moved->session);
	struct session_move *move;

	/* Closed by the program while this was on its way. */
	if (!session)
		return 0;
	move = session_make_move(moved->n_issued, moved->issued);
	if (!move)
		return -ENOMEM;
	move->fd = take_fd(&frame->fds[0]);
	move->epoch = moved->epoch;
	set_text(move->adapter, sizeof(move->adapter), moved->adapter);
	set_text(move->text, sizeof(move->text), moved->reason);
	handover_queue(session, move);
	return 0;
}

int session_on_waits(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__SessionWaits *waits = msg;
	struct bh_session *session;
	struct bh_result result;

	session = frame->id != 0 ? find_opening(ctx, frame->id) : find(ctx, waits->session);
	if (!session)
		return 0;
	result = request_result((enum bh_class)waits->class_, waits->text, NULL);
	session_tell(session, BH_SESSION_WAITS, result.error, result.text);
	return 0;
}

int session_on_closed(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__SessionClosed *closed = msg;
	struct bh_session *session = find(ctx, closed->session);
	struct session_move *move;

	(void)frame;
	if (!session)
		return 0;
	move = session_make_move(closed->n_issued, closed->issued);
	if (!move)
		return -ENOMEM;
	move->error = (enum bh_class)closed->class_;
	set_text(move->text, sizeof(move->text), closed->text);
	set_text(move->advice, sizeof(move->advice), closed->advice);
	handover_queue(session, move);
	return 0;
}
