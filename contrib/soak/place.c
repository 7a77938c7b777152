/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* build/bin/X, build/CONFIG/bin/X */
enum { LEVELS = 4 };

int place_self(char out[PLACE_LEN])
{
	ssize_t n = readlink("/proc/self/exe", out, PLACE_LEN - 1);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	return 0;
}

/* Takes the last part off. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

int place_find(const char *name, char out[PLACE_LEN])
{
	static const char *const FOLDERS[] = { "contrib", "share/bleherd" };
	char folder[PLACE_LEN];
	int r = place_self(folder);

	if (r < 0)
		return r;
	for (int level = 0; level < LEVELS && go_up(folder); level++) {
		for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++) {
			int n = snprintf(out, PLACE_LEN, "%s/%s/%s", folder, FOLDERS[i], name);

			if (n < 0 || n >= PLACE_LEN)
				return -ENAMETOOLONG;
			if (access(out, R_OK) == 0)
				return 0;
		}
	}
	return -ENOENT;
}

static int write_all(int fd, const char *text, size_t len_bytes)
{
	while (len_bytes > 0) {
		ssize_t n = write(fd, text, len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

int place_write(const char *path, const char *text, size_t len_bytes)
{
	char aside[PLACE_LEN + 64];
	int n = snprintf(aside, sizeof(aside), "%s.new", path);
	int fd, r;

	if (n < 0 || n >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, len_bytes);
	/* Some file systems say only now that they are full. */
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(aside, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(aside);
	return r;
}
