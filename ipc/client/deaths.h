/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* ipc/client/deaths.h - frames of the control connection about deaths; ctx: the client. */
#include "ipc/client/client.h"

int deaths_on_death(void *ctx, struct chan_frame *frame, const void *msg);
