/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/dial.h - a connection to somebody who listens on a SOCK_SEQPACKET socket: rescue that
 * systemd starts, a MGMT that is not the kernel's. Used by mgmt.c and rescue_child.c.
 */
#include "ipc/base.h"

/**
 * dial() - connect
 * @path: of the socket
 *
 * Returns a non-blocking descriptor, the caller's.
 * Errors: -ENAMETOOLONG; errno of socket and connect (-EAGAIN: its backlog is full).  Blocks:
 * never.
 */
must_check int dial(const char *path);
