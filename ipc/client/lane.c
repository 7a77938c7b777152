/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/lane.h"

#include <sys/epoll.h>

#include "ipc/client/client.h"
#include "ipc/clock.h"

static int watch(struct lane *lane, int op, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .ptr = lane } };

	return epoll_ctl(lane->client->epoll_fd, op, chan_fd(lane->chan), &event) < 0 ? -errno : 0;
}

int lane_open(struct lane *lane, int fd, size_t body_max, uint32_t epoch)
{
	int r;

	r = chan_new(&lane->chan, fd, lane->client->buf, body_max);
	if (r < 0) {
		(void)close_fd(fd);
		return r;
	}
	lane->epoch = epoch;
	lane->is_deaf = false;
	lane->is_out_armed = false;
	r = watch(lane, EPOLL_CTL_ADD, EPOLLIN);
	if (r < 0)
		lane->chan = chan_free(lane->chan);
	return r;
}

void lane_close(struct lane *lane)
{
	if (!lane->chan)
		return;
	/*
	 * Closing alone would leave it in the set if a forked child holds a copy. A client that is
	 * being freed closes the whole set, and must not touch it where it is the parent's.
	 */
	if (!lane->client->is_freed)
		(void)watch(lane, EPOLL_CTL_DEL, 0);
	lane->chan = chan_free(lane->chan);
}

static bool is_id_open(const struct lane *lane, uint32_t id)
{
	return lane_find(lane, id) || (lane->session && session_find_sub(lane->session, id));
}

uint32_t lane_new_id(struct lane *lane)
{
	uint32_t id;

	do {
		id = ++lane->last_id;
		if (id == 0)
			lane->has_wrapped = true;
	} while (id == 0 || (lane->has_wrapped && is_id_open(lane, id)));
	return id;
}

/* --- the list --- */

void lane_add(struct lane *lane, struct request *request)
{
	request->prev = lane->tail;
	request->next = NULL;
	if (lane->tail)
		lane->tail->next = request;
	else
		lane->head = request;
	lane->tail = request;
	if (!lane->unsent)
		lane->unsent = request;
	lane->n_open++;
	client_expect(lane->client, request_due_ms(request));
	lane_pump(lane);
}

void lane_prepend(struct lane *lane, struct request *request)
{
	request->prev = NULL;
	request->next = lane->head;
	if (lane->head)
		lane->head->prev = request;
	else
		lane->tail = request;
	lane->head = request;
	lane->unsent = request;
	lane->n_open++;
	client_expect(lane->client, request_due_ms(request));
}

struct request *lane_find(const struct lane *lane, uint32_t id)
{
	struct request *request;

	for (request = lane->head; request; request = request->next)
		if (request->id == id)
			return request;
	return NULL;
}

void lane_unlink(struct lane *lane, struct request *request)
{
	if (request->prev)
		request->prev->next = request->next;
	else
		lane->head = request->next;
	if (request->next)
		request->next->prev = request->prev;
	else
		lane->tail = request->prev;
	if (lane->unsent == request)
		lane->unsent = request->next;
	lane->n_open--;
	if (request->is_sent)
		lane->n_sent--;
}

/* --- sending --- */

static bool may_send(const struct lane *lane)
{
	return lane->unsent && !lane->is_deaf && (!lane->session || lane->n_sent < LANE_WINDOW);
}

/* Asks for EPOLLOUT exactly while there is something to send. */
static void arm(struct lane *lane)
{
	bool want = may_send(lane) || (!lane->is_deaf && chan_wants_write(lane->chan));

	if (want == lane->is_out_armed)
		return;
	if (watch(lane, EPOLL_CTL_MOD, want ? EPOLLIN | EPOLLOUT : EPOLLIN) == 0)
		lane->is_out_armed = want;
}

void lane_pump(struct lane *lane)
{
	struct request *request;
	uint64_t now_ms;
	int r;

	if (!lane->chan)
		return;
	now_ms = clock_now_ms();
	while (may_send(lane) && !chan_wants_write(lane->chan)) {
		request = lane->unsent;
		r = request_send(request, lane->chan, lane->epoch, now_ms);
		if (r == -ENOMEM)
			break;
		/* The peer has gone: its last frames can still be read, then it is replaced. */
		if (r < 0) {
			lane->is_deaf = true;
			break;
		}
		request->is_sent = true;
		lane->n_sent++;
		lane->unsent = request->next;
	}
	arm(lane);
}

void lane_writable(struct lane *lane)
{
	if (!lane->chan)
		return;
	if (chan_flush(lane->chan) < 0)
		lane->is_deaf = true;
	lane_pump(lane);
}

void lane_rewind(struct lane *lane)
{
	struct request *request;

	for (request = lane->head; request; request = request->next) {
		request->is_sent = false;
		client_expect(lane->client, request_due_ms(request));
	}
	lane->unsent = lane->head;
	lane->n_sent = 0;
}

void lane_cancel(struct lane *lane, uint32_t id)
{
	Bh__Empty msg = BH__EMPTY__INIT;

	if (!lane->chan || lane->is_deaf)
		return;
	if (chan_send(lane->chan, BH__TYPE__CANCEL, id, lane->epoch, &msg.base, NULL, 0) < 0)
		return;
	arm(lane);
}

void lane_answer(struct lane *lane, struct request *request, struct bh_result *result)
{
	lane_unlink(lane, request);
	/* There is room for the next one. */
	if (lane->unsent)
		lane_pump(lane);
	if (!result->timings.is_cached)
		result->timings.total_ms = clock_span_ms(request->started_at_ms, clock_now_ms());
	if (request->done)
		request->done(request->ctx, result);
#ifdef BLEHERD_PLANT_DOUBLE_ANSWER
	static unsigned answers;

	/* A bug on purpose, for `make soak-planted`. */
	if (request->done && ++answers % 500 == 0)
		request->done(request->ctx, result);
#endif
	free(request);
}
