/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/slot_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int slot_dir_check(const char *dir, char out_why[SLOT_DIR_WHY_LEN])
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0 || faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) < 0)
		r = -errno;
	if (r < 0)
		(void)snprintf(out_why, SLOT_DIR_WHY_LEN,
			       "slot directory %s: %s; in tmpfiles.d: `d %s 0775 root bleherd`, "
			       "then restart bleherdd",
			       dir, strerror(-r), dir);
	return r;
}
