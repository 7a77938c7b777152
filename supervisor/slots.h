/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/slots.h - how many links fit on an adapter. Nobody says it; a refusal does, though it
 * may have been for a reason of that moment: it is believed for a minute, as by the adapter's
 * worker (worker/room.h). Pure. Used by adapters.c.
 */
#include "ipc/base.h"

enum { SLOTS_LEARNED_MS = 60000 };

/* All 0: nothing is known. */
struct slots {
	uint32_t learned;
	uint64_t until_ms;
};

/* One link was refused while @links were there; 0 says nothing. */
void slots_refused(struct slots *slots, uint32_t links, uint64_t now_ms);

/* @links are there: as many fit. */
void slots_shown(struct slots *slots, uint32_t links);

/* @most: what the configuration says, 0: nothing. Returns 0: not known. */
uint32_t slots_limit(const struct slots *slots, uint32_t most, uint64_t now_ms);
