/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/cure_pending.c - a connect goes on for nobody: its program died, and bluetoothd does not
 * mind; every other Connect of that peripheral is told InProgress (spec-systems.md 4.1, state 3).
 *
 * Device1.Disconnect ends it whoever calls, within 0.03 s (lab-facts.md); an MGMT Disconnect is
 * kept back by the kernel until the connect has ended by itself.
 */
#include "worker/cure.h"

static const struct cure_step STEPS[] = {
	{ .kind = CURE_DISCONNECT, .limit_ms = 5000 },
};

const struct cure CURE_OF_PENDING = {
	.state = DIAGNOSIS_PENDING,
	.workaround = WORKAROUND_PENDING,
	.steps = STEPS,
	.n_steps = ARRAY_LEN(STEPS),
};
