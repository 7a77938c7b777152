/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/fault/die_at.c - see die_at.h. Killed at the entry a call is not made (the kernel looks for
 * a fatal signal between the stop and the call), at the exit it was.
 */
#include "tests/fault/die_at.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/wpage.h"

enum {
	WORKER_PAGE_FD = 4, /* supervisor/spawn.h */
	STATUS_BROKEN = 126,
	/* Counts as its own fault, and unlike those that dump core keeps it from making the call.
	 */
	POISON_SIGNAL = SIGUSR2,
	SYSCALL_STOP = SIGTRAP | 0x80, /* ptrace(2): PTRACE_O_TRACESYSGOOD */
};

static struct die_at_page *page;
static uint32_t born_in; /* the round; 0: in none */

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static int map_page(void)
{
	char path[DIE_AT_PATH_LEN];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(DIE_AT_SUFFIX));
	int fd;

	if (n < 0)
		return -errno;
	memcpy(path + n, DIE_AT_SUFFIX, sizeof(DIE_AT_SUFFIX));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	return page == MAP_FAILED ? -errno : 0;
}

/* --- the tracer --- */

static bool is_poisoned(const struct wpage *status)
{
	static bool was_handling;
	static uint32_t times;
	uint32_t session = load(&page->poison);
	struct wpage_view view;
	bool is_handling;

	if (!status || session == 0)
		return false;
	wpage_read(status, &view);
	is_handling = view.handling_session == session;
	times += is_handling && !was_handling;
	was_handling = is_handling;
	return is_handling && times >= page->poison_from;
}

static bool is_to_go(void)
{
	return page->from_birth && load(&page->is_counting) && born_in != load(&page->round);
}

/* At a stop for a system call: true if that is where it dies. */
static bool is_the_end(const struct __ptrace_syscall_info *info)
{
	if (!load(&page->is_counting) || load(&page->died_pid) != 0)
		return false;
	if (info->op == PTRACE_SYSCALL_INFO_ENTRY) {
		(void)__atomic_add_fetch(&page->calls, 1, __ATOMIC_SEQ_CST);
		page->died_in = (uint32_t)info->entry.nr;
		return !page->at_exit && page->calls == page->die_at;
	}
	return page->at_exit && page->die_at != 0 && page->calls == page->die_at;
}

/*
 * The signal comes with the end of the tracing: whose death a tracer is told first its parent does
 * not see when it looks, and may not look again.
 */
static _Noreturn void leave(pid_t pid, int signal)
{
	(void)ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)signal);
	_exit(0);
}

static void at_call(pid_t pid, const struct wpage *status)
{
	struct __ptrace_syscall_info info = { .op = PTRACE_SYSCALL_INFO_NONE };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		return;
	if (is_poisoned(status)) {
		(void)__atomic_add_fetch(&page->n_poisoned, 1, __ATOMIC_SEQ_CST);
		leave(pid, POISON_SIGNAL);
	} else if (is_to_go()) {
		leave(pid, SIGKILL);
	} else if (is_the_end(&info)) {
		__atomic_store_n(&page->died_pid, (uint32_t)pid, __ATOMIC_SEQ_CST);
		leave(pid, SIGKILL);
	}
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void trace(pid_t pid, const struct wpage *status)
{
	intptr_t request = PTRACE_SYSCALL;
	intptr_t signal = 0;
	int how;

	for (;;) {
		if (ptrace((enum __ptrace_request)request, pid, NULL, (void *)signal) < 0 &&
		    errno != ESRCH)
			_exit(STATUS_BROKEN);
		if (waitpid(pid, &how, __WALL) != pid || !WIFSTOPPED(how))
			_exit(0);
		request = PTRACE_SYSCALL;
		signal = 0;
		if (WSTOPSIG(how) == SYSCALL_STOP)
			at_call(pid, status);
		else if (how >> 16 == PTRACE_EVENT_STOP && is_stop_signal(WSTOPSIG(how)))
			request = PTRACE_LISTEN;
		else if (how >> 16 == 0)
			signal = WSTOPSIG(how);
	}
}

static void run_tracer(pid_t pid, int ready_fd)
{
	struct wpage *status = NULL;
	int how;

	if (wpage_map(WORKER_PAGE_FD, &status) < 0)
		status = NULL; /* no worker */
	/* What the traced one has open must not stay open here: its peers wait for the end. */
	(void)dup2(ready_fd, STDIN_FILENO);
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(intptr_t)PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || write(STDIN_FILENO, "x", 1) != 1 ||
	    waitpid(pid, &how, __WALL) != pid)
		_exit(STATUS_BROKEN);
	(void)close(STDIN_FILENO);
	if (load(&page->is_counting))
		born_in = load(&page->round);
	trace(pid, status);
}

/* --- what is to be traced --- */

static int start_tracer(void)
{
	pid_t self = getpid();
	char byte;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		run_tracer(self, ends[1]);
		_exit(STATUS_BROKEN);
	}
	(void)close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		return -EIO;
	return close(ends[0]);
}

int main(int argc, char **argv)
{
	int r = map_page();

	(void)argc;
	if (r == 0)
		r = start_tracer();
	if (r == 0) {
		(void)execv(page->program, argv);
		r = -errno;
	}
	(void)fprintf(stderr, "die-at: %s\n", strerror(-r));
	return STATUS_BROKEN;
}
