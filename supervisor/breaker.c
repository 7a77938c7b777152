/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/breaker.h"

/* These come and go without the device: when they end, it is polled as ever. */
static bool is_ours(enum err_class class)
{
	static const enum err_class OURS[] = {
		CLASS_NOT_POWERED, CLASS_RFKILL,      CLASS_ADAPTER_GONE,
		CLASS_BLUEZ_GONE,  CLASS_INTERRUPTED, CLASS_CANCELLED,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(OURS); i++)
		if (OURS[i] == class)
			return true;
	return false;
}

enum breaker_news breaker_note(struct breaker *breaker, const struct breaker_limits *limits,
			       enum err_class class, uint32_t *out_failures)
{
	bool was_open = breaker->is_open;

	*out_failures = breaker->failures;
	if (class == CLASS_NONE) {
		*breaker = (struct breaker){ 0 };
		return was_open ? BREAKER_CLOSED : BREAKER_SAME;
	}
	if (is_ours(class))
		return BREAKER_SAME;
	breaker->class = class;
	if (breaker->failures < UINT32_MAX)
		breaker->failures++;
	*out_failures = breaker->failures;
	breaker->is_open |= limits->failures > 0 && breaker->failures >= limits->failures;
	return breaker->is_open && !was_open ? BREAKER_OPENED : BREAKER_SAME;
}

uint32_t breaker_period_ms(const struct breaker *breaker, const struct breaker_limits *limits,
			   uint32_t interval_ms)
{
	if (!breaker->is_open || interval_ms > limits->probe_ms)
		return interval_ms;
	return limits->probe_ms;
}
