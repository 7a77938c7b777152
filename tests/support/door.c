/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/door.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG = 128, LISTEN_FD = 3 /* sd_listen_fds(3) */ };

static int pidfd_of(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void wait_for_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, -1), 1);
}

void door_open(struct door *out, const struct world *world)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int pidfd = pidfd_of(world_daemon_pid(world));

	*out = (struct door){ .program = "bleherdd", .pidfd = -1 };
	ck_assert_int_eq(kill(world_daemon_pid(world), SIGTERM), 0);
	wait_for_end(pidfd);
	(void)close(pidfd);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/door",
		       getenv("BLEHERD_WORLD"));
	out->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(out->fd, 0);
	ck_assert_int_eq(bind(out->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(out->fd, BACKLOG), 0);
	ck_assert_int_eq(setenv("BLEHERD_SOCKET", address.sun_path, 1), 0);
}

static void exec_daemon(const struct door *door)
{
	const char *logs = getenv("BLEHERD_TEST_LOGS");
	char text[512];

	(void)snprintf(text, sizeof(text), "%s/bleherdd-door.log",
		       logs ? logs : getenv("BLEHERD_WORLD"));
	(void)dup2(open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), STDERR_FILENO);
	/* Not CLOEXEC any more, also where it has that number already. */
	if (door->fd == LISTEN_FD)
		(void)fcntl(LISTEN_FD, F_SETFD, 0);
	else
		(void)dup2(door->fd, LISTEN_FD);
	(void)snprintf(text, sizeof(text), "%d", getpid());
	(void)setenv("LISTEN_PID", text, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)execlp(door->program, door->program, "--config", getenv("BLEHERD_CONFIG"),
		     (char *)NULL);
	_exit(127);
}

void door_start(struct door *door)
{
	pid_t parent = getpid();

	ck_assert_int_eq(door->daemon, 0);
	door->daemon = fork();
	ck_assert_int_ge(door->daemon, 0);
	if (door->daemon == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			exec_daemon(door);
		_exit(1);
	}
	door->pidfd = pidfd_of(door->daemon);
}

int door_reap(struct door *door)
{
	int status = 0;

	wait_for_end(door->pidfd);
	(void)close(door->pidfd);
	ck_assert_int_eq(waitpid(door->daemon, &status, 0), door->daemon);
	door->daemon = 0;
	door->pidfd = -1;
	return status;
}

int door_end(struct door *door, int signal)
{
	ck_assert_int_eq(kill(door->daemon, signal), 0);
	return door_reap(door);
}

void door_close(struct door *door)
{
	if (door->daemon > 0)
		(void)door_end(door, SIGKILL);
	(void)close(door->fd);
}
