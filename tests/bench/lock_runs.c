/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock_runs.c - what is measured with clients that live: one alone, two in turn, many
 * in a ring, many that want all they can get; and programs that are started.
 */
#include "tests/bench/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void must_log(const struct lock_entry *entry)
{
	if (!entry)
		die("more than %d samples", LOCK_ENTRIES_MAX);
}

/* --- one client alone --- */

static void cycle_client(struct run *run, struct door *door)
{
	struct lock_entry *entry;
	uint64_t from_ns;
	uint32_t i;

	for (i = 0; i < run->count; i++) {
		from_ns = now_ns();
		door_ask(door);
		door_await(door);
		door_release(door);
		entry = shared_entry(run->shared);
		must_log(entry);
		entry->value_ns = now_ns() - from_ns;
	}
}

void run_cycle(struct run *run)
{
	client_end(client_start(run, 0, cycle_client));
}

/* --- programs --- */

__attribute__((noreturn)) static void execute(const struct run *run, int out)
{
	if (out >= 0)
		(void)dup2(out, STDOUT_FILENO);
	if (chdir(run->dir) < 0)
		die("%s: %s", run->dir, strerrorname_np(errno));
	(void)execvp(run->argv[0], (char *const *)(uintptr_t)run->argv);
	die("%s: %s", run->argv[0], strerrorname_np(errno));
}

/* From before the fork to the end of the program: what a line in a script costs. */
void run_command(struct run *run)
{
	struct lock_entry *entry;
	uint64_t from_ns;
	pid_t pid;
	int status;
	uint32_t i;

	for (i = 0; i < run->count; i++) {
		from_ns = now_ns();
		pid = fork_bound();
		if (pid == 0)
			execute(run, -EBADF);
		status = reap(pid);
		if (status != 0)
			die("%s ended with status %d", run->argv[0], status);
		entry = shared_entry(run->shared);
		must_log(entry);
		entry->value_ns = now_ns() - from_ns;
	}
}

/* A program that measures by itself and prints a number of nanoseconds per line. */
void run_samples(struct run *run)
{
	struct lock_entry *entry;
	unsigned long long ns;
	FILE *in;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe: %s", strerrorname_np(errno));
	pid = fork_bound();
	if (pid == 0)
		execute(run, fds[1]);
	(void)close(fds[1]);
	in = fdopen(fds[0], "r");
	while (in && fscanf(in, "%llu", &ns) == 1) {
		entry = shared_entry(run->shared);
		must_log(entry);
		entry->value_ns = ns;
	}
	client_end(pid);
	if (in)
		(void)fclose(in);
}

/* --- two clients in turn --- */

/*
 * Grant number g is for client g % 2. Each asks when the other holds, and lets go only after the
 * other has asked and hold_us have passed: then that one waits, and lockd and the machine are idle.
 */
static void handoff_client(struct run *run, struct door *door)
{
	struct shared *s = run->shared;
	struct lock_entry *entry;
	uint64_t at_ns;
	uint32_t g;

	for (g = door->client; g <= run->count; g += 2) {
		shared_wait(&s->held, g);
		door_ask(door);
		shared_set(&s->asked, g + 1);
		door_await(door);
		at_ns = now_ns();
		if (g > 0) {
			entry = shared_entry(s);
			must_log(entry);
			entry->value_ns = at_ns - atomic_load(&s->instant_ns);
		}
		shared_set(&s->held, g + 1);
		if (g < run->count)
			shared_wait(&s->asked, g + 2);
		hold(run);
		atomic_store(&s->instant_ns, now_ns());
		door_release(door);
	}
}

void run_handoff(struct run *run)
{
	pid_t a = client_start(run, 0, handoff_client);
	pid_t b = client_start(run, 1, handoff_client);

	client_end(a);
	client_end(b);
}

/* --- many --- */

/*
 * The ticket says who asked first. With lockd it is drawn together with sending the request; a
 * program that blocks in flock() draws it just before, which is as near as one can get.
 */
static void ask_in_order(struct run *run, struct door *door, struct lock_entry *out)
{
	struct shared *s = run->shared;

	(void)pthread_mutex_lock(&s->asking);
	out->ticket = atomic_fetch_add(&s->tickets, 1) + 1;
	out->asked_ns = now_ns();
	door_ask(door);
	(void)pthread_mutex_unlock(&s->asking);
}

static void log_grant(struct run *run, const struct lock_entry *what)
{
	struct lock_entry *entry = shared_entry(run->shared);

	must_log(entry);
	*entry = *what;
}

static void run_clients(struct run *run, void (*body)(struct run *run, struct door *door))
{
	struct shared *s = run->shared;
	pid_t pids[LOCK_CLIENTS_MAX];
	uint32_t i;

	assert(run->clients <= LOCK_CLIENTS_MAX);
	for (i = 0; i < run->clients; i++) {
		pids[i] = client_start(run, i, body);
		shared_wait(&s->ready, i + 1);
	}
	atomic_store(&s->begin_ns, now_ns());
	atomic_store(&s->end_ns, now_ns() + run->duration_ms * 1000000ull);
	shared_set(&s->go, 1);
	for (i = 0; i < run->clients; i++)
		client_end(pids[i]);
}

/*
 * All ask, one after the other, before it begins; the first one holds it until then. A sample is a
 * grant that came from another client.
 */
static void ring_client(struct run *run, struct door *door)
{
	struct lock_entry entry = { .client = door->client };
	struct shared *s = run->shared;
	bool is_over = false;
	uint32_t last;

	ask_in_order(run, door, &entry);
	shared_add(&s->ready);
	while (!is_over) {
		door_await(door);
		entry.granted_ns = now_ns();
		entry.order = door_order(door);
		last = atomic_exchange(&s->last, door->client + 1);
		entry.value_ns = 0;
		if (last != 0 && last != door->client + 1)
			entry.value_ns = entry.granted_ns - atomic_load(&s->instant_ns);
		log_grant(run, &entry);
		shared_wait(&s->go, 1);
		hold(run);
		is_over = atomic_load(&s->n) >= run->count;
		atomic_store(&s->instant_ns, now_ns());
		door_release(door);
		if (!is_over)
			ask_in_order(run, door, &entry);
	}
}

void run_ring(struct run *run)
{
	run_clients(run, ring_client);
}

/* All they can get, for a time. What is asked for before its end is waited for beyond it. */
static void greedy_client(struct run *run, struct door *door)
{
	struct lock_entry entry = { .client = door->client };
	struct shared *s = run->shared;

	if (run->door == DOOR_FLOCK)
		entry.group = door->client % run->slots;
	shared_add(&s->ready);
	shared_wait(&s->go, 1);
	while (now_ns() < atomic_load(&s->end_ns)) {
		ask_in_order(run, door, &entry);
		door_await(door);
		entry.granted_ns = now_ns();
		entry.order = door_order(door);
		entry.value_ns = entry.granted_ns - entry.asked_ns;
		log_grant(run, &entry);
		hold(run);
		door_release(door);
	}
}

void run_saturate(struct run *run)
{
	run_clients(run, greedy_client);
}
