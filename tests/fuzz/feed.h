/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/feed.h - the input of a fuzz target, taken byte by byte as decisions. When it is used
 * up it gives zeros, so that every input means something. Never fails.
 */
#include "ipc/base.h"

/* libFuzzer's way in: each fuzz_X.c has one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
	const uint8_t *at;
	size_t left;
};

uint8_t feed_u8(struct feed *feed);
uint32_t feed_u32(struct feed *feed);

/* 0 to @n - 1. */
uint32_t feed_below(struct feed *feed, uint32_t n);

/* Mostly numbers at which something changes: 0, 1, the largest, an address that exists. */
uint64_t feed_number(struct feed *feed);

/* At most @max bytes as they are. */
size_t feed_bytes(struct feed *feed, size_t max, const uint8_t **out);

/* A word that means something somewhere, or bytes as they are; NUL-terminated. */
void feed_text(struct feed *feed, char *out, size_t size);

/*
 * An invariant of the fuzzed code; kept with NDEBUG, too. What is wrong is found in the stack.
 */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* Reads all of it, so that the sanitizers see whether it may be read. */
void feed_touch(const void *data, size_t len);
