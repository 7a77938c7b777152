/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/bench/lock.h - what the parts of bench-lock share: a run (one discipline in one situation),
 * the page through which its processes tell each other instants, and the door, which is what a
 * client does to get a lock in each of the disciplines.
 *
 * A run happens in a process of its own (the runner), which is the parent of its clients and of its
 * lockd; whatever goes wrong there costs that row only. All die with their parent.
 */
#include "ipc/base.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
	LOCK_ENTRIES_MAX = 65536, /* samples of a run */
	LOCK_CLIENTS_MAX = 300,
	LOCK_WAIT_S = 15, /* nothing here takes that long: the run has failed */
};

/* --- one acquisition, as logged by the client that made it --- */

struct lock_entry {
	uint64_t ticket; /* order of asking */
	uint64_t order;	 /* order of being granted */
	uint64_t asked_ns;
	uint64_t granted_ns;
	uint64_t value_ns; /* what the section measures; 0: not a sample */
	uint32_t client;
	uint32_t group; /* only those that ask for the same can overtake each other */
};

/* Shared by the processes of a run. The counters are futexes: shared_set(), shared_wait(). */
struct shared {
	_Atomic uint32_t ready; /* clients that are set to begin */
	_Atomic uint32_t go;
	_Atomic uint32_t asked;
	_Atomic uint32_t held;
	_Atomic uint64_t instant_ns; /* of the release or the kill that the next grant follows */
	_Atomic uint64_t begin_ns;
	_Atomic uint64_t end_ns;
	_Atomic uint64_t tickets;
	_Atomic uint64_t orders;
	_Atomic uint32_t last; /* client that held it last, plus 1 */
	_Atomic uint32_t n;
	pthread_mutex_t asking; /* a ticket is drawn and the request sent in one piece */
	struct lock_entry entries[LOCK_ENTRIES_MAX];
};

/* --- disciplines --- */

enum door_kind {
	DOOR_RAW, /* a channel to a lockd of our own, as a worker has it: lock.proto, no library */
	DOOR_LIB, /* bh_lock_*, through the bleherdd of the world */
	DOOR_FLOCK, /* open, flock(LOCK_EX), close */
	DOOR_POLL,  /* open, flock(LOCK_EX | LOCK_NB), close, sleep: as the Python programs do */
	DOOR_NONE,  /* no door: a program that is started */
};

struct run;

struct door {
	const struct run *run;
	uint32_t client;
	int peer_fd; /* raw: taken over by door_open() */
	struct chan_buf *buf;
	struct chan *chan;
	uint32_t next_id;
	uint64_t grant;
	int fds[4];
	size_t n_fds;
	struct bh_client *bh;
	struct bh_lock *lock;
	bool is_granted;
};

/* In the process that uses it. All of these end the process with a message if they fail. */
void door_open(struct door *door);
void door_ask(struct door *door);
void door_await(struct door *door);
void door_release(struct door *door);

/* The fencing number where there is one, else drawn from the shared page. */
uint64_t door_order(const struct door *door);

/* --- a lockd without a supervisor --- */

struct lockd {
	pid_t pid;
	struct chan_buf *buf;
	struct chan *control;
	uint32_t next_peer;
};

/* Executes BLEHERD_BIN/bleherd-lockd and waits until it is ready. */
void lockd_start(struct lockd *lockd, const char *dir, uint32_t connect_slots);

/* Hands it a channel's end, which stays the caller's. */
void lockd_hand_over(struct lockd *lockd, int fd, pid_t pid);

/* --- runs --- */

struct goal {
	uint64_t median_ns; /* 0: none */
	uint64_t p99_ns;
	uint32_t spread_percent; /* grants of the client with most, of the one with fewest: 103 */
	bool is_fifo;		 /* nobody overtaken */
};

struct run {
	char section;
	const char *how;
	void (*body)(struct run *run);
	enum door_kind door;
	const char *resource; /* for raw, lib */
	const char *file;     /* whose flock it is; the outsider's */
	const char *const *argv;
	uint32_t slots;
	uint32_t clients;
	uint32_t count; /* samples; 0: for duration_ms */
	uint32_t duration_ms;
	uint32_t hold_us;
	bool is_hold_random; /* 0 to hold_us */
	uint32_t poll_us;
	uint32_t repeats;
	struct goal goal;
	/* of the runner */
	const char *dir; /* slot files */
	struct lockd lockd;
	struct shared *shared;
};

/* Each is a body: run in the runner. */
void run_cycle(struct run *run);
void run_command(struct run *run);
void run_samples(struct run *run);
void run_handoff(struct run *run);
void run_ring(struct run *run);
void run_saturate(struct run *run);
void run_kill(struct run *run);
void run_outsider(struct run *run);

/* --- processes, clocks --- */

uint64_t now_ns(void);
void hold(const struct run *run);
void nap_us(uint32_t us);
struct shared *shared_new(void);
void shared_set(_Atomic uint32_t *word, uint32_t value);
void shared_add(_Atomic uint32_t *word);
/* Until it is at least that. */
void shared_wait(_Atomic uint32_t *word, uint32_t at_least);
/* NULL when the log is full. */
struct lock_entry *shared_entry(struct shared *shared);

/* What this process and its children do, for die(). */
void work_on(const char *how);

__attribute__((noreturn)) void die(const char *format, ...) _printf_(1, 2);

/* Like fork(), and the child dies with its parent. */
pid_t fork_bound(void);
/* Exit status; 128 + signal. */
int reap(pid_t pid);
/* A client: @body in a process of its own, with its door open. */
pid_t client_start(struct run *run, uint32_t client,
		   void (*body)(struct run *run, struct door *door));
void client_end(pid_t pid);

/* --- results --- */

enum { RESULT_RUNS_MAX = 9 };

struct result {
	uint32_t runs; /* that went well */
	uint32_t failed;
	uint32_t n;	  /* samples of one run, the median */
	uint64_t best_ns; /* the lowest median of the runs */
	uint64_t median_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
	uint32_t grants; /* from here on: c, e */
	uint32_t fewest;
	uint32_t most;
	uint32_t overtaken;
	uint32_t overtaken_late; /* of them, by who asked a millisecond later or more */
	uint64_t longest_wait_ns;
	uint64_t medians_ns[RESULT_RUNS_MAX]; /* of each run, in the order of time */
	uint64_t p99s_ns[RESULT_RUNS_MAX];
};

struct tally {
	uint32_t failed;
	uint32_t n;
	struct result of[RESULT_RUNS_MAX];
};

void tally_add(struct tally *tally, const struct run *run);
struct result tally_result(const struct tally *tally);

/* The table goes to standard output, the JSON to @json_path if there is one. */
void report_begin(const char *json_path);
/* @decimals: of what is printed in that unit. */
void report_section(const char *title, const char *unit_name, uint64_t unit_ns, int decimals);
void report_row(const struct run *run, const struct result *result);
/* Exit status: 0, or 1 if a row failed or the file could not be written. */
int report_end(void);
