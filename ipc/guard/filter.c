/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc/guard/filter.c - the tables. What is missing on purpose: everything that makes a socket, a
 * process, a thread or a name; whatever takes somebody else's pid. Where a call can reach
 * out of the process by an argument, the argument is checked.
 *
 * A call that no argument is checked of costs next to nothing: the kernel keeps a bitmap of those
 * (Linux 5.11). tests/bench/README.md has the figures.
 */
#include "ipc/guard/filter.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define ALWAYS(call)                                                                               \
	{                                                                                          \
		SCMP_SYS(call), FILTER_ALWAYS, 0, 0                                                \
	}
#define EQUAL(call, argument, value)                                                               \
	{                                                                                          \
		SCMP_SYS(call), FILTER_EQUAL, (argument), (uint64_t)(value)                        \
	}
#define CLEAR(call, argument, bits)                                                                \
	{                                                                                          \
		SCMP_SYS(call), FILTER_CLEAR, (argument), (uint64_t)(bits)                         \
	}
#define SELF(call, argument)                                                                       \
	{                                                                                          \
		SCMP_SYS(call), FILTER_SELF, (argument), 0                                         \
	}

/* F_SETOWN and F_SETSIG let a socket send any signal to any process of our uid. */
#define FCNTL(command) EQUAL(fcntl, 1, command)

static const struct filter_row COMMON[] = {
	/* descriptors that are there */
	ALWAYS(read),
	ALWAYS(write),
	ALWAYS(readv),
	ALWAYS(writev),
	ALWAYS(pread64),
	ALWAYS(lseek),
	ALWAYS(close),
	ALWAYS(recvmsg),
	ALWAYS(sendmsg),
	ALWAYS(recvfrom),
	ALWAYS(sendto),
	ALWAYS(shutdown),
	ALWAYS(getsockopt),
	ALWAYS(getsockname),
	ALWAYS(getpeername),
	EQUAL(setsockopt, 2, SO_SNDBUF),
	EQUAL(setsockopt, 2, SO_RCVBUF),
	FCNTL(F_GETFD),
	FCNTL(F_SETFD),
	FCNTL(F_GETFL),
	FCNTL(F_SETFL),
	FCNTL(F_DUPFD_CLOEXEC),
	ALWAYS(fstat),
	EQUAL(newfstatat, 3, AT_EMPTY_PATH),
	/* the loop */
	ALWAYS(epoll_wait),
	ALWAYS(epoll_pwait),
	ALWAYS(epoll_pwait2),
	ALWAYS(epoll_ctl),
	ALWAYS(epoll_create1),
	ALWAYS(poll),
	ALWAYS(ppoll),
	ALWAYS(timerfd_create),
	ALWAYS(timerfd_settime),
	ALWAYS(timerfd_gettime),
	ALWAYS(signalfd4),
	ALWAYS(eventfd2),
	/* memory that is never code */
	ALWAYS(brk),
	CLEAR(mmap, 2, PROT_EXEC),
	CLEAR(mprotect, 2, PROT_EXEC),
	ALWAYS(munmap),
	ALWAYS(mremap),
	ALWAYS(madvise),
	ALWAYS(futex),
	/* time and chance */
	ALWAYS(clock_gettime),
	ALWAYS(clock_getres),
	ALWAYS(gettimeofday),
	ALWAYS(time),
	ALWAYS(nanosleep),
	ALWAYS(clock_nanosleep),
	ALWAYS(restart_syscall),
	ALWAYS(getrandom),
	/* who we are */
	ALWAYS(getpid),
	ALWAYS(gettid),
	ALWAYS(getppid),
	ALWAYS(getuid),
	ALWAYS(geteuid),
	ALWAYS(getgid),
	ALWAYS(getegid),
	/* signals at ourselves, the timer that sends them, the end */
	ALWAYS(rt_sigaction),
	ALWAYS(rt_sigprocmask),
	ALWAYS(rt_sigreturn),
	ALWAYS(sigaltstack),
	SELF(kill, 0),
	SELF(tgkill, 0),
	ALWAYS(timer_create),
	ALWAYS(timer_settime),
	ALWAYS(timer_delete),
	ALWAYS(exit),
	ALWAYS(exit_group),
};

static const struct filter_row LOCKD[] = {
	/* Slot files are locked, never written; /proc/locks is read. */
	CLEAR(openat, 2, O_WRONLY | O_RDWR | O_TRUNC | O_TMPFILE),
	ALWAYS(newfstatat),
	ALWAYS(flock),
	EQUAL(fchmod, 1, FILTER_SLOT_MODE),
	ALWAYS(inotify_add_watch),
	ALWAYS(inotify_rm_watch),
};

const struct filter FILTER_COMMON = FILTER_OF(COMMON);
const struct filter FILTER_LOCKD = FILTER_OF(LOCKD);
