/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/cure_dead.c - BlueZ and the kernel have the link, and the peripheral does not answer; or a
 * disconnect is under way and does not come to its end (lab-facts.md, "dead but listed link").
 *
 * Where the controller forgot the link MGMT Disconnect ends it in 13 ms. Where it never says that
 * the link is down, nothing here helps but a power cycle, which is the business of the supervisor;
 * RemoveDevice would hang there, and discovery with it.
 */
#include "worker/cure.h"

static const struct cure_step STEPS[] = {
	{ .kind = CURE_END, .limit_ms = 2000 },
	{ .kind = CURE_DISCONNECT, .limit_ms = 5000 },
};

const struct cure CURE_OF_DEAD = {
	.state = DIAGNOSIS_DEAD,
	.workaround = WORKAROUND_DEAD,
	.steps = STEPS,
	.n_steps = ARRAY_LEN(STEPS),
};
