/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/device_health.h"

static void count(uint32_t *number)
{
	if (*number < UINT32_MAX)
		++*number;
}

static enum health_state after_failure(const struct device_health *health)
{
	if (health->failures >= HEALTH_UNHEALTHY_AFTER)
		return HEALTH_UNHEALTHY;
	/* One that was marked unhealthy is not better for having failed twice. */
	if (health->failures >= HEALTH_DEGRADED_AFTER && health->state != HEALTH_UNHEALTHY)
		return HEALTH_DEGRADED;
	return health->state;
}

static enum health_state after_success(const struct device_health *health)
{
	if (health->state == HEALTH_UNKNOWN || health->successes >= HEALTH_BACK_AFTER)
		return HEALTH_HEALTHY;
	return health->state;
}

bool device_health_note(struct device_health *health, bool has_worked)
{
	enum health_state before = health->state;

	count(has_worked ? &health->successes : &health->failures);
	*(has_worked ? &health->failures : &health->successes) = 0;
	health->state = has_worked ? after_success(health) : after_failure(health);
	return health->state != before;
}

bool device_health_mark(struct device_health *health, enum health_state state)
{
	bool is_other = health->state != state;

	*health = (struct device_health){ .state = state };
	return is_other;
}

const char *health_state_name(enum health_state state)
{
	switch (state) {
	case HEALTH_UNKNOWN:
		return "unknown";
	case HEALTH_HEALTHY:
		return "healthy";
	case HEALTH_DEGRADED:
		return "degraded";
	case HEALTH_UNHEALTHY:
		return "unhealthy";
	}
	return "";
}
