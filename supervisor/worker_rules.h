/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/worker_rules.h - what a worker may say, and what comes of it. Used by worker_child.c.
 */
#include "supervisor/adapters.h"
#include "supervisor/events.h"

enum { WORKER_RULES_LEN = 19 };
extern const struct chan_rule WORKER_RULES[WORKER_RULES_LEN]; /* ctx: struct child of an adapter */

/* An event of that kind about that adapter. */
struct event worker_event(const struct adapter *adapter, enum event_kind kind);
