/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/bluez_errors.h"

#include <stdio.h>
#include <string.h>

#define BLUEZ  "org.bluez.Error."
#define FREEDT "org.freedesktop.DBus.Error."

enum { ANY = -1, ATT_ERRORS = 0x100 };

struct row {
	int call;	  /* enum bluez_call, or ANY */
	const char *name; /* NULL: any */
	const char *text; /* must occur in the message; NULL: any */
	enum err_class class;
};

/* The first row that fits. */
static const struct row ROWS[] = {
	/* The bus: nobody answers, or nobody is there. */
	{ ANY, FREEDT "ServiceUnknown", NULL, CLASS_BLUEZ_GONE },
	{ ANY, FREEDT "NameHasNoOwner", NULL, CLASS_BLUEZ_GONE },
	{ ANY, FREEDT "Spawn.ChildExited", NULL, CLASS_BLUEZ_GONE },
	{ ANY, FREEDT "Spawn.ExecFailed", NULL, CLASS_BLUEZ_GONE },
	{ ANY, FREEDT "Disconnected", NULL, CLASS_BLUEZ_GONE },
	{ ANY, FREEDT "NoReply", NULL, CLASS_NO_REPLY },
	{ ANY, FREEDT "Timeout", NULL, CLASS_NO_REPLY },
	{ ANY, FREEDT "TimedOut", NULL, CLASS_NO_REPLY },
	{ ANY, FREEDT "LimitsExceeded", NULL, CLASS_LIMIT },
	{ ANY, FREEDT "AccessDenied", NULL, CLASS_AUTH },
	{ ANY, "System.Error.ETIMEDOUT", NULL, CLASS_NO_REPLY },
	{ ANY, "System.Error.ECONNRESET", NULL, CLASS_BLUEZ_GONE },
	{ ANY, "System.Error.ENOTCONN", NULL, CLASS_BLUEZ_GONE },
	{ ANY, "System.Error.EPIPE", NULL, CLASS_BLUEZ_GONE },

	/* The object went: of GATT that is a service that changed or a device that was removed. */
	{ BLUEZ_CALL_GATT, FREEDT "UnknownObject", NULL, CLASS_GATT_MISSING },
	{ BLUEZ_CALL_DISCOVERY, FREEDT "UnknownObject", NULL, CLASS_ADAPTER_GONE },
	{ ANY, FREEDT "UnknownObject", NULL, CLASS_NOT_FOUND },
	{ BLUEZ_CALL_GATT, FREEDT "UnknownMethod", "doesn't exist", CLASS_GATT_MISSING },
	{ BLUEZ_CALL_DISCOVERY, FREEDT "UnknownMethod", NULL, CLASS_ADAPTER_GONE },
	{ ANY, FREEDT "UnknownMethod", NULL, CLASS_NOT_FOUND },
	{ ANY, FREEDT "UnknownInterface", NULL, CLASS_NOT_FOUND },

	/* Power. */
	{ ANY, NULL, "adapter-not-powered", CLASS_NOT_POWERED },
	{ ANY, BLUEZ "NotReady", NULL, CLASS_NOT_POWERED },
	{ ANY, BLUEZ "Failed", "Not Powered", CLASS_NOT_POWERED },
	{ ANY, NULL, "rfkill", CLASS_RFKILL },
	{ ANY, NULL, "Blocked through rfkill", CLASS_RFKILL },

	/* Connect. */
	{ ANY, NULL, "le-connection-abort-by-local", CLASS_ABORTED_LOCAL },
	{ ANY, NULL, "connection-abort-by-remote", CLASS_ABORTED_REMOTE },
	{ ANY, NULL, "connection-canceled", CLASS_ABORTED_LOCAL },
	{ ANY, NULL, "concurrent-connection-limit", CLASS_OUT_OF_SLOTS },
	{ ANY, NULL, "available connection", CLASS_OUT_OF_SLOTS },
	{ ANY, NULL, "connection slot", CLASS_OUT_OF_SLOTS },
	{ ANY, NULL, "connection-memory-allocation", CLASS_OUT_OF_SLOTS },
	{ ANY, NULL, "connection-key-missing", CLASS_KEY_MISSING },
	{ ANY, NULL, "connection-timeout", CLASS_NOT_FOUND },
	{ ANY, NULL, "connection-busy", CLASS_BUSY_SAME_DEVICE },
	{ ANY, NULL, "connection-already-connected", CLASS_BUSY_SAME_DEVICE },
	{ ANY, NULL, "connection-refused", CLASS_ABORTED_REMOTE },
	{ ANY, NULL, "connection-link-layer-protocol-error", CLASS_ABORTED_REMOTE },
	{ ANY, NULL, "connection-gatt-browsing", CLASS_GATT_LATE },
	{ ANY, NULL, "connection-create-socket", CLASS_ABORTED_LOCAL },
	{ ANY, NULL, "connection-unknown", CLASS_ABORTED_LOCAL },
	{ BLUEZ_CALL_CONNECT, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ BLUEZ_CALL_CONNECT, NULL, "already in progress", CLASS_BUSY_SAME_DEVICE },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "Input/output error", CLASS_ABORTED_LOCAL },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "Host is down", CLASS_NOT_POWERED },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", "Connection timed out", CLASS_NOT_FOUND },
	{ BLUEZ_CALL_CONNECT, BLUEZ "NotAvailable", NULL, CLASS_ABORTED_LOCAL },
	{ BLUEZ_CALL_CONNECT, BLUEZ "AlreadyConnected", NULL, CLASS_BUSY_SAME_DEVICE },
	{ BLUEZ_CALL_CONNECT, BLUEZ "Failed", NULL, CLASS_ABORTED_LOCAL },

	/* Discovery. */
	{ BLUEZ_CALL_DISCOVERY, BLUEZ "InProgress", NULL, CLASS_BUSY_DISCOVERY },
	{ BLUEZ_CALL_DISCOVERY, BLUEZ "Failed", NULL, CLASS_BUSY_DISCOVERY },

	/* The link went under a call. */
	{ ANY, BLUEZ "NotConnected", NULL, CLASS_LINK_LOST },
	{ ANY, NULL, "Not connected", CLASS_LINK_LOST },
	{ ANY, NULL, "Not Connected", CLASS_LINK_LOST },
	{ BLUEZ_CALL_GATT, NULL, "Disconnected", CLASS_LINK_LOST },

	/* GATT. */
	{ BLUEZ_CALL_GATT, BLUEZ "InProgress", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "NotPermitted", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "NotSupported", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "InvalidArguments", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "InvalidValueLength", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "InvalidOffset", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "ImproperlyConfigured", NULL, CLASS_GATT_REFUSED },
	{ BLUEZ_CALL_GATT, BLUEZ "DoesNotExist", NULL, CLASS_GATT_MISSING },

	/* Security. */
	{ ANY, BLUEZ "NotAuthorized", NULL, CLASS_AUTH },
	{ ANY, BLUEZ "AuthenticationFailed", NULL, CLASS_AUTH },
	{ ANY, BLUEZ "AuthenticationCanceled", NULL, CLASS_AUTH },
	{ ANY, BLUEZ "AuthenticationRejected", NULL, CLASS_AUTH },
	{ ANY, BLUEZ "AuthenticationTimeout", NULL, CLASS_AUTH },
	{ ANY, BLUEZ "ConnectionAttemptFailed", NULL, CLASS_ABORTED_LOCAL },
	{ ANY, BLUEZ "DoesNotExist", NULL, CLASS_NOT_FOUND },
	{ ANY, NULL, "not found", CLASS_NOT_FOUND },

	{ BLUEZ_CALL_GATT, BLUEZ "Failed", NULL, CLASS_GATT_REFUSED },
};

/*
 * ATT error codes that are not simply a refusal. 0x0e "unlikely" is what BlueZ says when ATT's own
 * 30 s ran out and when the link is being torn down: the peer did not answer.
 */
static const struct {
	unsigned code;
	enum err_class class;
} ATT[] = {
	{ 0x01, CLASS_GATT_MISSING }, { 0x05, CLASS_AUTH },	    { 0x08, CLASS_AUTH },
	{ 0x0a, CLASS_GATT_MISSING }, { 0x0c, CLASS_AUTH },	    { 0x0e, CLASS_LINK_LOST },
	{ 0x0f, CLASS_AUTH },	      { 0x11, CLASS_GATT_REFUSED },
};

static bool fits(const struct row *row, enum bluez_call call, const char *name, const char *text)
{
	if (row->call != ANY && row->call != (int)call)
		return false;
	if (row->name && strcmp(row->name, name) != 0)
		return false;
	return !row->text || strstr(text, row->text);
}

/* The code in "Operation failed with ATT error: 0x0e", or ATT_ERRORS if that is not the text. */
static unsigned att_code(const char *text)
{
	const char *at = strstr(text, "ATT error: 0x");
	unsigned code;

	if (!at || sscanf(at, "ATT error: 0x%2x", &code) != 1)
		return ATT_ERRORS;
	return code;
}

static enum err_class att_class(unsigned code)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ATT); i++)
		if (ATT[i].code == code)
			return ATT[i].class;
	return CLASS_GATT_REFUSED;
}

enum err_class bluez_errors_class(enum bluez_call call, const char *name, const char *text)
{
	unsigned code;
	size_t i;

	name = name ? name : "";
	text = text ? text : "";
	code = att_code(text);
	if (code != ATT_ERRORS)
		return att_class(code);
	for (i = 0; i < ARRAY_LEN(ROWS); i++)
		if (fits(&ROWS[i], call, name, text))
			return ROWS[i].class;
	return CLASS_INTERNAL;
}

bool bluez_errors_is_busy(const char *name, const char *text)
{
	if (name && strcmp(name, BLUEZ "InProgress") == 0)
		return true;
	return text && (strstr(text, "already in progress") || strstr(text, "In Progress"));
}
