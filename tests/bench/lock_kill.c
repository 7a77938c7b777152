/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_kill.c - SIGKILL of who holds the lock, until the next one has it.
 */
#include "tests/bench/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

/* How long the waiter has been waiting by then: it sleeps, and whoever serves it is idle. */
enum { WAITING_US = 1000, OUTSIDE_US = 5000 };

static void log_value(struct run *run, uint64_t at_ns)
{
	struct lock_entry *entry = shared_entry(run->shared);

	if (!entry)
		die("more than %d samples", LOCK_ENTRIES_MAX);
	entry->value_ns = at_ns - atomic_load(&run->shared->instant_ns);
}

__attribute__((noreturn)) static void hold_until_killed(void)
{
	for (;;)
		(void)pause();
}

static void kill_now(struct run *run, pid_t pid)
{
	atomic_store(&run->shared->instant_ns, now_ns());
	(void)kill(pid, SIGKILL);
}

/* --- a holder --- */

/* Client i waits while i - 1 holds; then it holds until it is killed. */
static void mortal_client(struct run *run, struct door *door)
{
	struct shared *s = run->shared;
	uint64_t at_ns;

	door_ask(door);
	shared_set(&s->asked, door->client + 1);
	door_await(door);
	at_ns = now_ns();
	if (door->client > 0)
		log_value(run, at_ns);
	shared_set(&s->held, door->client + 1);
	hold_until_killed();
}

void run_kill(struct run *run)
{
	struct shared *s = run->shared;
	pid_t holder = client_start(run, 0, mortal_client);
	pid_t waiter;
	uint32_t i;

	shared_wait(&s->held, 1);
	for (i = 1; i <= run->count; i++) {
		waiter = client_start(run, i, mortal_client);
		shared_wait(&s->asked, i + 1);
		nap_us(WAITING_US);
		/* A poller that tries again just then: at whatever moment. */
		hold(run);
		kill_now(run, holder);
		shared_wait(&s->held, i + 1);
		(void)reap(holder);
		holder = waiter;
	}
	(void)kill(holder, SIGKILL);
	(void)reap(holder);
}

/* --- a program outside that has the slot file --- */

static void patient_client(struct run *run, struct door *door)
{
	struct shared *s = run->shared;
	uint32_t i;

	for (i = 1; i <= run->count; i++) {
		shared_wait(&s->go, i);
		door_ask(door);
		shared_set(&s->asked, i);
		door_await(door);
		log_value(run, now_ns());
		door_release(door);
		shared_set(&s->held, i);
	}
}

static pid_t start_outsider(struct run *run, int ready)
{
	char path[160];
	pid_t pid = fork_bound();
	int fd;

	if (pid > 0)
		return pid;
	(void)snprintf(path, sizeof(path), "%s/%s", run->dir, run->file);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	/* Blocking: the release of our last grant may still be under way. */
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(ready, "", 1) != 1)
		die("%s: %s", path, strerrorname_np(errno));
	hold_until_killed();
}

void run_outsider(struct run *run)
{
	struct shared *s = run->shared;
	pid_t client = client_start(run, 0, patient_client);
	pid_t outsider;
	int fds[2];
	uint32_t i;
	char c;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe: %s", strerrorname_np(errno));
	for (i = 1; i <= run->count; i++) {
		outsider = start_outsider(run, fds[1]);
		if (read(fds[0], &c, 1) != 1)
			die("pipe: %s", strerrorname_np(errno));
		shared_set(&s->go, i);
		shared_wait(&s->asked, i);
		nap_us(OUTSIDE_US);
		kill_now(run, outsider);
		(void)reap(outsider);
		shared_wait(&s->held, i);
	}
	client_end(client);
}
