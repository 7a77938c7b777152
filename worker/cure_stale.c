/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/cure_stale.c - BlueZ knows the peripheral, nothing is connected, and yet its connects fail
 * or show services that are not there (spec-systems.md 4.1, state 13): BlueZ is made to forget it.
 *
 * Only after a failure: before one this is the normal state of whatever was heard. The next attempt
 * waits for an advert, and reads the services anew.
 */
#include "worker/cure.h"

static const struct cure_step STEPS[] = {
	{ .kind = CURE_REMOVE, .limit_ms = 5000 },
};

const struct cure CURE_OF_STALE = {
	.state = DIAGNOSIS_STALE,
	.workaround = WORKAROUND_STALE,
	.steps = STEPS,
	.n_steps = ARRAY_LEN(STEPS),
};
