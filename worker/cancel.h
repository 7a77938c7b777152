/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/cancel.h - ends the Connect that a dead program or worker left behind in bluetoothd.
 *
 * Device1.Disconnect does it whoever calls; MGMT Disconnect does not once the controller is
 * connecting: the kernel keeps the command back until the connect has ended by itself
 * (contrib/lab/README.md). Each CONNECT_CANCEL is answered once. Single threaded.
 */
#include "worker/worker.h"

struct cancels;

must_check int cancels_new(struct cancels **out, struct worker *w);
struct cancels *cancels_free(struct cancels *cancels);

/**
 * cancels_begin() - see that no Connect to a device is pending in bluetoothd
 * @id: of the request, for its answer
 *
 * A link that is up, or that this worker is making or ending, is left alone.
 */
void cancels_begin(struct cancels *cancels, uint32_t id, uint64_t addr);
