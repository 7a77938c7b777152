/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/pace.h"

uint32_t pace_ms(uint32_t base_ms, uint32_t n, uint32_t most_ms, uint32_t dice)
{
	enum { LEAST_PERMILLE = 800, SPAN_PERMILLE = 401, DOUBLINGS_MAX = 31 };
	uint64_t pause_ms = (uint64_t)base_ms << (n < DOUBLINGS_MAX ? n : DOUBLINGS_MAX);

	if (pause_ms > most_ms)
		pause_ms = most_ms;
	pause_ms = pause_ms * (LEAST_PERMILLE + dice % SPAN_PERMILLE) / 1000;
	return pause_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)pause_ms;
}
