/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/workarounds.h - the switches of [workarounds]: one per state in which BlueZ or the kernel can
 * be stuck, as bits 1 << n of the number that the supervisor hands a worker (--workarounds). The
 * day BlueZ is mended, a row goes and its file in worker/ or supervisor/ with it.
 */
#include "ipc/base.h"

enum workaround {
	WORKAROUND_PHANTOM,
	WORKAROUND_INACTIVE,
	WORKAROUND_ORPHAN,
	WORKAROUND_PENDING,
	WORKAROUND_STALE,
	WORKAROUND_DEAD,
	WORKAROUND_POWER,	  /* the supervisor's: no link is stuck */
	WORKAROUND_REMOVE_BONDED, /* RemoveDevice may delete a bond */
	WORKAROUND_COUNT
};

#define WORKAROUND_BIT(which) (1u << WORKAROUND_##which)
/* All but the one that costs something that cannot be had back. */
#define WORKAROUNDS_DEFAULT ((1u << WORKAROUND_REMOVE_BONDED) - 1)

/*
 * How long a link may be up without the services that it should have: the waits of 2, 4 and 8 s
 * after which a slow peripheral's services are given up (reference/spec-systems.md 4.4).
 */
enum { GATT_LATE_MS = 2000 + 4000 + 8000 };
