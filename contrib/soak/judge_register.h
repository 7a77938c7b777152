/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/judge_register.h - the value of each device, which many write and read at once.
 *
 * The sim's log is the order in which writes arrived: each value has a place in it. Whoever was
 * told that a value is there, by the answer to a write or to a read, proves that from then on
 * nobody may be given an older one. Values are client << 24 | number, each written once. Pure.
 */
#include "contrib/soak/book.h"

struct judge_register;

/* Errors: -ENOMEM. */
must_check int judge_register_new(struct judge_register **out);
struct judge_register *judge_register_free(struct judge_register *reg);

/* A write arrived at a device. Outcomes: false: that one had arrived before. Aborts without memory.
 */
must_check bool judge_register_arrived(struct judge_register *reg, uint16_t device, uint32_t value);

/* Whether it has arrived at that device; BOOK_VALUE_NONE always has. */
bool judge_register_has(const struct judge_register *reg, uint16_t device, uint32_t value);

/* At @at_us (CLOCK_MONOTONIC) somebody knew that @device had @value, which had arrived. */
void judge_register_proved(struct judge_register *reg, uint16_t device, uint32_t value,
			   int64_t at_us);

enum { JUDGE_READ_RIGHT, JUDGE_READ_ODD, JUDGE_READ_STALE };

/**
 * judge_register_read() - may a read that began at @began_us have had @value?
 * @after: a write that was done before it, by the same session; 0: none
 * @out_newer: JUDGE_READ_STALE: a value that was known to be there by then
 */
int judge_register_read(const struct judge_register *reg, uint16_t device, uint32_t value,
			int64_t began_us, uint32_t after, uint32_t *out_newer);
