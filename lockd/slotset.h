/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/slotset.h - the slot files that are locked at the moment, and which of them a set of
 * resources takes.
 *
 * Programs outside take any one of an adapter's foreign slots for a connect, so leaving one of them
 * unlocked is allowing them one. A connect of ours therefore takes a slot of its own and, the first
 * one, as many more (the reserve, which later ones share) as exceed the count: with connect = 1 all
 * of them. scan takes the one scan file (shared where scan has several units), maintenance all,
 * a device none. The default adapter has a second set of files, named `default`.
 *
 * lockd keeps the descriptor of each lock: to let go it unlocks that, whatever duplicates are
 * about. A file that is missing where we may not make one is locked in lockd's own directory: no
 * program outside can be using it yet. Used only by the arbiter, which has made sure by slotq that
 * ours do not exceed the counts; what is decided here is only whether a program outside is in the
 * way.
 */
#include "ipc/base.h"
#include "lockd/resource.h"
#include "lockd/slotfile.h"

enum {
	/* Files of an adapter: its slots, the same named `default`, the scan file, that of default.
	 */
	SLOTSET_ALIAS = RESOURCE_COUNT_MAX,
	SLOTSET_SCAN = 2 * RESOURCE_COUNT_MAX,
	SLOTSET_ALIAS_SCAN,
	SLOTSET_FILES,
	SLOTSET_REFS_MAX = RESOURCE_SET_MAX - 1 + 2 * SLOTSET_FILES,
};

struct slotset;

struct slotset_config {
	int dir_fd;	/* the slot directory; stays the caller's, must outlive it */
	int own_dir_fd; /* for what is missing there; the same; -EBADF: none */
	struct resource_counts counts;
	uint32_t foreign_slots; /* 0..RESOURCE_COUNT_MAX: how many programs outside take from */
};

/* What one grant has taken. Plain data; {0} is nothing. Its own slot comes first. */
struct slotset_lock {
	uint32_t n;
	struct {
		uint16_t adapter;
		uint16_t file;
	} refs[SLOTSET_REFS_MAX];
};

/* Errors: -ENOMEM. */
must_check int slotset_new(struct slotset **out, const struct slotset_config *config);

/* Unlocks nothing: duplicates in the holders' hands keep what they hold. */
struct slotset *slotset_free(struct slotset *s);

/* Which adapter programs outside mean by `default`; RESOURCE_ADAPTERS_MAX: none. */
void slotset_set_default(struct slotset *s, uint32_t adapter);

/**
 * slotset_take() - lock what the set needs, all or nothing
 * @out_lock:    slotset_give() it
 * @out_culprit: which connect or scan failed; written only when it did
 *
 * Outcomes: 0; SLOTFILE_BUSY and the other SLOTFILE_*.
 * Errors:   those of slotfile_lock().
 *
 * SLOTFILE_BUSY: what could be had of the culprit's files stays locked for the next try, until
 * slotset_forget(). Of several programs outside that take one each, not all are ever away at the
 * same time; they take no second one while they have one, so nobody waits in a circle.
 */
must_check int slotset_take(struct slotset *s, const struct resource_set *set,
			    struct slotset_lock *out_lock, struct resource *out_culprit);

/**
 * slotset_adopt() - the same with the locks that a holder got from the lockd before us
 * @fds: untrusted; stay the caller's
 *
 * The slot of a connect and the file of a scan must come with their descriptor; what else belongs
 * to the set is taken if it can be.
 */
must_check int slotset_adopt(struct slotset *s, const struct resource_set *set, const int *fds,
			     size_t n_fds, struct slotset_lock *out_lock);

/* Unlocks, but for what others share. Leaves an empty lock. */
void slotset_give(struct slotset *s, struct slotset_lock *lock);

/* Nobody is in the way of connect:X or scan:X any more, as far as we care: what is kept goes. */
void slotset_forget(struct slotset *s, const struct resource *resource);

/**
 * slotset_appeared() - a slot file was made, or moved there, by somebody
 *
 * If we hold the lock that it stands for, it is locked too: what we hold is an older file of that
 * name. Outcomes: 0; SLOTFILE_* it could not be: programs outside may use it beside us.
 */
must_check int slotset_appeared(struct slotset *s, enum resource_kind kind, uint32_t adapter,
				uint32_t slot);

/* Whether that file is locked by us, or kept for one that waits. @adapter may be SLOTFILE_DEFAULT.
 */
bool slotset_is_ours(const struct slotset *s, enum resource_kind kind, uint32_t adapter,
		     uint32_t slot);

/* The adapter that the name in a file's name means; RESOURCE_ADAPTERS_MAX: none. */
uint32_t slotset_adapter(const struct slotset *s, uint32_t named);

/* Files of connect:@adapter or scan:@adapter that were in other hands when last tried. */
size_t slotset_outside(const struct slotset *s, const struct resource *resource,
		       char (*out_names)[SLOTFILE_NAME_LEN], size_t max);

/* Our descriptors of a lock, at most @max. Returns how many. */
size_t slotset_fds(const struct slotset *s, const struct slotset_lock *lock, int *out_fds,
		   size_t max);

/* Which of the adapter's slots a lock has for connect; 0 otherwise. */
uint32_t slotset_slot(const struct slotset_lock *lock, const struct resource *resource);
