/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/observer.h - whether more hold a lock than may, without asking lockd: from the
 * kernel (/proc/locks, and the descriptors of those that hold) and from what the soak's own lockers
 * noted (claims.h). And how fair it was.
 *
 * Used by the conductor, from one thread. As root it sees who holds duplicates of a lock that lockd
 * has taken; otherwise the claims alone are judged.
 */
#include <jansson.h>

#include "contrib/soak/claims.h"
#include "contrib/soak/violation.h"

struct observer;

struct observer_settings {
	const char *lock_dir;  /* $BLEHERD_LOCK_DIR; copied */
	const char *own_dir;   /* lockd's own: the daemon's runtime directory, or NULL; copied */
	struct claims *claims; /* borrowed */
	uint32_t connect_slots, scan_slots, foreign_slots; /* 0: the defaults, 1 1 2 */
	soak_violation violation;			   /* promise "holders" */
	void *ctx;
};

/* Errors: -ENOMEM, errno of open. */
must_check int observer_new(struct observer **out, const struct observer_settings *settings);
struct observer *observer_free(struct observer *o);

/* Which daemon is looked at from now on: after each start. 0: none at the moment. */
void observer_daemon(struct observer *o, pid_t daemon);

/* A look; every 50 ms or so. Blocks: never; takes about a millisecond. */
void observer_look(struct observer *o, int64_t now_us);

/* A lock that the kernel says is held, and by nobody but lockd, for longer than it may: one line in
 * @out; false: none. */
bool observer_has_stale(const struct observer *o, char *out, size_t len);

/* Looks and turns that were judged. */
uint64_t observer_checked(const struct observer *o);
uint64_t observer_broken(const struct observer *o);

/* The report's "locks"; NULL: no memory. */
json_t *observer_report(const struct observer *o);
