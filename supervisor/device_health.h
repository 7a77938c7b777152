/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/device_health.h - how well a device answers, from what came of connects and polls.
 * Pure. The numbers are those of bh.Health. Used by device_log.c.
 */
#include "ipc/base.h"

enum health_state { HEALTH_UNKNOWN = 1, HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY };

/* In a row (spec-systems.md F63). */
enum { HEALTH_DEGRADED_AFTER = 2, HEALTH_UNHEALTHY_AFTER = 5, HEALTH_BACK_AFTER = 3 };

struct device_health {
	enum health_state state;
	uint32_t failures; /* in a row */
	uint32_t successes;
};

#define DEVICE_HEALTH_INIT ((struct device_health){ .state = HEALTH_UNKNOWN })

/* Whether the state is another one now. */
bool device_health_note(struct device_health *health, bool has_worked);

/* A person says so; what follows counts from there. Whether the state is another one now. */
bool device_health_mark(struct device_health *health, enum health_state state);

/* "unknown", "healthy", ... */
const char *health_state_name(enum health_state state);
