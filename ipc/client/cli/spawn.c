/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/spawn.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ipc/clock.h"

enum { STATUS_NOT_RUN = 126, STATUS_NOT_FOUND = 127, KILL_MS = 1000 };

/* In the child. What it inherits is what we were started with; all of ours is close-on-exec. */
__attribute__((noreturn)) static void become(const struct cli *cli, char *const *argv,
					     uint64_t grant, const char *adapter, pid_t parent)
{
	char number[24];
	int error;

	/* Without us nobody would give the lock back. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(STATUS_NOT_RUN);
	(void)snprintf(number, sizeof(number), "%" PRIu64, grant);
	if (setenv("BLEHERD_GRANT", number, 1) < 0 || setenv("BLEHERD_ADAPTER", adapter, 1) < 0)
		_exit(STATUS_NOT_RUN);
	if (!cli->was_pipe_ignored)
		(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &cli->old_mask, NULL);
	(void)execvp(argv[0], argv);
	error = errno;
	(void)fprintf(stderr, "bleherd: lock: cannot run '%.200s': %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN);
}

int spawn_start(struct spawn *spawn, const struct cli *cli, char *const *argv, uint64_t grant,
		const char *adapter)
{
	pid_t parent = getpid();
	int r;

	spawn->pid = fork();
	if (spawn->pid < 0)
		return -errno;
	if (spawn->pid == 0)
		become(cli, argv, grant, adapter, parent);
	spawn->pidfd = pidfd_open(spawn->pid, 0);
	if (spawn->pidfd >= 0)
		return 0;
	r = -errno;
	(void)kill(spawn->pid, SIGKILL);
	(void)waitpid(spawn->pid, NULL, 0);
	spawn->pid = 0;
	return r;
}

void spawn_signal(const struct spawn *spawn, int number)
{
	if (spawn->pidfd >= 0)
		(void)pidfd_send_signal(spawn->pidfd, number, NULL, 0);
}

void spawn_kill(const struct spawn *spawn)
{
	struct pollfd ended = { .fd = spawn->pidfd, .events = POLLIN };
	uint64_t until_ms = clock_now_ms() + KILL_MS;

	if (spawn->pidfd < 0)
		return;
	spawn_signal(spawn, SIGKILL);
	while (poll(&ended, 1, (int)clock_left_ms(until_ms, clock_now_ms())) < 0 && errno == EINTR)
		continue;
}

int spawn_reap(struct spawn *spawn)
{
	siginfo_t info = { .si_pid = 0 };

	(void)waitid(P_PID, (id_t)spawn->pid, &info, WEXITED);
	spawn->pidfd = close_fd(spawn->pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
