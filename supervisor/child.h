/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/child.h - one child process: start, readiness, stop, death, restart (child_table.h is
 * its life). What a role adds (arguments, messages, what its death means) comes in through ops.
 *
 * Owns the process, its channel, its status page and the timer. All calls return at once; the ops
 * run from the loop, except spawned(), which may also run inside child_start().
 */
#include <systemd/sd-event.h>
#include <sys/types.h>

#include "ipc/chan.h"
#include "ipc/loop/port.h"
#include "ipc/wpage.h"
#include "supervisor/backoff.h"
#include "supervisor/child_table.h"
#include "supervisor/spawn.h"
#include "supervisor/watchdog.h"

struct child;

enum { CHILD_LOCK_LEN = 16 }; /* name of an adapter */

enum { CHILD_PRIORITY = 0 }; /* of channels: the same as clients', so that nobody starves another */

/* Why a child was sent a signal by us. */
enum child_cause {
	CHILD_CAUSE_NONE,  /* it was not */
	CHILD_CAUSE_ASKED, /* it was to stop */
	CHILD_CAUSE_HUNG,
	CHILD_CAUSE_LATE,    /* not ready in time */
	CHILD_CAUSE_BAD,     /* broke the form, wrong build */
	CHILD_CAUSE_CLOSED,  /* closed its channel and lived on */
	CHILD_CAUSE_OVERDUE, /* did not let go of a lock */
};

/* Exit statuses with a meaning (numbers of sysexits.h); child_obituary_weigh() says which. */
enum {
	CHILD_EXIT_DONE = 0,
	CHILD_EXIT_ADAPTER_GONE = 69,
	CHILD_EXIT_INTERNAL = 70,
	CHILD_EXIT_TEMPORARY = 75,
	CHILD_EXIT_CONFIG = 78
};

/* What a death that nobody asked for means for the child's future. */
enum child_weight {
	CHILD_WEIGHT_NONE,  /* it is no death: what it is for has gone */
	CHILD_WEIGHT_FREE,  /* it is started again, and that is all */
	CHILD_WEIGHT_CRASH, /* it counts towards a crash loop */
	CHILD_WEIGHT_PARK   /* no start would be any better */
};

struct child_obituary {
	pid_t pid;
	bool is_signal;
	int status;	/* signal or exit status */
	int exec_error; /* errno; it never became the role */
	enum child_cause cause;
	char lock[CHILD_LOCK_LEN]; /* CHILD_CAUSE_OVERDUE: of which adapter */
	uint64_t healthy_ms;	   /* how long it was ready */
	uint64_t lived_ms;
	bool has_page;
	struct wpage_view page; /* the last state of its page */
	struct wpage_traces traces;
};

struct child_ops {
	enum spawn_role role;
	const struct port_ops *port; /* its rules get the struct child; closed is child_closed() */
	/* Fills argv[1..]; the strings live in @text. Returns the number of arguments. */
	size_t (*arguments)(struct child *child, void *ctx, const char *argv[SPAWN_ARGS_MAX],
			    char *text, size_t text_size);
	void (*spawned)(struct child *child, void *ctx); /* the channel is there */
	void (*ready)(struct child *child, void *ctx);
	/* It is dead. Whether that counts towards a crash loop. Called before died(). */
	bool (*counts)(struct child *child, void *ctx, const struct child_obituary *obituary);
	/* It dies again and again, and has not been healthy since: once. May be NULL. */
	void (*crash_loop)(struct child *child, void *ctx);
	/* What it does takes too long, and its loop turns. May be NULL. */
	void (*overrun)(struct child *child, void *ctx, enum watchdog_cure cure,
			const struct wpage_view *page);
	/*
	 * It does not die of SIGKILL: a system call holds it. Nothing will come from it; died()
	 * follows if it ever is reaped.
	 */
	void (*unkillable)(struct child *child, void *ctx, const struct child_obituary *obituary);
	/* It is dead; @delay_ms until it starts again, UINT32_MAX: it will not by itself. */
	void (*died)(struct child *child, void *ctx, const struct child_obituary *obituary,
		     uint32_t delay_ms);
};

/**
 * child_new() - a child that is OFF
 * @name:   "worker hci0": copied, for messages
 * @limits: must outlive it
 * @window_ms: how long its loop may stand still
 */
must_check int child_new(struct child **out, sd_event *event, struct chan_buf *buf,
			 const struct spawn_binaries *binaries, const struct child_ops *ops,
			 void *ctx, const char *name, const struct backoff_limits *limits,
			 uint32_t window_ms);

/* Kills what still runs. NULL is fine; returns NULL. */
struct child *child_free(struct child *child);

/* What the role's port_ops name as closed. */
void child_closed(struct port *port, void *ctx, int error);
void *child_owner(const struct child *child); /* the @ctx of child_new() */

void child_start(struct child *child);
void child_stop(struct child *child);

/* Kills it because it does not let go of a lock of @adapter. Nothing happens where none runs. */
void child_overdue(struct child *child, const char *adapter);

/* Rules for HELLO and READY; -EBADMSG for another build, or READY before HELLO. */
must_check int child_on_hello(void *ctx, struct chan_frame *frame, const void *msg);
must_check int child_on_ready(void *ctx, struct chan_frame *frame, const void *msg);

/* A look at the page's tick; call it regularly. */
void child_watch(struct child *child, uint64_t now_ms);

/* NULL when there is no process to talk to. */
struct port *child_port(const struct child *child);
bool child_read_page(const struct child *child, struct wpage_view *out);

/* SIGKILL has had no effect for too long. */
bool child_is_unkillable(const struct child *child);

enum child_state child_state(const struct child *child);
pid_t child_pid(const struct child *child); /* 0: none */
uint64_t child_incarnation(const struct child *child);
uint32_t child_deaths(const struct child *child);
const char *child_name(const struct child *child);

/* What follows from a death; pure. */
enum child_weight child_obituary_weigh(const struct child_obituary *obituary);

/* "hung", "overdue", ...; "" where nobody but itself is the cause. */
const char *child_cause_name(enum child_cause cause);

/* One line: "killed by signal 9", "exit status 78", ... */
void child_obituary_text(const struct child_obituary *obituary, char *out, size_t size);
