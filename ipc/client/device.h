/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/client/device.h - frames of the control connection that say how devices are, and who uses
 * them; ctx: the client. A frame whose id is not open is dropped.
 */
#include "ipc/client/client.h"

int device_on_info(void *ctx, struct chan_frame *frame, const void *msg);
int device_on_history(void *ctx, struct chan_frame *frame, const void *msg);
int device_on_distribution(void *ctx, struct chan_frame *frame, const void *msg);
int device_on_session(void *ctx, struct chan_frame *frame, const void *msg);

/* What is in the request for them. */
void device_item(struct request *request, const struct bh_device *device);

/* "disconnected", ...; "" for a number that is none. */
const char *device_state_name(int state);

struct bh_distribution device_distribution(const Bh__Distribution *wire);
