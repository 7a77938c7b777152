/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/dbus_addr.h - D-Bus addresses ("unix:path=/run/x;unix:abstract=y") as socket
 * addresses. Pure. Used by bus_feed.c.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "ipc/base.h"

enum { DBUS_ADDR_OK = 1, DBUS_ADDR_END = 0 };

/**
 * dbus_addr_next() - the next usable address of a list
 * @list: moved on; entries that are no Unix sockets are passed over
 *
 * Outcomes: DBUS_ADDR_OK, DBUS_ADDR_END there is none any more.
 */
must_check int dbus_addr_next(const char **list, struct sockaddr_un *out, socklen_t *out_len);
