/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/lockd/rig.h - a lockd in a process of its own with a slot directory of its own; the
 * test is its supervisor and its clients, or starts clients that are processes (agents) and can be
 * killed. Everything waits for events, nothing for time; every wait ends after RIG_WAIT_MS with a
 * failed test. All processes die with the test (PDEATHSIG).
 */
#include "ipc/chan.h"
#include "ipc/lock.pb-c.h"
#include "ipc/locktab.h"
#include "lockd/options.h"
#include "tests/support/doom.h"

#include <sys/resource.h>
#include <sys/types.h>

enum { RIG_WAIT_MS = 10000, RIG_NAMES_MAX = 6, RIG_TOLD_MAX = 64, RIG_DIED = DOOM_DIED };

/* LOCK_DIRTY, LOCK_OVERDUE. */
struct rig_told {
	uint16_t type;
	uint64_t grant;
	uint32_t peer;
	uint32_t pid;
	uint64_t address;
	char adapter[16];
};

struct rig {
	char dir[32];
	int dir_fd;
	int own_fd;	 /* -EBADF: none */
	rlim_t fd_limit; /* of the next lockd; 0: as ours */
	/* The next lockd is killed at its die_at-th system call after it was started; 0: never. */
	unsigned long die_at;
	struct doom doom;
	struct options options; /* of the next lockd; without leases, and nothing foreign */
	pid_t lockd;
	struct chan_buf *buf;
	struct chan *control;
	int table_fd;
	uint32_t next_peer;
	struct rig_told told[RIG_TOLD_MAX]; /* by lockd to its supervisor, not asked for yet */
	size_t n_told;
};

/* What lockd answered. */
struct rig_answer {
	uint16_t type; /* Bh__Lock__Type; 0: end of file */
	uint32_t id;
	uint64_t grant;
	uint32_t waited_ms;
	uint32_t lease_ms; /* GRANTED, RENEWED */
	uint32_t grace_ms; /* REVOKED */
	int reason;	   /* Bh__Lock__Reason of REFUSED, REVOKED; version of HELLO_OK */
	bool is_wanted;	   /* RENEWED */
	char text[128];
	int fds[CHAN_FDS_MAX]; /* in an agent: kept there, here only their number counts */
	size_t n_fds;
};

struct rig_request {
	uint32_t id;
	int class; /* Bh__Lock__Class; 0: none given */
	uint32_t timeout_ms;
	const char *names[RIG_NAMES_MAX]; /* up to NULL */
};

/* Waits for the next frame. False: end of file. */
bool rig_next_frame(struct chan *chan, struct chan_frame *out);

/* For a child that does not exec: closes what it must not have a duplicate of. 0 to 2 stay. */
void rig_keep_only(const int *fds, size_t n);

void rig_start(struct rig *rig, uint32_t connect_slots);
void rig_stop(struct rig *rig);

/* lockd alone, in the same directory: after rig_kill_lockd(), or with other options. */
void rig_start_lockd(struct rig *rig);
void rig_kill_lockd(struct rig *rig);

/* Its exit status after it ended by itself, RIG_DIED at die_at; the directory stays. */
int rig_wait_lockd(struct rig *rig);

/* Control messages. */
void rig_adapter_lost(struct rig *rig, const char *adapter);
void rig_peer_gone(struct rig *rig, uint32_t peer);
void rig_send_stop(struct rig *rig);
void rig_clean(struct rig *rig, uint64_t grant);
/* "hci0 hci2"; @default_adapter may be NULL. */
void rig_adapters(struct rig *rig, const char *names, const char *default_adapter);

/* The next such word of lockd to its supervisor. */
struct rig_told rig_wait_told(struct rig *rig, uint16_t type);

/* A channel into lockd, here in the test. chan_free() it. The last peer's number is next_peer - 1.
 */
struct chan *rig_peer(struct rig *rig, const char *label, bool is_worker);
/* The same with a lockd that may die of it. */
struct chan *rig_peer_unless_dead(struct rig *rig, const char *label);
/* The supervisor is gone: lockd ends. */
void rig_hang_up(struct rig *rig);
/* The same as a bare socket. */
int rig_peer_fd(struct rig *rig, const char *label, bool is_worker);

void rig_acquire(struct chan *chan, const struct rig_request *request);
/* With those fields of ACQUIRE, too. */
void rig_acquire_under(struct chan *chan, const struct rig_request *request, uint32_t max_hold_ms,
		       uint64_t under);
void rig_release(struct chan *chan, uint64_t grant);
void rig_cancel(struct chan *chan, uint32_t id);
void rig_renew(struct chan *chan, uint32_t id, uint64_t grant);
void rig_hello(struct chan *chan, uint32_t id, uint32_t version);
void rig_held(struct chan *chan, uint64_t grant, const char *name, const int *fds, size_t n_fds);
void rig_wait(struct rig *rig, struct chan *chan, struct rig_answer *out);
void rig_close_fds(struct rig_answer *answer);

/* rig_wait(), and it must be that answer to that request. Returns the grant, if it has one. */
uint64_t rig_expect(struct rig *rig, struct chan *chan, Bh__Lock__Type type, uint32_t id);

/*
 * Nothing was sent to that peer: asks for something that is free and gets its answer first, since a
 * channel keeps the order.
 */
void rig_expect_silence(struct rig *rig, struct chan *chan);

/* Reads the table until @is_right says so. */
void rig_wait_table(struct rig *rig, struct locktab_copy *out,
		    bool (*is_right)(const struct locktab_copy *copy));

/* The path of a file in the directory. */
void rig_path(const struct rig *rig, const char *name, char out_path[96]);

/* A client in a process of its own, obeying over pipes. */
struct rig_agent {
	pid_t pid;
	int to;	  /* commands */
	int from; /* answers of lockd */
};

void rig_agent_start(struct rig *rig, struct rig_agent *agent, const char *label);
void rig_agent_acquire(struct rig_agent *agent, uint32_t id, uint32_t timeout_ms, const char *name);
void rig_agent_release(struct rig_agent *agent, uint64_t grant);
uint64_t rig_agent_expect(struct rig_agent *agent, Bh__Lock__Type type, uint32_t id);
/* The same, after whatever else came before it. */
void rig_agent_wait(struct rig_agent *agent, Bh__Lock__Type type, uint32_t id);
void rig_agent_renew(struct rig_agent *agent, uint32_t id, uint64_t grant);
/* A helper with duplicates of all that the agent has; it goes with rig_agent_forget(). */
void rig_agent_fork(struct rig_agent *agent);
/* Its process ends; its pipes stay until rig_agent_forget(). */
void rig_agent_die(struct rig_agent *agent);
void rig_agent_forget(struct rig_agent *agent);
void rig_agent_kill(struct rig_agent *agent);
void rig_agent_signal(struct rig_agent *agent, int signal);

/* A program outside: locks that file with flock(), as Python programs do, and keeps it. */
void rig_outsider_start(struct rig *rig, struct rig_agent *agent, const char *name);

/* Whether a description of our own could lock that file just now. */
bool rig_is_lockable(struct rig *rig, const char *name);

/* Waits until that is so: lockd, when it tries what it cannot have, holds it for an instant. */
void rig_wait_free(struct rig *rig, const char *name);

/* Waits until somebody has it. */
void rig_wait_taken(struct rig *rig, const char *name);
