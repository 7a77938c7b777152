/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/bluez_errors.h - what BlueZ and the bus answer, as our classes. Pure: one table.
 *
 * The texts are those of bluetoothd 5.66 to 5.87 (reference/bluetooth-stack.md 1.4, 1.5 and 7,
 * reference/lab-facts.md). The same name and text can mean different things for different calls
 * ("In Progress" of Connect and of ReadValue), so the caller says what it asked for.
 */
#include "ipc/class.h"

enum bluez_call {
	BLUEZ_CALL_OTHER,
	BLUEZ_CALL_CONNECT,
	BLUEZ_CALL_DISCOVERY,
	BLUEZ_CALL_GATT,
};

/**
 * bluez_errors_class() - why a call failed
 * @call: what was asked for
 * @name: D-Bus error name; NULL reads as an unknown one
 * @text: its message; NULL reads as ""
 */
enum err_class bluez_errors_class(enum bluez_call call, const char *name, const char *text);

/* Whether it says "somebody is just doing that": the same call may work a moment later. */
bool bluez_errors_is_busy(const char *name, const char *text);
