/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/lockc.h"

#include "ipc/clock.h"
#include "ipc/log.h"

#include <string.h>

/*
 * LIMBO: the channel died and the supervisor has said neither "a new one" nor "none". Nothing is
 * given out then, but not for ever.
 */
enum mode { MODE_LOCAL, MODE_LIMBO, MODE_CHANNEL };

/* RENEW_MIN_MS: what is left of a lease that is not prolonged any more is not worth a storm. */
enum { LIMBO_MS = 3000, GRACE_MS = 2000, RENEW_MIN_MS = 10 };

TAILQ_HEAD(lock_list, lock);

struct lockc {
	sd_event *event;
	struct chan_buf *buf;
	struct deadlines *deadlines;
	const char *label;
	struct port *port;
	enum mode mode;
	struct lock_list locks; /* waiting and held */
	uint32_t last_id;
	struct deadline limbo;
};

static void close_fds(struct lock *lock)
{
	size_t i;

	for (i = 0; i < lock->n_fds; i++)
		lock->fds[i] = close_fd(lock->fds[i]);
	lock->n_fds = 0;
}

static void make_idle(struct lockc *lockc, struct lock *lock)
{
	if (lock->state != LOCK_IDLE)
		TAILQ_REMOVE(&lockc->locks, lock, entry);
	deadline_clear(lockc->deadlines, &lock->deadline);
	close_fds(lock);
	lock->state = LOCK_IDLE;
	lock->is_local = false;
	lock->is_revoked = false;
	lock->grant = 0;
	lock->lease_ms = 0;
	lock->renew_id = 0;
	lock->id = 0;
}

static bool is_end(enum lock_outcome outcome)
{
	return outcome != LOCK_GRANTED && outcome != LOCK_WANTED && outcome != LOCK_REVOKED;
}

static void tell(struct lockc *lockc, struct lock *lock, enum lock_outcome outcome)
{
	if (is_end(outcome))
		make_idle(lockc, lock);
	lock->told(lock, outcome);
}

/* --- without lockd --- */

static bool is_out(const struct lockc *lockc, const char *kind)
{
	const struct lock *lock;

	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_HELD && strcmp(lock->local_kind, kind) == 0)
		return true;
	return false;
}

static struct lock *next_local(struct lockc *lockc)
{
	struct lock *lock;

	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_WAITING && !is_out(lockc, lock->local_kind))
		return lock;
	return NULL;
}

static void grant_locally(struct lockc *lockc)
{
	struct lock *lock;

	while (lockc->mode == MODE_LOCAL && (lock = next_local(lockc))) {
		deadline_clear(lockc->deadlines, &lock->deadline);
		lock->state = LOCK_HELD;
		lock->is_local = true;
		tell(lockc, lock, LOCK_GRANTED);
	}
}

static void go_local(struct lockc *lockc)
{
	deadline_clear(lockc->deadlines, &lockc->limbo);
	lockc->mode = MODE_LOCAL;
	grant_locally(lockc);
}

static void on_limbo(struct deadline *deadline)
{
	go_local(container_of(deadline, struct lockc, limbo));
}

/* --- with lockd --- */

static struct lock *by_id(struct lockc *lockc, uint32_t id)
{
	struct lock *lock;

	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_WAITING && lock->id == id && id != 0)
		return lock;
	return NULL;
}

/* Held by a grant of lockd's. */
static struct lock *held(struct lockc *lockc, uint64_t grant)
{
	struct lock *lock;

	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_HELD && !lock->is_local && lock->grant == grant)
		return lock;
	return NULL;
}

static struct lock *renewed(struct lockc *lockc, uint32_t renew_id)
{
	struct lock *lock;

	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_HELD && renew_id != 0 && lock->renew_id == renew_id)
		return lock;
	return NULL;
}

static void send_renew(struct lockc *lockc, struct lock *lock)
{
	Bh__Lock__Renew renew = BH__LOCK__RENEW__INIT;

	lock->renew_id = ++lockc->last_id;
	renew.has_grant = 1;
	renew.grant = lock->grant;
	port_send(lockc->port, BH__LOCK__TYPE__RENEW, lock->renew_id, 0, &renew.base);
}

/* At half the lease: an answer that is late by as much again is still in time. */
static void renew_later(struct lockc *lockc, struct lock *lock, uint32_t lease_ms)
{
	uint32_t after_ms = lease_ms / 2 > RENEW_MIN_MS ? lease_ms / 2 : RENEW_MIN_MS;

	lock->lease_ms = lease_ms;
	if (lease_ms == 0 || lock->is_revoked)
		deadline_clear(lockc->deadlines, &lock->deadline);
	else
		deadline_set(lockc->deadlines, &lock->deadline, clock_now_ms() + after_ms);
}

static void send_release(struct lockc *lockc, uint64_t grant)
{
	Bh__Lock__Release release = BH__LOCK__RELEASE__INIT;

	release.has_grant = 1;
	release.grant = grant;
	port_send(lockc->port, BH__LOCK__TYPE__RELEASE, 0, 0, &release.base);
}

static int on_granted(void *ctx, struct chan_frame *frame, const void *body)
{
	struct lockc *lockc = ctx;
	const Bh__Lock__Granted *granted = body;
	struct lock *lock = by_id(lockc, frame->id);
	size_t i;

	if (!lock) {
		/* It was given up: too late for lockd to know. */
		send_release(lockc, granted->grant);
		return 0;
	}
	lock->state = LOCK_HELD;
	lock->grant = granted->grant;
	lock->n_fds = frame->n_fds;
	for (i = 0; i < frame->n_fds; i++)
		lock->fds[i] = take_fd(&frame->fds[i]);
	renew_later(lockc, lock, granted->lease_ms);
	tell(lockc, lock, LOCK_GRANTED);
	return 0;
}

static int answered(struct lockc *lockc, uint32_t id, enum lock_outcome outcome)
{
	struct lock *lock = by_id(lockc, id);

	if (lock)
		tell(lockc, lock, outcome);
	return 0;
}

static int on_timed_out(void *ctx, struct chan_frame *frame, const void *body)
{
	(void)body;
	return answered(ctx, frame->id, LOCK_TIMED_OUT);
}

/* CANCELLED, HELLO_OK */
static int on_word(void *ctx, struct chan_frame *frame, const void *body)
{
	(void)ctx;
	(void)frame;
	(void)body;
	return 0;
}

/*
 * FENCED: taken away, and the message that said so is lost or still to come. For any other reason
 * it is held to the end of its lease, and that is all that can be had.
 */
static int renew_refused(struct lockc *lockc, struct lock *lock, Bh__Lock__Reason reason)
{
	/* Sent before it was revoked: in its grace it is held, and its owner knows. */
	if (lock->is_revoked)
		return 0;
	lock->reason = reason;
	tell(lockc, lock, reason == BH__LOCK__REASON__REASON_FENCED ? LOCK_LOST : LOCK_WANTED);
	return 0;
}

static int on_refused(void *ctx, struct chan_frame *frame, const void *body)
{
	struct lockc *lockc = ctx;
	const Bh__Lock__Refused *refused = body;
	Bh__Lock__Reason reason =
		refused->has_reason ? refused->reason : BH__LOCK__REASON__REASON_INVALID;
	struct lock *lock = renewed(lockc, frame->id);
	bool is_fenced = false;

	log_warn("event=lock-refused reason=%d text=\"%s\"", (int)reason,
		 refused->text ? refused->text : "");
	if (lock)
		return renew_refused(lockc, lock, reason);
	lock = by_id(lockc, frame->id);
	if (lock) {
		lock->reason = reason;
		is_fenced = reason == BH__LOCK__REASON__REASON_FENCED && lock->under != 0;
	}
	return answered(lockc, frame->id, is_fenced ? LOCK_FENCED : LOCK_REFUSED);
}

static int on_renewed(void *ctx, struct chan_frame *frame, const void *body)
{
	struct lockc *lockc = ctx;
	const Bh__Lock__Renewed *msg = body;
	struct lock *lock = renewed(lockc, frame->id);

	if (!lock)
		return 0;
	renew_later(lockc, lock, msg->lease_ms);
	if (msg->wanted && !lock->is_revoked)
		tell(lockc, lock, LOCK_WANTED);
	return 0;
}

static int on_revoked(void *ctx, struct chan_frame *frame, const void *body)
{
	struct lockc *lockc = ctx;
	const Bh__Lock__Revoked *revoked = body;
	struct lock *lock = held(lockc, revoked->grant);

	(void)frame;
	if (!lock)
		return 0;
	log_info("event=lock-revoked resource=%s grace_ms=%u text=\"%s\"", lock->resources[0],
		 revoked->grace_ms, revoked->text ? revoked->text : "");
	lock->reason = revoked->has_reason ? revoked->reason : BH__LOCK__REASON__REASON_EXPIRED;
	if (revoked->grace_ms == 0) {
		tell(lockc, lock, LOCK_LOST);
		return 0;
	}
	if (lock->is_revoked)
		return 0;
	lock->is_revoked = true;
	deadline_clear(lockc->deadlines, &lock->deadline);
	tell(lockc, lock, LOCK_REVOKED);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__LOCK__TYPE__GRANTED, 0, CHAN_FDS_MAX, &bh__lock__granted__descriptor, on_granted },
	{ BH__LOCK__TYPE__TIMED_OUT, 0, 0, &bh__lock__empty__descriptor, on_timed_out },
	{ BH__LOCK__TYPE__CANCELLED, 0, 0, &bh__lock__empty__descriptor, on_word },
	{ BH__LOCK__TYPE__REFUSED, 0, 0, &bh__lock__refused__descriptor, on_refused },
	{ BH__LOCK__TYPE__REVOKED, 0, 0, &bh__lock__revoked__descriptor, on_revoked },
	{ BH__LOCK__TYPE__RENEWED, 0, 0, &bh__lock__renewed__descriptor, on_renewed },
	{ BH__LOCK__TYPE__HELLO_OK, 0, 0, &bh__lock__hello_ok__descriptor, on_word },
};

static void on_closed(struct port *port, void *ctx, int error)
{
	struct lockc *lockc = ctx;

	log_warn("event=arbiter-lost error=%s", strerror(-error));
	lockc->port = port_free(port);
	lockc->mode = MODE_LIMBO;
	deadline_set(lockc->deadlines, &lockc->limbo, clock_now_ms() + LIMBO_MS);
}

static const struct port_ops PORT = { .rules = RULES,
				      .n_rules = ARRAY_LEN(RULES),
				      .closed = on_closed };

static void send_acquire(struct lockc *lockc, struct lock *lock)
{
	Bh__Lock__Acquire acquire = BH__LOCK__ACQUIRE__INIT;
	char *resources[LOCK_RESOURCES_MAX];
	size_t i;

	for (i = 0; i < lock->n_resources; i++)
		resources[i] = lock->resources[i];
	lock->id = ++lockc->last_id;
	acquire.resources = resources;
	acquire.n_resources = lock->n_resources;
	acquire.has_class_ = 1;
	acquire.class_ = lock->class;
	acquire.has_timeout_ms = 1;
	acquire.timeout_ms = clock_left_ms(lock->until_ms, clock_now_ms());
	acquire.label = (char *)(uintptr_t)lockc->label;
	acquire.has_under = lock->under != 0;
	acquire.under = lock->under;
	port_send(lockc->port, BH__LOCK__TYPE__ACQUIRE, lock->id, 0, &acquire.base);
}

static void send_held(struct lockc *lockc, const struct lock *lock)
{
	Bh__Lock__Held msg = BH__LOCK__HELD__INIT;
	char *resources[LOCK_RESOURCES_MAX];
	size_t i;

	for (i = 0; i < lock->n_resources; i++)
		resources[i] = (char *)(uintptr_t)lock->resources[i];
	msg.has_grant = 1;
	msg.grant = lock->grant;
	msg.resources = resources;
	msg.n_resources = lock->n_resources;
	msg.has_class_ = 1;
	msg.class_ = lock->class;
	msg.has_under = lock->under != 0;
	msg.under = lock->under;
	msg.label = (char *)(uintptr_t)lockc->label;
	port_send_fds(lockc->port, BH__LOCK__TYPE__HELD, 0, 0, &msg.base, lock->fds, lock->n_fds);
}

static void introduce(struct lockc *lockc)
{
	Bh__Lock__Hello hello = BH__LOCK__HELLO__INIT;
	struct lock *lock;

	hello.has_version = 1;
	hello.version = 1;
	hello.label = (char *)(uintptr_t)lockc->label;
	port_send(lockc->port, BH__LOCK__TYPE__HELLO, 0, 0, &hello.base);
	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_HELD && !lock->is_local) {
		send_held(lockc, lock);
		/* A new lockd begins a lease; how long it is, and whether it is, this asks. */
		if (lock->lease_ms > 0 && !lock->is_revoked)
			send_renew(lockc, lock);
	}
	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lock->state == LOCK_WAITING)
		send_acquire(lockc, lock);
}

int lockc_adopt(struct lockc *lockc, int fd)
{
	struct port *port = NULL;
	int r;

	r = port_new(&port, lockc->event, fd, lockc->buf, CHAN_BODY_CONTROL, &PORT, lockc,
		     SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	port_free(lockc->port);
	lockc->port = port;
	lockc->mode = MODE_CHANNEL;
	deadline_clear(lockc->deadlines, &lockc->limbo);
	introduce(lockc);
	return 0;
}

void lockc_orphan(struct lockc *lockc)
{
	lockc->port = port_free(lockc->port);
	go_local(lockc);
}

/* --- for owners --- */

/* Waiting: lockd answers on its own deadline; this one is for when it does not. */
static void on_deadline(struct deadline *deadline)
{
	struct lock *lock = container_of(deadline, struct lock, deadline);
	struct lockc *lockc = lock->owner;
	Bh__Lock__Empty empty = BH__LOCK__EMPTY__INIT;

	if (lock->state == LOCK_HELD) {
		/* Without a channel there is nobody to renew it, and nobody who takes it away. */
		if (lockc->mode == MODE_CHANNEL)
			send_renew(lockc, lock);
		return;
	}
	port_send(lockc->port, BH__LOCK__TYPE__CANCEL, lock->id, 0, &empty.base);
	tell(lockc, lock, LOCK_TIMED_OUT);
}

void lockc_acquire(struct lockc *lockc, struct lock *lock, uint32_t timeout_ms)
{
	uint64_t now_ms = clock_now_ms();
	uint32_t grace_ms = lockc->mode == MODE_CHANNEL ? GRACE_MS : 0;

	assert(lock->state == LOCK_IDLE);
	lock->owner = lockc;
	lock->state = LOCK_WAITING;
	lock->reason = 0;
	lock->until_ms = now_ms + timeout_ms;
	lock->deadline.fire = on_deadline;
	TAILQ_INSERT_TAIL(&lockc->locks, lock, entry);
	deadline_set(lockc->deadlines, &lock->deadline, lock->until_ms + grace_ms);
	if (lockc->mode == MODE_CHANNEL)
		send_acquire(lockc, lock);
	else
		grant_locally(lockc);
}

void lockc_drop(struct lockc *lockc, struct lock *lock)
{
	Bh__Lock__Empty empty = BH__LOCK__EMPTY__INIT;

	if (lock->state == LOCK_WAITING && lock->id != 0)
		port_send(lockc->port, BH__LOCK__TYPE__CANCEL, lock->id, 0, &empty.base);
	if (lock->state == LOCK_HELD && !lock->is_local)
		send_release(lockc, lock->grant);
	make_idle(lockc, lock);
	grant_locally(lockc);
}

void lockc_ask(struct lockc *lockc, const struct lock *only)
{
	struct lock *lock;

	/* One that is not a lease is of a lockd that cannot tell. */
	TAILQ_FOREACH(lock, &lockc->locks, entry)
	if (lockc->mode == MODE_CHANNEL && (!only || lock == only) && lock->state == LOCK_HELD &&
	    !lock->is_local && !lock->is_revoked && lock->lease_ms > 0)
		send_renew(lockc, lock);
}

uint64_t lockc_over(const struct lock *lock)
{
	bool is_over = lock->reason == BH__LOCK__REASON__REASON_FENCED ||
		       lock->reason == BH__LOCK__REASON__REASON_EXPIRED;

	return is_over ? lock->under : 0;
}

int lockc_new(struct lockc **out, sd_event *event, struct chan_buf *buf,
	      struct deadlines *deadlines, const char *label)
{
	struct lockc *lockc = calloc(1, sizeof(*lockc));

	if (!lockc)
		return -ENOMEM;
	lockc->event = event;
	lockc->buf = buf;
	lockc->deadlines = deadlines;
	lockc->label = label;
	lockc->limbo.fire = on_limbo;
	TAILQ_INIT(&lockc->locks);
	*out = lockc;
	return 0;
}

struct lockc *lockc_free(struct lockc *lockc)
{
	if (!lockc)
		return NULL;
	deadline_clear(lockc->deadlines, &lockc->limbo);
	port_free(lockc->port);
	free(lockc);
	return NULL;
}
