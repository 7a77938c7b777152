/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/crew.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct crew {
	struct book *book;
	int book_fd;
	pid_t pids[BOOK_CLIENTS_MAX];
};

int crew_new(struct crew **out, struct book *book, int book_fd)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return -ENOMEM;
	crew->book = book;
	crew->book_fd = book_fd;
	*out = crew;
	return 0;
}

struct crew *crew_free(struct crew *crew)
{
	if (!crew)
		return NULL;
	for (uint32_t i = 0; i < crew->book->clients; i++)
		crew_kill(crew, i);
	free(crew);
	return NULL;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(int book_fd, char *number, pid_t parent)
{
	const char *const argv[] = { "bleherd-soak", "--client", number, NULL };
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Ctrl-C reaches the whole foreground group; the conductor ends its clients itself. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* dup2() onto itself would leave CLOEXEC set. */
	if (book_fd == BOOK_FD ? fcntl(book_fd, F_SETFD, 0) < 0 : dup2(book_fd, BOOK_FD) < 0)
		_exit(1);
	(void)execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(1);
}

int crew_start(struct crew *crew, uint32_t client)
{
	pid_t parent = getpid(), pid;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", client);
	pid = fork();
	if (pid == 0)
		become(crew->book_fd, number, parent);
	if (pid < 0)
		return -errno;
	crew->pids[client] = pid;
	if (book_is_locker(client))
		atomic_store(&crew->book->claims.rings[book_locker_rank(client)].pid, pid);
	return 0;
}

void crew_kill(struct crew *crew, uint32_t client)
{
	if (crew->pids[client] == 0)
		return;
	(void)kill(crew->pids[client], SIGKILL);
	while (waitpid(crew->pids[client], NULL, 0) < 0 && errno == EINTR)
		;
	crew->pids[client] = 0;
}

pid_t crew_pid(const struct crew *crew, uint32_t client)
{
	return crew->pids[client];
}

uint32_t crew_running(const struct crew *crew)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < crew->book->clients; i++)
		n += crew->pids[i] != 0;
	return n;
}

bool crew_reap(struct crew *crew, char out[128])
{
	for (uint32_t i = 0; i < crew->book->clients; i++) {
		int status;

		if (crew->pids[i] == 0 || waitpid(crew->pids[i], &status, WNOHANG) != crew->pids[i])
			continue;
		crew->pids[i] = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		(void)snprintf(out, 128, "client %u (%s) ended with %s %d", i,
			       book_role_name(book_role_of(i)),
			       WIFEXITED(status) ? "status" : "signal",
			       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		return false;
	}
	return true;
}
