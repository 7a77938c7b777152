/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/readiness.h - sd_notify by a datagram of our own: libsystemd's blocks when its reader
 * hangs (measured: after 11 messages). What the socket does not take is lost, and that is all.
 */
#include "ipc/base.h"

/* @state: "READY=1", "WATCHDOG=1", ... Does nothing without $NOTIFY_SOCKET. */
void readiness_tell(const char *state);
