/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* worker/control_rules.h - what the supervisor may say; control.c's alone. ctx is the worker. */
#include "ipc/chan.h"

enum { CONTROL_RULES_LEN = 21 };

extern const struct chan_rule CONTROL_RULES[CONTROL_RULES_LEN];
