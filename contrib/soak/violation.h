/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/violation.h - how those that watch a run say that a promise was broken.
 */
#include <stdint.h>

/*
 * @promise: one of the names in report.json: "holders", "owner", "healthy", "flat", ...
 * @at_us:   CLOCK_MONOTONIC, when it was seen
 * @text:    one line; valid inside the call only
 */
typedef void (*soak_violation)(void *ctx, const char *promise, int64_t at_us, const char *text);
