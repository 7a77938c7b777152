/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/cure_inactive.c - BlueZ and the kernel have the link, and its services never came: a
 * handle that is dead, or a discovery of services that got lost (spec-systems.md 4.1, state 2).
 *
 * The kernel ends it in milliseconds; BlueZ takes 2 s for the same (lab-facts.md).
 */
#include "worker/cure.h"

static const struct cure_step STEPS[] = {
	{ .kind = CURE_END, .limit_ms = 2000 },
	{ .kind = CURE_DISCONNECT, .limit_ms = 5000 },
	{ .kind = CURE_REMOVE, .limit_ms = 5000 },
};

const struct cure CURE_OF_INACTIVE = {
	.state = DIAGNOSIS_INACTIVE,
	.workaround = WORKAROUND_INACTIVE,
	.steps = STEPS,
	.n_steps = ARRAY_LEN(STEPS),
};
