/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/clock.h"

#include <time.h>

static uint64_t read_us(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_now_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_now_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000u;
}

uint64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000u;
}

uint32_t clock_left_ms(uint64_t at_ms, uint64_t now_ms)
{
	return clock_span_ms(now_ms, at_ms);
}

uint32_t clock_span_ms(uint64_t from_ms, uint64_t to_ms)
{
	if (to_ms <= from_ms)
		return 0;
	return to_ms - from_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)(to_ms - from_ms);
}
