/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/lockd/slotq_model.h - slotq beside a naive model that sorts all waiters anew for each
 * pass and counts by hand. Whoever uses it throws the dice: test_slotq.c, tests/fuzz/fuzz_slotq.c.
 * What does not agree is told on stderr, and aborts.
 */
#include "lockd/slotq.h"

enum { SLOTQ_MODEL_ENTRIES = 48, SLOTQ_MODEL_AGE_MS = 50 };

extern const struct resource_counts SLOTQ_MODEL_COUNTS;

/* A number below @sides. */
typedef uint32_t (*slotq_model_dice)(uint32_t sides);

/* Both are empty: @q is new, of SLOTQ_MODEL_ENTRIES, SLOTQ_MODEL_AGE_MS, SLOTQ_MODEL_COUNTS. */
void slotq_model_begin(slotq_model_dice dice);

/* One operation, and a pass. */
void slotq_model_step(struct slotq *q);

/* Compares what lists show. */
void slotq_model_look(struct slotq *q);
