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

/* Exit statuses with a meaning. */
enum { CHILD_EXIT_ADAPTER_GONE = 69, CHILD_EXIT_TEMPORARY = 75, CHILD_EXIT_CONFIG = 78 };

struct child_obituary {
	pid_t pid;
	bool is_signal;
	int status;	/* signal or exit status */
	int exec_error; /* errno; it never became the role */
	enum child_cause cause;
	char lock[CHILD_LOCK_LEN]; /* CHILD_CAUSE_OVERDUE: of which adapter */
	uint64_t healthy_ms;	   /* how long it was ready */
	bool has_page;
	struct wpage_view page; /* the last state of its page */
};

struct child_ops {
	enum spawn_role role;
	bool has_page;
	const struct port_ops *port; /* its rules get the struct child; closed is child_closed() */
	/* Fills argv[1..]; the strings live in @text. Returns the number of arguments. */
	size_t (*arguments)(struct child *child, void *ctx, const char *argv[SPAWN_ARGS_MAX],
			    char *text, size_t text_size);
	void (*spawned)(struct child *child, void *ctx); /* the channel is there */
	void (*ready)(struct child *child, void *ctx);
	/* It is dead. Whether that counts towards a crash loop. Called before died(). */
	bool (*counts)(struct child *child, void *ctx, const struct child_obituary *obituary);
	/* It is dead; @delay_ms until it starts again, UINT32_MAX: it will not by itself. */
	void (*died)(struct child *child, void *ctx, const struct child_obituary *obituary,
		     uint32_t delay_ms);
};

/**
 * child_new() - a child that is OFF
 * @name:   "worker hci0": copied, for messages
 * @limits: must outlive it
 */
must_check int child_new(struct child **out, sd_event *event, struct chan_buf *buf,
			 const struct spawn_binaries *binaries, const struct child_ops *ops,
			 void *ctx, const char *name, const struct backoff_limits *limits);

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
void child_watch(struct child *child, uint64_t now_ms, uint32_t window_ms);

/* NULL when there is no process to talk to. */
struct port *child_port(const struct child *child);
bool child_read_page(const struct child *child, struct wpage_view *out);

enum child_state child_state(const struct child *child);
pid_t child_pid(const struct child *child); /* 0: none */
uint64_t child_incarnation(const struct child *child);
uint32_t child_deaths(const struct child *child);
const char *child_name(const struct child *child);

/* One line: "killed by signal 9", "exit status 78", ... */
void child_obituary_text(const struct child_obituary *obituary, char *out, size_t size);
