/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/rules_wire.h - what the configuration says of a device, as a worker is told.
 */
#include "ipc/control.pb-c.h"
#include "supervisor/ctx.h"
#include "supervisor/device_rules.h"

/* Points into itself: not to be copied. */
struct rules_wire {
	Bh__Ctl__DeviceRules msg;
	struct device_rule rule;
	ProtobufCBinaryData fixed[DEVICE_RULES_FIXED_MAX];
};

void rules_wire_fill(struct rules_wire *out, struct sup *sup, uint64_t address);
