/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lockd/main.c - bleherd-lockd: started by bleherdd, with a channel to it as descriptor 3. Makes
 * itself safe, reads its arguments, serves. Status: 0 asked to stop, 70 failed, 78 arguments or
 * slot directory.
 */
#include "ipc/log.h"
#include "lockd/options.h"
#include "lockd/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { CONTROL_FD = 3, STATUS_FAILED = 70, STATUS_CONFIG = 78 };

/* Lost on exec (dumpable) or never inherited (the death signal): first thing here. */
static void harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}

/* A channel and a few slots per program: the soft limit of 1024 is for those who use select(). */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool is_channel(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
	_cleanup_close_ int dir_fd = -EBADF;
	_cleanup_close_ int own_fd = -EBADF;
	char why[OPTIONS_WHY_LEN];
	struct options options;
	int r;

	harden();
	log_setup("lockd", LOG_LEVEL_INFO);
	if (options_parse(argc, argv, &options, why) < 0) {
		log_error("%s", why);
		return STATUS_CONFIG;
	}
	log_setup("lockd", options.level);
	/* It may have died before the death signal was asked for. */
	if (options.parent > 0 && getppid() != options.parent)
		return EXIT_SUCCESS;
	if (options_open_dir(&options, &dir_fd, why) < 0) {
		log_error("%s", why);
		return STATUS_CONFIG;
	}
	if (!is_channel(CONTROL_FD)) {
		log_error(
			"descriptor 3 is no channel to a supervisor: bleherdd starts this program");
		return STATUS_CONFIG;
	}
	raise_fd_limit();
	if (faccessat(dir_fd, ".", W_OK, AT_EACCESS) < 0)
		log_info("event=slot-files dir=%s missing ones are not made here: tmpfiles.d must",
			 options.dir);
	if (options.own_dir)
		own_fd = open(options.own_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (options.own_dir && own_fd < 0)
		log_warn("event=no-own-dir dir=%s error=%s", options.own_dir,
			 strerrorname_np(errno));
	r = serve_run(&options, &(struct serve_dirs){ .slots_fd = dir_fd, .own_fd = own_fd },
		      CONTROL_FD);
	if (r < 0)
		log_error("event=failed error=%s", strerrorname_np(-r));
	return r < 0 ? STATUS_FAILED : EXIT_SUCCESS;
}
