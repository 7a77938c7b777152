/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/silence.h - the watchdog of a discovery that runs and hears nothing. Pure.
 *
 * Only time in which discovery runs counts, and only an advert with data is a sign of life: an
 * adapter that reports empty ones has been seen to have failed (reference/bluetooth-stack.md 3.5).
 * The first time discovery is restarted, the second time the supervisor is told too: evidence, not
 * a verdict, since there may be nothing to hear. Each report doubles the patience.
 */
#include "ipc/base.h"

/* FIRST: Home Assistant's limit, half of the time after which BlueZ forgets (3.5, 9). */
enum { SILENCE_FIRST_MS = 90000, SILENCE_MAX_MS = 3600000 };

enum silence_step {
	SILENCE_NONE,
	SILENCE_RESTART, /* discovery */
	SILENCE_REPORT,	 /* and restart it */
};

struct silence {
	uint32_t first_ms; /* SILENCE_FIRST_MS but in tests */
	uint32_t limit_ms;
	uint64_t silent_ms; /* in earlier runs */
	uint64_t began_ms;  /* of this run */
	bool is_running;
	bool is_restarted; /* once since the last sign of life */
};

void silence_init(struct silence *silence, uint32_t first_ms);
void silence_begin(struct silence *silence, uint64_t now_ms);
void silence_end(struct silence *silence, uint64_t now_ms);
void silence_heard(struct silence *silence, uint64_t now_ms);

/* For how long it has run without a sign of life. */
uint64_t silence_ms(const struct silence *silence, uint64_t now_ms);

/* When to ask silence_due(), while it runs. */
uint64_t silence_due_at_ms(const struct silence *silence);
enum silence_step silence_due(struct silence *silence, uint64_t now_ms);
