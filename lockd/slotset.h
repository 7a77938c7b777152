/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/slotset.h - the slot files that are locked at the moment, and which of them a set of
 * resources takes: one of the adapter's for connect, the one for scan (shared where scan has
 * several units), all of them for maintenance, none for a device.
 *
 * lockd keeps the descriptor of each lock: to let go it unlocks that, whatever duplicates are
 * about. Used only by arbiter.c, which has made sure by slotq that ours do not exceed the counts;
 * what is decided here is only whether a program outside is in the way.
 */
#include "ipc/base.h"
#include "lockd/resource.h"
#include "lockd/slotfile.h"

enum {
	SLOTSET_FILES = RESOURCE_COUNT_MAX + 1, /* of an adapter: slots, and the scan file last */
	SLOTSET_REFS_MAX = RESOURCE_SET_MAX - 1 + SLOTSET_FILES,
};

struct slotset;

/* What one grant has taken. Plain data; {0} is nothing. */
struct slotset_lock {
	uint32_t n;
	struct {
		uint16_t adapter;
		uint16_t file;
	} refs[SLOTSET_REFS_MAX];
};

/**
 * slotset_new()
 * @dir_fd: the slot directory; stays the caller's, must outlive it
 * @counts: units of each resource, 1..RESOURCE_COUNT_MAX
 *
 * Errors: -ENOMEM.
 */
must_check int slotset_new(struct slotset **out, int dir_fd, const struct resource_counts *counts);

/* Unlocks nothing: duplicates in the holders' hands keep what they hold. */
struct slotset *slotset_free(struct slotset *s);

/**
 * slotset_take() - lock what the set needs, all or nothing
 * @out_lock:    slotset_give() it
 * @out_culprit: which connect or scan failed; written only when it did
 *
 * Outcomes: 0; SLOTFILE_BUSY and the other SLOTFILE_*.
 * Errors:   those of slotfile_lock().
 */
must_check int slotset_take(struct slotset *s, const struct resource_set *set,
			    struct slotset_lock *out_lock, struct resource *out_culprit);

/**
 * slotset_adopt() - the same with the locks that a holder got from the lockd before us
 * @fds: untrusted; stay the caller's
 *
 * connect and scan must come with their descriptor; of a maintenance those that did not fit into
 * its grant are locked now.
 */
must_check int slotset_adopt(struct slotset *s, const struct resource_set *set, const int *fds,
			     size_t n_fds, struct slotset_lock *out_lock);

/* Unlocks, but for what others share. Leaves an empty lock. */
void slotset_give(struct slotset *s, struct slotset_lock *lock);

/* Our descriptors of a lock, at most @max. Returns how many. */
size_t slotset_fds(const struct slotset *s, const struct slotset_lock *lock, int *out_fds,
		   size_t max);

/* Which of the adapter's slots a lock has for connect; 0 otherwise. */
uint32_t slotset_slot(const struct slotset_lock *lock, const struct resource *resource);
