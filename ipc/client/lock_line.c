/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/lock_line.c - the client's channel to the arbiter (lock.proto): asked for, introduced,
 * read, replaced when it ends.
 *
 * HELLO is not waited for: what is held and what waits follows at once, so that an arbiter which
 * has just started learns it all before it gives out anything.
 */
#include "ipc/client/lock.h"

#include <sys/epoll.h>

#include "ipc/client/client.h"
#include "ipc/clock.h"
#include "ipc/lock.pb-c.h"

enum {
	PROTOCOL_VERSION = 1,
	/* A channel that ended before a word: asked for again, but not in a circle. */
	PACE_FIRST_MS = 10,
	PACE_MOST_MS = 1000,
	QUEUE_MOST = CHAN_QUEUE_FRAMES / 4, /* the rest is for answers to what the program does */
};

/* --- the socket --- */

static int watch(struct bh_client *client, int op, uint32_t events)
{
	/* No lane: serve() knows it by that. */
	struct epoll_event event = { .events = events, .data = { .ptr = NULL } };

	return epoll_ctl(client->epoll_fd, op, chan_fd(client->line.chan), &event) < 0 ? -errno : 0;
}

static void arm(struct bh_client *client)
{
	struct lock_line *line = &client->line;
	bool is_full = chan_queued(line->chan) >= QUEUE_MOST;
	bool want =
		!line->is_deaf && (chan_wants_write(line->chan) || (line->has_unsent && !is_full));

	if (client->is_freed || want == line->is_out_armed)
		return;
	if (watch(client, EPOLL_CTL_MOD, want ? EPOLLIN | EPOLLOUT : EPOLLIN) == 0)
		line->is_out_armed = want;
}

void lock_line_close(struct bh_client *client)
{
	struct lock_line *line = &client->line;

	if (!line->chan)
		return;
	/* As for a lane: a client that is being freed must not touch the parent's set. */
	if (!client->is_freed)
		(void)watch(client, EPOLL_CTL_DEL, 0);
	line->chan = chan_free(line->chan);
}

static uint32_t new_id(struct lock_line *line)
{
	/* It would take 2^32 requests for one to be open still. */
	if (++line->last_id == 0)
		line->last_id = 1;
	return line->last_id;
}

/* The errors of chan_send(); one that is no lack of memory means that nobody reads any more. */
static int put(struct bh_client *client, uint16_t type, uint32_t id, const ProtobufCMessage *msg,
	       const int *fds, size_t n_fds)
{
	struct lock_line *line = &client->line;
	int r;

	if (!line->chan || line->is_deaf)
		return -EPIPE;
	/* In a forked child the channel is the parent's, and there only bh_free() comes here. */
	if (client->is_freed && client->pid != getpid())
		return -EPIPE;
	r = chan_send(line->chan, type, id, 0, msg, fds, n_fds);
	if (r < 0 && r != -ENOMEM)
		line->is_deaf = true;
	return r;
}

/* --- what is said --- */

static void put_hello(struct bh_client *client)
{
	Bh__Lock__Hello msg = BH__LOCK__HELLO__INIT;

	msg.has_version = true;
	msg.version = PROTOCOL_VERSION;
	msg.label = client->label;
	client->line.hello_id = new_id(&client->line);
	/* Of no consequence: what follows tells the same. */
	(void)!put(client, BH__LOCK__TYPE__HELLO, client->line.hello_id, &msg.base, NULL, 0);
}

static void name_all(struct bh_lock *lock, char *out_names[BH_LOCK_RESOURCES_MAX])
{
	size_t i;

	for (i = 0; i < lock->n_resources; i++)
		out_names[i] = lock->resources[i];
}

static uint32_t timeout_left_ms(const struct bh_lock *lock)
{
	if (lock->timeout_ms == BH_LOCK_FOR_EVER)
		return BH_LOCK_FOR_EVER;
	return clock_left_ms(lock->started_at_ms + lock->timeout_ms, clock_now_ms());
}

static int put_acquire(struct bh_lock *lock)
{
	char *names[BH_LOCK_RESOURCES_MAX];
	Bh__Lock__Acquire msg = BH__LOCK__ACQUIRE__INIT;

	name_all(lock, names);
	msg.resources = names;
	msg.n_resources = lock->n_resources;
	msg.has_class_ = lock->lock_class != BH_LOCK_BY_RESOURCE;
	msg.class_ = (Bh__Lock__Class)lock->lock_class;
	msg.has_timeout_ms = true;
	msg.timeout_ms = timeout_left_ms(lock);
	msg.has_max_hold_ms = true;
	msg.max_hold_ms = lock->max_hold_ms;
	msg.has_under = lock->under != 0;
	msg.under = lock->under;
	msg.label = lock->has_label ? lock->label : NULL;
	lock->id = new_id(&lock->client->line);
	return put(lock->client, BH__LOCK__TYPE__ACQUIRE, lock->id, &msg.base, NULL, 0);
}

static int put_held(struct bh_lock *lock)
{
	char *names[BH_LOCK_RESOURCES_MAX];
	Bh__Lock__Held msg = BH__LOCK__HELD__INIT;

	name_all(lock, names);
	msg.has_grant = true;
	msg.grant = lock->grant;
	msg.resources = names;
	msg.n_resources = lock->n_resources;
	msg.has_class_ = lock->lock_class != BH_LOCK_BY_RESOURCE;
	msg.class_ = (Bh__Lock__Class)lock->lock_class;
	msg.has_max_hold_ms = true;
	msg.max_hold_ms = lock->max_hold_ms;
	msg.has_under = lock->under != 0;
	msg.under = lock->under;
	msg.label = lock->has_label ? lock->label : NULL;
	lock->id = new_id(&lock->client->line);
	return put(lock->client, BH__LOCK__TYPE__HELD, lock->id, &msg.base, lock->fds, lock->n_fds);
}

/* One lock that the arbiter has not heard of over this channel. */
static int introduce(struct bh_lock *lock)
{
	int r = lock->state == LOCK_HELD ? put_held(lock) : put_acquire(lock);

	if (r < 0)
		return r;
	lock->is_sent = true;
	/* HELD is not answered; this is, with the lease that goes on from here. */
	if (lock->state == LOCK_HELD && (lock->renewals || lock->max_hold_ms == 0))
		lock_line_renew(lock);
	return 0;
}

/* What is held before what waits: nobody may be given what another still has. */
static struct bh_lock *next_unsent(const struct bh_client *client)
{
	struct bh_lock *waiting = NULL;
	struct bh_lock *lock;

	for (lock = client->locks; lock; lock = lock->next) {
		if (lock->state == LOCK_HELD && !lock->is_sent)
			return lock;
		if (lock->state == LOCK_WAITING && !lock->is_sent && !waiting)
			waiting = lock;
	}
	return waiting;
}

static void pump(struct bh_client *client)
{
	struct lock_line *line = &client->line;
	struct bh_lock *lock;

	while (line->has_unsent && chan_queued(line->chan) < QUEUE_MOST) {
		lock = next_unsent(client);
		line->has_unsent = lock != NULL;
		if (lock && introduce(lock) < 0)
			break;
	}
	arm(client);
}

/* --- asking for the channel --- */

static bool is_wanted(const struct bh_client *client)
{
	const struct bh_lock *lock;

	for (lock = client->locks; lock; lock = lock->next)
		if (lock->state == LOCK_WAITING || lock->state == LOCK_HELD)
			return true;
	return false;
}

static void on_open_failed(void *ctx, const struct bh_result *result)
{
	struct bh_client *client = ctx;

	client->line.open_id = 0;
	/* A daemon that has gone is told by who noticed. */
	if (!client->is_gone && result->error != BH_CLASS_NONE)
		lock_fail_all(client, result);
}

static int ask_open(struct bh_client *client)
{
	struct request_args args = { .type = BH__TYPE__LOCK_OPEN,
				     .is_endless = true,
				     .done = on_open_failed,
				     .ctx = client };
	struct request *request;
	int r;

	client->line.reopen_at_ms = LOCK_NEVER;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->id = client->line.open_id = lane_new_id(&client->control);
	r = client_ask(client, request);
	if (r < 0)
		client->line.open_id = 0;
	return r;
}

int lock_line_want(struct bh_client *client)
{
	struct lock_line *line = &client->line;

	if (line->chan) {
		line->has_unsent = true;
		pump(client);
		return 0;
	}
	if (line->open_id != 0 || line->reopen_at_ms != LOCK_NEVER)
		return 0;
	return ask_open(client);
}

static void reopen(struct bh_client *client)
{
	struct bh_result why =
		request_result(BH_CLASS_INTERNAL, "cannot ask for the arbiter again", NULL);

	if (is_wanted(client) && ask_open(client) < 0)
		lock_fail_all(client, &why);
}

void lock_line_tick(struct bh_client *client, uint64_t now_ms, uint64_t *next_ms)
{
	uint64_t at_ms = client->line.reopen_at_ms;

	if (at_ms <= now_ms) {
		client->line.reopen_at_ms = LOCK_NEVER;
		reopen(client);
	} else if (at_ms < *next_ms) {
		*next_ms = at_ms;
	}
}

/* Nobody is there: what has been said was said to an arbiter that is no more. */
static void forget_line(struct bh_client *client)
{
	struct bh_lock *lock;

	lock_line_close(client);
	for (lock = client->locks; lock; lock = lock->next) {
		lock->is_again = lock->is_again || lock->is_sent;
		lock->is_sent = false;
		lock->renew_id = 0;
	}
}

static void lose_line(struct bh_client *client)
{
	struct lock_line *line = &client->line;

	forget_line(client);
	if (!is_wanted(client))
		return;
	if (line->pace_ms == 0) {
		line->pace_ms = PACE_FIRST_MS;
		reopen(client);
		return;
	}
	line->reopen_at_ms = clock_now_ms() + line->pace_ms;
	client_expect(client, line->reopen_at_ms);
	line->pace_ms = line->pace_ms < PACE_MOST_MS / 2 ? line->pace_ms * 2 : PACE_MOST_MS;
}

void lock_line_adrift(struct bh_client *client)
{
	struct lock_line *line = &client->line;

	/*
	 * The arbiter outlives the daemon by a moment, in which a channel that we closed would be a
	 * holder that died: it would give what we hold to the next. Its own end comes over it.
	 */
	if (line->chan)
		return;
	line->pace_ms = 0;
	line->reopen_at_ms = LOCK_NEVER;
	/* One that is asked already is still in the control connection's list. */
	if (line->open_id == 0)
		reopen(client);
}

/* The arbiter cannot be talked to: asking it again would only repeat that. */
void lock_line_break(struct bh_client *client, const struct bh_result *why)
{
	struct lock_line *line = &client->line;

	/* For the arbiter its end is that of every holder: not before they have stopped. */
	line->is_deaf = true;
	line->reopen_at_ms = LOCK_NEVER;
	lock_fail_all(client, why);
	forget_line(client);
	/* Callbacks may have asked for more. */
	if (!client->is_gone)
		reopen(client);
}

int lock_on_opened(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct bh_client *client = ctx;
	struct lock_line *line = &client->line;
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	struct request *request = lane_find(&client->control, frame->id);
	int r;

	(void)msg;
	if (!request)
		return 0;
	if (request->type != BH__TYPE__LOCK_OPEN)
		return -EBADMSG;
	r = chan_new(&line->chan, frame->fds[0], client->buf, CHAN_BODY_CONTROL);
	if (r == 0) {
		(void)take_fd(&frame->fds[0]);
		line->is_deaf = false;
		line->is_out_armed = false;
		line->has_unsent = true;
		r = watch(client, EPOLL_CTL_ADD, EPOLLIN);
	}
	if (r < 0) {
		line->chan = chan_free(line->chan);
		result = request_result(BH_CLASS_INTERNAL, "no memory for the arbiter's channel",
					NULL);
	} else {
		put_hello(client);
		pump(client);
	}
	lane_answer(&client->control, request, &result);
	return 0;
}

/* --- for locks --- */

void lock_line_cancel(struct bh_client *client, uint32_t id)
{
	Bh__Lock__Empty msg = BH__LOCK__EMPTY__INIT;

	/* What cannot be taken back is released when it comes, or ends with the channel. */
	if (put(client, BH__LOCK__TYPE__CANCEL, id, &msg.base, NULL, 0) == 0)
		arm(client);
}

void lock_line_release(struct bh_client *client, uint64_t grant)
{
	Bh__Lock__Release msg = BH__LOCK__RELEASE__INIT;
	int r;

	msg.has_grant = true;
	msg.grant = grant;
	r = put(client, BH__LOCK__TYPE__RELEASE, 0, &msg.base, NULL, 0);
	if (r == 0)
		arm(client);
	/* Nobody else would tell the arbiter: the end of the channel does. */
	if (r == -ENOMEM || r == -ENOBUFS)
		lose_line(client);
}

void lock_line_renew(struct bh_lock *lock)
{
	struct bh_client *client = lock->client;
	Bh__Lock__Renew msg = BH__LOCK__RENEW__INIT;
	uint32_t id = new_id(&client->line);
	int r;

	/* Otherwise it goes out with HELD, over the next channel. */
	if (!lock->is_sent)
		return;
	msg.has_grant = true;
	msg.grant = lock->grant;
	r = put(client, BH__LOCK__TYPE__RENEW, id, &msg.base, NULL, 0);
	/* A dead channel tells; the next one begins with this. */
	if (r == -ENOMEM)
		lock_plan_renewal(lock, 1);
	if (r < 0)
		return;
	lock->renew_id = id;
	arm(client);
}

/* --- what happens on it --- */

static void readable(struct bh_client *client)
{
	struct lock_line *line = &client->line;
	struct bh_result why =
		request_result(BH_CLASS_INTERNAL, "the arbiter did not keep to the protocol", NULL);
	struct chan_frame frame;
	int r = 0;
	int i;

	for (i = 0; i < CHAN_READS_PER_WAKEUP && line->chan; i++) {
		r = chan_recv(line->chan, &frame);
		if (r != CHAN_FRAME)
			break;
		line->pace_ms = 0;
		r = lock_frame(client, &frame);
		chan_frame_done(&frame);
		if (r < 0)
			break;
	}
	if (!line->chan)
		return;
	if (r < 0)
		lock_line_break(client, &why);
	else if (r == CHAN_EOF)
		lose_line(client);
	else
		pump(client);
}

void lock_line_event(struct bh_client *client, uint32_t events)
{
	struct lock_line *line = &client->line;

	if (!line->chan)
		return;
	if (events & EPOLLOUT) {
		if (chan_flush(line->chan) < 0)
			line->is_deaf = true;
		pump(client);
	}
	if (events & ~(uint32_t)EPOLLOUT)
		readable(client);
}
