/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/escalation.h"

#include "supervisor/backoff.h"

enum {
	NEVER = 0,
	ATTEMPT_MIN_MS = 300, /* a retry with less than that left cannot succeed */
};

/*
 * Multiples of the base delay, NEVER where trying again cannot help. A slot or a radio that is
 * taken frees slowly; a peripheral that missed a connect request usually takes the next one.
 */
static const uint8_t PATIENCE[CLASS_COUNT] = {
	[CLASS_NONE] = NEVER,	      [CLASS_NOT_FOUND] = 2,	   [CLASS_OUT_OF_SLOTS] = 4,
	[CLASS_BUSY_SAME_DEVICE] = 2, [CLASS_BUSY_DISCOVERY] = 1,  [CLASS_ABORTED_LOCAL] = 1,
	[CLASS_ABORTED_REMOTE] = 2,   [CLASS_LINK_LOST] = 1,	   [CLASS_AUTH] = NEVER,
	[CLASS_KEY_MISSING] = NEVER,  [CLASS_NOT_POWERED] = NEVER, [CLASS_RFKILL] = NEVER,
	[CLASS_ADAPTER_GONE] = NEVER, [CLASS_BLUEZ_GONE] = 4,	   [CLASS_NO_REPLY] = 4,
	[CLASS_GATT_MISSING] = NEVER, [CLASS_GATT_LATE] = 1,	   [CLASS_GATT_REFUSED] = NEVER,
	[CLASS_PHANTOM] = 2,	      [CLASS_ZOMBIE] = 1,	   [CLASS_VALIDATION] = 1,
	[CLASS_LOCK_TIMEOUT] = NEVER, [CLASS_CANCELLED] = NEVER,   [CLASS_DEADLINE] = NEVER,
	[CLASS_INTERRUPTED] = 1,      [CLASS_INTERNAL] = 2,	   [CLASS_INVALID] = NEVER,
	[CLASS_NO_DAEMON] = NEVER,    [CLASS_LIMIT] = NEVER,	   [CLASS_LOCK_LOST] = 1,
};

int escalation_next(const struct escalation_failure *failure,
		    const struct escalation_limits *limits, uint32_t dice, uint32_t *out_delay_ms)
{
	uint32_t patience = failure->class < CLASS_COUNT ? PATIENCE[failure->class] : NEVER;
	uint64_t delay_ms = (uint64_t)patience * limits->base_ms;
	uint32_t i;

	if (patience == NEVER || failure->attempt == 0 || failure->attempt >= limits->attempts)
		return ESCALATION_GIVE_UP;
	for (i = 1; i < failure->attempt && delay_ms < limits->max_ms; i++)
		delay_ms *= 2;
	if (delay_ms > limits->max_ms)
		delay_ms = limits->max_ms;
	delay_ms = backoff_jitter((uint32_t)delay_ms, dice);
	if (delay_ms > limits->max_ms)
		delay_ms = limits->max_ms;
	if (delay_ms + ATTEMPT_MIN_MS > failure->left_ms)
		return ESCALATION_GIVE_UP;
	*out_delay_ms = (uint32_t)delay_ms;
	return ESCALATION_RETRY;
}
