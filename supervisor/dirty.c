/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/dirty.h"

#include "supervisor/mgmt_codec.h"

static void add_step(struct dirty *dirty, uint64_t address, bool is_random, bool is_guess)
{
	if (dirty->n == DIRTY_STEPS_MAX) {
		dirty->has_failed = true;
		dirty->status = MGMT_STATUS_NO_ANSWER;
		return;
	}
	dirty->steps[dirty->n++] = (struct dirty_step){
		.address = address,
		.is_random = is_random,
		.is_guess = is_guess,
	};
}

void dirty_add(struct dirty *dirty, uint64_t address, enum dirty_type type)
{
	if (type != DIRTY_TYPE_UNKNOWN) {
		add_step(dirty, address, type == DIRTY_RANDOM, false);
		return;
	}
	/* With the wrong type it is another device, which is not connected: no harm done. */
	add_step(dirty, address, true, false);
	add_step(dirty, address, false, true);
}

enum dirty_verdict dirty_next(const struct dirty *dirty)
{
	if (dirty->at < dirty->n)
		return DIRTY_ASK;
	return dirty->has_failed ? DIRTY_KEEP : DIRTY_CLEAN;
}

/* Of an adapter that is off or gone no Connect is pending. */
static bool is_nothing_there(uint8_t status)
{
	return status == MGMT_STATUS_NOT_CONNECTED || status == MGMT_STATUS_NOT_POWERED ||
	       status == MGMT_STATUS_INVALID_INDEX;
}

void dirty_answer(struct dirty *dirty, uint8_t status)
{
	assert(dirty->at < dirty->n);
	dirty->at++;
	if (status == MGMT_STATUS_SUCCESS) {
		dirty->n_cancelled++;
		if (dirty->at < dirty->n && dirty->steps[dirty->at].is_guess)
			dirty->at++;
		return;
	}
	if (is_nothing_there(status))
		return;
	dirty->has_failed = true;
	dirty->status = status;
}
