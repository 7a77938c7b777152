/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/class.h"

#include "ipc/session.pb-c.h"

static_assert((int)CLASS_NOT_FOUND == (int)BH__CLASS__CLASS_NOT_FOUND, "as in session.proto");
static_assert((int)CLASS_GATT_REFUSED == (int)BH__CLASS__CLASS_GATT_REFUSED, "as in session.proto");
static_assert((int)CLASS_LOCK_LOST == (int)BH__CLASS__CLASS_LOCK_LOST, "as in session.proto");
static_assert(CLASS_COUNT == CLASS_LOCK_LOST + 1, "every class has a row");

static const struct {
	const char *name;
	const char *advice;
} TABLE[CLASS_COUNT] = {
	[CLASS_NONE] = { "none", "" },
	[CLASS_NOT_FOUND] = { "not-found",
			      "check that the peripheral is on, in range and advertising" },
	[CLASS_OUT_OF_SLOTS] = { "out-of-slots",
				 "end a link on that adapter or plug in another adapter" },
	[CLASS_BUSY_SAME_DEVICE] = { "busy-same-device",
				     "another program is connecting to that peripheral; try later" },
	[CLASS_BUSY_DISCOVERY] = { "busy-discovery",
				   "the adapter is starting or ending a discovery; try later" },
	[CLASS_ABORTED_LOCAL] = { "aborted-local",
				  "the peripheral did not take the connection; move it closer" },
	[CLASS_ABORTED_REMOTE] = { "aborted-remote",
				   "the peripheral ended the connection; is another host using it?" },
	[CLASS_LINK_LOST] = { "link-lost", "the link broke; connect again" },
	[CLASS_AUTH] = { "auth", "pair with the peripheral first" },
	[CLASS_KEY_MISSING] = { "key-missing",
				"the peripheral forgot the bond; remove it here and pair again" },
	[CLASS_NOT_POWERED] = { "not-powered", "power the adapter: bluetoothctl power on" },
	[CLASS_RFKILL] = { "rfkill", "unblock the radio: rfkill unblock bluetooth" },
	[CLASS_ADAPTER_GONE] = { "adapter-gone",
				 "plug the adapter in; bleherd adapters lists them" },
	[CLASS_BLUEZ_GONE] = { "bluez-gone", "start bluetoothd: systemctl start bluetooth" },
	[CLASS_NO_REPLY] = { "no-reply", "bluetoothd did not answer; is it hanging?" },
	[CLASS_GATT_MISSING] = { "gatt-missing", "bleherd services ADDR lists what there is" },
	[CLASS_GATT_LATE] = { "gatt-late", "the services came too late; try again" },
	[CLASS_GATT_REFUSED] = { "gatt-refused", "the peripheral does not allow that" },
	[CLASS_PHANTOM] = { "phantom", "BlueZ shows a link that the kernel does not have" },
	[CLASS_ZOMBIE] = { "zombie", "the link is up but carries nothing; disconnect it" },
	[CLASS_VALIDATION] = { "validation", "the link did not pass the check that was asked for" },
	[CLASS_LOCK_TIMEOUT] = { "lock-timeout",
				 "bleherd locks shows who holds the adapter; allow more time" },
	[CLASS_CANCELLED] = { "cancelled", "" },
	[CLASS_DEADLINE] = { "deadline", "allow more time: --timeout" },
	[CLASS_INTERRUPTED] = { "interrupted",
				"it may or may not have happened; read the value before writing again" },
	[CLASS_INTERNAL] = { "internal", "see the journal of bleherd" },
	[CLASS_INVALID] = { "invalid", "" },
	[CLASS_NO_DAEMON] = { "no-daemon", "start it: systemctl start bleherd" },
	[CLASS_LIMIT] = { "limit", "close some sessions or subscriptions" },
	[CLASS_LOCK_LOST] = { "lock-lost",
			      "it was held too long, or its adapter went; acquire it again" },
};

enum err_class class_from_wire(int number)
{
	return number >= 0 && number < CLASS_COUNT ? (enum err_class)number : CLASS_INTERNAL;
}

const char *class_name(enum err_class class)
{
	return TABLE[class_from_wire((int)class)].name;
}

const char *class_advice(enum err_class class)
{
	return TABLE[class_from_wire((int)class)].advice;
}
