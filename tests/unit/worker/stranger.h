/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* tests/unit/worker/stranger.h - another program on the bus, which knows nothing of bleherd. */
#include "tests/unit/worker/harness.h"

#include <systemd/sd-bus.h>

sd_bus *stranger_open(const struct harness *h);

/* The first adapter's RemoveDevice of HARNESS_DEVICE(0). Blocks until it is done. */
void stranger_removes(const struct harness *h);

/* That device's Connect; it leaves the bus with its end, and the link stays. */
void stranger_connects(const struct harness *h);

/* Its Trusted: BlueZ does not forget it any more. Blocks until it is done. */
void stranger_trusts(const struct harness *h);

/*
 * Its StartNotify of 0xfff4, or StopNotify: meanwhile nobody gets AcquireNotify, and each value is
 * signalled once for each program that called it. Blocks until it is done.
 */
void stranger_notifies(sd_bus *bus, bool is_on);

/*
 * One that leaves the bus before its StartNotify is answered (--gatt-ms): bluetoothd keeps the
 * session. Blocks until the characteristic notifies.
 */
void stranger_leaves_behind(const struct harness *h);

/* Until bluetoothd has said all that it says so far. */
void stranger_pings(sd_bus *bus);

/* The worker has seen that BlueZ shows that device so; of what was not read yet. */
void stranger_shown(struct harness *h, bool is_connected);

/* One that hears what is called on the bus from now on; release with sd_bus_flush_close_unref(). */
sd_bus *stranger_listen(const struct harness *h);

enum { STRANGER_CALLS_LEN = 1024 };
/* What was called of bluetoothd since it was asked last: "Connect ReadValue ". */
void stranger_calls(const struct harness *h, sd_bus *listener, char out[STRANGER_CALLS_LEN]);
