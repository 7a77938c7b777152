/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/privileges.h - what the supervisor keeps once its doors are open: CAP_NET_ADMIN (the
 * MGMT socket) and CAP_NET_RAW (HCI's list of links), as far as it has them.
 */
#include "ipc/base.h"

/**
 * privileges_drop() - give up everything else
 *
 * The user is the unit's business (User=, AmbientCapabilities=). Started as root it stays uid 0,
 * and what it starts as bleherd-rescue, where systemd does not, is root again: who starts it so
 * wants resets to work. Otherwise no program that it starts ever has more than it (no_new_privs).
 *
 * Errors: errno of the kernel, -EPERM if some capability is left.  Blocks: never.
 */
must_check int privileges_drop(void);
