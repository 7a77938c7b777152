/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/orphans.h - links that a dead worker left. BlueZ keeps them; whoever wants one has it
 * adopted by the next worker within milliseconds. One that lingered when its worker died nobody
 * wants: it would take a place of the controller for ever.
 */
#include "supervisor/adapters.h"

struct orphans;

must_check int orphans_new(struct orphans **out, struct sup *sup);
struct orphans *orphans_free(struct orphans *orphans);

/* Its worker died while it was up. */
void orphans_left(struct orphans *orphans, const struct adapter *adapter, uint64_t address);
/* It has somebody again, or is gone. */
void orphans_settled(struct orphans *orphans, const struct adapter *adapter, uint64_t address);
/* The next worker is there: what it does not adopt soon is ended. */
void orphans_worker_ready(struct orphans *orphans);
