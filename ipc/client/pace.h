/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* ipc/client/pace.h - how long to wait before trying again. Pure. */
#include <stdint.h>

/**
 * pace_ms() - base × 2^n, at most @most_ms, ±20 % (that of the daemon's backoff.h, F62)
 * @n:    tries that failed since the first pause
 * @dice: any random number
 */
uint32_t pace_ms(uint32_t base_ms, uint32_t n, uint32_t most_ms, uint32_t dice);
