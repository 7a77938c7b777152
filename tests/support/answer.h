/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/answer.h - what `bleherd ... --json` says, as JSON. All fail the check rather than
 * return NULL.
 */
#include <jansson.h>

/* Runs `bleherd ARGS --json`, expects @status; the object that it printed first, the caller's. */
json_t *answer_of(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A member that is a string; lives as long as @object. */
const char *answer_text(const json_t *object, const char *key);
