/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/timewarp.h - time is the input's: clock_gettime() of this program, libsystemd's calls
 * included, tells a CLOCK_MONOTONIC and a CLOCK_BOOTTIME that stand still until they are told to go
 * on. Timers of an sd-event loop are due by them at its next turn. The wall clock is the real one,
 * libFuzzer measures with it.
 */
#include "ipc/base.h"

/* Back to where every input begins. */
void timewarp_reset(void);
void timewarp_pass(uint64_t ms);
