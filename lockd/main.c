/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lockd/main.c - bleherd-lockd: started by bleherdd, with a channel to it as descriptor 3. Makes
 * itself safe, reads its arguments, serves. Status: 0 asked to stop, 70 failed, 78 arguments,
 * slot directory, or not confined.
 */
#include "ipc/guard/alarm.h"
#include "ipc/guard/confine.h"
#include "ipc/log.h"
#include "lockd/options.h"
#include "lockd/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

enum { CONTROL_FD = 3, PAGE_FD = 4, STATUS_FAILED = 70, STATUS_CONFIG = 78 };

/* A channel and a few slots per program. */
enum { FDS_MAX = 1 << 19 };

static bool is_channel(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* The supervisor's; without one nobody watches. */
static int open_page(struct wpage **out)
{
	int r;

	*out = NULL;
	if (fcntl(PAGE_FD, F_GETFD) < 0)
		return 0;
	r = wpage_map(PAGE_FD, out);
	(void)close_fd(PAGE_FD);
	return r < 0 ? r : alarm_begin(*out);
}

int main(int argc, char **argv)
{
	_cleanup_close_ int dir_fd = -EBADF;
	_cleanup_close_ int own_fd = -EBADF;
	char why[OPTIONS_WHY_LEN];
	struct serve_dirs dirs;
	struct options options;
	int r;

	log_setup("lockd", LOG_LEVEL_INFO);
	if (options_parse(argc, argv, &options, why) < 0) {
		log_error("%s", why);
		return STATUS_CONFIG;
	}
	log_set_level(options.level);
	r = confine_begin(options.parent, FDS_MAX, why);
	/* Died before the death signal was asked for. */
	if (r == -ESRCH)
		return EXIT_SUCCESS;
	if (r < 0) {
		log_error("event=not-confined %s", why);
		return STATUS_CONFIG;
	}
	/* Before anything else is opened, and gets that number. */
	r = open_page(&dirs.page);
	if (r < 0) {
		log_error("event=no-page error=%s", strerrorname_np(-r));
		return STATUS_FAILED;
	}
	if (options_open_dir(&options, &dir_fd, why) < 0) {
		log_error("%s", why);
		return STATUS_CONFIG;
	}
	if (!is_channel(CONTROL_FD)) {
		log_error(
			"descriptor 3 is no channel to a supervisor: bleherdd starts this program");
		return STATUS_CONFIG;
	}
	if (faccessat(dir_fd, ".", W_OK, AT_EACCESS) < 0)
		log_info("event=slot-files dir=%s missing ones are not made here: tmpfiles.d must",
			 options.dir);
	if (options.own_dir)
		own_fd = open(options.own_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (options.own_dir && own_fd < 0)
		log_warn("event=no-own-dir dir=%s error=%s", options.own_dir,
			 strerrorname_np(errno));
	dirs.slots_fd = dir_fd;
	dirs.own_fd = own_fd;
	r = serve_run(&options, &dirs, CONTROL_FD);
	if (r == -EPERM)
		return STATUS_CONFIG;
	if (r < 0)
		log_error("event=failed error=%s", strerrorname_np(-r));
	return r < 0 ? STATUS_FAILED : EXIT_SUCCESS;
}
