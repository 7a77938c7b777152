/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/demo/child.c - fork, exec and end of a program; see child.h. Single-threaded parent.
 */
#include "contrib/demo/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "contrib/demo/client.h"

/* In the child, between fork and exec: only what is safe there. */
static void exec_role(int fd, const char *role, pid_t parent)
{
	char *const argv[] = { (char *)(uintptr_t) "bleherd-demo", (char *)(uintptr_t)role, NULL };
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	/* Ctrl-C reaches the whole foreground group; the conductor ends its programs itself. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* dup2() onto itself would leave CLOEXEC set. */
	if (fd == CLIENT_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, CLIENT_FD) < 0)
		_exit(EXIT_FAILURE);
	(void)execv("/proc/self/exe", argv);
	_exit(EXIT_FAILURE);
}

int child_start(struct child *child, const char *role)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child->pid = fork();
	if (child->pid == 0)
		exec_role(pair[1], role, parent);
	(void)close_fd(pair[1]);
	if (child->pid < 0) {
		child->pid = 0;
		(void)close_fd(pair[0]);
		return -errno;
	}
	child->fd = pair[0];
	child->was_started = true;
	return 0;
}

static void wait_for(struct child *child, int options)
{
	pid_t r;

	if (child->pid == 0)
		return;
	do
		r = waitpid(child->pid, &child->status, options);
	while (r < 0 && errno == EINTR);
	if (r == child->pid)
		child->pid = 0;
}

void child_reap(struct child *child)
{
	wait_for(child, WNOHANG);
}

void child_kill(struct child *child)
{
	if (child->pid != 0)
		(void)kill(child->pid, SIGKILL);
	wait_for(child, 0);
	child->fd = close_fd(child->fd);
}

bool child_is_well(const struct child *child)
{
	return child->was_started && child->pid == 0 && WIFEXITED(child->status) &&
	       WEXITSTATUS(child->status) == EXIT_SUCCESS;
}
