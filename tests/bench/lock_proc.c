/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_proc.c - processes that die with their parent, the page that they share, and the
 * clock.
 */
#include "tests/bench/lock.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

/* What to say with a failure, and how far down we are: 1 a runner, 2 what it started. */
static const char *at_work;
static uint32_t depth;

void work_on(const char *how)
{
	at_work = how;
}

void die(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)fprintf(stderr, "bench-lock: %s: %s\n", at_work ? at_work : "start", text);
	/* Without this client the others would wait; they end with their runner. */
	if (depth >= 2)
		(void)kill(getppid(), SIGTERM);
	_exit(1);
}

/* --- time --- */

uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void nap_us(uint32_t us)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

void hold(const struct run *run)
{
	uint32_t us = run->hold_us;

	/* A poller's next try comes at whatever moment: so must the release. */
	if (run->is_hold_random)
		us = (uint32_t)(now_ns() / 64 * 2654435761u % (us + 1));
	nap_us(us);
}

/* --- the shared page --- */

struct shared *shared_new(void)
{
	pthread_mutexattr_t attr;
	struct shared *shared;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("no memory for the samples");
	(void)pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutex_init(&shared->asking, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	return shared;
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

void shared_set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store(word, value);
	(void)futex(word, FUTEX_WAKE, INT32_MAX, NULL);
}

void shared_add(_Atomic uint32_t *word)
{
	(void)atomic_fetch_add(word, 1);
	(void)futex(word, FUTEX_WAKE, INT32_MAX, NULL);
}

void shared_wait(_Atomic uint32_t *word, uint32_t at_least)
{
	const struct timespec timeout = { .tv_sec = LOCK_WAIT_S };
	uint32_t value = atomic_load(word);

	while (value < at_least) {
		if (futex(word, FUTEX_WAIT, value, &timeout) < 0 && errno == ETIMEDOUT)
			die("the other process does not come");
		value = atomic_load(word);
	}
}

struct lock_entry *shared_entry(struct shared *shared)
{
	uint32_t at = atomic_fetch_add(&shared->n, 1);

	return at < LOCK_ENTRIES_MAX ? &shared->entries[at] : NULL;
}

/* --- processes --- */

pid_t fork_bound(void)
{
	pid_t parent = getpid();
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("no further process: %s", strerrorname_np(errno));
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	depth++;
	return 0;
}

int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * The runner keeps no copy of a client's end: else the death of a client would be no end of file,
 * and that is what is measured.
 */
pid_t client_start(struct run *run, uint32_t client,
		   void (*body)(struct run *run, struct door *door))
{
	struct door door = { .run = run, .client = client, .peer_fd = -EBADF };
	int fds[2] = { -EBADF, -EBADF };
	pid_t pid;

	if (run->door == DOOR_RAW && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		die("no socket pair: %s", strerrorname_np(errno));
	pid = fork_bound();
	if (pid == 0) {
		(void)close_fd(fds[1]);
		door.peer_fd = fds[0];
		door_open(&door);
		body(run, &door);
		_exit(0);
	}
	(void)close_fd(fds[0]);
	if (run->door == DOOR_RAW)
		lockd_hand_over(&run->lockd, fds[1], pid);
	(void)close_fd(fds[1]);
	return pid;
}

void client_end(pid_t pid)
{
	int status = reap(pid);

	if (status != 0)
		die("a client ended with status %d", status);
}
