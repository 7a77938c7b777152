/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/proclocks.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* `1: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF`; a waiter's line has `->` after the number. */
static bool is_lock_of(const char *line, const struct stat *st, uint32_t *out_pid)
{
	unsigned major_number;
	unsigned minor_number;
	unsigned long inode;
	long pid;

	if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%lu", &pid, &major_number, &minor_number,
		   &inode) != 4)
		return false;
	if (inode != st->st_ino || major_number != major(st->st_dev) ||
	    minor_number != minor(st->st_dev))
		return false;
	*out_pid = pid > 0 ? (uint32_t)pid : 0;
	return true;
}

uint32_t proclocks_holder(int dir_fd, const char *name)
{
	char line[256];
	uint32_t pid = 0;
	struct stat st;
	FILE *f;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (is_lock_of(line, &st, &pid))
			break;
	(void)fclose(f);
	return pid;
}
