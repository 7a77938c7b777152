/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/lock_self.h"

#include <stdio.h>
#include <string.h>

#include "ipc/clock.h"
#include "ipc/lock.pb-c.h"
#include "ipc/log.h"
#include "ipc/loop/port.h"
#include "supervisor/lockd_child.h"

enum {
	NAME_LEN = 32,
	TEXT_LEN = 160,
	RENEW_MIN_MS = 10, /* a lease that is nearly over is not worth a storm */
};

enum state { IDLE, WAITING, HELD };

static char LABEL[] = "supervisor";

struct lock_self {
	struct sup *sup;
	lock_self_cb told;
	struct port *port;
	enum state state;
	char resource[NAME_LEN];
	uint64_t until_ms; /* WAITING */
	uint32_t id;	   /* of the ACQUIRE, WAITING */
	uint32_t renew_id;
	uint32_t last_id;
	uint64_t grant;
	int fds[CHAN_FDS_MAX];
	size_t n_fds;
	sd_event_source *timer; /* HELD: renew; IDLE: an outcome is to be told from the loop */
	enum lock_self_outcome due;
};

static void forget(struct lock_self *lock)
{
	size_t i;

	for (i = 0; i < lock->n_fds; i++)
		lock->fds[i] = close_fd(lock->fds[i]);
	lock->n_fds = 0;
	lock->grant = 0;
	lock->id = 0;
	lock->renew_id = 0;
	lock->state = IDLE;
	(void)sd_event_source_set_enabled(lock->timer, SD_EVENT_OFF);
}

static void arm(struct lock_self *lock, uint32_t delay_ms)
{
	(void)sd_event_source_set_time_relative(lock->timer, (uint64_t)delay_ms * 1000);
	(void)sd_event_source_set_enabled(lock->timer, SD_EVENT_ONESHOT);
}

/* The caller of lock_self_acquire() does not expect to be told from within. */
static void tell_later(struct lock_self *lock, enum lock_self_outcome outcome)
{
	lock->due = outcome;
	arm(lock, 0);
}

static void deny(struct lock_self *lock, const char *text)
{
	char copy[TEXT_LEN];

	(void)snprintf(copy, sizeof(copy), "%s", text ? text : "refused");
	forget(lock);
	lock->told(lock->sup, LOCK_SELF_DENIED, copy);
}

/* --- what we say --- */

/*
 * While it waits there is no grant to renew: lockd refuses at once, and has queued by then what was
 * asked before.
 */
static void send_renew(struct lock_self *lock)
{
	Bh__Lock__Renew renew = BH__LOCK__RENEW__INIT;

	lock->renew_id = ++lock->last_id;
	renew.has_grant = 1;
	renew.grant = lock->grant;
	port_send(lock->port, BH__LOCK__TYPE__RENEW, lock->renew_id, 0, &renew.base);
}

static void send_acquire(struct lock_self *lock)
{
	Bh__Lock__Acquire acquire = BH__LOCK__ACQUIRE__INIT;
	char *resources[] = { lock->resource };

	lock->id = ++lock->last_id;
	acquire.resources = resources;
	acquire.n_resources = 1;
	acquire.has_class_ = acquire.has_timeout_ms = 1;
	acquire.class_ = BH__LOCK__CLASS__CLASS_RECOVERY;
	acquire.timeout_ms = clock_left_ms(lock->until_ms, clock_now_ms());
	acquire.label = LABEL;
	port_send(lock->port, BH__LOCK__TYPE__ACQUIRE, lock->id, 0, &acquire.base);
	send_renew(lock);
}

static void send_release(struct lock_self *lock, uint64_t grant)
{
	Bh__Lock__Release release = BH__LOCK__RELEASE__INIT;

	release.has_grant = 1;
	release.grant = grant;
	port_send(lock->port, BH__LOCK__TYPE__RELEASE, 0, 0, &release.base);
}

/* Its successor asks whether the lock is still ours with the RENEW that follows. */
static void send_held(struct lock_self *lock)
{
	Bh__Lock__Held held = BH__LOCK__HELD__INIT;
	char *resources[] = { lock->resource };

	held.has_grant = held.has_class_ = 1;
	held.grant = lock->grant;
	held.class_ = BH__LOCK__CLASS__CLASS_RECOVERY;
	held.resources = resources;
	held.n_resources = 1;
	held.label = LABEL;
	port_send_fds(lock->port, BH__LOCK__TYPE__HELD, 0, 0, &held.base, lock->fds, lock->n_fds);
	send_renew(lock);
}

/* --- what lockd says --- */

static void renew_after(struct lock_self *lock, uint32_t lease_ms)
{
	/* At half of it an answer that is late by as much again is still in time. */
	if (lease_ms > 0)
		arm(lock, lease_ms / 2 > RENEW_MIN_MS ? lease_ms / 2 : RENEW_MIN_MS);
}

static int on_granted(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Lock__Granted *granted = msg;
	struct lock_self *lock = ctx;
	size_t i;

	if (lock->state != WAITING || lock->id != frame->id) {
		/* Given up meanwhile, too late for lockd to know. */
		send_release(lock, granted->grant);
		return 0;
	}
	lock->state = HELD;
	lock->renew_id = 0;
	lock->grant = granted->grant;
	lock->n_fds = frame->n_fds;
	for (i = 0; i < frame->n_fds; i++)
		lock->fds[i] = take_fd(&frame->fds[i]);
	renew_after(lock, granted->lease_ms);
	lock->told(lock->sup, LOCK_SELF_GRANTED, "");
	return 0;
}

static int on_timed_out(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct lock_self *lock = ctx;

	(void)msg;
	if (lock->state == WAITING && lock->id == frame->id)
		deny(lock, "others hold the adapter and do not give it up");
	return 0;
}

static int on_refused(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Lock__Refused *refused = msg;
	struct lock_self *lock = ctx;

	if (lock->state == WAITING && lock->id == frame->id)
		deny(lock, refused->text);
	else if (lock->state == WAITING && lock->renew_id == frame->id)
		lock->told(lock->sup, LOCK_SELF_QUEUED, "");
	else if (lock->state == HELD && lock->renew_id == frame->id &&
		 refused->reason == BH__LOCK__REASON__REASON_FENCED)
		forget(lock);
	return 0;
}

static int on_renewed(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Lock__Renewed *renewed = msg;
	struct lock_self *lock = ctx;

	if (lock->state == HELD && lock->renew_id == frame->id)
		renew_after(lock, renewed->lease_ms);
	return 0;
}

/* Mostly because its adapter left the bus in a reset. Whoever needs it acquires it again. */
static int on_revoked(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Lock__Revoked *revoked = msg;
	struct lock_self *lock = ctx;

	(void)frame;
	if (lock->state != HELD || revoked->grant != lock->grant)
		return 0;
	log_info("event=lock-revoked resource=%s text=\"%s\"", lock->resource,
		 revoked->text ? revoked->text : "");
	if (revoked->grace_ms > 0)
		send_release(lock, lock->grant);
	forget(lock);
	return 0;
}

static int on_empty(void *ctx, struct chan_frame *frame, const void *msg)
{
	(void)ctx;
	(void)frame;
	(void)msg;
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__LOCK__TYPE__GRANTED, 0, CHAN_FDS_MAX, &bh__lock__granted__descriptor, on_granted },
	{ BH__LOCK__TYPE__TIMED_OUT, 0, 0, &bh__lock__empty__descriptor, on_timed_out },
	{ BH__LOCK__TYPE__REFUSED, 0, 0, &bh__lock__refused__descriptor, on_refused },
	{ BH__LOCK__TYPE__REVOKED, 0, 0, &bh__lock__revoked__descriptor, on_revoked },
	{ BH__LOCK__TYPE__RENEWED, 0, 0, &bh__lock__renewed__descriptor, on_renewed },
	{ BH__LOCK__TYPE__CANCELLED, 0, 0, &bh__lock__empty__descriptor, on_empty },
	{ BH__LOCK__TYPE__HELLO_OK, 0, 0, &bh__lock__hello_ok__descriptor, on_empty },
};

/* lockd died: its successor, or that there is none, is told by lockd_child.c. */
static void on_closed(struct port *port, void *ctx, int error)
{
	struct lock_self *lock = ctx;

	(void)error;
	lock->port = port_free(port);
}

static const struct port_ops PORT = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = on_closed,
};

static int open_port(struct lock_self *lock)
{
	struct lockd_who who = {
		.label = LABEL, .pid = getpid(), .uid = getuid(), .is_worker = true
	};
	Bh__Lock__Hello hello = BH__LOCK__HELLO__INIT;
	_cleanup_close_ int fd = -EBADF;
	uint32_t number;
	int r;

	if (lock->port)
		return 0;
	r = lockd_child_connect(lock->sup->lockd, &who, &number, &fd);
	if (r == 0)
		r = port_new(&lock->port, lock->sup->event, fd, lock->sup->buf, CHAN_BODY_CONTROL,
			     &PORT, lock, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	(void)take_fd(&fd);
	hello.has_version = 1;
	hello.version = 1;
	hello.label = LABEL;
	port_send(lock->port, BH__LOCK__TYPE__HELLO, ++lock->last_id, 0, &hello.base);
	return 0;
}

void lock_self_lockd_up(struct sup *sup)
{
	struct lock_self *lock = sup->lock_self;

	lock->port = port_free(lock->port);
	if (lock->state == IDLE || open_port(lock) < 0)
		return;
	if (lock->state == HELD)
		send_held(lock);
	else
		send_acquire(lock);
}

void lock_self_lockd_down(struct sup *sup, const char *parked)
{
	struct lock_self *lock = sup->lock_self;

	if (!parked || lock->state != WAITING)
		return;
	forget(lock);
	lock->told(sup, LOCK_SELF_ABSENT, parked);
}

/* --- for its user --- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct lock_self *lock = userdata;

	(void)source;
	(void)usec;
	if (lock->due == LOCK_SELF_ABSENT && lock->state == WAITING) {
		forget(lock);
		lock->told(lock->sup, LOCK_SELF_ABSENT, "the arbiter is parked");
	} else if (lock->due == LOCK_SELF_GRANTED && lock->state == HELD) {
		lock->due = LOCK_SELF_DENIED;
		send_renew(lock);
		lock->told(lock->sup, LOCK_SELF_GRANTED, "");
	} else if (lock->state == HELD) {
		send_renew(lock);
	}
	return 0;
}

void lock_self_acquire(struct lock_self *lock, const char *resource, uint32_t timeout_ms)
{
	if (lock->state == HELD && strcmp(lock->resource, resource) == 0) {
		tell_later(lock, LOCK_SELF_GRANTED);
		return;
	}
	lock_self_release(lock);
	(void)snprintf(lock->resource, sizeof(lock->resource), "%s", resource);
	lock->until_ms = clock_now_ms() + timeout_ms;
	lock->state = WAITING;
	lock->due = LOCK_SELF_DENIED;
	if (lockd_child_parked(lock->sup->lockd))
		tell_later(lock, LOCK_SELF_ABSENT);
	else if (lockd_child_is_there(lock->sup->lockd) && open_port(lock) == 0)
		send_acquire(lock);
	/* Else lock_self_lockd_up() does: it is on its way. */
}

void lock_self_release(struct lock_self *lock)
{
	Bh__Lock__Empty empty = BH__LOCK__EMPTY__INIT;

	if (lock->state == WAITING && lock->id != 0)
		port_send(lock->port, BH__LOCK__TYPE__CANCEL, lock->id, 0, &empty.base);
	if (lock->state == HELD)
		send_release(lock, lock->grant);
	forget(lock);
}

uint64_t lock_self_grant(const struct lock_self *lock)
{
	return lock->state == HELD ? lock->grant : 0;
}

int lock_self_new(struct lock_self **out, struct sup *sup, lock_self_cb told)
{
	struct lock_self *lock = calloc(1, sizeof(*lock));
	int r;

	if (!lock)
		return -ENOMEM;
	lock->sup = sup;
	lock->told = told;
	lock->due = LOCK_SELF_DENIED;
	r = sd_event_add_time(sup->event, &lock->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, lock);
	if (r >= 0)
		r = sd_event_source_set_enabled(lock->timer, SD_EVENT_OFF);
	if (r < 0) {
		lock_self_free(lock);
		return r;
	}
	*out = lock;
	return 0;
}

struct lock_self *lock_self_free(struct lock_self *lock)
{
	if (!lock)
		return NULL;
	forget(lock);
	port_free(lock->port);
	sd_event_source_disable_unref(lock->timer);
	free(lock);
	return NULL;
}
