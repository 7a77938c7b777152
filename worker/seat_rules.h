/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* worker/seat_rules.h - what a program may send on a data socket; seat.c's alone. ctx is the seat.
 */
#include "ipc/chan.h"

enum { SEAT_RULES_LEN = 10 };

extern const struct chan_rule SEAT_RULES[SEAT_RULES_LEN];
