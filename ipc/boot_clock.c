/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/boot_clock.h"

#include <time.h>

uint64_t boot_clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
