/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/clock.h - now, in the two clocks that bleherd uses. Deadlines and durations are
 * CLOCK_MONOTONIC milliseconds; what people see is CLOCK_REALTIME. Never blocks, no state.
 */
#include <stdint.h>

uint64_t clock_now_ms(void);
uint64_t clock_now_us(void);
uint64_t clock_wall_ms(void);

/* Milliseconds from @now_ms until @at_ms, 0 if that has passed, never more than UINT32_MAX. */
uint32_t clock_left_ms(uint64_t at_ms, uint64_t now_ms);

/* The duration from @from_ms to @to_ms as a wire value: saturates, 0 if it is negative. */
uint32_t clock_span_ms(uint64_t from_ms, uint64_t to_ms);
