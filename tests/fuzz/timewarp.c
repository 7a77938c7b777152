/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/timewarp.h"

#include <sys/syscall.h>
#include <time.h>

enum { BEGIN_S = 100000 };

static uint64_t passed_ms;

void timewarp_reset(void)
{
	passed_ms = 0;
}

void timewarp_pass(uint64_t ms)
{
	passed_ms += ms;
}

/* In place of libc's, also for shared libraries. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *out)
{
	if (id != CLOCK_MONOTONIC && id != CLOCK_BOOTTIME && id != CLOCK_BOOTTIME_ALARM)
		return (int)syscall(SYS_clock_gettime, id, out);
	out->tv_sec = BEGIN_S + (time_t)(passed_ms / 1000);
	out->tv_nsec = (long)(passed_ms % 1000) * 1000000;
	return 0;
}
