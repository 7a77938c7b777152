/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* ipc/uuid.h - Bluetooth UUIDs: 16 octets in the order in which one writes them. Pure. */
#include "ipc/base.h"

struct uuid {
	uint8_t octets[16];
};

enum { UUID_TEXT_LEN = 36 };

/**
 * uuid_parse() - read a UUID as people and BlueZ write it
 * @text:     4 or 8 hexadecimal digits ("fff3", "0x180f" too), or the full form with dashes
 * @out_uuid: written only on success
 *
 * Errors: -EINVAL not one of the three forms.
 */
must_check int uuid_parse(const char *text, struct uuid *out_uuid);

/* The full form, lower case, NUL-terminated. */
void uuid_format(const struct uuid *uuid, char out_text[UUID_TEXT_LEN + 1]);

/* The short form where there is one ("fff3"), else the full one. */
void uuid_format_short(const struct uuid *uuid, char out_text[UUID_TEXT_LEN + 1]);

bool uuid_equal(const struct uuid *a, const struct uuid *b);
