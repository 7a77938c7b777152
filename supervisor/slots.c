/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/slots.h"

void slots_refused(struct slots *slots, uint32_t links, uint64_t now_ms)
{
	if (links == 0)
		return;
	slots->learned = links;
	slots->until_ms = now_ms + SLOTS_LEARNED_MS;
}

void slots_shown(struct slots *slots, uint32_t links)
{
	if (slots->learned > 0 && links > slots->learned)
		slots->learned = links;
}

uint32_t slots_limit(const struct slots *slots, uint32_t most, uint64_t now_ms)
{
	uint32_t learned = now_ms < slots->until_ms ? slots->learned : 0;

	if (most == 0 || (learned > 0 && learned < most))
		return learned;
	return most;
}
