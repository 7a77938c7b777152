/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/client.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "ipc/class.h"
#include "ipc/client/deaths.h"
#include "ipc/client/device.h"
#include "ipc/client/lists.h"
#include "ipc/client/reset.h"
#include "ipc/client/resume.h"
#include "ipc/client/scan.h"
#include "ipc/clock.h"

enum { EVENTS_PER_WAIT = 32 };

/* --- who runs callbacks --- */

void client_enter(struct bh_client *client)
{
	client->depth++;
}

static void destroy(struct bh_client *client)
{
	lane_close(&client->control);
	(void)close_fd(client->epoll_fd);
	(void)chan_buf_free(client->buf);
	free(client);
}

bool client_leave(struct bh_client *client)
{
	assert(client->depth > 0);
	if (--client->depth > 0)
		return !client->is_freed;
	session_free_all(TAKE_PTR(client->dead));
	scan_free_all(TAKE_PTR(client->dead_scans));
	lock_free_all(TAKE_PTR(client->dead_locks));
	if (!client->is_freed)
		return true;
	destroy(client);
	return false;
}

/* --- requests --- */

void client_expect(struct bh_client *client, uint64_t at_ms)
{
	if (at_ms < client->next_at_ms)
		client->next_at_ms = at_ms;
}

int client_ask(struct bh_client *client, struct request *request)
{
	if (client->is_gone || client->control.n_open >= LANE_OPEN_MAX) {
		free(request);
		return client->is_gone ? -ENOTCONN : -ENOBUFS;
	}
	if (request->id == 0)
		request->id = lane_new_id(&client->control);
	lane_add(&client->control, request);
	return 0;
}

void client_fail(struct lane *lane, struct request *request, const struct bh_result *why)
{
	struct bh_session *session = lane->session;
	struct bh_session *opening = request->session;
	struct bh_result result = *why;

	if (request->is_replay) {
		if (session)
			handover_answer(session, request, &result);
		else
			resume_refused(lane->client, request, &result);
		return;
	}
	if (request->type == BH__TYPE__SUBSCRIBE)
		session_forget_sub(session, request->id);
	if (request->type == BH__TYPE__UNSUBSCRIBE)
		session_forget_sub(session, request->number);
	if (request->why)
		session_forget_doomed(session);
	lane_answer(lane, request, &result);
	/* What was asked of a session before it could be opened fails for the same reason. */
	if (opening && opening->state == SESSION_OPENING)
		session_end(opening, why);
}

void client_fail_all(struct lane *lane, const struct bh_result *why)
{
	while (lane->head)
		client_fail(lane, lane->head, why);
}

/* --- the daemon --- */

static struct bh_session *first_alive(const struct bh_client *client)
{
	struct bh_session *session;

	for (session = client->sessions; session; session = session->next)
		if (session->state == SESSION_OPENING || session->state == SESSION_OPEN)
			return session;
	return NULL;
}

static void lose_daemon(struct bh_client *client, const char *text)
{
	struct bh_result why = request_result(BH_CLASS_NO_DAEMON, text, NULL);
	struct bh_session *session;

	if (dial_may_again(client)) {
		resume_lost(client, text);
		return;
	}
	if (client->is_refused)
		why = request_result(client->refused_class, client->refused_text, NULL);
	client->is_gone = true;
	lane_close(&client->control);
	while ((session = first_alive(client)))
		session_end(session, &why);
	/* The arbiter ends with its supervisor. */
	lock_line_break(client, &why);
	client_fail_all(&client->control, &why);
}

static const struct chan_rule RULES[] = {
	{ BH__TYPE__HELLO_OK, 0, 0, &bh__hello_ok__descriptor, dial_on_hello_ok },
	{ BH__TYPE__STATUS, 0, 0, &bh__status__descriptor, lists_on_status },
	{ BH__TYPE__ADAPTER, 0, 0, &bh__adapter__descriptor, lists_on_adapter },
	{ BH__TYPE__DEVICE, 0, 0, &bh__device__descriptor, lists_on_device },
	{ BH__TYPE__EVENT, 0, 0, &bh__event__descriptor, lists_on_event },
	{ BH__TYPE__LOCKS, 1, 1, &bh__empty__descriptor, lists_on_locks },
	{ BH__TYPE__LOCK_OPENED, 1, 1, &bh__empty__descriptor, lock_on_opened },
	{ BH__TYPE__SESSION_OPENED, 1, 1, &bh__session_opened__descriptor, session_on_opened },
	{ BH__TYPE__MOVED, 1, 1, &bh__moved__descriptor, session_on_moved },
	{ BH__TYPE__SESSION_WAITS, 0, 0, &bh__session_waits__descriptor, session_on_waits },
	{ BH__TYPE__SESSION_CLOSED, 0, 0, &bh__session_closed__descriptor, session_on_closed },
	{ BH__TYPE__RESET_VICTIM, 0, 0, &bh__reset_victim__descriptor, reset_on_victim },
	{ BH__TYPE__RESET_STEP, 0, 0, &bh__reset_step__descriptor, reset_on_step },
	{ BH__TYPE__DEVICE_INFO, 0, 0, &bh__device_info__descriptor, device_on_info },
	{ BH__TYPE__HISTORY, 0, 0, &bh__history__descriptor, device_on_history },
	{ BH__TYPE__DISTRIBUTION, 0, 0, &bh__distribution__descriptor, device_on_distribution },
	{ BH__TYPE__SESSION_ROW, 0, 0, &bh__session_row__descriptor, device_on_session },
	{ BH__TYPE__DEATH, 0, 0, &bh__death__descriptor, deaths_on_death },
	{ BH__TYPE__DONE, 0, 0, &bh__done__descriptor, lists_on_done },
	{ BH__TYPE__ERROR, 0, 0, &bh__error__descriptor, lists_on_error },
};

static void control_readable(struct bh_client *client)
{
	struct lane *lane = &client->control;
	struct chan_frame frame;
	int r = 0;
	int i;

	for (i = 0; i < CHAN_READS_PER_WAKEUP && lane->chan && !client->is_refused; i++) {
		r = chan_recv(lane->chan, &frame);
		if (r != CHAN_FRAME)
			break;
		r = chan_dispatch(lane->chan, &frame, RULES, ARRAY_LEN(RULES), client);
		chan_frame_done(&frame);
		if (r < 0 || lane->n_open == 0)
			break;
	}
	if (!lane->chan)
		return;
	if (r < 0)
		lose_daemon(client, "the daemon did not keep to the protocol");
	else if (r == CHAN_EOF || client->is_refused)
		lose_daemon(client, "the daemon has gone");
}

/* --- deadlines --- */

/* Gives up one request that is over its time. False: there is none, and *next is noted. */
static bool expire_one(struct lane *lane, uint64_t now_ms, uint64_t *next_ms)
{
	struct bh_result why = dial_late(lane->client);
	struct request *request;
	uint64_t due_ms;

	for (request = lane->head; request; request = request->next) {
		due_ms = request_due_ms(request);
		if (due_ms <= now_ms)
			break;
		if (due_ms < *next_ms)
			*next_ms = due_ms;
	}
	if (!request)
		return false;
	if (request->is_sent)
		lane_cancel(lane, request->id);
	client_fail(lane, request, &why);
	return true;
}

/* An old socket that does not end, although the session was taken from its worker. */
static bool expire_drain(struct bh_session *session, uint64_t now_ms, uint64_t *next_ms)
{
	if (!session->moves || session->state != SESSION_OPEN)
		return false;
	if (session->drain_until_ms > now_ms) {
		if (session->drain_until_ms < *next_ms)
			*next_ms = session->drain_until_ms;
		return false;
	}
	handover_stuck(session);
	return true;
}

static void expire(struct bh_client *client)
{
	uint64_t now_ms = clock_now_ms();
	struct bh_session *session;
	uint64_t next_ms;
	bool is_again;

	if (now_ms < client->next_at_ms)
		return;
	client->next_at_ms = UINT64_MAX;
	/* Callbacks may change every list: after each one it starts anew. */
	do {
		next_ms = UINT64_MAX;
		is_again = dial_tick(client, now_ms, &next_ms) ||
			   expire_one(&client->control, now_ms, &next_ms) ||
			   lock_expire(client, now_ms, &next_ms);
		for (session = client->sessions; session && !is_again; session = session->next)
			is_again = expire_one(&session->lane, now_ms, &next_ms) ||
				   expire_drain(session, now_ms, &next_ms);
	} while (is_again && !client->is_freed);
	for (session = client->sessions; session; session = session->next)
		resume_tick(session, now_ms, &next_ms);
	client_expect(client, next_ms);
}

/* --- processing --- */

int bh_fd(const struct bh_client *client)
{
	return client->epoll_fd;
}

bool bh_was_answered(const struct bh_client *client)
{
	return client->dial.was_up;
}

int bh_timeout_ms(const struct bh_client *client)
{
	uint32_t left_ms;

	if (client->is_gone)
		return 0;
	if (client->next_at_ms == UINT64_MAX)
		return -1;
	left_ms = clock_left_ms(client->next_at_ms, clock_now_ms());
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static void serve(struct bh_client *client, const struct epoll_event *events, int n)
{
	struct lane *lane;
	int i;

	/* A lane of a released session is still there, but has no channel. */
	for (i = 0; i < n && !client->is_freed; i++) {
		lane = events[i].data.ptr;
		if (!lane) {
			lock_line_event(client, events[i].events);
			continue;
		}
		if (events[i].events & EPOLLOUT)
			lane_writable(lane);
		if (!lane->chan || !(events[i].events & ~(uint32_t)EPOLLOUT))
			continue;
		if (lane->session)
			data_readable(lane->session);
		else
			control_readable(client);
	}
}

int bh_wait(struct bh_client *client, int timeout_ms)
{
	struct epoll_event events[EVENTS_PER_WAIT];
	int most_ms;
	int n;
	int r;

	if (client->depth > 0)
		return -EBUSY;
	if (client->is_gone)
		return -ENOTCONN;
	most_ms = timeout_ms == 0 ? 0 : bh_timeout_ms(client);
	if (most_ms < 0 || (timeout_ms >= 0 && timeout_ms < most_ms))
		most_ms = timeout_ms;
	n = epoll_wait(client->epoll_fd, events, EVENTS_PER_WAIT, most_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	client_enter(client);
	serve(client, events, n);
	if (!client->is_freed)
		expire(client);
	r = client->is_gone ? -ENOTCONN : 0;
	return client_leave(client) ? r : -ECANCELED;
}

int bh_process(struct bh_client *client)
{
	return bh_wait(client, 0);
}

/* --- beginning and end --- */

static int set_up(struct bh_client *client, const char *socket, const char *label)
{
	int fd = -EBADF;
	int r;

	(void)snprintf(client->label, sizeof(client->label), "%.63s",
		       label ? label : program_invocation_short_name);
	r = dial_first(client, socket, &fd);
	if (r < 0)
		return r;
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (client->epoll_fd < 0) {
		r = -errno;
		(void)close_fd(fd);
		return r;
	}
	r = lane_open(&client->control, fd, CHAN_BODY_CONTROL, 0);
	return r < 0 ? r : dial_say_hello(client);
}

int bh_new(struct bh_client **out, const char *socket, const char *label)
{
	struct bh_client *client;
	int r;

	if (!out)
		return -EINVAL;
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->epoll_fd = -EBADF;
	client->pid = getpid();
	client->next_at_ms = UINT64_MAX;
	client->line.reopen_at_ms = LOCK_NEVER;
	client->dial.at_ms = DIAL_NEVER;
	client->control.client = client;
	r = chan_buf_new(&client->buf, CHAN_BODY_DATA);
	if (r == 0)
		r = set_up(client, socket, label);
	if (r < 0) {
		(void)bh_free(client);
		return r;
	}
	*out = client;
	return 0;
}

static void mute_lane(struct lane *lane)
{
	struct request *request;

	for (request = lane->head; request; request = request->next)
		request->done = NULL;
}

/* In a forked child the requests are the parent's: nobody here waits for an answer. */
static void mute(struct bh_client *client)
{
	struct bh_session *session;

	mute_lane(&client->control);
	for (session = client->sessions; session; session = session->next)
		mute_lane(&session->lane);
	scan_mute_all(client->scans);
	lock_mute_all(client->locks);
}

struct bh_client *bh_free(struct bh_client *client)
{
	struct bh_result why = request_result(BH_CLASS_CANCELLED, NULL, NULL);

	/* Freed already: called again by a callback that runs because of that. */
	if (!client || client->is_freed)
		return NULL;
	client_enter(client);
	if (client->pid != getpid())
		mute(client);
	/* The daemon learns it from the sockets; from here on nothing is sent or watched. */
	client->is_freed = true;
	client->is_gone = true;
	lane_close(&client->control);
	while (client->scans)
		scan_discard(client->scans);
	while (client->sessions)
		(void)bh_session_close(client->sessions);
	lock_discard_all(client);
	client_fail_all(&client->control, &why);
	(void)client_leave(client);
	return NULL;
}
