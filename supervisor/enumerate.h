/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/enumerate.h - which adapters the kernel has: reads the index list and each one's
 * identity when the MGMT socket comes up, follows index events, and reads the list again every
 * minute (an overflow of the socket loses "index removed" silently). Feeds adapters.c, and
 * devices.c with what the kernel says of links.
 */
#include "supervisor/ctx.h"
#include "supervisor/mgmt.h"

extern const struct mgmt_ops ENUMERATE_MGMT_OPS; /* ctx: struct sup */

/* Begins the regular reading; the source is floating. */
must_check int enumerate_start(struct sup *sup);
