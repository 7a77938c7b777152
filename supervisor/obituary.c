/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor/obituary.c - what people read about the death of a child.
 */
#include <stdio.h>
#include <string.h>

#include "supervisor/child.h"

static const char *const CAUSES[] = {
	[CHILD_CAUSE_NONE] = "",
	[CHILD_CAUSE_ASKED] = ", asked to stop",
	[CHILD_CAUSE_HUNG] = ", its loop hung",
	[CHILD_CAUSE_LATE] = ", not ready in time",
	[CHILD_CAUSE_BAD] = ", it broke the protocol",
	[CHILD_CAUSE_CLOSED] = ", it closed its channel",
	[CHILD_CAUSE_OVERDUE] = "", /* why() names the adapter */
};

static const char *const CAUSE_NAMES[] = {
	[CHILD_CAUSE_NONE] = "",	   [CHILD_CAUSE_ASKED] = "asked",
	[CHILD_CAUSE_HUNG] = "hung",	   [CHILD_CAUSE_LATE] = "late",
	[CHILD_CAUSE_BAD] = "bad",	   [CHILD_CAUSE_CLOSED] = "closed",
	[CHILD_CAUSE_OVERDUE] = "overdue",
};

/* Any other status is as bad as a signal. */
static const struct {
	int status;
	enum child_weight weight;
	const char *text;
} EXITS[] = {
	{ CHILD_EXIT_DONE, CHILD_WEIGHT_FREE, "exited by itself" },
	{ CHILD_EXIT_ADAPTER_GONE, CHILD_WEIGHT_NONE, "exited: its adapter is gone" },
	{ CHILD_EXIT_INTERNAL, CHILD_WEIGHT_CRASH, "exited: internal error" },
	{ CHILD_EXIT_TEMPORARY, CHILD_WEIGHT_FREE, "exited: temporary failure" },
	{ CHILD_EXIT_CONFIG, CHILD_WEIGHT_PARK, "exited: wrong configuration" },
};

enum child_weight child_obituary_weigh(const struct child_obituary *obituary)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(EXITS); i++)
		if (!obituary->exec_error && !obituary->is_signal &&
		    obituary->status == EXITS[i].status)
			return EXITS[i].weight;
	return CHILD_WEIGHT_CRASH;
}

const char *child_cause_name(enum child_cause cause)
{
	return CAUSE_NAMES[cause];
}

static void why(const struct child_obituary *obituary, char *out, size_t size)
{
	if (obituary->cause == CHILD_CAUSE_OVERDUE)
		(void)snprintf(out, size, ", held the lock of %s too long", obituary->lock);
	else
		(void)snprintf(out, size, "%s", CAUSES[obituary->cause]);
}

void child_obituary_text(const struct child_obituary *obituary, char *out, size_t size)
{
	char cause[64];
	size_t i;

	if (obituary->exec_error) {
		(void)snprintf(out, size, "could not be started: %s",
			       strerror(obituary->exec_error));
		return;
	}
	why(obituary, cause, sizeof(cause));
	if (obituary->is_signal) {
		(void)snprintf(out, size, "killed by SIG%s%s",
			       sigabbrev_np(obituary->status) ? sigabbrev_np(obituary->status)
							      : "?",
			       cause);
		return;
	}
	for (i = 0; i < ARRAY_LEN(EXITS); i++) {
		if (EXITS[i].status != obituary->status)
			continue;
		(void)snprintf(out, size, "%s%s", EXITS[i].text, cause);
		return;
	}
	(void)snprintf(out, size, "exited with status %d%s", obituary->status, cause);
}
