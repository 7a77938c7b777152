/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/power_up.h - an adapter that has no power is switched on by MGMT, where somebody wants
 * it: a session is there, or waits and has no other adapter. Without that a controller that lost
 * its power (a hiccup, bluetoothd's AutoEnable off) stays off until a person comes. The switch is
 * `power` of [workarounds]. Called by the watchdog pass.
 */
#include "ipc/class.h"
#include "supervisor/ctx.h"

/* Whoever switched it off twice in a minute means it; what cannot be mended is not asked often. */
enum { POWER_UP_REST_MS = 60000 };

/* Of an adapter; begins zeroed. */
struct power_up {
	uint64_t tried_at_ms; /* 0: never */
	enum err_class told;  /* by the event `stuck`; CLASS_NONE: nothing */
};

/* What is known of the adapter. */
struct power_up_view {
	bool is_on; /* as the kernel says */
	bool is_resetting;
	bool is_wanted;
	enum err_class trouble; /* as of adapter_trouble() */
};

/* Whether it is to be switched on now. Pure. */
bool power_up_is_due(const struct power_up *power_up, const struct power_up_view *view,
		     uint64_t now_ms);

/* What an answer to Set Powered means: CLASS_NONE, or why the adapter stays off. Pure. */
enum err_class power_up_class(uint8_t status);

/* A look at all adapters. */
void power_up_watch(struct sup *sup);
