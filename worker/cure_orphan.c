/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/cure_orphan.c - the kernel has a link that BlueZ does not know of: the peripheral does not
 * advertise, and nothing on D-Bus can end it (spec-systems.md 4.1, state 20).
 *
 * BlueZ learns of a link some 30 ms after the kernel: a moment is given to it.
 */
#include "worker/cure.h"

static const struct cure_step STEPS[] = {
	{ .kind = CURE_WAIT, .limit_ms = 500 },
	{ .kind = CURE_END, .limit_ms = 2000 },
};

const struct cure CURE_OF_ORPHAN = {
	.state = DIAGNOSIS_ORPHAN,
	.workaround = WORKAROUND_ORPHAN,
	.steps = STEPS,
	.n_steps = ARRAY_LEN(STEPS),
};
