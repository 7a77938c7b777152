/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/symbols.h - the functions behind addresses in one of our own binaries, for people who
 * read a backtrace. A stripped one has none. Used by deaths.c.
 */
#include "ipc/base.h"

enum { SYMBOLS_NAME_LEN = 56 };

struct symbols_place {
	uint64_t offset;	     /* from where the file is loaded */
	char name[SYMBOLS_NAME_LEN]; /* "links_tick+0x1f"; "" if it is in none that is known */
};

/**
 * symbols_resolve() - name addresses
 * @binary_fd: an O_PATH descriptor of the file; stays the caller's
 * @places:    in: offset; out: name
 *
 * What cannot be read leaves all names empty. Blocks: as long as reading a file does, so only where
 * something has died.
 */
void symbols_resolve(int binary_fd, struct symbols_place *places, size_t n);
