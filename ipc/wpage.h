/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/wpage.h - a worker's status page: one 4 KiB memfd per worker, made by the supervisor, sealed
 * against resizing. The worker writes it, the supervisor reads it, also after the worker's death.
 *
 * Two facts that the watchdog needs: the tick (the loop turns) and the operation (what, since when,
 * for how long at most). And what the hand-over of sessions needs: which writes were given to BlueZ
 * and are not known to be answered, and which session's request is being handled just now.
 *
 * Each field is one atomic word, so a worker killed at any instruction leaves a page that is whole.
 * The reader trusts nothing: it copies, clamps and range-checks. Single writer thread; the tick may
 * be read at any time from anywhere.
 */
#include "ipc/base.h"

enum {
	WPAGE_ISSUED_MAX = 128, /* more than a worker has D-Bus calls in flight (DESIGN 6: 96) */
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

/**
 * wpage_create() - make the memfd of a page (supervisor)
 * @incarnation: of the worker that it is for
 * @out_fd:      sealed, caller closes; pass a duplicate to the worker
 * @out_page:    mapped; wpage_unmap() it
 */
must_check int wpage_create(uint64_t incarnation, int *out_fd, struct wpage **out_page);

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

/* Reader: a copy of the page as it is now. */
void wpage_read(const struct wpage *page, struct wpage_view *out_view);
