/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const char *const NAMES[SPAWN_ROLE_COUNT] = {
	[SPAWN_WORKER] = "bleherd-worker",
	[SPAWN_LOCKD] = "bleherd-lockd",
	[SPAWN_RESCUE] = "bleherd-rescue",
};

#ifndef BLEHERD_LIBEXEC
#define BLEHERD_LIBEXEC BLEHERD_PREFIX "/libexec/bleherd"
#endif

const char *spawn_role_name(enum spawn_role role)
{
	return NAMES[role];
}

/* --- finding the binaries --- */

static int own_folder(char out[SPAWN_PATH_LEN])
{
	ssize_t n = readlink("/proc/self/exe", out, SPAWN_PATH_LEN - 1);
	char *slash;

	if (n < 0)
		return -errno;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static int open_in(const char *folder, enum spawn_role role, char out_path[SPAWN_PATH_LEN])
{
	int fd;

	if (snprintf(out_path, SPAWN_PATH_LEN, "%s/%s", folder, NAMES[role]) >= SPAWN_PATH_LEN)
		return -ENAMETOOLONG;
	fd = open(out_path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_role(enum spawn_role role, char out_path[SPAWN_PATH_LEN])
{
	const char *folder = getenv("BLEHERD_LIBEXEC");
	char own[SPAWN_PATH_LEN];
	int fd;

	if (folder && folder[0])
		return open_in(folder, role, out_path);
	fd = own_folder(own);
	if (fd == 0)
		fd = open_in(own, role, out_path);
	if (fd < 0)
		fd = open_in(BLEHERD_LIBEXEC, role, out_path);
	return fd;
}

int spawn_open(struct spawn_binaries *out, char out_missing[SPAWN_PATH_LEN])
{
	struct spawn_binaries binaries;
	int role;

	for (role = 0; role < SPAWN_ROLE_COUNT; role++)
		binaries.fds[role] = -EBADF;
	for (role = 0; role < SPAWN_ROLE_COUNT; role++) {
		binaries.fds[role] = open_role((enum spawn_role)role, out_missing);
		if (binaries.fds[role] < 0) {
			int r = binaries.fds[role];

			spawn_close(&binaries);
			return r;
		}
	}
	*out = binaries;
	return 0;
}

void spawn_close(struct spawn_binaries *binaries)
{
	int role;

	for (role = 0; role < SPAWN_ROLE_COUNT; role++)
		binaries->fds[role] = close_fd(binaries->fds[role]);
}

/* --- the child's side: between fork and exec, async-signal-safe calls only --- */

struct child_side {
	pid_t parent;
	int binary_fd;
	int channel_fd;
	int page_fd;
	int error_fd;
};

static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	int signal;

	for (signal = 1; signal < _NSIG; signal++)
		(void)sigaction(signal, &action, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves what is kept out of the way of the numbers 0 to 4. */
static int lift(int *fd)
{
	if (*fd < 0)
		return 0;
	*fd = fcntl(*fd, F_DUPFD_CLOEXEC, 10);
	return *fd < 0 ? -errno : 0;
}

static int place_fds(struct child_side *side)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r;

	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0)
		return -errno;
	r = lift(&side->error_fd);
	if (r == 0)
		r = lift(&side->binary_fd);
	if (r == 0)
		r = lift(&side->channel_fd);
	if (r == 0)
		r = lift(&side->page_fd);
	if (r < 0)
		return r;
	if (dup2(side->channel_fd, SPAWN_CHANNEL_FD) < 0)
		return -errno;
	if (side->page_fd >= 0 && dup2(side->page_fd, SPAWN_PAGE_FD) < 0)
		return -errno;
	/*
	 * Everything is CLOEXEC at birth; this is for what a library opened otherwise. Kernels
	 * before 5.11 do not know the flag: then birth has to do.
	 */
	(void)syscall(SYS_close_range, side->page_fd >= 0 ? 5u : 4u, ~0u, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static _Noreturn void run_child(struct child_side *side, const char *const argv[])
{
	union {
		const char *const *in;
		char *const *out;
	} args = { .in = argv };
	int r;

	(void)setpgid(0, 0);
	r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
	/* The parent may have died before that. */
	if (getppid() != side->parent)
		_exit(75);
	if (r == 0)
		r = place_fds(side);
	if (r == 0) {
		reset_signals();
		/* One thread, no lock can be held: safe here. */
		(void)unsetenv("NOTIFY_SOCKET");
		(void)unsetenv("WATCHDOG_USEC");
		(void)unsetenv("WATCHDOG_PID");
		(void)execveat(side->binary_fd, "", args.out, environ, AT_EMPTY_PATH);
		r = -errno;
	}
	if (write(side->error_fd, &r, sizeof(r)) < 0)
		_exit(126);
	_exit(127);
}

int spawn_start(const struct spawn_binaries *binaries, enum spawn_role role,
		const char *const argv[], int channel_fd, int page_fd, pid_t *out_pid,
		int *out_exec_fd)
{
	struct child_side side = {
		.parent = getpid(),
		.binary_fd = binaries->fds[role],
		.channel_fd = channel_fd,
		.page_fd = page_fd,
	};
	_cleanup_close_ int read_fd = -EBADF;
	_cleanup_close_ int write_fd = -EBADF;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	read_fd = ends[0];
	write_fd = ends[1];
	side.error_fd = write_fd;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(&side, argv);
	*out_pid = pid;
	*out_exec_fd = take_fd(&read_fd);
	return 0;
}

int spawn_exec_error(int exec_fd)
{
	int error = 0;

	if (exec_fd < 0 || read(exec_fd, &error, sizeof(error)) != (ssize_t)sizeof(error))
		return 0;
	return error < 0 ? -error : EIO;
}
