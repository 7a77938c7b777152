/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/boot_clock.h - the clock that goes on while the machine sleeps. A file of its own:
 * tests link another one that can be made to jump, since no machine sleeps for them.
 */
#include <stdint.h>

/* CLOCK_BOOTTIME in milliseconds. */
uint64_t boot_clock_ms(void);
