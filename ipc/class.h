/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/class.h - why something failed: one enum. The numbers are those of bh.Class in session.proto
 * (errors_table.c checks that and has the table behind the functions). Pure.
 */
#include "ipc/base.h"

enum err_class {
	CLASS_NONE,
	CLASS_NOT_FOUND,
	CLASS_OUT_OF_SLOTS,
	CLASS_BUSY_SAME_DEVICE,
	CLASS_BUSY_DISCOVERY,
	CLASS_ABORTED_LOCAL,
	CLASS_ABORTED_REMOTE,
	CLASS_LINK_LOST,
	CLASS_AUTH,
	CLASS_KEY_MISSING,
	CLASS_NOT_POWERED,
	CLASS_RFKILL,
	CLASS_ADAPTER_GONE,
	CLASS_BLUEZ_GONE,
	CLASS_NO_REPLY,
	CLASS_GATT_MISSING,
	CLASS_GATT_LATE,
	CLASS_GATT_REFUSED,
	CLASS_PHANTOM,
	CLASS_ZOMBIE,
	CLASS_VALIDATION,
	CLASS_LOCK_TIMEOUT,
	CLASS_CANCELLED,
	CLASS_DEADLINE,
	CLASS_INTERRUPTED,
	CLASS_INTERNAL,
	CLASS_INVALID,
	CLASS_NO_DAEMON,
	CLASS_LIMIT,
	CLASS_LOCK_LOST,
	CLASS_DENIED,
	CLASS_COUNT
};

/* "not-found", "out-of-slots", ...; a number out of range reads "internal". */
const char *class_name(enum err_class class);

/* One line for a person: what to do about it. "" where nothing helps. */
const char *class_advice(enum err_class class);

/* A number from the wire as ours: what is out of range becomes CLASS_INTERNAL. */
enum err_class class_from_wire(int number);
