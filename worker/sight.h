/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/sight.h - what the supervisor learns of devices: only what changed, in batches, at most
 * every SIGHT_EVERY_MS. A device that changes ten times in between is told once.
 */
#include "worker/worker.h"

enum { SIGHT_EVERY_MS = 200, SIGHT_REFRESH_MS = 2000, SIGHT_RSSI_STEP_DB = 3 };

must_check int sight_new(struct sight **out, struct worker *w);
struct sight *sight_free(struct sight *sight);

void sight_device(struct sight *sight, struct device *device, unsigned changes);
void sight_device_gone(struct sight *sight, struct device *device);

/* Sends now what there is. */
void sight_flush(struct sight *sight);
