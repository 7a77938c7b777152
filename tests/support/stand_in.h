/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/stand_in.h - a folder of bleherd's binaries in which one is a stand-in that dies
 * where it is told to (tests/fault/die_at.h), for $BLEHERD_LIBEXEC.
 */
#include "tests/fault/die_at.h"

struct stand_in {
	char folder[64];
	char path[96]; /* of the stand-in */
	struct die_at_page *page;
};

/* @program: "bleherd-worker", ...: the others are what they are. Sets $BLEHERD_LIBEXEC. */
void stand_in_new(struct stand_in *out, const char *program);
void stand_in_free(struct stand_in *stand_in);

/* From now on: whoever makes the @n-th call is killed before it, or after it. */
void stand_in_arm(struct stand_in *stand_in, uint32_t n, bool at_exit);

/* Nobody is any more. True: somebody was. */
bool stand_in_disarm(struct stand_in *stand_in);
