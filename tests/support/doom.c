/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/doom.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_LOST = 99 };

void doom_new(struct doom *doom, unsigned long die_at)
{
	doom->page = mmap(NULL, sizeof(*doom->page), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(doom->page, MAP_FAILED);
	doom->page->die_at = die_at;
}

void doom_begin(const struct doom *doom)
{
	__atomic_store_n(&doom->page->is_counting, 1, __ATOMIC_SEQ_CST);
}

/* One stop of the traced process: true if it is at the beginning of a system call to be counted. */
static bool is_counted(const struct doom *doom, int status, bool *is_inside)
{
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80))
		return false;
	*is_inside = !*is_inside;
	return *is_inside && __atomic_load_n(&doom->page->is_counting, __ATOMIC_SEQ_CST);
}

static void trace(const struct doom *doom, pid_t pid)
{
	unsigned long n = 0;
	bool is_inside = false;
	int signal = 0;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal) < 0)
			_exit(STATUS_LOST);
		if (waitpid(pid, &status, 0) != pid)
			_exit(STATUS_LOST);
		if (WIFEXITED(status))
			_exit(WEXITSTATUS(status));
		if (WIFSIGNALED(status))
			_exit(STATUS_LOST);
		signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		if (!is_counted(doom, status, &is_inside) || ++n < doom->page->die_at)
			continue;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		_exit(DOOM_DIED);
	}
}

void doom_run_traced(const struct doom *doom)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	int status;

	if (pid < 0)
		_exit(STATUS_LOST);
	if (pid > 0) {
		/* What the traced one has open must not stay open here. */
		(void)close_range(3, ~0u, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			_exit(STATUS_LOST);
		if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
			   (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)) < 0)
			_exit(STATUS_LOST);
		trace(doom, pid);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(STATUS_LOST);
	(void)raise(SIGSTOP);
}
