/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/scan_air.h"

static uint64_t ran_ms(const struct scan_air *air, uint64_t now_ms)
{
	return air->ran_ms + (air->is_on ? now_ms - air->on_ms : 0);
}

void scan_air_on(struct scan_air *air, uint64_t now_ms)
{
	if (air->is_on)
		return;
	air->is_on = true;
	air->on_ms = now_ms;
}

void scan_air_off(struct scan_air *air, uint64_t now_ms)
{
	uint64_t ran = ran_ms(air, now_ms);

	air->is_on = false;
	air->ran_ms = ran < SCAN_AIR_SLICE_MS ? (uint32_t)ran : 0;
	if (air->is_waiting && ran < SCAN_AIR_SLICE_MS)
		return;
	air->is_waiting = true;
	air->since_ms = now_ms;
}

void scan_air_forget(struct scan_air *air)
{
	*air = (struct scan_air){ .owed_ms = air->owed_ms };
}

bool scan_air_is_owed(const struct scan_air *air, uint64_t now_ms)
{
	return air->is_waiting && now_ms - air->since_ms >= air->owed_ms &&
	       ran_ms(air, now_ms) < SCAN_AIR_SLICE_MS;
}

uint32_t scan_air_left_ms(const struct scan_air *air, uint64_t now_ms)
{
	uint64_t ran = ran_ms(air, now_ms);

	return ran < SCAN_AIR_SLICE_MS ? SCAN_AIR_SLICE_MS - (uint32_t)ran : 0;
}
