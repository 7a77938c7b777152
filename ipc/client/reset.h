/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/reset.h - frames that answer RESET_ADAPTER; ctx: the client.
 */
#include "ipc/client/client.h"

int reset_on_victim(void *ctx, struct chan_frame *frame, const void *msg);
int reset_on_step(void *ctx, struct chan_frame *frame, const void *msg);
