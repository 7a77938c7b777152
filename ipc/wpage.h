/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/wpage.h - a child's status page: one 4 KiB memfd per worker, and one for lockd, made by the
 * supervisor, sealed against resizing. The child writes it, the supervisor reads it, also after its
 * death.
 *
 * Two facts that the watchdog needs: the tick (the loop turns) and the operation (what, since when,
 * for how long at most). What the hand-over of sessions needs: which writes were given to BlueZ
 * and are not known to be answered, and which session's request is being handled just now. And what
 * people want to know of a death: the last steps (crumbs), and what the child could say itself
 * (ipc/guard/alarm.h).
 *
 * Each field is one atomic word, so a worker killed at any instruction leaves a page that is whole;
 * a crumb is there once its number is. The reader trusts nothing: it copies, clamps, range-checks
 * and takes printable characters only. Single writer thread; the tick may be read at any time from
 * anywhere.
 */
#include "ipc/base.h"

enum {
	WPAGE_ISSUED_MAX = 128, /* more than a worker has D-Bus calls in flight (DESIGN 6: 96) */
	WPAGE_CRUMBS_MAX = 32,	/* these fill the page */
	WPAGE_CRUMB_LEN = 48,
	WPAGE_FRAMES_MAX = 24,
	WPAGE_OBJECT_LEN = 24,
	WPAGE_WORDS_LEN = 160,
};

/* How a child says that it ends. */
enum wpage_end {
	WPAGE_END_NONE, /* it could not say */
	WPAGE_END_HUNG, /* its own timer: the loop did not turn */
	WPAGE_END_SIGNAL,
	WPAGE_END_ASSERT,
	WPAGE_END_COUNT
};

/* What a worker is busy with, longest first in a list of suspects. */
enum wpage_op {
	WPAGE_OP_NONE,
	WPAGE_OP_CONNECT,
	WPAGE_OP_DISCOVERY,
	WPAGE_OP_GATT,
	WPAGE_OP_LOAD, /* GetManagedObjects */
	WPAGE_OP_COUNT
};

const char *wpage_op_name(enum wpage_op op);

struct wpage;

/* A reader's copy: plain values. */
struct wpage_view {
	uint64_t incarnation;
	uint64_t tick; /* turns of the loop so far */
	uint64_t tick_at_ms;
	enum wpage_op op;
	uint64_t op_started_at_ms;
	uint32_t op_budget_ms;
	uint32_t handling_session; /* 0: none */
	uint32_t handling_id;
	size_t n_issued;
	struct {
		uint32_t session;
		uint32_t id;
	} issued[WPAGE_ISSUED_MAX];
};

/* A reader's copy of what the child leaves for people. */
struct wpage_traces {
	enum wpage_end end;
	char words[WPAGE_WORDS_LEN]; /* of a failed assertion; "" */
	size_t n_crumbs;	     /* oldest first */
	struct {
		uint64_t at_ms; /* CLOCK_MONOTONIC, as the child says */
		char text[WPAGE_CRUMB_LEN];
	} crumbs[WPAGE_CRUMBS_MAX];
	size_t n_frames; /* innermost first */
	struct {
		uint64_t offset;	       /* in that file */
		char object[WPAGE_OBJECT_LEN]; /* "": the role's own binary; "?": unknown */
	} frames[WPAGE_FRAMES_MAX];
};

/**
 * wpage_create() - make the memfd of a page (supervisor)
 * @incarnation: of the child that it is for
 * @window_ms:   for how long its loop may stand still, as the supervisor sees it
 * @out_fd:      sealed, caller closes; pass a duplicate to the worker
 * @out_page:    mapped; wpage_unmap() it
 */
must_check int wpage_create(uint64_t incarnation, uint32_t window_ms, int *out_fd,
			    struct wpage **out_page);

/**
 * wpage_map() - map an inherited page (worker)
 * Errors: -EBADMSG not a page of this build; errno of fstat, mmap.
 */
must_check int wpage_map(int fd, struct wpage **out_page);
struct wpage *wpage_unmap(struct wpage *page);

/* Writer. Never block; a NULL page is fine (a worker run by hand has none). */
void wpage_tick(struct wpage *page, uint64_t now_ms);
void wpage_op_begin(struct wpage *page, enum wpage_op op, uint32_t budget_ms, uint64_t now_ms);
void wpage_op_end(struct wpage *page);
void wpage_handling(struct wpage *page, uint32_t session, uint32_t id);

/**
 * wpage_issue() - note a write before it is given to BlueZ
 * Errors: -ENOBUFS the list is full: do not issue it now.
 */
must_check int wpage_issue(struct wpage *page, uint32_t session, uint32_t id);

/* Forgets it, after its answer was sent. */
void wpage_answered(struct wpage *page, uint32_t session, uint32_t id);

/* Notes a step: cheap (no system call), the last WPAGE_CRUMBS_MAX are kept, long ones are cut. */
void wpage_crumb(struct wpage *page, uint64_t now_ms, const char *format, ...) _printf_(3, 4);

/* 0 without a page. */
uint32_t wpage_window_ms(const struct wpage *page);

/*
 * Last words; async-signal-safe. The first ones stay: an assertion is followed by its SIGABRT.
 * @words: may be NULL
 */
void wpage_end(struct wpage *page, enum wpage_end end, const char *words);
/* @index: of the backtrace, 0 innermost; those beyond the page are left out. */
void wpage_frame(struct wpage *page, size_t index, uint64_t offset, const char *object);

/* Reader: a copy of the page as it is now. */
void wpage_read(const struct wpage *page, struct wpage_view *out_view);

/* Reader: a copy of what it says about its end. The child may still run. */
void wpage_read_traces(const struct wpage *page, struct wpage_traces *out);
