/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/cure.h - looking whether a link is stuck (LINK_CHECKING), and curing it (LINK_CURING).
 *
 * Each state of diagnosis.h has its own file, cure_STATE.c: its switch and its steps, the least
 * harmful first. After each step BlueZ and the kernel are asked again; the first one that helped is
 * the last. What was done and what came of it is told to the supervisor, as the event `cured` or
 * `stuck` (worker/stuck.h).
 *
 * Cures run under the lock of the device alone: one that hangs must not hold up other connects.
 * Only a pending connect is cancelled under `connect` too, so that no polite program is in the
 * middle of one.
 */
#include "ipc/control.pb-c.h"
#include "ipc/workarounds.h"
#include "worker/bus.h"
#include "worker/deadline.h"
#include "worker/stuck.h"

enum cure_kind {
	CURE_WAIT,	 /* it may pass by itself */
	CURE_END,	 /* MGMT Disconnect, by the supervisor */
	CURE_DISCONNECT, /* Device1.Disconnect */
	CURE_REMOVE,	 /* Adapter1.RemoveDevice; skipped where that would delete a bond */
};

struct cure_step {
	enum cure_kind kind;
	uint32_t limit_ms;
	bool only_bonded; /* instead of a RemoveDevice that must not be */
};

struct cure {
	enum diagnosis state;
	enum workaround workaround;
	const struct cure_step *steps;
	size_t n_steps;
};

extern const struct cure CURE_OF_PHANTOM;
extern const struct cure CURE_OF_INACTIVE;
extern const struct cure CURE_OF_ORPHAN;
extern const struct cure CURE_OF_PENDING;
extern const struct cure CURE_OF_STALE;
extern const struct cure CURE_OF_DEAD;

struct cure_run {
	const struct cure *cure;      /* NULL: not known yet what it is */
	size_t step;		      /* the next one */
	enum diagnosis_kernel kernel; /* as it last said */
	enum err_class failed;	      /* the attempt that led here */
	bool is_asking;
	bool is_stepping;
	struct bus_call *call;
	struct deadline limit; /* of the question or the step */
	uint64_t began_ms;
	char done[STUCK_DONE_LEN];
};

struct link;

/* What links.c calls once for each link. */
void cure_init(struct link *link);
/* Actions: events SOUND or STUCK follow; CURED or FAILED. */
void cure_check(struct link *link);
void cure_begin(struct link *link);
/* The state is left: nothing of it goes on. */
void cure_stop(struct link *link);

/* --- what the world says meanwhile --- */
void cure_news(struct link *link); /* BlueZ shows it otherwise now */
void cure_kernel(struct link *link, const Bh__Ctl__KernelLink *said);
void cure_link_ended(struct link *link, uint32_t status); /* MGMT Disconnect was answered */
