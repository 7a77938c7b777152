/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/sync.c - calls that block: an asynchronous one, and bh_wait() until it was answered.
 * Callbacks of other requests run meanwhile, and may release the session or the client: this
 * call is then answered `cancelled`, and neither is touched again.
 */
#include "ipc/client/client.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"

struct sync_call {
	struct bh_answer *answer;
	bool is_done;
	int error; /* the answer could not be kept */
	enum bh_strategy strategy;
};

static void on_done(void *ctx, const struct bh_result *result)
{
	struct sync_call *call = ctx;
	struct bh_answer *answer = call->answer;

	call->is_done = true;
	answer->error = result->error;
	(void)snprintf(answer->text, sizeof(answer->text), "%.191s", result->text);
	(void)snprintf(answer->advice, sizeof(answer->advice), "%.127s", result->advice);
	(void)snprintf(answer->adapter, sizeof(answer->adapter), "%.15s",
		       request_text(result->adapter));
	answer->timings = result->timings;
	answer->attempts = result->attempts;
	answer->mtu = result->mtu;
	if (result->len_bytes == 0)
		return;
	answer->value = malloc(result->len_bytes);
	if (!answer->value) {
		call->error = -ENOMEM;
		return;
	}
	memcpy(answer->value, result->value, result->len_bytes);
	answer->len_bytes = result->len_bytes;
}

void bh_answer_clear(struct bh_answer *answer)
{
	if (!answer)
		return;
	free(answer->value);
	memset(answer, 0, sizeof(*answer));
}

/* In a callback there is nobody who could process the answer. */
static int begin(const struct bh_client *client, struct sync_call *call, struct bh_answer *answer)
{
	if (!answer)
		return -EINVAL;
	memset(answer, 0, sizeof(*answer));
	call->answer = answer;
	return client->depth > 0 ? -EBUSY : 0;
}

/* The request must not outlive the stack frame that its answer goes to. */
static void forget(struct lane *lane, const struct sync_call *call)
{
	struct request *request;

	for (request = lane->head; request; request = request->next)
		if (request->ctx == call && request->done == on_done)
			request->done = NULL;
}

static int wait_for(struct bh_client *client, struct lane *lane, struct sync_call *call)
{
	int r = 0;

	while (!call->is_done && r == 0)
		r = bh_wait(client, -1);
	/* The client was freed by a callback: the lane is no more. */
	if (r == -ECANCELED)
		return r;
	if (!call->is_done) {
		if (lane)
			forget(lane, call);
		return r;
	}
	if (call->error < 0)
		return call->error;
	return call->answer->error == BH_CLASS_NONE ? 0 : 1;
}

int bh_session_open_sync(struct bh_session **out, struct bh_client *client, uint64_t address,
			 const char *adapter, uint32_t timeout_ms, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	struct bh_session *session;
	int r;

	if (!out || !client)
		return -EINVAL;
	r = begin(client, &call, answer);
	if (r < 0)
		return r;
	r = bh_session_open(&session, client, address, adapter, timeout_ms, NULL, on_done, &call);
	if (r < 0)
		return r;
	r = wait_for(client, &client->control, &call);
	if (r == 0) {
		*out = session;
		return 0;
	}
	if (r != -ECANCELED)
		(void)bh_session_close(session);
	return r;
}

int bh_connect_sync(struct bh_session *session, uint32_t timeout_ms, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(session->client, &call, answer);
	if (r == 0)
		r = bh_connect(session, timeout_ms, on_done, &call);
	return r < 0 ? r : wait_for(session->client, &session->lane, &call);
}

int bh_connect_rejected_sync(struct bh_session *session, const char *why, uint32_t timeout_ms,
			     struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(session->client, &call, answer);
	if (r == 0)
		r = bh_connect_rejected(session, why, timeout_ms, on_done, &call);
	return r < 0 ? r : wait_for(session->client, &session->lane, &call);
}

static int connect_checked(struct bh_session *session, uint32_t timeout_ms,
			   const struct bh_check *checks, size_t n_checks, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(session->client, &call, answer);
	if (r == 0)
		r = bh_connect_checked(session, timeout_ms, checks, n_checks, on_done, &call);
	return r < 0 ? r : wait_for(session->client, &session->lane, &call);
}

/* What is left of a time that began as @timeout_ms; 0 stays the daemon's default. */
static uint32_t left_of(uint32_t timeout_ms, uint64_t until_ms)
{
	uint32_t left_ms = clock_left_ms(until_ms, clock_now_ms());

	if (timeout_ms == 0)
		return 0;
	return left_ms > 0 ? left_ms : 1;
}

int bh_connect_checked_sync(struct bh_session *session, uint32_t timeout_ms,
			    const struct bh_check *checks, size_t n_checks, bh_check_cb check,
			    void *ctx, struct bh_answer *answer)
{
	uint64_t until_ms = clock_now_ms() + timeout_ms;
	char why[BH_WHY_LEN] = "";
	int r;

	r = connect_checked(session, timeout_ms, checks, n_checks, answer);
	while (r == 0 && check) {
		r = check(ctx, session, why);
		if (r <= 0)
			return r;
		why[sizeof(why) - 1] = '\0';
		r = bh_connect_rejected_sync(session, why, left_of(timeout_ms, until_ms), answer);
		why[0] = '\0';
	}
	return r;
}

int bh_disconnect_sync(struct bh_session *session, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(session->client, &call, answer);
	if (r == 0)
		r = bh_disconnect(session, on_done, &call);
	return r < 0 ? r : wait_for(session->client, &session->lane, &call);
}

int bh_read_sync(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
		 struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(session->client, &call, answer);
	if (r == 0)
		r = bh_read(session, uuid, timeout_ms, on_done, &call);
	return r < 0 ? r : wait_for(session->client, &session->lane, &call);
}

int bh_write_sync(struct bh_session *session, const struct bh_uuid *uuid, const uint8_t *value,
		  size_t len_bytes, bool no_response, uint32_t timeout_ms, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(session->client, &call, answer);
	if (r == 0)
		r = bh_write(session, uuid, value, len_bytes, no_response, timeout_ms, on_done,
			     &call);
	return r < 0 ? r : wait_for(session->client, &session->lane, &call);
}

static void on_strategy(void *ctx, const struct bh_device *device)
{
	((struct sync_call *)ctx)->strategy = device->strategy;
}

int bh_strategy_get_sync(struct bh_client *client, uint64_t address, enum bh_strategy *out_strategy,
			 struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	if (!out_strategy)
		return -EINVAL;
	r = begin(client, &call, answer);
	if (r == 0)
		r = bh_strategy_get(client, address, on_strategy, on_done, &call);
	if (r == 0)
		r = wait_for(client, &client->control, &call);
	if (r == 0)
		*out_strategy = call.strategy;
	return r;
}

int bh_strategy_set_sync(struct bh_client *client, uint64_t address, enum bh_strategy strategy,
			 uint32_t interval_ms, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(client, &call, answer);
	if (r == 0)
		r = bh_strategy_set(client, address, strategy, interval_ms, NULL, on_done, &call);
	return r < 0 ? r : wait_for(client, &client->control, &call);
}

int bh_clear_cache_sync(struct bh_client *client, uint64_t address, unsigned flags,
			struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	int r;

	r = begin(client, &call, answer);
	if (r == 0)
		r = bh_clear_cache(client, address, flags, on_done, &call);
	return r < 0 ? r : wait_for(client, &client->control, &call);
}

int bh_lock_acquire_sync(struct bh_lock **out, struct bh_client *client,
			 const struct bh_lock_request *request, bh_lock_cb news, void *ctx,
			 struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	const struct lock_args args = { .request = request,
					.news = news,
					.news_ctx = ctx,
					.done = on_done,
					.done_ctx = &call };
	bool is_released = false;
	struct bh_lock *lock;
	int r;

	if (!out || !client)
		return -EINVAL;
	r = begin(client, &call, answer);
	if (r < 0)
		return r;
	r = lock_new(&lock, client, &args);
	if (r < 0)
		return r;
	/* Its own news may release it before this returns. */
	lock->released = &is_released;
	r = wait_for(client, NULL, &call);
	if (is_released && r == 0) {
		answer->error = BH_CLASS_CANCELLED;
		return 1;
	}
	if (r == 0) {
		lock->released = NULL;
		*out = lock;
		return 0;
	}
	/* A wait that failed is answered `cancelled` in here; nobody looks at that. */
	if (!is_released)
		(void)bh_lock_release(lock);
	return r;
}

/* As forget(): an answer must not come after this returns. */
static void forget_renewal(struct bh_lock *lock, const struct sync_call *call)
{
	struct lock_renewal *renewal;

	for (renewal = lock->renewals; renewal; renewal = renewal->next)
		if (renewal->ctx == call && renewal->done == on_done)
			renewal->done = NULL;
}

int bh_lock_renew_sync(struct bh_lock *lock, struct bh_answer *answer)
{
	struct sync_call call = { .is_done = false };
	struct bh_client *client = lock->client;
	int r;

	r = begin(client, &call, answer);
	if (r == 0)
		r = bh_lock_renew(lock, on_done, &call);
	if (r < 0)
		return r;
	r = wait_for(client, NULL, &call);
	/* Not answered: so it was not released either. */
	if (r < 0 && r != -ECANCELED && !call.is_done)
		forget_renewal(lock, &call);
	return r;
}
