/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/rules.h - what the configuration says of the links to a device, as the supervisor passes
 * it on (DeviceRules in control.proto). Without a word from it nothing lingers and nothing is
 * limited.
 */
#include "ipc/control.pb-c.h"
#include "ipc/uuid.h"

enum { RULES_FIXED_MAX = 16 };

struct rules {
	uint32_t linger_ms;
	uint32_t idle_ms;     /* 0: no limit */
	uint32_t lifetime_ms; /* 0: no limit */
	Bh__Ctl__Notify notify;
	Bh__Ctl__Write write;
	uint32_t silence_ms; /* 0: no limit */
	size_t n_fixed;
	struct uuid fixed[RULES_FIXED_MAX];
};

/* NULL leaves @out as it was; more UUIDs than fit, and odd ones, are left out. */
void rules_take(struct rules *out, const Bh__Ctl__DeviceRules *said);
