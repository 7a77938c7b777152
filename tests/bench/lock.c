/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/bench/lock.c - bench-lock: the arbiter's figures beside those of flock(2), of polling and
 * of flock(1), in one run. Called by tests/bench/lock.sh in a world that has locks.connect = 2.
 */
#include "tests/bench/lock.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	US = 1000,
	MS = 1000 * US,
	RUNNER_S = 45, /* then it is ended, and with it all that it has started */
	ROWS_MAX = 16,
	POLL_US = 150000,      /* bleak-connection-manager's */
	POLL_TENTH_US = 15000, /* as its connects are of 200 ms, and those here of 20 */
	SATURATE_MS = 10000,
};

#define SCAN	  "scan:hci0"
#define CONNECT	  "connect:hci0"
#define SLOT	  "bleak-cm-hci0-slot-"
#define SCAN_FILE "bleak-cm-hci0-scan.lock"

#define CYCLE_GOAL   .goal = { .median_ns = 40 * US, .p99_ns = 120 * US }
#define HANDOFF_GOAL .goal = { .median_ns = 45 * US }
#define RING_GOAL    .goal = { .is_fifo = true }
#define FAIR_GOAL    .goal = { .spread_percent = 103 }
#define KILL_GOAL    .goal = { .median_ns = MS / 2, .p99_ns = 15 * MS }
#define OUTSIDE_GOAL .goal = { .median_ns = MS }

#define RAW(what, n) .door = DOOR_RAW, .resource = (what), .slots = (n)
#define LIB(what, n) .door = DOOR_LIB, .resource = (what), .slots = (n)
#define BLOCK(n)     .door = DOOR_FLOCK, .file = SLOT, .slots = (n)
#define POLL(us, n)  .door = DOOR_POLL, .file = SLOT, .slots = (n), .poll_us = (us)

static const char SLOT_0[] = SLOT "0";
static const char *python[] = { "python3", "-I", NULL /* the script */, SLOT_0, "2000", NULL };
static const char *const FLOCK_1[] = { "flock", SLOT_0, "true", NULL };
static const char *const BLEHERD_LOCK[] = { "bleherd", "lock", "hci0", "scan", "--", "true", NULL };

/* --- what is run --- */

#define CYCLE .body = run_cycle, .count = 2000, .repeats = 5

static const struct run CYCLES[] = {
	{ CYCLE, RAW(SCAN, 1), .how = "lockd, channel, scan", CYCLE_GOAL },
	{ CYCLE, LIB(SCAN, 1), .how = "lockd, libbleherd, scan", CYCLE_GOAL },
	{ CYCLE, RAW(CONNECT, 1), .how = "lockd, channel, connect (1 at once)", CYCLE_GOAL },
	{ CYCLE, LIB(CONNECT, 1), .how = "lockd, libbleherd, connect (2 at once)", CYCLE_GOAL },
	{ CYCLE, BLOCK(1), .how = "C: open, flock, close" },
	{ .body = run_samples,
	  .door = DOOR_NONE,
	  .argv = python,
	  .repeats = 5,
	  .how = "Python: open, flock, close" },
	{ .body = run_command,
	  .door = DOOR_NONE,
	  .argv = FLOCK_1,
	  .count = 50,
	  .repeats = 5,
	  .how = "flock(1) FILE true" },
	{ .body = run_command,
	  .door = DOOR_NONE,
	  .argv = BLEHERD_LOCK,
	  .count = 50,
	  .repeats = 5,
	  .how = "bleherd lock hci0 scan -- true" },
};

#define HANDOFF .body = run_handoff, .count = 300, .repeats = 5, .hold_us = 300

static const struct run HANDOFFS[] = {
	{ HANDOFF, RAW(SCAN, 1), .how = "lockd, channel", HANDOFF_GOAL },
	{ HANDOFF, LIB(SCAN, 1), .how = "lockd, libbleherd", HANDOFF_GOAL },
	{ HANDOFF, BLOCK(1), .how = "flock(2), blocking" },
	{ POLL(POLL_US, 1), .body = run_handoff, .count = 40, .repeats = 1, .hold_us = POLL_US,
	  .is_hold_random = true, .how = "LOCK_NB each 150 ms" },
};

#define SATURATE                                                                                   \
	.body = run_saturate, .clients = 8, .duration_ms = SATURATE_MS, .hold_us = 20000,          \
	.repeats = 1

/* All at once: they hold and wait, so that none takes anything from the others. */
static const struct run SATURATES[] = {
	{ SATURATE, RAW(CONNECT, 2), .how = "lockd, channel", FAIR_GOAL },
	{ SATURATE, LIB(CONNECT, 2), .how = "lockd, libbleherd", FAIR_GOAL },
	{ SATURATE, BLOCK(2), .how = "flock(2), blocking, 4 clients per file" },
	{ SATURATE, POLL(POLL_TENTH_US, 2), .how = "LOCK_NB each 15 ms" },
};

#define KILL .body = run_kill, .count = 200, .repeats = 3

static const struct run KILLS[] = {
	{ KILL, RAW(SCAN, 1), .how = "lockd, channel", KILL_GOAL },
	{ KILL, LIB(SCAN, 1), .how = "lockd, libbleherd", KILL_GOAL },
	{ KILL, BLOCK(1), .how = "flock(2), blocking" },
	{ POLL(POLL_US, 1), .body = run_kill, .count = 20, .repeats = 1, .hold_us = POLL_US,
	  .is_hold_random = true, .how = "LOCK_NB each 150 ms" },
	{ RAW(SCAN, 1), .body = run_outsider, .count = 50, .repeats = 1, .file = SCAN_FILE,
	  .how = "an outsider, to our grant: channel", OUTSIDE_GOAL },
	{ LIB(SCAN, 1), .body = run_outsider, .count = 50, .repeats = 1, .file = SCAN_FILE,
	  .how = "an outsider, to our grant: libbleherd", OUTSIDE_GOAL },
};

/* One holds, the others wait. */
#define RING(waiters)                                                                              \
	.body = run_ring, .clients = (waiters) + 1, .count = 1500, .repeats = 3, .hold_us = 100

static const struct run RINGS[] = {
	{ RING(1), RAW(SCAN, 1), .how = "1 waits: lockd, channel", RING_GOAL },
	{ RING(1), LIB(SCAN, 1), .how = "1 waits: lockd, libbleherd", RING_GOAL },
	{ RING(1), BLOCK(1), .how = "1 waits: flock(2), blocking" },
	{ RING(16), RAW(SCAN, 1), .how = "16 wait: lockd, channel", RING_GOAL },
	{ RING(16), LIB(SCAN, 1), .how = "16 wait: lockd, libbleherd", RING_GOAL },
	{ RING(16), BLOCK(1), .how = "16 wait: flock(2), blocking" },
	{ RING(256), RAW(SCAN, 1), .how = "256 wait: lockd, channel", RING_GOAL },
	{ RING(256), LIB(SCAN, 1), .how = "256 wait: lockd, libbleherd", RING_GOAL },
	{ RING(256), BLOCK(1), .how = "256 wait: flock(2), blocking" },
	{ .body = run_ring,
	  .clients = 257,
	  .count = 1500,
	  .repeats = 1,
	  .hold_us = 100,
	  POLL(POLL_US, 1),
	  .how = "256 wait: LOCK_NB each 150 ms" },
};

static const struct {
	char letter;
	bool is_parallel;
	const char *title;
	const char *unit;
	uint64_t unit_ns;
	int decimals;
	const struct run *rows;
	size_t n_rows;
} SECTIONS[] = {
	{ 'a', false, "a. acquire + release, nobody else wants it", "us", US, 1, CYCLES,
	  ARRAY_LEN(CYCLES) },
	{ 'b', false, "b. hand-off: release by one process to grant in the other", "us", US, 1,
	  HANDOFFS, ARRAY_LEN(HANDOFFS) },
	{ 'c', true,
	  "c. 8 clients saturate 2 slots for 10 s, hold 20 ms: waits (all four at the same time;\n"
	  "   a tenth of real times: the Python programs hold 200 ms and try each 150 ms)",
	  "ms", MS, 3, SATURATES, ARRAY_LEN(SATURATES) },
	{ 'd', false, "d. SIGKILL of the holder to the next grant (scan: clean)", "ms", MS, 3,
	  KILLS, ARRAY_LEN(KILLS) },
	{ 'e', false, "e. hand-off with many processes waiting, hold 0.1 ms, scan", "us", US, 1,
	  RINGS, ARRAY_LEN(RINGS) },
};

/* --- runners --- */

/* A directory of its own for each, but for the daemon's: there, what others did is warm. */
static const char *slot_dir(const struct run *run)
{
	static char path[128];
	static uint32_t number;

	if (run->door == DOOR_LIB)
		return getenv("BLEHERD_LOCK_DIR");
	(void)snprintf(path, sizeof(path), "%s/bench-%u", getenv("BLEHERD_WORLD"), number++);
	if (mkdir(path, 0755) < 0)
		die("%s: %s", path, strerrorname_np(errno));
	return path;
}

static pid_t runner_start(struct run *run)
{
	pid_t pid;

	run->shared = shared_new();
	run->dir = slot_dir(run);
	pid = fork_bound();
	if (pid > 0)
		return pid;
	work_on(run->how);
	(void)alarm(RUNNER_S);
	if (run->door == DOOR_RAW)
		lockd_start(&run->lockd, run->dir, run->slots);
	run->body(run);
	_exit(0);
}

static void runner_end(pid_t pid, struct run *run, struct tally *tally)
{
	if (reap(pid) == 0)
		tally_add(tally, run);
	else
		tally->failed++;
	(void)munmap(run->shared, sizeof(*run->shared));
}

/* Row by row, and again: what changes on the machine meanwhile meets all of them. */
static void run_section(size_t at)
{
	struct tally tallies[ROWS_MAX] = { 0 };
	struct run runs[ROWS_MAX];
	pid_t pids[ROWS_MAX];
	struct result result;
	uint32_t round;
	size_t i;

	assert(SECTIONS[at].n_rows <= ROWS_MAX);
	memcpy(runs, SECTIONS[at].rows, SECTIONS[at].n_rows * sizeof(runs[0]));
	report_section(SECTIONS[at].title, SECTIONS[at].unit, SECTIONS[at].unit_ns,
		       SECTIONS[at].decimals);
	for (round = 0; round < RESULT_RUNS_MAX; round++) {
		for (i = 0; i < SECTIONS[at].n_rows; i++) {
			if (round >= runs[i].repeats || tallies[i].failed > 0)
				continue;
			pids[i] = runner_start(&runs[i]);
			if (!SECTIONS[at].is_parallel)
				runner_end(pids[i], &runs[i], &tallies[i]);
		}
		for (i = 0; SECTIONS[at].is_parallel && i < SECTIONS[at].n_rows; i++)
			if (round < runs[i].repeats)
				runner_end(pids[i], &runs[i], &tallies[i]);
	}
	for (i = 0; i < SECTIONS[at].n_rows; i++) {
		runs[i].section = SECTIONS[at].letter;
		result = tally_result(&tallies[i]);
		report_row(&runs[i], &result);
	}
}

static int usage(void)
{
	(void)fputs("usage: bench-lock [--json FILE] [--only abcde] SCRIPT\n"
		    "In a world, with SCRIPT the path of lock_python.py: see tests/bench/lock.sh\n",
		    stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ 0 },
	};
	const char *json_path = NULL;
	const char *only = "abcde";
	size_t i;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return usage();
		*(opt == 'j' ? &json_path : &only) = optarg;
	}
	if (optind != argc - 1 || !getenv("BLEHERD_WORLD") || !getenv("BLEHERD_LOCK_DIR"))
		return usage();
	python[2] = argv[optind];
	report_begin(json_path);
	for (i = 0; i < ARRAY_LEN(SECTIONS); i++)
		if (strchr(only, SECTIONS[i].letter))
			run_section(i);
	return report_end();
}
