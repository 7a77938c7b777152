/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/resume.h - the machine has slept: how one sees that, and what follows when.
 *
 * CLOCK_MONOTONIC stands still in a suspend and CLOCK_BOOTTIME does not. So leases, deadlines,
 * rests and the watchdog's windows, which are all in the former, go on where they were; what the
 * world did meanwhile is unknown. Pure: both clocks are passed in. Used by slept.c.
 */
#include "ipc/base.h"

enum {
	RESUME_MIN_MS = 1000, /* less is two clocks read one after the other, late */
	/* The kernel ends links as it goes to sleep, and says so; BlueZ needs a moment to follow.
	 */
	RESUME_LINKS_MS = 2000,
	/* Adapters on USB come back, are set up and hear their peripherals again: 10 s at most. */
	RESUME_LENIENT_MS = 15000,
};

/* Begins zeroed. */
struct resume {
	bool is_begun;
	bool are_links_due;
	uint64_t ahead_ms; /* of BOOTTIME over MONOTONIC, at the last look */
	uint64_t at_ms;	   /* when the last sleep was noticed */
	bool has_slept;
};

/* One look: milliseconds slept since the last one; 0: it did not. */
uint64_t resume_look(struct resume *resume, uint64_t boot_ms, uint64_t now_ms);

/* What fails now says nothing of a device or an adapter. */
bool resume_is_lenient(const struct resume *resume, uint64_t now_ms);

/* True once after each sleep: the kernel is to be asked now which links there are. */
bool resume_links_due(struct resume *resume, uint64_t now_ms);
