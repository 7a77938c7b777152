/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/sim.h - the demo's hand in the simulated world: faults, and what peripherals saw.
 */
#include "contrib/demo/tally.h"

/**
 * sim_drop() - the link of a peripheral ends, as if it had walked out of range
 *
 * Errors: negative errno: no simulator, no answer in 1 s; -EPROTO it said no.
 * Blocks: until the simulator's answer, 1 s at most.
 */
must_check int sim_drop(uint32_t peripheral);

/* Counts in @tally->arrived what the switch's peripheral has logged. Errors: negative errno. */
must_check int sim_count_writes(struct tally *tally, uint32_t peripheral);
