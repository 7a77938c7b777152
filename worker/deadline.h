/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/deadline.h - all deadlines of a worker on one timer.
 *
 * DESIGN 12: a timer per D-Bus call costs six timerfd_settime a cycle. Here a deadline is a node in
 * a sorted list, and the timer is moved only when an earlier one comes; one that was cleared leaves
 * it where it is (it fires once for nothing). Setting is cheap when the new one is the latest,
 * which is the rule. Nodes belong to their owners; nothing is allocated. Single threaded.
 */
#include "ipc/base.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>

struct deadlines;

struct deadline {
	TAILQ_ENTRY(deadline) entry;
	uint64_t at_ms;
	bool is_set;
	void (*fire)(struct deadline *deadline); /* it is no longer set then; may set it again */
};

must_check int deadlines_new(struct deadlines **out, sd_event *event);
struct deadlines *deadlines_free(struct deadlines *deadlines);

/* Sets or moves. @fire must have been filled in. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t at_ms);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);
