/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/mgmt_filter.h - a socket filter that lets through only the MGMT events that the
 * supervisor wants. The kernel sends every advert of every adapter to every MGMT socket: unfiltered
 * they would wake us and overflow the socket, and an overflow loses "index removed" silently.
 */
#include "ipc/base.h"

/* Errors: errno of setsockopt.  Works on any datagram-like socket (tests use a Unix pair). */
must_check int mgmt_filter_attach(int fd);
