/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/child_process.h - the process behind a child: its start, its channel and page, its
 * signals, its end. Shared by child.c, which decides, and child_process.c; for nobody else.
 */
#include "supervisor/child.h"

struct child {
	sd_event *event;
	struct chan_buf *buf;
	const struct spawn_binaries *binaries;
	const struct child_ops *ops;
	void *ctx;
	const struct backoff_limits *limits;
	uint32_t window_ms;
	char name[48];
	enum child_state state;
	bool is_wanted;
	bool has_said_impossible;
	bool has_told_loop; /* crash_loop() since it was last healthy */
	struct backoff backoff;
	struct watchdog watchdog;
	struct watchdog_op watchdog_op;
	uint32_t deaths;
	uint64_t incarnation;
	sd_event_source *timer;

	/* of the process that runs now */
	pid_t pid;
	bool is_dead; /* its status is known; what it sent may not have been read yet */
	bool has_said_hello;
	uint64_t killed_at_ms; /* SIGKILL was sent first; 0: it was not */
	bool is_unkillable;
	uint64_t started_at_ms;
	enum child_cause cause;
	char lock[CHILD_LOCK_LEN]; /* of CHILD_CAUSE_OVERDUE */
	siginfo_t status;
	uint64_t ready_at_ms; /* 0: not yet */
	int exec_fd;
	struct port *port;
	struct wpage *page;
	sd_event_source *reaper;
	sd_event_source *last_words;
};

/* Errors: errno of the failed step; child_process_drop() then. */
must_check int child_process_start(struct child *child);

/* Nothing happens once it is dead. */
void child_process_signal(struct child *child, int signal);

/*
 * A debugger hears of the death before us, and the descriptor that tells us is asked at that moment
 * only (seen with systemd 252): it is asked once more.
 */
void child_process_look_again(struct child *child);

/* What is known of its death. */
void child_process_obituary(const struct child *child, struct child_obituary *out);

/* Closes and frees all that belonged to it. */
void child_process_drop(struct child *child);

/* child.c: the state machine's way in. */
void child_handle(struct child *child, enum child_event event);

/* Of several reasons for a signal the first one counts. */
static inline void child_process_blame(struct child *child, enum child_cause cause)
{
	if (child->cause == CHILD_CAUSE_NONE)
		child->cause = cause;
}
