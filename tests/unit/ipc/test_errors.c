/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every text that reference/bluetooth-stack.md (1.4 to 1.6, 1.7, 7), spec-systems.md (4) and
 * lab-facts.md know, as what bluetoothd, the kernel or a proxy says, and the class it gets.
 */
#include "ipc/errors_table.h"
#include "tests/support/runner.h"

#include <stdio.h>
#include <string.h>

#define BLUEZ "org.bluez.Error."
#define BUS   "org.freedesktop.DBus.Error."

#define CONNECT	  ERRORS_CALL_CONNECT
#define DISCOVERY ERRORS_CALL_DISCOVERY
#define GATT	  ERRORS_CALL_GATT
#define OTHER	  ERRORS_CALL_OTHER

static const struct {
	enum errors_call call;
	const char *name;
	const char *text;
	enum err_class class;
	bool is_busy;
} DBUS[] = {
	/* Connect */
	{ CONNECT, BLUEZ "Failed", "le-connection-abort-by-local", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-abort-by-remote", CLASS_ABORTED_REMOTE, false },
	{ CONNECT, BLUEZ "Failed", "br-connection-canceled", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "Failed", "br-connection-key-missing", CLASS_KEY_MISSING, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-key-missing", CLASS_KEY_MISSING, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-invalid-arguments", CLASS_INTERNAL, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-adapter-not-powered", CLASS_NOT_POWERED, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-not-supported", CLASS_INVALID, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-already-connected", CLASS_BUSY_SAME_DEVICE,
	  false },
	{ CONNECT, BLUEZ "Failed", "le-connection-bad-socket", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-memory-allocation", CLASS_OUT_OF_SLOTS, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-busy", CLASS_BUSY_SAME_DEVICE, false },
	{ CONNECT, BLUEZ "Failed", "br-connection-busy", CLASS_BUSY_SAME_DEVICE, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-refused", CLASS_ABORTED_REMOTE, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-create-socket", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-timeout", CLASS_NOT_FOUND, false },
	{ CONNECT, BLUEZ "Failed", "br-connection-page-timeout", CLASS_NOT_FOUND, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-concurrent-connection-limit", CLASS_OUT_OF_SLOTS,
	  false },
	{ CONNECT, BLUEZ "Failed", "le-connection-link-layer-protocol-error", CLASS_ABORTED_REMOTE,
	  false },
	{ CONNECT, BLUEZ "Failed", "br-connection-lmp-protocol-error", CLASS_ABORTED_REMOTE,
	  false },
	{ CONNECT, BLUEZ "NotAvailable", "br-connection-profile-unavailable", CLASS_INVALID,
	  false },
	{ CONNECT, BLUEZ "Failed", "le-connection-gatt-browsing", CLASS_GATT_LATE, false },
	{ CONNECT, BLUEZ "Failed", "le-connection-unknown", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "Failed", "Operation already in progress", CLASS_BUSY_SAME_DEVICE, true },
	{ CONNECT, BLUEZ "InProgress", "In Progress", CLASS_BUSY_SAME_DEVICE, true },
	{ CONNECT, BLUEZ "InProgress", "Operation already in progress", CLASS_BUSY_SAME_DEVICE,
	  true },
	{ CONNECT, BLUEZ "Failed", "Input/output error", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "Failed", "Host is down", CLASS_NOT_POWERED, false },
	{ CONNECT, BLUEZ "Failed", "Connection timed out", CLASS_NOT_FOUND, false },
	{ CONNECT, BLUEZ "Failed", "something new", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BLUEZ "AlreadyConnected", "Already Connected", CLASS_BUSY_SAME_DEVICE, false },
	{ CONNECT, BLUEZ "NotReady", "Resource Not Ready", CLASS_NOT_POWERED, false },
	{ CONNECT, BLUEZ "AuthenticationFailed", "Authentication Failed", CLASS_AUTH, false },
	{ CONNECT, BLUEZ "AuthenticationCanceled", "Authentication Canceled", CLASS_AUTH, false },
	{ CONNECT, BLUEZ "AuthenticationRejected", "Authentication Rejected", CLASS_AUTH, false },
	{ CONNECT, BLUEZ "AuthenticationTimeout", "Authentication Timeout", CLASS_AUTH, false },
	{ CONNECT, BLUEZ "ConnectionAttemptFailed", "Page Timeout", CLASS_ABORTED_LOCAL, false },
	{ CONNECT, BUS "UnknownObject",
	  "Method \"Connect\" with signature \"\" on interface "
	  "\"org.bluez.Device1\" doesn't exist",
	  CLASS_NOT_FOUND, false },
	{ CONNECT, BLUEZ "DoesNotExist", "Does Not Exist", CLASS_NOT_FOUND, false },
	{ CONNECT, NULL, "No backend with an available connection slot that can reach address",
	  CLASS_OUT_OF_SLOTS, false },
	{ CONNECT, NULL, "adapter 'hci7' not found", CLASS_NOT_FOUND, false },
	{ CONNECT, NULL, "Disconnected", CLASS_LINK_LOST, false },
	{ CONNECT, NULL, "failed to discover services, device disconnected", CLASS_ABORTED_REMOTE,
	  false },
	{ CONNECT, NULL, "Blocked through rfkill", CLASS_RFKILL, false },

	/* the bus */
	{ CONNECT, BUS "NoReply", "Did not receive a reply.", CLASS_NO_REPLY, false },
	{ CONNECT, BUS "NoReply",
	  "Message recipient disconnected from message bus without "
	  "replying",
	  CLASS_BLUEZ_GONE, false },
	{ CONNECT, BUS "Timeout", "", CLASS_NO_REPLY, false },
	{ CONNECT, BUS "TimedOut", "", CLASS_NO_REPLY, false },
	{ CONNECT, BUS "LimitsExceeded", "The maximum number of pending replies", CLASS_LIMIT,
	  false },
	{ CONNECT, BUS "AccessDenied", "Rejected send message", CLASS_INTERNAL, false },
	{ OTHER, BUS "ServiceUnknown", "The name org.bluez was not provided", CLASS_BLUEZ_GONE,
	  false },
	{ OTHER, BUS "NameHasNoOwner", "Name \"org.bluez\" does not exist", CLASS_BLUEZ_GONE,
	  false },
	{ OTHER, BUS "Spawn.ChildExited", "exited with status 1", CLASS_BLUEZ_GONE, false },
	{ OTHER, BUS "Spawn.ExecFailed", "", CLASS_BLUEZ_GONE, false },
	{ OTHER, BUS "Disconnected", "Connection was closed", CLASS_BLUEZ_GONE, false },
	{ OTHER, BUS "FileNotFound", "no socket", CLASS_BLUEZ_GONE, false },
	{ OTHER, "System.Error.EPIPE", "Broken pipe", CLASS_BLUEZ_GONE, false },
	{ OTHER, "System.Error.ECONNRESET", "Connection reset by peer", CLASS_BLUEZ_GONE, false },
	{ OTHER, "System.Error.EBADMSG", "Bad message", CLASS_BLUEZ_GONE, false },
	{ OTHER, "System.Error.ETIMEDOUT", "Connection timed out", CLASS_NO_REPLY, false },

	/* discovery */
	{ DISCOVERY, BLUEZ "InProgress", "Operation already in progress", CLASS_BUSY_DISCOVERY,
	  true },
	{ DISCOVERY, BLUEZ "NotReady", "Resource Not Ready", CLASS_NOT_POWERED, false },
	{ DISCOVERY, BLUEZ "Failed", "No discovery started", CLASS_BUSY_DISCOVERY, false },
	{ DISCOVERY, BUS "UnknownObject", "", CLASS_ADAPTER_GONE, false },
	{ DISCOVERY, BUS "UnknownMethod", "", CLASS_ADAPTER_GONE, false },
	{ OTHER, BLUEZ "InProgress", "Operation already in progress", CLASS_BUSY_DISCOVERY, true },
	{ OTHER, BLUEZ "InProgress", "In Progress", CLASS_BUSY_SAME_DEVICE, true },
	{ OTHER, BLUEZ "Failed", "Not Powered", CLASS_NOT_POWERED, false },

	/* GATT */
	{ GATT, BLUEZ "Failed", "Not connected", CLASS_LINK_LOST, false },
	{ GATT, BLUEZ "NotConnected", "Not Connected", CLASS_LINK_LOST, false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x01", CLASS_GATT_MISSING,
	  false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x05", CLASS_AUTH, false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x08", CLASS_AUTH, false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x0a", CLASS_GATT_MISSING,
	  false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x0c", CLASS_AUTH, false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x0e", CLASS_LINK_LOST, false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x0f", CLASS_AUTH, false },
	{ GATT, BLUEZ "Failed", "Operation failed with ATT error: 0x81", CLASS_GATT_REFUSED,
	  false },
	{ GATT, BLUEZ "InProgress", "In Progress", CLASS_BUSY_SAME_DEVICE, true },
	{ GATT, BLUEZ "NotPermitted", "Notify acquired", CLASS_BUSY_SAME_DEVICE, false },
	{ GATT, BLUEZ "NotPermitted", "Read not permitted", CLASS_GATT_REFUSED, false },
	{ GATT, BLUEZ "NotPermitted", "Write not permitted", CLASS_GATT_REFUSED, false },
	{ GATT, BLUEZ "NotSupported", "Operation is not supported", CLASS_GATT_REFUSED, false },
	{ GATT, BLUEZ "NotAuthorized", "Operation Not Authorized", CLASS_AUTH, false },
	{ GATT, BLUEZ "InvalidArguments", "Invalid offset", CLASS_GATT_REFUSED, false },
	{ GATT, BLUEZ "InvalidValueLength", "Invalid Length", CLASS_GATT_REFUSED, false },
	{ GATT, BLUEZ "ImproperlyConfigured", "", CLASS_GATT_REFUSED, false },
	{ GATT, BLUEZ "Failed", "No notify session started", CLASS_GATT_REFUSED, false },
	{ GATT, BUS "UnknownObject", "", CLASS_GATT_MISSING, false },
	{ GATT, BUS "UnknownMethod", "Method \"ReadValue\" doesn't exist", CLASS_GATT_MISSING,
	  false },

	{ OTHER, "com.example.Odd", "whatever", CLASS_INTERNAL, false },
	{ OTHER, NULL, NULL, CLASS_INTERNAL, false },
};

static void expect(enum err_class got, enum err_class class, const char *what)
{
	ck_assert_msg(got == class, "%s: %s instead of %s", what, class_name(got),
		      class_name(class));
}

START_TEST(a_text_has_its_class)
{
	const struct errors_context context = { .call = DBUS[_i].call };

	expect(errors_from_dbus(DBUS[_i].name, DBUS[_i].text, &context), DBUS[_i].class,
	       DBUS[_i].text);
	ck_assert_int_eq(errors_is_busy(DBUS[_i].name, DBUS[_i].text), DBUS[_i].is_busy);
}
END_TEST

static enum errors_call call_of(unsigned when)
{
	enum errors_call call = ERRORS_CALL_GATT;

	while (call > ERRORS_CALL_OTHER && !(when & 1u << call))
		call--;
	return call;
}

/* What a row says of itself is answered with its class: no row above hides it. */
START_TEST(no_row_is_hidden)
{
	const struct errors_dbus *row;
	struct errors_context context;
	size_t i;

	for (i = 0; i < ERRORS_TABLE.n_dbus; i++) {
		row = &ERRORS_TABLE.dbus[i];
		context = (struct errors_context){
			.call = call_of(row->when),
			.is_discovering = (row->when & ERRORS_WHILE_DISCOVERING) != 0,
			.is_connecting = (row->when & ERRORS_WHILE_ON_DEVICE) != 0,
		};
		expect(errors_from_dbus(row->name, row->text, &context), row->class,
		       row->text ? row->text : row->name);
	}
}
END_TEST

/* Where the text does not tell, what BlueZ is doing does. */
START_TEST(in_progress_by_what_bluez_does)
{
	struct errors_context context = { .call = CONNECT, .is_discovering = true };
	static const char name[] = BLUEZ "InProgress";
	static const char text[] = "Operation already in progress";

	expect(errors_from_dbus(name, text, &context), CLASS_BUSY_DISCOVERY, "discovering");
	expect(errors_from_dbus(name, "In Progress", &context), CLASS_BUSY_SAME_DEVICE, "text");
	context.is_connecting = true;
	expect(errors_from_dbus(name, text, &context), CLASS_BUSY_SAME_DEVICE, "connecting");
	context.is_connecting = false;
	context.is_bonding = true;
	expect(errors_from_dbus(name, text, &context), CLASS_BUSY_SAME_DEVICE, "bonding");
	context = (struct errors_context){ .call = CONNECT };
	expect(errors_from_dbus(name, "", &context), CLASS_BUSY_SAME_DEVICE, "nothing known");
}
END_TEST

START_TEST(a_proxy_has_its_classes)
{
	static const struct {
		const char *text;
		enum err_class class;
	} cases[] = {
		{ "error=ESP_GATT_CONN_CONN_CANCEL (0x100)", CLASS_OUT_OF_SLOTS },
		{ "No backend with an available connection slot", CLASS_OUT_OF_SLOTS },
		{ "no free connection slot", CLASS_OUT_OF_SLOTS },
		{ "ESP_GATT_CONN_FAIL_ESTABLISH", CLASS_ABORTED_LOCAL },
		{ "ESP_GATT_CONN_TIMEOUT", CLASS_ABORTED_LOCAL },
		{ "ESP_GATT_CONN_TERMINATE_PEER_USER", CLASS_ABORTED_REMOTE },
		{ "ESP_GATT_CONN_TERMINATE_LOCAL_HOST", CLASS_ABORTED_LOCAL },
		{ "ESP_GATT_ERROR", CLASS_ABORTED_LOCAL },
		{ "Disconnected", CLASS_LINK_LOST },
		{ "device disconnected", CLASS_LINK_LOST },
		{ "device not found", CLASS_NOT_FOUND },
		{ "", CLASS_INTERNAL },
		{ NULL, CLASS_INTERNAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		expect(errors_from_esphome(cases[i].text), cases[i].class, cases[i].text);
	for (i = 0; i < ERRORS_TABLE.n_esphome; i++)
		expect(errors_from_esphome(ERRORS_TABLE.esphome[i].text),
		       ERRORS_TABLE.esphome[i].class, ERRORS_TABLE.esphome[i].text);
}
END_TEST

/* A code: what it is, its class. */
struct code {
	int code;
	enum err_class class;
};

static void each_code(const struct code *cases, size_t n, enum err_class (*look_up)(uint8_t code))
{
	char what[16];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(what, sizeof(what), "0x%02x", (unsigned)cases[i].code);
		expect(look_up((uint8_t)cases[i].code), cases[i].class, what);
	}
}

/* The list of bluetooth-stack.md 7, and what is beyond it. */
START_TEST(mgmt_statuses)
{
	static const struct code cases[] = {
		{ 0x00, CLASS_NONE },		{ 0x01, CLASS_INTERNAL },
		{ 0x02, CLASS_LINK_LOST },	{ 0x03, CLASS_ABORTED_LOCAL },
		{ 0x04, CLASS_ABORTED_LOCAL },	{ 0x05, CLASS_AUTH },
		{ 0x06, CLASS_AUTH },		{ 0x07, CLASS_OUT_OF_SLOTS },
		{ 0x08, CLASS_NOT_FOUND },	{ 0x09, CLASS_BUSY_SAME_DEVICE },
		{ 0x0a, CLASS_BUSY_DISCOVERY }, { 0x0b, CLASS_ABORTED_REMOTE },
		{ 0x0c, CLASS_INVALID },	{ 0x0d, CLASS_INTERNAL },
		{ 0x0e, CLASS_ABORTED_REMOTE }, { 0x0f, CLASS_NOT_POWERED },
		{ 0x10, CLASS_ABORTED_LOCAL },	{ 0x11, CLASS_ADAPTER_GONE },
		{ 0x12, CLASS_RFKILL },		{ 0x13, CLASS_INVALID },
		{ 0x14, CLASS_INTERNAL },	{ 0x15, CLASS_INTERNAL },
		{ 0xff, CLASS_INTERNAL },
	};
	static const struct code reasons[] = {
		{ 0x00, CLASS_LINK_LOST }, { 0x01, CLASS_LINK_LOST },
		{ 0x02, CLASS_LINK_LOST }, { 0x03, CLASS_ABORTED_REMOTE },
		{ 0x04, CLASS_AUTH },	   { 0x05, CLASS_LINK_LOST },
		{ 0x06, CLASS_LINK_LOST }, { 0xff, CLASS_LINK_LOST },
	};

	each_code(cases, ARRAY_LEN(cases), errors_from_mgmt);
	each_code(reasons, ARRAY_LEN(reasons), errors_from_mgmt_reason);
}
END_TEST

/* The list of spec-systems.md 4.2, and more of the same. */
START_TEST(hci_reasons)
{
	static const struct code cases[] = {
		{ 0x00, CLASS_NONE },		{ 0x02, CLASS_LINK_LOST },
		{ 0x04, CLASS_NOT_FOUND },	{ 0x05, CLASS_AUTH },
		{ 0x06, CLASS_KEY_MISSING },	{ 0x07, CLASS_OUT_OF_SLOTS },
		{ 0x08, CLASS_LINK_LOST },	{ 0x09, CLASS_OUT_OF_SLOTS },
		{ 0x0a, CLASS_OUT_OF_SLOTS },	{ 0x0b, CLASS_BUSY_SAME_DEVICE },
		{ 0x0c, CLASS_BUSY_DISCOVERY }, { 0x0d, CLASS_OUT_OF_SLOTS },
		{ 0x0e, CLASS_AUTH },		{ 0x0f, CLASS_ABORTED_REMOTE },
		{ 0x10, CLASS_NOT_FOUND },	{ 0x13, CLASS_ABORTED_REMOTE },
		{ 0x14, CLASS_ABORTED_REMOTE }, { 0x15, CLASS_ABORTED_REMOTE },
		{ 0x16, CLASS_ABORTED_LOCAL },	{ 0x1a, CLASS_ABORTED_REMOTE },
		{ 0x1f, CLASS_ABORTED_LOCAL },	{ 0x22, CLASS_LINK_LOST },
		{ 0x28, CLASS_LINK_LOST },	{ 0x2a, CLASS_ABORTED_LOCAL },
		{ 0x3b, CLASS_ABORTED_REMOTE }, { 0x3c, CLASS_NOT_FOUND },
		{ 0x3d, CLASS_AUTH },		{ 0x3e, CLASS_ABORTED_LOCAL },
		{ 0x1b, CLASS_INTERNAL },	{ 0xff, CLASS_INTERNAL },
	};

	each_code(cases, ARRAY_LEN(cases), errors_from_hci);
}
END_TEST

START_TEST(errnos)
{
	static const struct code cases[] = {
		{ 0, CLASS_NONE },
		{ ETIMEDOUT, CLASS_NO_REPLY },
		{ EPIPE, CLASS_BLUEZ_GONE },
		{ ECONNRESET, CLASS_BLUEZ_GONE },
		{ ENOENT, CLASS_BLUEZ_GONE },
		{ ERFKILL, CLASS_RFKILL },
		{ ENODEV, CLASS_ADAPTER_GONE },
		{ EHOSTDOWN, CLASS_NOT_POWERED },
		{ EBUSY, CLASS_BUSY_DISCOVERY },
		{ EALREADY, CLASS_BUSY_SAME_DEVICE },
		{ ENOBUFS, CLASS_LIMIT },
		{ EIO, CLASS_ABORTED_LOCAL },
		{ EXDEV, CLASS_INTERNAL },
		{ -1, CLASS_INTERNAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		expect(errors_from_errno(cases[i].code), cases[i].class, strerror(cases[i].code));
}
END_TEST

/* What escalation goes by. */
START_TEST(a_class_says_what_to_do)
{
	enum err_class class;

	for (class = CLASS_NONE; class < CLASS_COUNT; class ++) {
		if (errors_step(class) == ERRORS_STEP_GIVE_UP)
			ck_assert_uint_eq(errors_backoff(class), 0);
		else if (errors_step(class) != ERRORS_STEP_ROTATE)
			ck_assert_uint_gt(errors_backoff(class), 0);
		/* Whatever can still be done about it, a person can do too. */
		if (errors_step(class) != ERRORS_STEP_GIVE_UP)
			ck_assert_str_ne(class_advice(class), "");
	}
	/* bleak-retry-connector waits 4 s for a slot; our base is 250 ms. */
	ck_assert_uint_eq(errors_backoff(CLASS_OUT_OF_SLOTS), 16);
	/* A full, unplugged or unpowered adapter is not sick: no evidence for a reset. */
	ck_assert_int_eq(errors_counts(CLASS_OUT_OF_SLOTS), ERRORS_COUNT_NONE);
	ck_assert_int_eq(errors_counts(CLASS_NOT_POWERED), ERRORS_COUNT_NONE);
	ck_assert_int_eq(errors_counts(CLASS_BLUEZ_GONE), ERRORS_COUNT_NONE);
	ck_assert_int_eq(errors_counts(CLASS_NO_REPLY), ERRORS_COUNT_ADAPTER);
	ck_assert_int_eq(errors_counts(CLASS_ABORTED_LOCAL), ERRORS_COUNT_DEVICE);
	ck_assert_int_eq((int)errors_step((enum err_class)CLASS_COUNT),
			 (int)errors_step(CLASS_INTERNAL));
}
END_TEST

START_TEST(the_kernel_makes_it_precise)
{
	static const char aborted[] = BLUEZ "Failed: le-connection-abort-by-local";
	static const char canceled[] = BLUEZ "Failed: br-connection-canceled";
	struct errors_cause cause = { .status = 0x07 };

	ck_assert(errors_tells_more(CLASS_ABORTED_LOCAL, aborted, &cause));
	expect(errors_cause_class(&cause), CLASS_OUT_OF_SLOTS, "no room");
	ck_assert_str_ne(errors_cause_text(&cause), "");
	/* What D-Bus says precisely stands. */
	ck_assert(!errors_tells_more(CLASS_KEY_MISSING, "br-connection-key-missing", &cause));
	/* The kernel says "timeout" of a connect that a program here ended. */
	cause.status = 0x08;
	ck_assert(!errors_tells_more(CLASS_ABORTED_LOCAL, canceled, &cause));
	cause = (struct errors_cause){ .is_disconnect = true, .status = 3 };
	ck_assert(errors_tells_more(CLASS_ABORTED_LOCAL, canceled, &cause));
	expect(errors_cause_class(&cause), CLASS_ABORTED_REMOTE, "the peer ended it");
	/* "Unspecified", and what a later kernel may say, tell nothing. */
	cause.status = 0;
	ck_assert(!errors_tells_more(CLASS_LINK_LOST, "", &cause));
	ck_assert_str_eq(errors_cause_text(&cause), "");
	cause.status = 0x40;
	ck_assert(!errors_tells_more(CLASS_LINK_LOST, "", &cause));
	ck_assert_str_eq(errors_cause_text(&cause), "");
}
END_TEST

Suite *suite_errors(void);
Suite *suite_errors(void)
{
	Suite *suite = suite_create("errors");
	TCase *tc = tcase_create("errors");

	tcase_add_loop_test(tc, a_text_has_its_class, 0, (int)ARRAY_LEN(DBUS));
	tcase_add_test(tc, no_row_is_hidden);
	tcase_add_test(tc, in_progress_by_what_bluez_does);
	tcase_add_test(tc, a_proxy_has_its_classes);
	tcase_add_test(tc, mgmt_statuses);
	tcase_add_test(tc, hci_reasons);
	tcase_add_test(tc, errnos);
	tcase_add_test(tc, a_class_says_what_to_do);
	tcase_add_test(tc, the_kernel_makes_it_precise);
	suite_add_tcase(suite, tc);
	return suite;
}
