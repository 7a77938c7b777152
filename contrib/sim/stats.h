/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/stats.h - what the world counted, as one JSON object on one line.
 */
#include <stdbool.h>

struct model;

/*
 * Devices that nobody touched are left out, so that a thousand of them fit one packet;
 * @with_devices false: totals and adapters only. malloc'ed; NULL when out of memory.
 */
char *stats_json(struct model *model, bool with_devices);
