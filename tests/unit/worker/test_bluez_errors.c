/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/bluez_errors.h"

#include <check.h>

Suite *suite_bluez_errors(void);

#define BLUEZ "org.bluez.Error."
#define BUS   "org.freedesktop.DBus.Error."

/* What bluetoothd 5.66 and dbus-daemon were seen to say: reference/lab-facts.md and others. */
static const struct {
	enum bluez_call call;
	const char *name;
	const char *text;
	enum err_class class;
	bool is_busy;
} CASES[] = {
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "le-connection-abort-by-local", CLASS_ABORTED_LOCAL,
	  false },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "br-connection-canceled", CLASS_ABORTED_LOCAL,
	  false },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "br-connection-key-missing", CLASS_KEY_MISSING,
	  false },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "le-connection-concurrent-connection-limit",
	  CLASS_OUT_OF_SLOTS, false },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "Operation already in progress",
	  CLASS_BUSY_SAME_DEVICE, true },
	{ BLUEZ_CALL_CONNECT, BLUEZ "InProgress", "In Progress", CLASS_BUSY_SAME_DEVICE, true },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "Input/output error", CLASS_ABORTED_LOCAL, false },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "something new", CLASS_ABORTED_LOCAL, false },
	{ BLUEZ_CALL_CONNECT, BUS "UnknownObject", "Method \"Connect\" ...", CLASS_NOT_FOUND,
	  false },
	{ BLUEZ_CALL_CONNECT, BUS "NoReply", "Message recipient disconnected", CLASS_NO_REPLY,
	  false },
	{ BLUEZ_CALL_CONNECT, BUS "LimitsExceeded", "The maximum number of pending replies",
	  CLASS_LIMIT, false },
	{ BLUEZ_CALL_OTHER, BUS "ServiceUnknown", "The name org.bluez was not provided",
	  CLASS_BLUEZ_GONE, false },
	{ BLUEZ_CALL_OTHER, BUS "NameHasNoOwner", "Name \"org.bluez\" does not exist",
	  CLASS_BLUEZ_GONE, false },
	{ BLUEZ_CALL_OTHER, BUS "Spawn.ChildExited", "exited with status 1", CLASS_BLUEZ_GONE,
	  false },
	{ BLUEZ_CALL_DISCOVERY, BLUEZ "InProgress", "Operation already in progress",
	  CLASS_BUSY_DISCOVERY, true },
	{ BLUEZ_CALL_DISCOVERY, BLUEZ "NotReady", "Resource Not Ready", CLASS_NOT_POWERED, false },
	{ BLUEZ_CALL_DISCOVERY, BLUEZ "Failed", "No discovery started", CLASS_BUSY_DISCOVERY,
	  false },
	{ BLUEZ_CALL_GATT, BLUEZ "Failed", "Not connected", CLASS_LINK_LOST, false },
	{ BLUEZ_CALL_GATT, BLUEZ "NotConnected", "Not Connected", CLASS_LINK_LOST, false },
	{ BLUEZ_CALL_GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x0e", CLASS_LINK_LOST,
	  false },
	{ BLUEZ_CALL_GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x81",
	  CLASS_GATT_REFUSED, false },
	{ BLUEZ_CALL_GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x05", CLASS_AUTH,
	  false },
	{ BLUEZ_CALL_GATT, BLUEZ "InProgress", "In Progress", CLASS_GATT_REFUSED, true },
	{ BLUEZ_CALL_GATT, BLUEZ "NotPermitted", "Notify acquired", CLASS_GATT_REFUSED, false },
	{ BLUEZ_CALL_GATT, BLUEZ "NotPermitted", "Write not permitted", CLASS_GATT_REFUSED, false },
	{ BLUEZ_CALL_GATT, BLUEZ "NotSupported", "Operation is not supported", CLASS_GATT_REFUSED,
	  false },
	{ BLUEZ_CALL_GATT, BUS "UnknownObject", "", CLASS_GATT_MISSING, false },
	{ BLUEZ_CALL_OTHER, "com.example.Odd", "whatever", CLASS_INTERNAL, false },
	{ BLUEZ_CALL_OTHER, NULL, NULL, CLASS_INTERNAL, false },
};

START_TEST(each_case)
{
	int got = (int)bluez_errors_class(CASES[_i].call, CASES[_i].name, CASES[_i].text);

	ck_assert_msg(got == (int)CASES[_i].class, "case %d (%s): %s instead of %s", _i,
		      CASES[_i].text, class_name((enum err_class)got), class_name(CASES[_i].class));
	ck_assert_int_eq(bluez_errors_is_busy(CASES[_i].name, CASES[_i].text), CASES[_i].is_busy);
}
END_TEST

Suite *suite_bluez_errors(void)
{
	Suite *s = suite_create("bluez_errors");
	TCase *c = tcase_create("table");

	tcase_add_loop_test(c, each_case, 0, (int)ARRAY_LEN(CASES));
	suite_add_tcase(s, c);
	return s;
}
