/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/breaker.h - the circuit of a device's polls: after so many failures in a row they are
 * rarer, until the first success. Pure. Used by keeper_poll.c.
 */
#include "ipc/class.h"

struct breaker_limits {
	uint32_t failures; /* in a row, to open; 0: never */
	uint32_t probe_ms; /* between two polls while it is open, at least */
};

/* Begins zeroed. */
struct breaker {
	uint32_t failures; /* in a row */
	bool is_open;
	enum err_class class; /* of the last failure */
};

enum breaker_news { BREAKER_SAME, BREAKER_OPENED, BREAKER_CLOSED };

/**
 * breaker_note() - what came of a poll
 * @class: CLASS_NONE: it worked. What only says that this machine's Bluetooth is off is not
 * counted.
 * @out_failures: in a row, up to here: with BREAKER_CLOSED those that are over
 */
enum breaker_news breaker_note(struct breaker *breaker, const struct breaker_limits *limits,
			       enum err_class class, uint32_t *out_failures);

/* From the beginning of a poll to that of the next one. */
uint32_t breaker_period_ms(const struct breaker *breaker, const struct breaker_limits *limits,
			   uint32_t interval_ms);
