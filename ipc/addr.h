/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/addr.h - Bluetooth device addresses as numbers: 48 bits, the first octet as written on top,
 * so that C0:AA:BB:00:00:01 is 0xc0aabb000001. Pure.
 */
#include "ipc/base.h"

enum { ADDR_TEXT_LEN = 17 };

/**
 * addr_parse() - read "C0:AA:BB:00:00:01", upper or lower case, also with '_' as in object paths
 * @text:     exactly 17 characters
 * @out_addr: written only on success
 *
 * Errors: -EINVAL not of that form, or 00:00:00:00:00:00.
 */
must_check int addr_parse(const char *text, uint64_t *out_addr);

/* Upper case with colons, NUL-terminated. */
void addr_format(uint64_t addr, char out_text[ADDR_TEXT_LEN + 1]);

/* As addr_format(), with '_': the way BlueZ names objects. */
void addr_format_path(uint64_t addr, char out_text[ADDR_TEXT_LEN + 1]);
