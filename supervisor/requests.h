/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/requests.h - what programs may ask on the control connection (session.proto), each
 * with exactly one final answer. Used by server.c.
 */
#include "ipc/chan.h"

enum { REQUESTS_RULES_LEN = 18 };
extern const struct chan_rule REQUESTS_RULES[REQUESTS_RULES_LEN]; /* ctx: struct client */
