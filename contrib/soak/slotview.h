/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/slotview.h - who holds the slot files, as the kernel knows it: /proc/locks says who
 * locked a file, /proc/PID/fdinfo which processes have that very lock in their hands. A duplicate
 * of lockd's lock in a worker or a program is a grant; a lock that a program outside took is its
 * own.
 *
 * To look takes no lock and opens no slot file: lockd listens to who closes them.
 */
#include "ipc/base.h"

enum {
	SLOTVIEW_FILES_MAX = 128,
	SLOTVIEW_HOLDERS_MAX = 128,
	SLOTVIEW_ROOTS_MAX = 128,
	SLOTVIEW_NAME_LEN = 24,
};

/* A slot file. */
struct slotview_file {
	char adapter[SLOTVIEW_NAME_LEN]; /* "hci0", "default" */
	bool is_scan;
	uint64_t dev, inode;
	bool is_locked;	  /* in /proc/locks */
	bool is_outside;  /* by a program outside */
	pid_t pid;	  /* that locked it; may be dead */
	bool is_in_hands; /* one of ours has a duplicate */
};

/* A process (with its children) that has a lock of an adapter in its hands: counts as one. */
struct slotview_holder {
	pid_t root;
	char adapter[SLOTVIEW_NAME_LEN];
	bool is_scan;
};

struct slotview {
	const char *dirs[2]; /* borrowed; the second may be NULL */
	int64_t dir_changed[2];
	bool is_blind; /* a process of ours does not let us see what it has */
	size_t n_files, n_holders;
	struct slotview_file files[SLOTVIEW_FILES_MAX];
	struct slotview_holder holders[SLOTVIEW_HOLDERS_MAX];
};

/**
 * slotview_parse() - the name of a slot file
 * @out: adapter and is_scan are written
 *
 * -EINVAL: it is not one.
 */
must_check int slotview_parse(const char *name, struct slotview_file *out);

/**
 * slotview_lock_line() - a line of /proc/locks or fdinfo
 *
 * -EINVAL: not of a flock.
 */
must_check int slotview_lock_line(const char *line, pid_t *out_pid, uint64_t *out_dev,
				  uint64_t *out_inode);

/**
 * slotview_look() - all anew
 * @daemon: its children are ours; lockd is the one of that name
 * @roots:  further programs of ours; with their children
 */
void slotview_look(struct slotview *v, pid_t daemon, const pid_t *roots, size_t n_roots);

/* Of one adapter and kind: how many of ours have it in hands, how many outside. */
uint32_t slotview_ours(const struct slotview *v, const struct slotview_file *of);
uint32_t slotview_outside(const struct slotview *v, const struct slotview_file *of);

/* Whether more have it than @units of ours, one of ours among them. */
bool slotview_is_crowded(const struct slotview *v, const struct slotview_file *of, uint32_t units);

/* Locked in lockd's name, and in nobody's hands: of this adapter and kind no file is. */
bool slotview_is_stale(const struct slotview *v, const struct slotview_file *of);
