/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/conductor.h - the demo itself: starts the programs, stages the accidents, shows what
 * happens and judges it at the end.
 */
#include <stdbool.h>

/* Returns the exit status: 0 all promises kept, 1 not, 69 no daemon, 128 + n ended by a signal. */
int conductor_main(bool plain);
