/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* ipc/client/scan.h - the ends of scans, for client.c. */
#include "ipc/bleherd.h"

/* The client is being freed: @done gets `cancelled`. */
void scan_discard(struct bh_scan *scan);

void scan_mute_all(struct bh_scan *list);
void scan_free_all(struct bh_scan *list);
