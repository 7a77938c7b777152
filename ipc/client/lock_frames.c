/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/client/lock_frames.c - what the arbiter says (lock.proto), and what follows for the lock that
 * it is about. A frame that is about none is dropped. Types that this library does not know are
 * passed over: a newer arbiter may have more to say.
 */
#include "ipc/client/lock.h"

#include <stdio.h>

#include "ipc/client/client.h"
#include "ipc/lock.pb-c.h"

enum { NAME_LEN = 200 };

static const enum bh_class CLASSES[] = {
	[BH__LOCK__REASON__REASON_INVALID] = BH_CLASS_INVALID,
	[BH__LOCK__REASON__REASON_LIMIT] = BH_CLASS_LIMIT,
	[BH__LOCK__REASON__REASON_NOT_ALLOWED] = BH_CLASS_INVALID,
	[BH__LOCK__REASON__REASON_UNUSABLE] = BH_CLASS_INTERNAL,
	[BH__LOCK__REASON__REASON_ADAPTER_GONE] = BH_CLASS_ADAPTER_GONE,
	[BH__LOCK__REASON__REASON_FENCED] = BH_CLASS_LOCK_LOST,
	[BH__LOCK__REASON__REASON_EXPIRED] = BH_CLASS_LOCK_LOST,
	[BH__LOCK__REASON__REASON_TAKEN] = BH_CLASS_LOCK_LOST,
	[BH__LOCK__REASON__REASON_VERSION] = BH_CLASS_INVALID,
};

/* A reason that this library does not know, or none, is @otherwise. */
static enum bh_class class_of(bool has_reason, int reason, enum bh_class otherwise)
{
	if (!has_reason || reason < (int)BH__LOCK__REASON__REASON_INVALID ||
	    reason >= (int)ARRAY_LEN(CLASSES))
		return otherwise;
	return CLASSES[reason];
}

static struct bh_lock *by_id(const struct bh_client *client, uint32_t id)
{
	struct bh_lock *lock;

	for (lock = client->locks; lock; lock = lock->next)
		if (id != 0 && lock->is_sent && (lock->id == id || lock->renew_id == id))
			return lock;
	return NULL;
}

static struct bh_lock *waiting_by_id(const struct bh_client *client, uint32_t id)
{
	struct bh_lock *lock = by_id(client, id);

	return lock && lock->state == LOCK_WAITING ? lock : NULL;
}

static int on_hello_ok(void *ctx, struct chan_frame *frame, const void *msg)
{
	(void)ctx;
	(void)frame;
	(void)msg;
	return 0;
}

static int on_granted(void *ctx, struct chan_frame *frame, const void *body)
{
	struct bh_client *client = ctx;
	const Bh__Lock__Granted *msg = body;
	struct bh_lock *lock = waiting_by_id(client, frame->id);

	if (msg->grant == 0)
		return -EBADMSG;
	if (lock)
		lock_grant(lock, msg->grant, msg->waited_ms, msg->lease_ms, frame);
	else
		/* It was given up while this was under way. */
		lock_line_release(client, msg->grant);
	return 0;
}

static int on_timed_out(void *ctx, struct chan_frame *frame, const void *body)
{
	struct bh_lock *lock = waiting_by_id(ctx, frame->id);
	char name[NAME_LEN];
	char text[NAME_LEN + 40];
	struct bh_result why;

	(void)body;
	if (!lock)
		return 0;
	/* Its longest is not for ever. */
	if (lock->timeout_ms == BH_LOCK_FOR_EVER) {
		lock->is_sent = false;
		return lock_line_want(ctx);
	}
	lock_name(lock, name, sizeof(name));
	if (lock->timeout_ms == 0)
		(void)snprintf(text, sizeof(text), "%s is not free", name);
	else
		(void)snprintf(text, sizeof(text), "%s was not free within %u ms", name,
			       lock->timeout_ms);
	why = request_result(BH_CLASS_LOCK_TIMEOUT, text, NULL);
	lock_fail(lock, &why);
	return 0;
}

/* Not asked for: a lock that was given up is no more in the list. */
static int on_cancelled(void *ctx, struct chan_frame *frame, const void *body)
{
	struct bh_lock *lock = waiting_by_id(ctx, frame->id);
	struct bh_result why = request_result(BH_CLASS_CANCELLED, NULL, NULL);

	(void)body;
	if (lock)
		lock_fail(lock, &why);
	return 0;
}

static int on_refused(void *ctx, struct chan_frame *frame, const void *body)
{
	struct bh_client *client = ctx;
	const Bh__Lock__Refused *msg = body;
	struct bh_lock *lock = by_id(client, frame->id);
	struct bh_result why = request_result(
		class_of(msg->has_reason, (int)msg->reason, BH_CLASS_INVALID), msg->text, NULL);
	bool is_over = why.error == BH_CLASS_LOCK_LOST || why.error == BH_CLASS_ADAPTER_GONE;

	if (frame->id == 0 || frame->id == client->line.hello_id) {
		lock_line_break(client, &why);
		return 0;
	}
	if (!lock)
		return 0;
	if (lock->state == LOCK_WAITING)
		lock_fail(lock, &why);
	else if (lock->renew_id != frame->id || is_over)
		lock_lose(lock, &why);
	else
		/* Not now: the lease that there is goes on to its end. */
		lock_renewed(lock, &why);
	return 0;
}

static struct bh_lock *by_grant(const struct bh_client *client, uint64_t grant)
{
	struct bh_lock *lock;

	for (lock = client->locks; lock; lock = lock->next)
		if (lock->state == LOCK_HELD && lock->grant == grant)
			return lock;
	return NULL;
}

static int on_revoked(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Lock__Revoked *msg = body;
	struct bh_lock *lock = by_grant(ctx, msg->grant);
	struct bh_result why = request_result(
		class_of(msg->has_reason, (int)msg->reason, BH_CLASS_LOCK_LOST), msg->text, NULL);

	(void)frame;
	/* Released while this was under way. */
	if (!lock)
		return 0;
	if (msg->grace_ms == 0) {
		lock_lose(lock, &why);
		return 0;
	}
	lock->is_revoked = true;
	lock->renew_at_ms = LOCK_NEVER;
	lock_tell(lock, BH_LOCK_REVOKED, &why, msg->grace_ms);
	return 0;
}

static int on_renewed(void *ctx, struct chan_frame *frame, const void *body)
{
	const Bh__Lock__Renewed *msg = body;
	struct bh_lock *lock = by_id(ctx, frame->id);
	struct bh_result none = request_result(BH_CLASS_NONE, NULL, NULL);

	if (!lock || lock->state != LOCK_HELD || lock->renew_id != frame->id)
		return 0;
	lock_plan_renewal(lock, msg->lease_ms);
	lock_renewed(lock, &none);
	if (msg->wanted && lock->state == LOCK_HELD)
		lock_tell(lock, BH_LOCK_WANTED, &none, 0);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__LOCK__TYPE__GRANTED, 0, CHAN_FDS_MAX, &bh__lock__granted__descriptor, on_granted },
	{ BH__LOCK__TYPE__TIMED_OUT, 0, 0, &bh__lock__empty__descriptor, on_timed_out },
	{ BH__LOCK__TYPE__CANCELLED, 0, 0, &bh__lock__empty__descriptor, on_cancelled },
	{ BH__LOCK__TYPE__REFUSED, 0, 0, &bh__lock__refused__descriptor, on_refused },
	{ BH__LOCK__TYPE__REVOKED, 0, 0, &bh__lock__revoked__descriptor, on_revoked },
	{ BH__LOCK__TYPE__RENEWED, 0, 0, &bh__lock__renewed__descriptor, on_renewed },
	{ BH__LOCK__TYPE__HELLO_OK, 0, 0, &bh__lock__hello_ok__descriptor, on_hello_ok },
};

int lock_frame(struct bh_client *client, struct chan_frame *frame)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(RULES); i++)
		if (RULES[i].type == frame->type)
			return chan_dispatch(client->line.chan, frame, RULES, ARRAY_LEN(RULES),
					     client);
	return 0;
}
