/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/slotfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "ipc/guard/filter.h"

enum {
	TRIES = 8,	  /* against somebody who replaces the file all the time */
	RETRY = INT32_MAX /* private: the path names another file by now */
};

void slotfile_name(enum resource_kind kind, uint32_t adapter, uint32_t slot,
		   char out_name[SLOTFILE_NAME_LEN])
{
	char who[16] = "default";

	if (adapter != SLOTFILE_DEFAULT)
		(void)snprintf(who, sizeof(who), "hci%u", adapter);
	if (kind == RESOURCE_SCAN)
		(void)snprintf(out_name, SLOTFILE_NAME_LEN, "bleak-cm-%s-scan.lock", who);
	else
		(void)snprintf(out_name, SLOTFILE_NAME_LEN, "bleak-cm-%s-slot-%u.lock", who, slot);
}

/* Reads what slotfile_name() may have written, and then compares: one place knows the form. */
int slotfile_parse(const char *name, enum resource_kind *out_kind, uint32_t *out_adapter,
		   uint32_t *out_slot)
{
	enum resource_kind kind = RESOURCE_SCAN;
	uint32_t adapter = SLOTFILE_DEFAULT;
	char expected[SLOTFILE_NAME_LEN];
	uint32_t slot = 0;
	const char *dash;

	if (strncmp(name, "bleak-cm-", 9) != 0)
		return -EINVAL;
	if (strncmp(name + 9, "hci", 3) == 0)
		adapter = (uint32_t)strtoul(name + 12, NULL, 10);
	dash = strstr(name, "-slot-");
	if (dash) {
		kind = RESOURCE_CONNECT;
		slot = (uint32_t)strtoul(dash + 6, NULL, 10);
	}
	slotfile_name(kind, adapter, slot, expected);
	if (strcmp(name, expected) != 0 || slot >= RESOURCE_COUNT_MAX ||
	    (adapter != SLOTFILE_DEFAULT && adapter >= RESOURCE_ADAPTERS_MAX))
		return -EINVAL;
	*out_kind = kind;
	*out_adapter = adapter;
	*out_slot = slot;
	return 0;
}

/* Whether a file may be believed at all. */
static int inspect(int fd, struct stat *out_st)
{
	if (fstat(fd, out_st) < 0)
		return -errno;
	if (!S_ISREG(out_st->st_mode))
		return SLOTFILE_IRREGULAR;
	if (out_st->st_nlink == 0)
		return RETRY;
	if (out_st->st_nlink > 1)
		return SLOTFILE_NAMES;
	if (out_st->st_uid != 0 && out_st->st_uid != geteuid())
		return SLOTFILE_OWNER;
	return 0;
}

static int check_path(int dir_fd, const char *name, const struct stat *st)
{
	struct stat by_path;

	if (fstatat(dir_fd, name, &by_path, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? RETRY : -errno;
	return by_path.st_ino == st->st_ino && by_path.st_dev == st->st_dev ? 0 : RETRY;
}

static int try_flock(int fd)
{
	int r;

	do {
		r = flock(fd, LOCK_EX | LOCK_NB);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	return errno == EWOULDBLOCK ? SLOTFILE_BUSY : -errno;
}

/* O_NONBLOCK: a fifo of that name must not stop us. */
static int open_file(int dir_fd, const char *name, int *out_fd)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	int fd = openat(dir_fd, name, flags);

	if (fd < 0 && errno == ENOENT) {
		fd = openat(dir_fd, name, flags | O_CREAT | O_EXCL, FILTER_SLOT_MODE);
		/* The umask is ours, the file is everybody's of the group. */
		if (fd >= 0)
			(void)fchmod(fd, FILTER_SLOT_MODE);
		else if (errno == EEXIST)
			return RETRY;
		else if (errno == EACCES || errno == EPERM || errno == EROFS)
			return SLOTFILE_MISSING;
	}
	if (fd < 0 && errno == ELOOP)
		return SLOTFILE_SYMLINK;
	if (fd < 0 && errno == ENXIO)
		return SLOTFILE_IRREGULAR; /* a socket */
	if (fd < 0)
		return -errno;
	*out_fd = fd;
	return 0;
}

/*
 * The file may have been replaced since it was opened: a lock on an inode that no other process
 * will ever open is none, and that such an inode is busy means nothing.
 */
static int try_current(int dir_fd, const char *name, int fd)
{
	struct stat st;
	int locked;
	int r;

	r = inspect(fd, &st);
	if (r != 0)
		return r;
	locked = try_flock(fd);
	r = check_path(dir_fd, name, &st);
	return r == 0 ? locked : r;
}

int slotfile_probe(int dir_fd, const char *name, int *fd)
{
	unsigned i;
	int r = RETRY;

	for (i = 0; i < TRIES && r == RETRY; i++) {
		r = *fd < 0 ? open_file(dir_fd, name, fd) : 0;
		if (r == 0)
			r = try_current(dir_fd, name, *fd);
		if (r != 0 && r != SLOTFILE_BUSY)
			*fd = close_fd(*fd);
	}
	return r == RETRY ? SLOTFILE_REPLACED : r;
}

int slotfile_lock(int dir_fd, const char *name, int *out_fd)
{
	int fd = -EBADF;
	int r = slotfile_probe(dir_fd, name, &fd);

	if (r == 0)
		*out_fd = fd;
	else
		(void)close_fd(fd);
	return r;
}

int slotfile_adopt(int dir_fd, const char *name, int fd)
{
	int own = -EBADF;
	struct stat st;
	int r;

	r = inspect(fd, &st);
	if (r == 0)
		r = check_path(dir_fd, name, &st);
	if (r != 0)
		return r == RETRY ? SLOTFILE_OTHER : r;
	/*
	 * What nobody has locked was taken away by the lockd before, and its holder has not heard.
	 * flock() on its description would lock it anew, and so bring back a grant that is over.
	 */
	r = slotfile_lock(dir_fd, name, &own);
	if (r == 0)
		(void)slotfile_unlock(own);
	if (r != SLOTFILE_BUSY)
		return r == 0 ? SLOTFILE_OTHER : r;
	/* On a description that has the lock this changes nothing; otherwise it fails. */
	r = try_current(dir_fd, name, fd);
	return r == RETRY ? SLOTFILE_OTHER : r;
}

void slotfile_let_go(int fd)
{
	(void)flock(fd, LOCK_UN);
}

bool slotfile_is_current(int dir_fd, const char *name, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && check_path(dir_fd, name, &st) == 0;
}

int slotfile_unlock(int fd)
{
	if (fd >= 0)
		(void)flock(fd, LOCK_UN);
	return close_fd(fd);
}

const char *slotfile_text(int outcome)
{
	static const char *const texts[] = {
		[SLOTFILE_BUSY] = "the slot file is locked by a program outside",
		[SLOTFILE_SYMLINK] = "the slot file is a symbolic link: remove it",
		[SLOTFILE_IRREGULAR] = "the slot file is no regular file: remove it",
		[SLOTFILE_NAMES] = "the slot file has more than one name: remove the others",
		[SLOTFILE_OWNER] = "the slot file belongs to another user: chown it to root",
		[SLOTFILE_REPLACED] = "the slot file is being replaced all the time",
		[SLOTFILE_OTHER] = "the descriptor is not of that slot file",
		[SLOTFILE_MISSING] =
			"the slot file is missing and may not be made: see bleherd's tmpfiles.d",
	};

	if (outcome == -EACCES || outcome == -EPERM)
		return "the slot file may not be read: chmod it to 0664, or chgrp it to bleherd";
	if (outcome < 0 && strerrordesc_np(-outcome))
		return strerrordesc_np(-outcome);
	return outcome > 0 && (size_t)outcome < ARRAY_LEN(texts) ? texts[outcome] : "?";
}
