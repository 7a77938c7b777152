/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/words.h - text in and out of the command line: numbers, hexadecimal, durations, "did you
 * mean", and making what a peripheral says of itself safe for a terminal. Pure; the locale's
 * LC_CTYPE decides what is printable.
 */
#include "ipc/base.h"

enum {
	WORDS_VALUE_MAX = 512,			 /* a GATT value */
	WORDS_HEX_MAX = WORDS_VALUE_MAX * 3 + 1, /* "01 02 ff", NUL included */
	WORDS_SHORT_LEN = 24,			 /* durations, times of day, NUL included */
};

/**
 * words_parse_hex() - octets as people write them: "0102ff", "01 02 FF", "01:02:ff", "0x0102ff"
 * Errors: -EINVAL a character or half an octet that does not belong; -E2BIG more than @size octets.
 */
must_check int words_parse_hex(const char *text, uint8_t *out, size_t size, size_t *out_len);

/* "2", "0.5", ".25": seconds to milliseconds. Errors: -EINVAL; -ERANGE beyond UINT32_MAX ms. */
must_check int words_parse_seconds(const char *text, uint32_t *out_ms);

/* A decimal number, sign allowed, within @min..@max. Errors: -EINVAL; -ERANGE. */
must_check int words_parse_number(const char *text, long min, long max, long *out);

/* "hci0": the way the kernel names adapters. */
bool words_is_adapter(const char *text);

/**
 * words_suggest() - the word of @list that was probably meant by @word
 * Returns: an element of @list, NULL if none is close. A longer word may be wrong in more places.
 */
const char *words_suggest(const char *word, const char *const *list, size_t n);

/* "01 02 ff"; @out holds 3 × @len + 1. An empty value gives "". */
void words_hex(const uint8_t *value, size_t len, const char *separator, char *out);

/* One character per octet: printable ASCII, the rest as '.'; @out holds @len + 1. */
void words_printable(const uint8_t *value, size_t len, char *out);

/* Is it a text: UTF-8 without control characters, at least one character? */
bool words_is_text(const uint8_t *value, size_t len);

/**
 * words_clean() - copy with everything that is not printable replaced by '?'
 *
 * A peripheral chooses its name: an escape sequence in it must not reach the terminal.
 */
void words_clean(const char *text, char *out, size_t size);

/* Columns that a clean text takes. */
size_t words_width(const char *text);

/* Cuts a clean text to @width columns in place, with '~' as the last where something is lost. */
void words_cut(char *text, size_t width);

/* "340 ms", "2.5 s", "12 s", "3 min", "5 h", "2 d". */
void words_duration(uint64_t ms, char out[WORDS_SHORT_LEN]);

/* Local time of day, "12:03:04.123", of CLOCK_REALTIME milliseconds. */
void words_clock(uint64_t at_ms, char out[WORDS_SHORT_LEN]);
