/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* supervisor/device_log.h - what is known of how a device has been. */
#include "ipc/class.h"
#include "supervisor/ctx.h"

/* A poll of that device worked (CLASS_NONE) or failed. */
void device_log_check(struct sup *sup, uint64_t address, enum err_class class);
