/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/sim/wire.h - bytes as hexadecimal text, and the same random ones in each run.
 */
#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Blanks between bytes are skipped. */
static inline size_t wire_from_hex(const char *hex, uint8_t *out)
{
	size_t len = 0;
	unsigned byte;
	int used;

	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		out[len++] = (uint8_t)byte;
		hex += used;
	}
	ck_assert_str_eq(hex, "");
	return len;
}

/* @out has room for two characters a byte and the final zero. */
static inline void wire_to_hex(const uint8_t *data, size_t len, char *out)
{
	out[0] = '\0';
	for (size_t i = 0; i < len; i++)
		(void)sprintf(out + 2 * i, "%02x", data[i]);
}

/* The same text without its blanks. */
static inline void wire_squeeze(const char *hex, char *out)
{
	uint8_t bytes[1024] = { 0 };

	wire_to_hex(bytes, wire_from_hex(hex, bytes), out);
}

/* splitmix64. @state begins as anything. */
static inline uint64_t wire_random(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}
