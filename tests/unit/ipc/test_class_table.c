/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done about each class, property by property: who pays for it, which step helps, whether
 * and how patiently it is tried again. The table of ipc/errors_table.c has it row by row.
 */
#include "ipc/errors_table.h"
#include "tests/support/runner.h"

#include <string.h>

#define BLUEZ "org.bluez.Error."
#define BUS   "org.freedesktop.DBus.Error."

#define LIST(...)                                                                                  \
	(const enum err_class[])                                                                   \
	{                                                                                          \
		__VA_ARGS__, CLASS_COUNT                                                           \
	}

static bool is_in(const enum err_class *list, enum err_class class)
{
	for (; *list != CLASS_COUNT; list++)
		if (*list == class)
			return true;
	return false;
}

/* Nothing is to be gained by trying again: it fails for a reason that stays. */
static const enum err_class *const HOPELESS =
	LIST(CLASS_NONE, CLASS_AUTH, CLASS_KEY_MISSING, CLASS_GATT_MISSING, CLASS_GATT_REFUSED,
	     CLASS_LOCK_TIMEOUT, CLASS_CANCELLED, CLASS_DEADLINE, CLASS_INVALID, CLASS_NO_DAEMON,
	     CLASS_LIMIT, CLASS_DENIED);
/* It is this adapter's alone: another one may do. */
static const enum err_class *const ELSEWHERE =
	LIST(CLASS_OUT_OF_SLOTS, CLASS_NOT_POWERED, CLASS_RFKILL, CLASS_ADAPTER_GONE);
/* BlueZ has a wrong picture of the link: what it holds is cleared. */
static const enum err_class *const CLEARED =
	LIST(CLASS_BUSY_SAME_DEVICE, CLASS_NO_REPLY, CLASS_PHANTOM, CLASS_ZOMBIE, CLASS_VALIDATION);

START_TEST(which_step_helps)
{
	enum err_class class = (enum err_class)_i;
	enum errors_step step = errors_step(class);

	ck_assert_int_eq(step == ERRORS_STEP_GIVE_UP, is_in(HOPELESS, class));
	ck_assert_int_eq(step == ERRORS_STEP_ROTATE, is_in(ELSEWHERE, class));
	ck_assert_int_eq(step == ERRORS_STEP_CLEAR, is_in(CLEARED, class));
}
END_TEST

static const enum err_class *const OF_ADAPTER = LIST(CLASS_BUSY_DISCOVERY, CLASS_NO_REPLY);
static const enum err_class *const OF_DEVICE =
	LIST(CLASS_NOT_FOUND, CLASS_BUSY_SAME_DEVICE, CLASS_ABORTED_LOCAL, CLASS_ABORTED_REMOTE,
	     CLASS_LINK_LOST, CLASS_GATT_LATE, CLASS_PHANTOM, CLASS_ZOMBIE, CLASS_VALIDATION);

START_TEST(whose_fault_it_is)
{
	enum err_class class = (enum err_class)_i;
	enum errors_count counts = errors_counts(class);

	ck_assert_int_eq(counts == ERRORS_COUNT_ADAPTER, is_in(OF_ADAPTER, class));
	ck_assert_int_eq(counts == ERRORS_COUNT_DEVICE, is_in(OF_DEVICE, class));
}
END_TEST

/* In bases of 250 ms. Not listed: it is not tried again on the same adapter. */
static const struct {
	uint32_t bases;
	enum err_class classes[12];
} PAUSES[] = {
	{ 1,
	  { CLASS_BUSY_DISCOVERY, CLASS_ABORTED_LOCAL, CLASS_LINK_LOST, CLASS_GATT_LATE,
	    CLASS_ZOMBIE, CLASS_VALIDATION, CLASS_INTERRUPTED, CLASS_LOCK_LOST } },
	{ 2,
	  { CLASS_NOT_FOUND, CLASS_BUSY_SAME_DEVICE, CLASS_ABORTED_REMOTE, CLASS_PHANTOM,
	    CLASS_INTERNAL } },
	{ 4, { CLASS_BLUEZ_GONE, CLASS_NO_REPLY } },
	{ 16, { CLASS_OUT_OF_SLOTS } },
};

START_TEST(how_long_to_wait)
{
	enum err_class class = (enum err_class)_i;
	uint32_t expected = 0;
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(PAUSES); i++)
		for (j = 0; j < ARRAY_LEN(PAUSES[i].classes); j++)
			if (class != CLASS_NONE && PAUSES[i].classes[j] == class)
				expected = PAUSES[i].bases;
	ck_assert_uint_eq(errors_backoff(class), expected);
}
END_TEST

/* The kernel or the peripheral may tell more than the class does. */
static const enum err_class *const VAGUE =
	LIST(CLASS_ABORTED_LOCAL, CLASS_ABORTED_REMOTE, CLASS_LINK_LOST);
/* Of the answer to one request, and no word on whether the peripheral can be reached. */
static const enum err_class *const NO_CONNECTION =
	LIST(CLASS_NONE, CLASS_AUTH, CLASS_KEY_MISSING, CLASS_GATT_MISSING, CLASS_GATT_REFUSED,
	     CLASS_LOCK_TIMEOUT, CLASS_CANCELLED, CLASS_INTERRUPTED, CLASS_INTERNAL, CLASS_INVALID,
	     CLASS_LIMIT, CLASS_LOCK_LOST, CLASS_DENIED);

START_TEST(what_else_is_known_of_it)
{
	enum err_class class = (enum err_class)_i;

	ck_assert_int_eq(errors_is_vague(class), is_in(VAGUE, class));
	ck_assert_int_eq(errors_is_connection(class), !is_in(NO_CONNECTION, class));
}
END_TEST

/* --- words that mean the same, whatever was asked for --- */

static const struct {
	const char *name;
	const char *text;
	enum err_class class;
} SAID[] = {
	{ BUS "NoReply", "Message recipient disconnected from message bus without replying",
	  CLASS_BLUEZ_GONE },
	{ BUS "NoReply", "Did not receive a reply", CLASS_NO_REPLY },
	{ BUS "Timeout", "", CLASS_NO_REPLY },
	{ BUS "TimedOut", "", CLASS_NO_REPLY },
	{ BUS "LimitsExceeded", "", CLASS_LIMIT },
	{ BUS "AccessDenied", "", CLASS_INTERNAL },
	{ "System.Error.ENOTCONN", "", CLASS_BLUEZ_GONE },
	{ BUS "UnknownObject", "", CLASS_NOT_FOUND },
	{ BUS "UnknownMethod", "", CLASS_NOT_FOUND },
	{ BUS "UnknownInterface", "", CLASS_NOT_FOUND },
	{ BLUEZ "Failed", "Blocked through rfkill", CLASS_RFKILL },
	{ BLUEZ "Failed", "le-connection-adapter-not-powered", CLASS_NOT_POWERED },
	{ BLUEZ "Failed", "le-connection-abort-by-local", CLASS_ABORTED_LOCAL },
	{ BLUEZ "Failed", "le-connection-abort-by-remote", CLASS_ABORTED_REMOTE },
	{ BLUEZ "Failed", "br-connection-canceled", CLASS_ABORTED_LOCAL },
	{ BLUEZ "Failed", "le-connection-concurrent-connection-limit", CLASS_OUT_OF_SLOTS },
	{ BLUEZ "Failed", "le-connection-memory-allocation", CLASS_OUT_OF_SLOTS },
	{ BLUEZ "Failed", "no available connection", CLASS_OUT_OF_SLOTS },
	{ BLUEZ "Failed", "no free connection slot", CLASS_OUT_OF_SLOTS },
	{ BLUEZ "Failed", "le-connection-key-missing", CLASS_KEY_MISSING },
	{ BLUEZ "Failed", "le-connection-timeout", CLASS_NOT_FOUND },
	{ BLUEZ "Failed", "br-connection-page-timeout", CLASS_NOT_FOUND },
	{ BLUEZ "Failed", "le-connection-busy", CLASS_BUSY_SAME_DEVICE },
	{ BLUEZ "Failed", "le-connection-already-connected", CLASS_BUSY_SAME_DEVICE },
	{ BLUEZ "Failed", "le-connection-refused", CLASS_ABORTED_REMOTE },
	{ BLUEZ "Failed", "le-connection-link-layer-protocol-error", CLASS_ABORTED_REMOTE },
	{ BLUEZ "Failed", "br-connection-lmp-protocol-error", CLASS_ABORTED_REMOTE },
	{ BLUEZ "Failed", "le-connection-gatt-browsing", CLASS_GATT_LATE },
	{ BLUEZ "Failed", "le-connection-create-socket", CLASS_ABORTED_LOCAL },
	{ BLUEZ "Failed", "le-connection-bad-socket", CLASS_ABORTED_LOCAL },
	{ BLUEZ "Failed", "le-connection-not-supported", CLASS_INVALID },
	{ BLUEZ "NotAvailable", "br-connection-profile-unavailable", CLASS_INVALID },
	{ BLUEZ "Failed", "le-connection-invalid-arguments", CLASS_INTERNAL },
	{ BLUEZ "Failed", "le-connection-unknown", CLASS_ABORTED_LOCAL },
	{ BLUEZ "NotConnected", "", CLASS_LINK_LOST },
	{ BLUEZ "Failed", "Not Connected", CLASS_LINK_LOST },
	{ BLUEZ "Failed", "device disconnected", CLASS_ABORTED_REMOTE },
	{ BLUEZ "Failed", "Disconnected", CLASS_LINK_LOST },
	{ BLUEZ "AuthenticationFailed", "", CLASS_AUTH },
	{ BLUEZ "AuthenticationCanceled", "", CLASS_AUTH },
	{ BLUEZ "AuthenticationRejected", "", CLASS_AUTH },
	{ BLUEZ "AuthenticationTimeout", "", CLASS_AUTH },
	{ BLUEZ "ConnectionAttemptFailed", "", CLASS_ABORTED_LOCAL },
	{ BLUEZ "DoesNotExist", "", CLASS_NOT_FOUND },
	{ BLUEZ "Failed", "device not found", CLASS_NOT_FOUND },
};

START_TEST(of_any_call)
{
	const struct errors_context other = { .call = ERRORS_CALL_OTHER };

	ck_assert_int_eq(errors_from_dbus(SAID[_i].name, SAID[_i].text, &other), SAID[_i].class);
}
END_TEST

START_TEST(of_one_kind_of_call)
{
	const struct errors_context gatt = { .call = ERRORS_CALL_GATT };
	const struct errors_context connect = { .call = ERRORS_CALL_CONNECT };

	ck_assert_int_eq(errors_from_dbus(BLUEZ "InvalidOffset", "", &gatt), CLASS_GATT_REFUSED);
	ck_assert_int_eq(errors_from_dbus(BLUEZ "DoesNotExist", "", &gatt), CLASS_GATT_MISSING);
	ck_assert_int_eq(errors_from_dbus(BLUEZ "NotAvailable", "", &connect), CLASS_ABORTED_LOCAL);
	/* The words say more than that it failed. */
	ck_assert_int_eq(errors_from_dbus(BLUEZ "Failed", "le-connection-invalid-arguments", &gatt),
			 CLASS_INTERNAL);
}
END_TEST

START_TEST(busy_by_its_name_alone)
{
	ck_assert(errors_is_busy(BLUEZ "InProgress", NULL));
	ck_assert(errors_is_busy(NULL, "Operation already in progress"));
	ck_assert(!errors_is_busy(BLUEZ "NotReady", ""));
	ck_assert(!errors_is_busy(NULL, NULL));
}
END_TEST

/* --- numbers --- */

static const struct {
	int error;
	enum err_class class;
} ERRNOS[] = {
	{ EINPROGRESS, CLASS_BUSY_SAME_DEVICE },
	{ ECANCELED, CLASS_CANCELLED },
	{ ENOMEM, CLASS_LIMIT },
	{ EMFILE, CLASS_LIMIT },
	{ ENFILE, CLASS_LIMIT },
};

START_TEST(errnos)
{
	ck_assert_int_eq(errors_from_errno(ERRNOS[_i].error), ERRNOS[_i].class);
}
END_TEST

static const struct {
	uint8_t reason;
	enum err_class class;
} HCI[] = {
	{ 0x11, CLASS_INVALID },       { 0x23, CLASS_ABORTED_LOCAL }, { 0x2f, CLASS_AUTH },
	{ 0x3f, CLASS_ABORTED_LOCAL }, { 0x43, CLASS_OUT_OF_SLOTS },  { 0x44, CLASS_ABORTED_LOCAL },
	{ 0x45, CLASS_INTERNAL },      { 0xff, CLASS_INTERNAL },
};

START_TEST(reasons_of_hci)
{
	ck_assert_int_eq(errors_from_hci(HCI[_i].reason), HCI[_i].class);
}
END_TEST

/* A kernel newer than the tables: no words rather than somebody else's. */
START_TEST(a_status_that_is_not_known_has_no_words)
{
	const struct errors_cause disconnect = { .is_disconnect = true, .status = 6 };
	const struct errors_cause failure = { .is_disconnect = false, .status = 0x15 };

	ck_assert_str_eq(errors_cause_text(&disconnect), "");
	ck_assert_str_eq(errors_cause_text(&failure), "");
	ck_assert(!errors_tells_more(CLASS_LINK_LOST, "", &disconnect));
	ck_assert_int_eq(errors_cause_class(&disconnect), CLASS_LINK_LOST);
	ck_assert_int_eq(errors_cause_class(&failure), CLASS_INTERNAL);
}
END_TEST

Suite *suite_class_table(void);
Suite *suite_class_table(void)
{
	Suite *suite = suite_create("class_table");
	TCase *tc = tcase_create("class_table");

	tcase_add_loop_test(tc, which_step_helps, 0, CLASS_COUNT);
	tcase_add_loop_test(tc, whose_fault_it_is, 0, CLASS_COUNT);
	tcase_add_loop_test(tc, how_long_to_wait, 0, CLASS_COUNT);
	tcase_add_loop_test(tc, what_else_is_known_of_it, 0, CLASS_COUNT);
	tcase_add_loop_test(tc, of_any_call, 0, (int)ARRAY_LEN(SAID));
	tcase_add_test(tc, of_one_kind_of_call);
	tcase_add_test(tc, busy_by_its_name_alone);
	tcase_add_loop_test(tc, errnos, 0, (int)ARRAY_LEN(ERRNOS));
	tcase_add_loop_test(tc, reasons_of_hci, 0, (int)ARRAY_LEN(HCI));
	tcase_add_test(tc, a_status_that_is_not_known_has_no_words);
	suite_add_tcase(suite, tc);
	return suite;
}
