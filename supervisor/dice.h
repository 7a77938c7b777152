/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/dice.h - random numbers for jitter, which the pure files get passed in.
 */
#include <stdint.h>
#include <sys/random.h>

#include "ipc/clock.h"

/* Never blocks: before the kernel's pool is ready the clock has to do. */
static inline uint32_t dice_throw(void)
{
	uint32_t value;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
		value = (uint32_t)clock_now_us();
	return value;
}
