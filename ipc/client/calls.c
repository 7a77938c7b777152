/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ipc/client/calls.c - what a program asks of a session: checks, a request, its lane. */
#include "ipc/client/client.h"

static bool is_sane(const struct bh_check *checks, size_t n_checks)
{
	size_t i;

	if (n_checks > BH_CHECKS_MAX || (n_checks > 0 && !checks))
		return false;
	for (i = 0; i < n_checks; i++)
		if (checks[i].kind < BH_CHECK_GATT || checks[i].kind > BH_CHECK_READ)
			return false;
	return true;
}

int bh_connect(struct bh_session *session, uint32_t timeout_ms, bh_result_cb done, void *ctx)
{
	return bh_connect_checked(session, timeout_ms, NULL, 0, done, ctx);
}

int bh_connect_checked(struct bh_session *session, uint32_t timeout_ms,
		       const struct bh_check *checks, size_t n_checks, bh_result_cb done, void *ctx)
{
	struct request_args args = { .type = BH__TYPE__CONNECT,
				     .timeout_ms = timeout_ms,
				     .value = (const uint8_t *)checks,
				     .len = n_checks * sizeof(*checks),
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	if (!is_sane(checks, n_checks))
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->is_exclusive = session->is_exclusive;
	return session_ask(session, request);
}

void bh_exclusive(struct bh_session *session, bool is_on)
{
	session->is_exclusive = is_on;
}

/* It becomes part of texts that people read. */
static bool is_line(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (i >= BH_WHY_LEN - 1 || (unsigned char)text[i] < ' ' || text[i] == '\x7f')
			return false;
	return true;
}

int bh_connect_rejected(struct bh_session *session, const char *why, uint32_t timeout_ms,
			bh_result_cb done, void *ctx)
{
	struct request_args args = { .type = BH__TYPE__CONNECT,
				     .timeout_ms = timeout_ms,
				     .value = session->checks,
				     .len = session->checks_len,
				     .why = request_text(why),
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	if (!is_line(args.why))
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->epoch = session->lane.epoch;
	r = session_ask(session, request);
	if (r < 0)
		return r;
	session->wants_link = false;
	session_doom_subs(session);
	return 0;
}

int bh_disconnect(struct bh_session *session, bh_result_cb done, void *ctx)
{
	struct request_args args = { .type = BH__TYPE__DISCONNECT, .done = done, .ctx = ctx };
	struct request *request;
	int r;

	r = request_new(&request, &args);
	return r < 0 ? r : session_ask(session, request);
}

int bh_services(struct bh_session *session,
		void (*item)(void *ctx, const struct bh_service *service), bh_result_cb done,
		void *ctx)
{
	return bh_services_within(session, 0, item, done, ctx);
}

int bh_services_within(struct bh_session *session, uint32_t timeout_ms,
		       void (*item)(void *ctx, const struct bh_service *service), bh_result_cb done,
		       void *ctx)
{
	struct request_args args = { .type = BH__TYPE__SERVICES_REQUEST,
				     .timeout_ms = timeout_ms,
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->item.service = item;
	request->is_fresh = session->is_fresh;
	return session_ask(session, request);
}

int bh_read(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
	    bh_result_cb done, void *ctx)
{
	struct request_args args = {
		.type = BH__TYPE__READ, .timeout_ms = timeout_ms, .done = done, .ctx = ctx
	};
	struct request *request;
	int r;

	if (!uuid)
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->uuid = *uuid;
	request->is_fresh = session->is_fresh;
	return session_ask(session, request);
}

int bh_write(struct bh_session *session, const struct bh_uuid *uuid, const uint8_t *value,
	     size_t len_bytes, bool no_response, uint32_t timeout_ms, bh_result_cb done, void *ctx)
{
	struct request_args args = { .type = BH__TYPE__WRITE,
				     .timeout_ms = timeout_ms,
				     .value = value,
				     .len = len_bytes,
				     .done = done,
				     .ctx = ctx };
	struct request *request;
	int r;

	if (!uuid || (!value && len_bytes > 0) || len_bytes > REQUEST_VALUE_MAX)
		return -EINVAL;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->uuid = *uuid;
	request->no_response = no_response;
	return session_ask(session, request);
}

/* --- subscriptions --- */

static int ask_subscribe(struct bh_session *session, const struct session_sub *sub)
{
	struct request_args args = { .type = BH__TYPE__SUBSCRIBE,
				     .timeout_ms = sub->timeout_ms,
				     .done = sub->done,
				     .ctx = sub->ctx };
	struct request *request;
	int r;

	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->id = sub->id;
	request->uuid = sub->uuid;
	request->resumes = sub->resumes;
	request->number = sub->silence_ms;
	return session_ask(session, request);
}

int bh_subscribe(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
		 bh_notify_cb value, bh_result_cb done, void *ctx, uint32_t *out_id)
{
	return bh_subscribe_with(session, uuid, timeout_ms, NULL, value, done, ctx, out_id);
}

int bh_subscribe_with(struct bh_session *session, const struct bh_uuid *uuid, uint32_t timeout_ms,
		      const struct bh_subscribe_options *options, bh_notify_cb value,
		      bh_result_cb done, void *ctx, uint32_t *out_id)
{
	_cleanup_free_ struct session_sub *sub = NULL;
	int r;

	if (!uuid || !value)
		return -EINVAL;
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return -ENOMEM;
	sub->id = lane_new_id(&session->lane);
	sub->uuid = *uuid;
	sub->timeout_ms = timeout_ms;
	sub->resumes = options && options->resumes;
	sub->silence_ms = options ? options->silence_ms : 0;
	sub->value = value;
	sub->done = done;
	sub->ctx = ctx;
	sub->expected = 1;
	r = ask_subscribe(session, sub);
	if (r < 0)
		return r;
	if (out_id)
		*out_id = sub->id;
	sub->next = session->subs;
	session->subs = TAKE_PTR(sub);
	return 0;
}

int bh_unsubscribe(struct bh_session *session, uint32_t id, bh_result_cb done, void *ctx)
{
	struct request_args args = { .type = BH__TYPE__UNSUBSCRIBE, .done = done, .ctx = ctx };
	struct session_sub *sub = session_find_sub(session, id);
	struct request *request;
	int r;

	if (!sub || sub->is_muted)
		return -ENOENT;
	r = request_new(&request, &args);
	if (r < 0)
		return r;
	request->number = id;
	r = session_ask(session, request);
	if (r == 0)
		sub->is_muted = true;
	return r;
}
