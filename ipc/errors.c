/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/errors.h"

#include <stdio.h>
#include <string.h>

#include "ipc/session.pb-c.h"

#define BLUEZ  "org.bluez.Error."
#define FREEDT "org.freedesktop.DBus.Error."
#define SYSTEM "System.Error." /* sd-bus: an errno of its own connection */

static_assert((int)CLASS_NOT_FOUND == (int)BH__CLASS__CLASS_NOT_FOUND, "as in session.proto");
static_assert((int)CLASS_GATT_REFUSED == (int)BH__CLASS__CLASS_GATT_REFUSED, "as in session.proto");
static_assert((int)CLASS_LOCK_LOST == (int)BH__CLASS__CLASS_LOCK_LOST, "as in session.proto");
static_assert(CLASS_COUNT == CLASS_LOCK_LOST + 1, "every class has a row");

#define NONE	ERRORS_COUNT_NONE
#define DEVICE	ERRORS_COUNT_DEVICE
#define ADAPTER ERRORS_COUNT_ADAPTER
#define GIVE_UP ERRORS_STEP_GIVE_UP
#define RETRY	ERRORS_STEP_RETRY
#define CLEAR	ERRORS_STEP_CLEAR
#define ROTATE	ERRORS_STEP_ROTATE

/*
 * A slot frees slowly: 16 times the base of 250 ms are the 4 s of bleak-retry-connector. A radio
 * that is taken frees in a second; a peripheral that missed a connect request usually takes the
 * next one. An adapter that is full, off or gone is not sick, so nothing is counted against it.
 */
static const struct {
	const char *name;
	uint32_t backoff;
	enum errors_count counts;
	enum errors_step step;
	bool is_vague;
	const char *advice;
} CLASSES[CLASS_COUNT] = {
	[CLASS_NONE] = { "none", 0, NONE, GIVE_UP, false, "" },
	/* Seeking waits for an advert by itself: no need for long pauses here. */
	[CLASS_NOT_FOUND] = { "not-found", 2, DEVICE, RETRY, false,
			      "check that the peripheral is on, in range and advertising" },
	[CLASS_OUT_OF_SLOTS] = { "out-of-slots", 16, NONE, ROTATE, false,
				 "end a link on that adapter or plug in another adapter" },
	[CLASS_BUSY_SAME_DEVICE] = { "busy-same-device", 2, DEVICE, CLEAR, false,
				     "another program is busy with that peripheral; try later" },
	[CLASS_BUSY_DISCOVERY] = { "busy-discovery", 1, ADAPTER, RETRY, false,
				   "the adapter is busy, perhaps with a discovery; try later" },
	[CLASS_ABORTED_LOCAL] = { "aborted-local", 1, DEVICE, RETRY, true,
				  "the peripheral did not take the connection; move it closer" },
	[CLASS_ABORTED_REMOTE] = { "aborted-remote", 2, DEVICE, RETRY, true,
				   "the peripheral ended it; is another host using it?" },
	[CLASS_LINK_LOST] = { "link-lost", 1, DEVICE, RETRY, true,
			      "the link broke; connect again" },
	[CLASS_AUTH] = { "auth", 0, NONE, GIVE_UP, false, "pair with the peripheral first" },
	[CLASS_KEY_MISSING] = { "key-missing", 0, NONE, GIVE_UP, false,
				"the peripheral forgot the bond; remove it here and pair again" },
	[CLASS_NOT_POWERED] = { "not-powered", 0, NONE, ROTATE, false,
				"power the adapter: bluetoothctl power on" },
	[CLASS_RFKILL] = { "rfkill", 0, NONE, ROTATE, false,
			   "unblock the radio: rfkill unblock bluetooth" },
	[CLASS_ADAPTER_GONE] = { "adapter-gone", 0, NONE, ROTATE, false,
				 "plug the adapter in; bleherd adapters lists them" },
	[CLASS_BLUEZ_GONE] = { "bluez-gone", 4, NONE, RETRY, false,
			       "start bluetoothd: systemctl start bluetooth" },
	[CLASS_NO_REPLY] = { "no-reply", 4, ADAPTER, CLEAR, false,
			     "bluetoothd did not answer; is it hanging?" },
	[CLASS_GATT_MISSING] = { "gatt-missing", 0, NONE, GIVE_UP, false,
				 "bleherd services ADDR lists what there is" },
	[CLASS_GATT_LATE] = { "gatt-late", 1, DEVICE, RETRY, false,
			      "the services came too late; try again" },
	[CLASS_GATT_REFUSED] = { "gatt-refused", 0, NONE, GIVE_UP, false,
				 "the peripheral does not allow that" },
	[CLASS_PHANTOM] = { "phantom", 2, DEVICE, CLEAR, false,
			    "BlueZ shows a link that the kernel does not have" },
	[CLASS_ZOMBIE] = { "zombie", 1, DEVICE, CLEAR, false,
			   "the link is up but carries nothing; disconnect it" },
	[CLASS_VALIDATION] = { "validation", 1, DEVICE, CLEAR, false,
			       "the link did not pass the check that was asked for" },
	[CLASS_LOCK_TIMEOUT] = { "lock-timeout", 0, NONE, GIVE_UP, false,
				 "bleherd locks shows who holds the adapter; allow more time" },
	[CLASS_CANCELLED] = { "cancelled", 0, NONE, GIVE_UP, false, "" },
	[CLASS_DEADLINE] = { "deadline", 0, NONE, GIVE_UP, false, "allow more time: --timeout" },
	[CLASS_INTERRUPTED] = { "interrupted", 1, NONE, RETRY, false,
				"it may or may not have happened; read the value before writing "
				"again" },
	[CLASS_INTERNAL] = { "internal", 2, NONE, RETRY, false, "see the journal of bleherd" },
	[CLASS_INVALID] = { "invalid", 0, NONE, GIVE_UP, false, "" },
	[CLASS_NO_DAEMON] = { "no-daemon", 0, NONE, GIVE_UP, false,
			      "start it: systemctl start bleherd" },
	[CLASS_LIMIT] = { "limit", 0, NONE, GIVE_UP, false,
			  "close some sessions or subscriptions" },
	[CLASS_LOCK_LOST] = { "lock-lost", 1, NONE, RETRY, false,
			      "it was held too long, or its adapter went; acquire it again" },
};

enum err_class class_from_wire(int number)
{
	return number >= 0 && number < CLASS_COUNT ? (enum err_class)number : CLASS_INTERNAL;
}

const char *class_name(enum err_class class)
{
	return CLASSES[class_from_wire((int)class)].name;
}

const char *class_advice(enum err_class class)
{
	return CLASSES[class_from_wire((int)class)].advice;
}

uint32_t errors_backoff(enum err_class class)
{
	return CLASSES[class_from_wire((int)class)].backoff;
}

enum errors_count errors_counts(enum err_class class)
{
	return CLASSES[class_from_wire((int)class)].counts;
}

enum errors_step errors_step(enum err_class class)
{
	return CLASSES[class_from_wire((int)class)].step;
}

bool errors_is_vague(enum err_class class)
{
	return CLASSES[class_from_wire((int)class)].is_vague;
}

/* --- D-Bus --- */

/* A row holds for these calls, or only while BlueZ is doing that. */
enum {
	CALL_CONNECT = 1u << ERRORS_CALL_CONNECT,
	CALL_DISCOVERY = 1u << ERRORS_CALL_DISCOVERY,
	CALL_GATT = 1u << ERRORS_CALL_GATT,
	CALL_ANY = 0,
	WHILE_DISCOVERING = 1u << 8,
	WHILE_ON_DEVICE = 1u << 9, /* a Connect or a Pair of that device is pending */
	CALLS = 0xff,
};

/*
 * The first row that fits. The texts are those of bluetoothd 5.66 to 5.87 and dbus-daemon 1.14,
 * and of bleak's world; sources: bleak-retry-connector's classifier and BlueZ's src/error.c.
 */
static const struct {
	unsigned when;
	const char *name; /* NULL: any */
	const char *text; /* must occur in the message; NULL: any */
	enum err_class class;
} DBUS[] = {
	/* The bus: nobody answers, or nobody is there. */
	{ CALL_ANY, FREEDT "ServiceUnknown", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, FREEDT "NameHasNoOwner", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, FREEDT "Spawn.ChildExited", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, FREEDT "Spawn.ExecFailed", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, FREEDT "Disconnected", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, FREEDT "FileNotFound", NULL, CLASS_BLUEZ_GONE },
	/* What dbus-daemon answers for a bluetoothd that dies with the call. */
	{ CALL_ANY, FREEDT "NoReply", "recipient disconnected", CLASS_BLUEZ_GONE },
	{ CALL_ANY, FREEDT "NoReply", NULL, CLASS_NO_REPLY },
	{ CALL_ANY, FREEDT "Timeout", NULL, CLASS_NO_REPLY },
	{ CALL_ANY, FREEDT "TimedOut", NULL, CLASS_NO_REPLY },
	{ CALL_ANY, FREEDT "LimitsExceeded", NULL, CLASS_LIMIT },
	{ CALL_ANY, FREEDT "AccessDenied", NULL, CLASS_INTERNAL },
	{ CALL_ANY, SYSTEM "ETIMEDOUT", NULL, CLASS_NO_REPLY },
	{ CALL_ANY, SYSTEM "ECONNRESET", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, SYSTEM "ENOTCONN", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, SYSTEM "EPIPE", NULL, CLASS_BLUEZ_GONE },
	{ CALL_ANY, SYSTEM "EBADMSG", NULL, CLASS_BLUEZ_GONE },

	/* The object went: of GATT that is a service that changed or a device that was removed. */
	{ CALL_GATT, FREEDT "UnknownObject", NULL, CLASS_GATT_MISSING },
	{ CALL_DISCOVERY, FREEDT "UnknownObject", NULL, CLASS_ADAPTER_GONE },
	{ CALL_ANY, FREEDT "UnknownObject", NULL, CLASS_NOT_FOUND },
	{ CALL_GATT, FREEDT "UnknownMethod", "doesn't exist", CLASS_GATT_MISSING },
	{ CALL_DISCOVERY, FREEDT "UnknownMethod", NULL, CLASS_ADAPTER_GONE },
	{ CALL_ANY, FREEDT "UnknownMethod", NULL, CLASS_NOT_FOUND },
	{ CALL_ANY, FREEDT "UnknownInterface", NULL, CLASS_NOT_FOUND },

	/* Power. */
	{ CALL_ANY, NULL, "rfkill", CLASS_RFKILL },
	{ CALL_ANY, NULL, "adapter-not-powered", CLASS_NOT_POWERED },
	{ CALL_ANY, BLUEZ "NotReady", NULL, CLASS_NOT_POWERED },
	{ CALL_ANY, BLUEZ "Failed", "Not Powered", CLASS_NOT_POWERED },

	/* A connection: the words behind "le-connection-" and "br-connection-". */
	{ CALL_ANY, NULL, "connection-abort-by-local", CLASS_ABORTED_LOCAL },
	{ CALL_ANY, NULL, "connection-abort-by-remote", CLASS_ABORTED_REMOTE },
	{ CALL_ANY, NULL, "connection-canceled", CLASS_ABORTED_LOCAL },
	{ CALL_ANY, NULL, "concurrent-connection-limit", CLASS_OUT_OF_SLOTS },
	{ CALL_ANY, NULL, "connection-memory-allocation", CLASS_OUT_OF_SLOTS },
	{ CALL_ANY, NULL, "available connection", CLASS_OUT_OF_SLOTS },
	{ CALL_ANY, NULL, "connection slot", CLASS_OUT_OF_SLOTS },
	{ CALL_ANY, NULL, "connection-key-missing", CLASS_KEY_MISSING },
	{ CALL_ANY, NULL, "connection-timeout", CLASS_NOT_FOUND },
	{ CALL_ANY, NULL, "connection-page-timeout", CLASS_NOT_FOUND },
	{ CALL_ANY, NULL, "connection-busy", CLASS_BUSY_SAME_DEVICE },
	{ CALL_ANY, NULL, "connection-already-connected", CLASS_BUSY_SAME_DEVICE },
	{ CALL_ANY, NULL, "connection-refused", CLASS_ABORTED_REMOTE },
	{ CALL_ANY, NULL, "connection-link-layer-protocol-error", CLASS_ABORTED_REMOTE },
	{ CALL_ANY, NULL, "connection-lmp-protocol-error", CLASS_ABORTED_REMOTE },
	{ CALL_ANY, NULL, "connection-gatt-browsing", CLASS_GATT_LATE },
	{ CALL_ANY, NULL, "connection-create-socket", CLASS_ABORTED_LOCAL },
	{ CALL_ANY, NULL, "connection-bad-socket", CLASS_ABORTED_LOCAL },
	{ CALL_ANY, NULL, "connection-not-supported", CLASS_INVALID },
	{ CALL_ANY, NULL, "connection-profile-unavailable", CLASS_INVALID },
	{ CALL_ANY, NULL, "connection-invalid-arguments", CLASS_INTERNAL },
	{ CALL_ANY, NULL, "connection-unknown", CLASS_ABORTED_LOCAL },

	/*
	 * Busy. bluetoothd says "Operation already in progress" of discovery and "In Progress" of
	 * a device, but of a pending Connect it says the former too (strerror of EALREADY).
	 */
	{ CALL_CONNECT, BLUEZ "InProgress", "In Progress", CLASS_BUSY_SAME_DEVICE },
	{ CALL_CONNECT | WHILE_ON_DEVICE, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ CALL_CONNECT | WHILE_DISCOVERING, BLUEZ "InProgress", NULL, CLASS_BUSY_DISCOVERY },
	{ CALL_CONNECT, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ CALL_CONNECT, NULL, "already in progress", CLASS_BUSY_SAME_DEVICE },
	{ CALL_DISCOVERY, BLUEZ "InProgress", NULL, CLASS_BUSY_DISCOVERY },
	{ CALL_GATT, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ CALL_GATT, BLUEZ "NotPermitted", "acquired", CLASS_BUSY_SAME_DEVICE },
	{ CALL_ANY, BLUEZ "InProgress", "already in progress", CLASS_BUSY_DISCOVERY },
	{ CALL_ANY, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ CALL_DISCOVERY, BLUEZ "Failed", NULL, CLASS_BUSY_DISCOVERY },

	/* Connect, in words. */
	{ CALL_CONNECT, BLUEZ "Failed", "Host is down", CLASS_NOT_POWERED },
	{ CALL_CONNECT, BLUEZ "Failed", "Connection timed out", CLASS_NOT_FOUND },
	{ CALL_CONNECT, BLUEZ "AlreadyConnected", NULL, CLASS_BUSY_SAME_DEVICE },

	/* The link went under a call. */
	{ CALL_ANY, BLUEZ "NotConnected", NULL, CLASS_LINK_LOST },
	{ CALL_ANY, NULL, "Not connected", CLASS_LINK_LOST },
	{ CALL_ANY, NULL, "Not Connected", CLASS_LINK_LOST },
	{ CALL_ANY, NULL, "device disconnected", CLASS_ABORTED_REMOTE },
	{ CALL_ANY, NULL, "Disconnected", CLASS_LINK_LOST },

	/* GATT. */
	{ CALL_GATT, BLUEZ "NotPermitted", NULL, CLASS_GATT_REFUSED },
	{ CALL_GATT, BLUEZ "NotSupported", NULL, CLASS_GATT_REFUSED },
	{ CALL_GATT, BLUEZ "InvalidArguments", NULL, CLASS_GATT_REFUSED },
	{ CALL_GATT, BLUEZ "InvalidValueLength", NULL, CLASS_GATT_REFUSED },
	{ CALL_GATT, BLUEZ "InvalidOffset", NULL, CLASS_GATT_REFUSED },
	{ CALL_GATT, BLUEZ "ImproperlyConfigured", NULL, CLASS_GATT_REFUSED },
	{ CALL_GATT, BLUEZ "DoesNotExist", NULL, CLASS_GATT_MISSING },
	{ CALL_GATT, BLUEZ "Failed", NULL, CLASS_GATT_REFUSED },

	/* Security. */
	{ CALL_ANY, BLUEZ "NotAuthorized", NULL, CLASS_AUTH },
	{ CALL_ANY, BLUEZ "AuthenticationFailed", NULL, CLASS_AUTH },
	{ CALL_ANY, BLUEZ "AuthenticationCanceled", NULL, CLASS_AUTH },
	{ CALL_ANY, BLUEZ "AuthenticationRejected", NULL, CLASS_AUTH },
	{ CALL_ANY, BLUEZ "AuthenticationTimeout", NULL, CLASS_AUTH },

	{ CALL_ANY, BLUEZ "ConnectionAttemptFailed", NULL, CLASS_ABORTED_LOCAL },
	{ CALL_ANY, BLUEZ "DoesNotExist", NULL, CLASS_NOT_FOUND },
	{ CALL_ANY, NULL, "not found", CLASS_NOT_FOUND },
	{ CALL_CONNECT, BLUEZ "NotAvailable", NULL, CLASS_ABORTED_LOCAL },
	/* "Input/output error" is one of them: the kernel refused at once. */
	{ CALL_CONNECT, BLUEZ "Failed", NULL, CLASS_ABORTED_LOCAL },
};

/*
 * ATT error codes that are not simply a refusal. 0x0e "unlikely" is what BlueZ says when ATT's own
 * 30 s ran out and when the link is being torn down: the peer did not answer.
 */
static const struct {
	unsigned code;
	enum err_class class;
} ATT[] = {
	{ 0x01, CLASS_GATT_MISSING }, { 0x05, CLASS_AUTH }, { 0x08, CLASS_AUTH },
	{ 0x0a, CLASS_GATT_MISSING }, { 0x0c, CLASS_AUTH }, { 0x0e, CLASS_LINK_LOST },
	{ 0x0f, CLASS_AUTH },
};

/* "Operation failed with ATT error: 0x0e"; CLASS_NONE if that is not the text. */
static enum err_class from_att(const char *text)
{
	const char *at = strstr(text, "ATT error: 0x");
	unsigned code;
	size_t i;

	if (!at || sscanf(at, "ATT error: 0x%2x", &code) != 1)
		return CLASS_NONE;
	for (i = 0; i < ARRAY_LEN(ATT); i++)
		if (ATT[i].code == code)
			return ATT[i].class;
	return CLASS_GATT_REFUSED;
}

static bool holds(unsigned when, const struct errors_context *context)
{
	if ((when & CALLS) != 0 && !(when & 1u << context->call))
		return false;
	if ((when & WHILE_DISCOVERING) && !context->is_discovering)
		return false;
	return !(when & WHILE_ON_DEVICE) || context->is_connecting || context->is_bonding;
}

enum err_class errors_from_dbus(const char *name, const char *text,
				const struct errors_context *context)
{
	enum err_class class;
	size_t i;

	name = name ? name : "";
	text = text ? text : "";
	class = from_att(text);
	if (class != CLASS_NONE)
		return class;
	for (i = 0; i < ARRAY_LEN(DBUS); i++)
		if (holds(DBUS[i].when, context) &&
		    (!DBUS[i].name || strcmp(DBUS[i].name, name) == 0) &&
		    (!DBUS[i].text || strstr(text, DBUS[i].text)))
			return DBUS[i].class;
	return CLASS_INTERNAL;
}

bool errors_is_busy(const char *name, const char *text)
{
	if (name && strcmp(name, BLUEZ "InProgress") == 0)
		return true;
	return text && (strstr(text, "already in progress") || strstr(text, "In Progress"));
}

/* --- errno --- */

static const struct {
	int error;
	enum err_class class;
} ERRNO[] = { { 0, CLASS_NONE },
	      { ETIMEDOUT, CLASS_NO_REPLY },
	      { EHOSTDOWN, CLASS_NOT_POWERED },
	      { ENETDOWN, CLASS_NOT_POWERED },
	      { ERFKILL, CLASS_RFKILL },
	      { ENODEV, CLASS_ADAPTER_GONE },
	      { ENXIO, CLASS_ADAPTER_GONE },
	      { ECONNRESET, CLASS_BLUEZ_GONE },
	      { ECONNREFUSED, CLASS_BLUEZ_GONE },
	      { ENOTCONN, CLASS_BLUEZ_GONE },
	      { EPIPE, CLASS_BLUEZ_GONE },
	      { ENOENT, CLASS_BLUEZ_GONE },
	      { EBADMSG, CLASS_BLUEZ_GONE },
	      { EBUSY, CLASS_BUSY_DISCOVERY },
	      { EALREADY, CLASS_BUSY_SAME_DEVICE },
	      { EINPROGRESS, CLASS_BUSY_SAME_DEVICE },
	      { ECANCELED, CLASS_CANCELLED },
	      { ENOBUFS, CLASS_LIMIT },
	      { ENOMEM, CLASS_LIMIT },
	      { EMFILE, CLASS_LIMIT },
	      { ENFILE, CLASS_LIMIT },
	      { EHOSTUNREACH, CLASS_NOT_FOUND },
	      { EIO, CLASS_ABORTED_LOCAL },
	      { ECONNABORTED, CLASS_ABORTED_LOCAL } };

enum err_class errors_from_errno(int error)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ERRNO); i++)
		if (ERRNO[i].error == error)
			return ERRNO[i].class;
	return CLASS_INTERNAL;
}

/* --- ESPHome --- */

static const struct {
	const char *text;
	enum err_class class;
} ESPHOME[] = {
	/* 0x100: refused for want of resources. */
	{ "ESP_GATT_CONN_CONN_CANCEL", CLASS_OUT_OF_SLOTS },
	{ "available connection", CLASS_OUT_OF_SLOTS },
	{ "connection slot", CLASS_OUT_OF_SLOTS },
	{ "ESP_GATT_CONN_FAIL_ESTABLISH", CLASS_ABORTED_LOCAL },
	{ "ESP_GATT_CONN_TIMEOUT", CLASS_ABORTED_LOCAL },
	{ "ESP_GATT_CONN_TERMINATE_PEER_USER", CLASS_ABORTED_REMOTE },
	{ "ESP_GATT_CONN_TERMINATE_LOCAL_HOST", CLASS_ABORTED_LOCAL },
	{ "ESP_GATT_ERROR", CLASS_ABORTED_LOCAL },
	{ "not found", CLASS_NOT_FOUND },
	{ "isconnected", CLASS_LINK_LOST },
};

enum err_class errors_from_esphome(const char *text)
{
	size_t i;

	for (i = 0; text && i < ARRAY_LEN(ESPHOME); i++)
		if (strstr(text, ESPHOME[i].text))
			return ESPHOME[i].class;
	return CLASS_INTERNAL;
}

/* --- the kernel --- */

struct said {
	enum err_class class;
	const char *text;
};

/* Statuses of MGMT (mgmt-api); which HCI errors become which: net/bluetooth/mgmt.c. */
static const struct said MGMT[] = {
	[0x00] = { CLASS_NONE, "" },
	[0x01] = { CLASS_INTERNAL, "the kernel does not know the command" },
	[0x02] = { CLASS_LINK_LOST, "there is no such link" },
	[0x03] = { CLASS_ABORTED_LOCAL, "the connection could not be established" },
	[0x04] = { CLASS_ABORTED_LOCAL, "the connect failed" },
	[0x05] = { CLASS_AUTH, "the authentication failed" },
	[0x06] = { CLASS_AUTH, "not paired" },
	[0x07] = { CLASS_OUT_OF_SLOTS, "the adapter has no room for another link" },
	[0x08] = { CLASS_NOT_FOUND, "the peripheral was not heard in time" },
	[0x09] = { CLASS_BUSY_SAME_DEVICE, "the adapter has a link to it already" },
	[0x0a] = { CLASS_BUSY_DISCOVERY, "the adapter is busy with something else" },
	[0x0b] = { CLASS_ABORTED_REMOTE, "the peripheral rejected it" },
	[0x0c] = { CLASS_INVALID, "not supported" },
	[0x0d] = { CLASS_INTERNAL, "invalid parameters" },
	[0x0e] = { CLASS_ABORTED_REMOTE, "it was disconnected meanwhile" },
	[0x0f] = { CLASS_NOT_POWERED, "the adapter is off" },
	[0x10] = { CLASS_ABORTED_LOCAL, "it was cancelled on this machine" },
	[0x11] = { CLASS_ADAPTER_GONE, "there is no such adapter" },
	[0x12] = { CLASS_RFKILL, "the radio is blocked by rfkill" },
	[0x13] = { CLASS_INVALID, "already paired" },
	[0x14] = { CLASS_INTERNAL, "the kernel does not permit it" },
};

/* Reasons of MGMT's Device Disconnected (mgmt-api). */
static const struct said REASONS[] = {
	[0x00] = { CLASS_LINK_LOST, "" },
	[0x01] = { CLASS_LINK_LOST, "the peripheral went silent" },
	[0x02] = { CLASS_LINK_LOST, "a program on this machine ended the link" },
	[0x03] = { CLASS_ABORTED_REMOTE, "the peripheral ended the link" },
	[0x04] = { CLASS_AUTH, "the authentication failed" },
	[0x05] = { CLASS_LINK_LOST, "this machine went to sleep" },
};

/*
 * Core specification 5.4, volume 1 part F, 1.3; CLASS_NONE: reserved, or not of LE. 0x0c "command
 * disallowed" and 0x3a "controller busy" mean that another command is under way; 0x3d "MIC failure"
 * that the keys differ; 0x3e "failed to be established" that the peripheral did not answer the
 * connect it was sent.
 */
static const enum err_class HCI[] = { [0x01] = CLASS_INTERNAL,
				      [0x02] = CLASS_LINK_LOST,
				      [0x03] = CLASS_ADAPTER_GONE,
				      [0x04] = CLASS_NOT_FOUND,
				      [0x05] = CLASS_AUTH,
				      [0x06] = CLASS_KEY_MISSING,
				      [0x07] = CLASS_OUT_OF_SLOTS,
				      [0x08] = CLASS_LINK_LOST,
				      [0x09] = CLASS_OUT_OF_SLOTS,
				      [0x0a] = CLASS_OUT_OF_SLOTS,
				      [0x0b] = CLASS_BUSY_SAME_DEVICE,
				      [0x0c] = CLASS_BUSY_DISCOVERY,
				      [0x0d] = CLASS_OUT_OF_SLOTS,
				      [0x0e] = CLASS_AUTH,
				      [0x0f] = CLASS_ABORTED_REMOTE,
				      [0x10] = CLASS_NOT_FOUND,
				      [0x11] = CLASS_INVALID,
				      [0x12] = CLASS_INTERNAL,
				      [0x13] = CLASS_ABORTED_REMOTE,
				      [0x14] = CLASS_ABORTED_REMOTE,
				      [0x15] = CLASS_ABORTED_REMOTE,
				      [0x16] = CLASS_ABORTED_LOCAL,
				      [0x17] = CLASS_AUTH,
				      [0x18] = CLASS_AUTH,
				      [0x1a] = CLASS_ABORTED_REMOTE,
				      [0x1f] = CLASS_ABORTED_LOCAL,
				      [0x22] = CLASS_LINK_LOST,
				      [0x23] = CLASS_ABORTED_LOCAL,
				      [0x25] = CLASS_AUTH,
				      [0x28] = CLASS_LINK_LOST,
				      [0x29] = CLASS_AUTH,
				      [0x2a] = CLASS_ABORTED_LOCAL,
				      [0x2f] = CLASS_AUTH,
				      [0x3a] = CLASS_BUSY_DISCOVERY,
				      [0x3b] = CLASS_ABORTED_REMOTE,
				      [0x3c] = CLASS_NOT_FOUND,
				      [0x3d] = CLASS_AUTH,
				      [0x3e] = CLASS_ABORTED_LOCAL,
				      [0x3f] = CLASS_ABORTED_LOCAL,
				      [0x43] = CLASS_OUT_OF_SLOTS,
				      [0x44] = CLASS_ABORTED_LOCAL };

enum err_class errors_from_mgmt(uint8_t status)
{
	return status < ARRAY_LEN(MGMT) ? MGMT[status].class : CLASS_INTERNAL;
}

enum err_class errors_from_mgmt_reason(uint8_t reason)
{
	return reason < ARRAY_LEN(REASONS) ? REASONS[reason].class : CLASS_LINK_LOST;
}

enum err_class errors_from_hci(uint8_t reason)
{
	if (reason == 0)
		return CLASS_NONE;
	if (reason >= ARRAY_LEN(HCI) || HCI[reason] == CLASS_NONE)
		return CLASS_INTERNAL;
	return HCI[reason];
}

static bool is_telling(const struct errors_cause *cause)
{
	return cause->status != 0 &&
	       cause->status < (cause->is_disconnect ? ARRAY_LEN(REASONS) : ARRAY_LEN(MGMT));
}

bool errors_tells_more(enum err_class class, const char *text, const struct errors_cause *cause)
{
	if (!errors_is_vague(class) || !is_telling(cause))
		return false;
	/* Somebody called Disconnect: of that the kernel says "timeout" (reference/lab-facts.md).
	 */
	return cause->is_disconnect || !strstr(text, "connection-canceled");
}

enum err_class errors_cause_class(const struct errors_cause *cause)
{
	return cause->is_disconnect ? errors_from_mgmt_reason(cause->status)
				    : errors_from_mgmt(cause->status);
}

const char *errors_cause_text(const struct errors_cause *cause)
{
	if (!is_telling(cause))
		return "";
	return cause->is_disconnect ? REASONS[cause->status].text : MGMT[cause->status].text;
}
