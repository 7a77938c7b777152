/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/lock.h"

#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "ipc/client/client.h"
#include "ipc/clock.h"
#include "ipc/lock.pb-c.h"

enum {
	RENEW_MS = 30000,    /* an answer to bh_lock_renew() takes no longer */
	RENEW_LEAST_MS = 20, /* between renewals, however short the lease */
};

static_assert((int)BH_LOCK_RECOVERY == (int)BH__LOCK__CLASS__CLASS_RECOVERY, "as in lock.proto");
static_assert((int)BH_LOCK_BACKGROUND_SCAN == (int)BH__LOCK__CLASS__CLASS_BACKGROUND_SCAN,
	      "as in lock.proto");

void lock_name(const struct bh_lock *lock, char *out, size_t size)
{
	size_t len = 0;
	size_t i;

	*out = '\0';
	for (i = 0; i < lock->n_resources && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : "",
					lock->resources[i]);
}

/* --- beginning --- */

static bool is_valid(const struct bh_lock_request *request)
{
	size_t i;

	if (!request || !request->resources || request->n_resources == 0 ||
	    request->n_resources > BH_LOCK_RESOURCES_MAX ||
	    (unsigned)request->lock_class > BH_LOCK_BACKGROUND_SCAN)
		return false;
	for (i = 0; i < request->n_resources; i++)
		if (!request->resources[i] || strlen(request->resources[i]) >= LOCK_NAME_MAX)
			return false;
	return true;
}

static void link_in(struct bh_lock *lock)
{
	struct bh_client *client = lock->client;
	struct bh_lock *last = client->locks;

	while (last && last->next)
		last = last->next;
	lock->prev = last;
	if (last)
		last->next = lock;
	else
		client->locks = lock;
}

static void link_out(struct bh_lock *lock)
{
	if (lock->prev)
		lock->prev->next = lock->next;
	else
		lock->client->locks = lock->next;
	if (lock->next)
		lock->next->prev = lock->prev;
}

static struct bh_lock *make(struct bh_client *client, const struct lock_args *args)
{
	const struct bh_lock_request *request = args->request;
	struct bh_lock *lock = calloc(1, sizeof(*lock));
	size_t i;

	if (!lock)
		return NULL;
	lock->client = client;
	for (i = 0; i < request->n_resources; i++)
		(void)snprintf(lock->resources[i], sizeof(lock->resources[i]), "%s",
			       request->resources[i]);
	lock->n_resources = request->n_resources;
	lock->lock_class = request->lock_class;
	lock->timeout_ms = request->timeout_ms;
	lock->max_hold_ms = request->max_hold_ms;
	lock->under = request->under;
	lock->has_label = request->label != NULL;
	(void)snprintf(lock->label, sizeof(lock->label), "%.63s", request_text(request->label));
	lock->started_at_ms = clock_now_ms();
	lock->due_at_ms = request->timeout_ms == BH_LOCK_FOR_EVER
				  ? LOCK_NEVER
				  : lock->started_at_ms + request->timeout_ms + REQUEST_GRACE_MS;
	lock->renew_at_ms = LOCK_NEVER;
	lock->news = args->news;
	lock->news_ctx = args->news_ctx;
	lock->done = args->done;
	lock->done_ctx = args->done_ctx;
	return lock;
}

int lock_new(struct bh_lock **out, struct bh_client *client, const struct lock_args *args)
{
	struct bh_lock *lock;
	int r;

	if (!out || !client || !is_valid(args->request))
		return -EINVAL;
	if (client->is_gone)
		return -ENOTCONN;
	lock = make(client, args);
	if (!lock)
		return -ENOMEM;
	link_in(lock);
	r = lock_line_want(client);
	if (r < 0) {
		link_out(lock);
		free(lock);
		return r;
	}
	client_expect(client, lock->due_at_ms);
	*out = lock;
	return 0;
}

int bh_lock_acquire(struct bh_lock **out, struct bh_client *client,
		    const struct bh_lock_request *request, bh_lock_cb news, bh_result_cb done,
		    void *ctx)
{
	const struct lock_args args = {
		.request = request, .news = news, .news_ctx = ctx, .done = done, .done_ctx = ctx
	};

	return lock_new(out, client, &args);
}

uint64_t bh_lock_grant(const struct bh_lock *lock)
{
	return lock->state == LOCK_HELD ? lock->grant : 0;
}

void bh_use_grant(struct bh_client *client, uint64_t grant)
{
	client->under = grant;
}

/* --- answers --- */

/* The answer to the request itself: once. */
static void answer(struct bh_lock *lock, struct bh_result *result)
{
	bh_result_cb done = lock->done;

	lock->done = NULL;
	result->timings.total_ms = clock_span_ms(lock->started_at_ms, clock_now_ms());
	if (done)
		done(lock->done_ctx, result);
}

void lock_fail(struct bh_lock *lock, const struct bh_result *why)
{
	struct bh_result result = *why;

	if (lock->state != LOCK_WAITING)
		return;
	lock->state = LOCK_OVER;
	result.timings.queue_ms = clock_span_ms(lock->started_at_ms, clock_now_ms());
	answer(lock, &result);
}

void lock_grant(struct bh_lock *lock, uint64_t grant, uint32_t waited_ms, uint32_t lease_ms,
		struct chan_frame *frame)
{
	struct bh_result result = request_result(BH_CLASS_NONE, NULL, NULL);
	size_t i;

	lock->state = LOCK_HELD;
	lock->id = 0;
	lock->grant = grant;
	lock->held_since_ms = clock_now_ms();
	lock->n_fds = frame->n_fds;
	for (i = 0; i < frame->n_fds; i++)
		lock->fds[i] = take_fd(&frame->fds[i]);
	lock_plan_renewal(lock, lease_ms);
	/* An arbiter that came in between knows only its own part of the time. */
	result.timings.queue_ms =
		lock->is_again ? clock_span_ms(lock->started_at_ms, clock_now_ms()) : waited_ms;
	answer(lock, &result);
}

void lock_tell(struct bh_lock *lock, enum bh_lock_event event, const struct bh_result *why,
	       uint32_t grace_ms)
{
	const struct bh_lock_news news = {
		.event = event, .error = why->error, .grace_ms = grace_ms, .text = why->text
	};

	if (lock->news)
		lock->news(lock->news_ctx, lock, &news);
}

/* --- renewing --- */

void lock_plan_renewal(struct bh_lock *lock, uint32_t lease_ms)
{
	uint32_t pause_ms = lease_ms / 2 > RENEW_LEAST_MS ? lease_ms / 2 : RENEW_LEAST_MS;
	uint64_t now_ms = clock_now_ms();

	lock->renew_at_ms = LOCK_NEVER;
	if (lease_ms == 0 || lock->is_revoked)
		return;
	/* A whole lease begins then; the last one ends within the time that was asked for. */
	if (lock->max_hold_ms > 0 &&
	    now_ms + pause_ms + lease_ms > lock->held_since_ms + lock->max_hold_ms)
		return;
	lock->renew_at_ms = now_ms + pause_ms;
	client_expect(lock->client, lock->renew_at_ms);
}

static void answer_renewal(struct bh_lock *lock, const struct bh_result *why)
{
	struct lock_renewal *renewal = lock->renewals;
	struct bh_result result = *why;

	lock->renewals = renewal->next;
	result.timings.total_ms = clock_span_ms(renewal->started_at_ms, clock_now_ms());
	if (renewal->done)
		renewal->done(renewal->ctx, &result);
	free(renewal);
}

/* Only those that are there now: a callback may ask again. */
static void answer_renewals(struct bh_lock *lock, const struct bh_result *why)
{
	struct lock_renewal *renewal;
	size_t n = 0;

	for (renewal = lock->renewals; renewal; renewal = renewal->next)
		n++;
	while (n-- > 0 && lock->renewals)
		answer_renewal(lock, why);
}

void lock_renewed(struct bh_lock *lock, const struct bh_result *why)
{
	lock->renew_id = 0;
	answer_renewals(lock, why);
}

int bh_lock_renew(struct bh_lock *lock, bh_result_cb done, void *ctx)
{
	struct lock_renewal **at = &lock->renewals;
	struct lock_renewal *renewal;

	if (lock->state != LOCK_HELD)
		return -ENOTCONN;
	renewal = calloc(1, sizeof(*renewal));
	if (!renewal)
		return -ENOMEM;
	renewal->done = done;
	renewal->ctx = ctx;
	renewal->started_at_ms = clock_now_ms();
	while (*at)
		at = &(*at)->next;
	*at = renewal;
	client_expect(lock->client, renewal->started_at_ms + RENEW_MS);
	/* Without a channel now it goes out with HELD. */
	if (lock->renew_id == 0)
		lock_line_renew(lock);
	return 0;
}

/* --- the end --- */

/*
 * Descriptors are closed; the arbiter, which has them too, unlocks. Where there is none that knows
 * of this lock a copy in a forked child would keep it locked.
 */
static void close_fds(struct bh_lock *lock, bool unlock)
{
	size_t i;

	for (i = 0; i < lock->n_fds; i++) {
		if (unlock)
			(void)flock(lock->fds[i], LOCK_UN);
		lock->fds[i] = close_fd(lock->fds[i]);
	}
	lock->n_fds = 0;
}

static bool is_known(const struct bh_lock *lock)
{
	const struct lock_line *line = &lock->client->line;

	return lock->is_sent && line->chan && !line->is_deaf;
}

/* The program is told first: it may have to stop something that nobody may meet. */
void lock_lose(struct bh_lock *lock, const struct bh_result *why)
{
	if (lock->state != LOCK_HELD)
		return;
	lock->state = LOCK_OVER;
	lock->renew_id = 0;
	answer_renewals(lock, why);
	if (lock->state == LOCK_OVER)
		lock_tell(lock, BH_LOCK_LOST, why, 0);
	close_fds(lock, !is_known(lock));
}

static struct bh_lock *first_doomed(const struct bh_client *client)
{
	struct bh_lock *lock;

	for (lock = client->locks; lock; lock = lock->next)
		if (lock->is_doomed)
			return lock;
	return NULL;
}

static void end_doomed(struct bh_client *client, const struct bh_result *why)
{
	struct bh_lock *lock;

	while ((lock = first_doomed(client))) {
		lock->is_doomed = false;
		lock_fail(lock, why);
		lock_lose(lock, why);
	}
}

void lock_fail_all(struct bh_client *client, const struct bh_result *why)
{
	struct bh_lock *lock;

	/* Not those that callbacks ask for meanwhile: that would not end. */
	for (lock = client->locks; lock; lock = lock->next)
		lock->is_doomed = true;
	end_doomed(client, why);
}

bool lock_is_any_held(const struct bh_client *client)
{
	const struct bh_lock *lock = client->locks;

	while (lock && lock->state != LOCK_HELD)
		lock = lock->next;
	return lock != NULL;
}

void lock_lose_held(struct bh_client *client, const struct bh_result *why)
{
	struct bh_lock *lock;

	for (lock = client->locks; lock; lock = lock->next)
		lock->is_doomed = lock->state == LOCK_HELD;
	end_doomed(client, why);
}

static void let_go(struct bh_lock *lock)
{
	struct bh_client *client = lock->client;
	/* In a forked child the lock is the parent's. */
	bool is_ours = client->pid == getpid();
	bool was_known = is_known(lock);

	if (is_ours && was_known)
		lock_line_release(client, lock->grant);
	close_fds(lock, is_ours && !was_known);
}

struct bh_lock *bh_lock_release(struct bh_lock *lock)
{
	struct bh_result why = request_result(BH_CLASS_CANCELLED, NULL, NULL);
	struct bh_client *client;
	enum lock_state was;

	/* Released already: called again by a callback that runs because of that. */
	if (!lock || lock->state == LOCK_RELEASED)
		return NULL;
	client = lock->client;
	client_enter(client);
	was = lock->state;
	lock->state = LOCK_RELEASED;
	if (lock->released)
		*lock->released = true;
	if (was == LOCK_HELD)
		let_go(lock);
	if (was == LOCK_WAITING && lock->is_sent)
		lock_line_cancel(client, lock->id);
	link_out(lock);
	lock->next = client->dead_locks;
	client->dead_locks = lock;
	if (was == LOCK_WAITING)
		answer(lock, &why);
	answer_renewals(lock, &why);
	(void)client_leave(client);
	return NULL;
}

void lock_discard_all(struct bh_client *client)
{
	while (client->locks)
		(void)bh_lock_release(client->locks);
	lock_line_close(client);
}

void lock_mute_all(struct bh_lock *list)
{
	struct lock_renewal *renewal;

	for (; list; list = list->next) {
		list->done = NULL;
		list->news = NULL;
		for (renewal = list->renewals; renewal; renewal = renewal->next)
			renewal->done = NULL;
	}
}

void lock_free_all(struct bh_lock *list)
{
	struct bh_lock *next;

	for (; list; list = next) {
		next = list->next;
		free(list);
	}
}

/* --- deadlines --- */

static void give_up(struct bh_lock *lock)
{
	struct bh_result why = request_result(BH_CLASS_LOCK_TIMEOUT,
					      lock->is_sent ? "the arbiter did not answer in time"
							    : "there was no arbiter to ask in time",
					      NULL);

	if (lock->is_sent)
		lock_line_cancel(lock->client, lock->id);
	lock_fail(lock, &why);
}

static bool is_due(uint64_t at_ms, uint64_t now_ms, uint64_t *next_ms)
{
	if (at_ms <= now_ms)
		return true;
	if (at_ms < *next_ms)
		*next_ms = at_ms;
	return false;
}

static bool expire_held(struct bh_lock *lock, uint64_t now_ms, uint64_t *next_ms)
{
	struct bh_result why = request_result(BH_CLASS_DEADLINE, "no answer in time", NULL);

	if (lock->renewals && is_due(lock->renewals->started_at_ms + RENEW_MS, now_ms, next_ms)) {
		answer_renewal(lock, &why);
		return true;
	}
	if (!is_due(lock->renew_at_ms, now_ms, next_ms))
		return false;
	/* The answer plans the next one; without a channel it goes out with HELD. */
	lock->renew_at_ms = LOCK_NEVER;
	if (lock->renew_id == 0)
		lock_line_renew(lock);
	return false;
}

bool lock_expire(struct bh_client *client, uint64_t now_ms, uint64_t *next_ms)
{
	struct bh_lock *lock;

	lock_line_tick(client, now_ms, next_ms);
	for (lock = client->locks; lock; lock = lock->next) {
		if (lock->state == LOCK_WAITING && is_due(lock->due_at_ms, now_ms, next_ms)) {
			give_up(lock);
			return true;
		}
		if (lock->state == LOCK_HELD && expire_held(lock, now_ms, next_ms))
			return true;
	}
	return false;
}
