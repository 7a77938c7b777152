/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/slotfile.h - the files whose flock is the lock: `bleak-cm-hci0-slot-0.lock` and
 * `bleak-cm-hci0-scan.lock`, names shared with Python programs (bleak-connection-manager).
 *
 * The directory is shared with programs that do as they please: a file is opened without following
 * links, read-only (flock asks for no more, and root's files are 0644), and believed only if it is
 * regular, has one name, belongs to root or to us, and is still what the path names after it was
 * locked. It is never unlinked: a second file of that name would be a second lock.
 *
 * No state; each lock is a descriptor of its own, opened for it, so that a duplicate of an earlier
 * lock in somebody's hands has no part in a later one.
 */
#include "ipc/base.h"
#include "lockd/resource.h"

enum {
	SLOTFILE_NAME_LEN = 48,
	SLOTFILE_DEFAULT = INT32_MAX, /* in place of an adapter: the programs' "default" one */
};

/* Outcomes. All but SLOTFILE_BUSY mean that the file cannot serve as a lock: slotfile_text(). */
enum {
	SLOTFILE_BUSY = 1, /* locked by another description: somebody outside */
	SLOTFILE_SYMLINK,
	SLOTFILE_IRREGULAR,
	SLOTFILE_NAMES,	   /* has more than one name */
	SLOTFILE_OWNER,	   /* belongs neither to root nor to us */
	SLOTFILE_REPLACED, /* replaced again and again while we tried */
	SLOTFILE_OTHER,	   /* slotfile_adopt(): the descriptor is of another file */
	SLOTFILE_MISSING,  /* there is none, and we may not make it */
};

/* @kind: RESOURCE_CONNECT, or RESOURCE_SCAN, which has no slots. */
void slotfile_name(enum resource_kind kind, uint32_t adapter, uint32_t slot,
		   char out_name[SLOTFILE_NAME_LEN]);

/* -EINVAL: not the name of a slot file. */
must_check int slotfile_parse(const char *name, enum resource_kind *out_kind, uint32_t *out_adapter,
			      uint32_t *out_slot);

/**
 * slotfile_lock() - lock a slot file, making it (0660) if it is missing
 * @dir_fd: the slot directory
 * @out_fd: a description of its own, locked; slotfile_unlock() it
 *
 * Outcomes: 0 locked; SLOTFILE_*.
 * Errors:   errno of openat, fstat: -EACCES it is there and may not be read, -EMFILE ...
 * Blocks:   never.
 */
must_check int slotfile_lock(int dir_fd, const char *name, int *out_fd);

/**
 * slotfile_probe() - the same, for trying again and again
 * @fd: in: -EBADF, or what an earlier try left; out: locked, or if it is busy open for the next try
 *
 * Trying again on one descriptor is no open and no close that inotify would tell of, so that those
 * who wait for a close do not wake themselves.
 */
must_check int slotfile_probe(int dir_fd, const char *name, int *fd);

/* Unlocks what slotfile_probe() has locked; the descriptor goes on being a probe. */
void slotfile_let_go(int fd);

/**
 * slotfile_adopt() - take over the lock behind a descriptor that a holder handed back
 * @fd: untrusted; stays the caller's
 *
 * Outcomes: 0 it is that file and locked through that descriptor; SLOTFILE_*.
 */
must_check int slotfile_adopt(int dir_fd, const char *name, int fd);

/* Whether a description that we have is still of the file that the path names. */
bool slotfile_is_current(int dir_fd, const char *name, int fd);

/* Unlocks and closes. Works though others hold duplicates. Always returns -EBADF. */
int slotfile_unlock(int fd);

/* An outcome or negative errno in words, for the one who is refused. */
const char *slotfile_text(int outcome);
