/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/conductor.h - in the world: starts the clients, lets the plan's faults happen,
 * judges all the time, and writes report.json.
 */
#include "contrib/soak/options.h"

/*
 * Needs the environment of contrib/sim/world. Returns the exit status: 0 all promises held, 1 one
 * was broken, 70 it could not be set up. Blocks: for as long as the run takes.
 */
must_check int conductor_main(const struct options *options);
