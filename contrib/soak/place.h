/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/place.h - where the soak's files are: in the repository that the binary was built
 * in, or where `make install` put them (PREFIX/share/bleherd).
 */
#include "ipc/base.h"

enum { PLACE_LEN = 4096 };

/* @name: as in the repository below contrib/, "soak/outsider.py". Errors: -ENOENT; -ENAMETOOLONG.
 */
must_check int place_find(const char *name, char out[PLACE_LEN]);

/* The binary that this is. Errors: negative errno. */
must_check int place_self(char out[PLACE_LEN]);

/* Puts a file there, whole or not at all: whoever looks at the old one meanwhile has that. Errors:
 * negative errno. */
must_check int place_write(const char *path, const char *text, size_t len_bytes);
