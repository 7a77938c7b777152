/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* cli/value.h - a characteristic's value for people and for programs. Pure but for the stream. */
#include "ipc/base.h"

#include <jansson.h>
#include <stdio.h>

/* "01 02  |..|", and as a dump of 16 octets a line where it is longer. */
void value_write(FILE *stream, const uint8_t *value, size_t len);

/* The same on one line, whatever its length. */
void value_write_line(FILE *stream, const uint8_t *value, size_t len);

/* Sets "hex", and "text" where it is one. */
void value_json(json_t *object, const uint8_t *value, size_t len);
