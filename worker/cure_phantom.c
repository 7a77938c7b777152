/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker/cure_phantom.c - BlueZ shows Connected, and the kernel has no such link; ServicesResolved
 * may be true too, of the cache (spec-systems.md 4.1, state 1).
 *
 * It heals by itself within 2 s where bluetoothd was killed (lab-facts.md), 3 s are allowed as in
 * spec-systems.md 4.11. Disconnect blocked where this was first met, so RemoveDevice comes first;
 * a bond is worth the attempt with Disconnect all the same. Deleting files of BlueZ and resetting
 * the adapter are not done here: the one is not ours, the other costs everybody his links and is
 * the business of the supervisor.
 */
#include "worker/cure.h"

static const struct cure_step STEPS[] = {
	{ .kind = CURE_WAIT, .limit_ms = 3000 },
	{ .kind = CURE_REMOVE, .limit_ms = 5000 },
	{ .kind = CURE_DISCONNECT, .limit_ms = 5000, .only_bonded = true },
};

const struct cure CURE_OF_PHANTOM = {
	.state = DIAGNOSIS_PHANTOM,
	.workaround = WORKAROUND_PHANTOM,
	.steps = STEPS,
	.n_steps = ARRAY_LEN(STEPS),
};
