/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/errors_table.h"

#include "ipc/session.pb-c.h"

#define BLUEZ  "org.bluez.Error."
#define FREEDT "org.freedesktop.DBus.Error."
#define SYSTEM "System.Error." /* sd-bus: an errno of its own connection */

static_assert((int)CLASS_NOT_FOUND == (int)BH__CLASS__CLASS_NOT_FOUND, "as in session.proto");
static_assert((int)CLASS_GATT_REFUSED == (int)BH__CLASS__CLASS_GATT_REFUSED, "as in session.proto");
static_assert((int)CLASS_LOCK_LOST == (int)BH__CLASS__CLASS_LOCK_LOST, "as in session.proto");
static_assert((int)CLASS_DENIED == (int)BH__CLASS__CLASS_DENIED, "as in session.proto");
static_assert(CLASS_COUNT == CLASS_DENIED + 1, "every class has a row");

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
static const struct errors_class CLASSES[CLASS_COUNT] = {
	[CLASS_NONE] = { "none", 0, NONE, GIVE_UP, false, false, "" },
	/* Seeking waits for an advert by itself: no need for long pauses here. */
	[CLASS_NOT_FOUND] = { "not-found", 2, DEVICE, RETRY, false, true,
			      "check that the peripheral is on, in range and advertising" },
	[CLASS_OUT_OF_SLOTS] = { "out-of-slots", 16, NONE, ROTATE, false, true,
				 "end a link on that adapter or plug in another adapter" },
	[CLASS_BUSY_SAME_DEVICE] = { "busy-same-device", 2, DEVICE, CLEAR, false, true,
				     "another program is busy with that peripheral; try later" },
	[CLASS_BUSY_DISCOVERY] = { "busy-discovery", 1, ADAPTER, RETRY, false, true,
				   "the adapter is busy, perhaps with a discovery; try later" },
	[CLASS_ABORTED_LOCAL] = { "aborted-local", 1, DEVICE, RETRY, true, true,
				  "the peripheral did not take the connection; move it closer" },
	[CLASS_ABORTED_REMOTE] = { "aborted-remote", 2, DEVICE, RETRY, true, true,
				   "the peripheral ended it; is another host using it?" },
	[CLASS_LINK_LOST] = { "link-lost", 1, DEVICE, RETRY, true, true,
			      "the link broke; connect again" },
	[CLASS_AUTH] = { "auth", 0, NONE, GIVE_UP, false, false, "pair with the peripheral first" },
	[CLASS_KEY_MISSING] = { "key-missing", 0, NONE, GIVE_UP, false, false,
				"the peripheral forgot the bond; remove it here and pair again" },
	[CLASS_NOT_POWERED] = { "not-powered", 0, NONE, ROTATE, false, true,
				"power the adapter: bluetoothctl power on" },
	[CLASS_RFKILL] = { "rfkill", 0, NONE, ROTATE, false, true,
			   "unblock the radio: rfkill unblock bluetooth" },
	[CLASS_ADAPTER_GONE] = { "adapter-gone", 0, NONE, ROTATE, false, true,
				 "plug the adapter in; bleherd adapters lists them" },
	[CLASS_BLUEZ_GONE] = { "bluez-gone", 4, NONE, RETRY, false, true,
			       "start bluetoothd: systemctl start bluetooth" },
	[CLASS_NO_REPLY] = { "no-reply", 4, ADAPTER, CLEAR, false, true,
			     "bluetoothd did not answer; is it hanging?" },
	[CLASS_GATT_MISSING] = { "gatt-missing", 0, NONE, GIVE_UP, false, false,
				 "bleherd services ADDR lists what there is" },
	[CLASS_GATT_LATE] = { "gatt-late", 1, DEVICE, RETRY, false, true,
			      "the services came too late; try again" },
	[CLASS_GATT_REFUSED] = { "gatt-refused", 0, NONE, GIVE_UP, false, false,
				 "the peripheral does not allow that" },
	[CLASS_PHANTOM] = { "phantom", 2, DEVICE, CLEAR, false, true,
			    "BlueZ shows a link that the kernel does not have" },
	[CLASS_ZOMBIE] = { "zombie", 1, DEVICE, CLEAR, false, true,
			   "the link carries nothing or cannot be ended; a reset of its adapter ends it" },
	[CLASS_VALIDATION] = { "validation", 1, DEVICE, CLEAR, false, true,
			       "the link did not pass the check that was asked for" },
	[CLASS_LOCK_TIMEOUT] = { "lock-timeout", 0, NONE, GIVE_UP, false, false,
				 "bleherd locks shows who holds the adapter; allow more time" },
	[CLASS_CANCELLED] = { "cancelled", 0, NONE, GIVE_UP, false, false, "" },
	[CLASS_DEADLINE] = { "deadline", 0, NONE, GIVE_UP, false, true,
			     "allow more time: --timeout" },
	[CLASS_INTERRUPTED] = { "interrupted", 1, NONE, RETRY, false, false,
				"it may or may not have happened; read the value before writing "
				"again" },
	[CLASS_INTERNAL] = { "internal", 2, NONE, RETRY, false, false,
			     "see the journal of bleherd" },
	[CLASS_INVALID] = { "invalid", 0, NONE, GIVE_UP, false, false, "" },
	[CLASS_NO_DAEMON] = { "no-daemon", 0, NONE, GIVE_UP, false, true,
			      "start it: systemctl start bleherd" },
	[CLASS_LIMIT] = { "limit", 0, NONE, GIVE_UP, false, false,
			  "close some sessions or subscriptions" },
	[CLASS_LOCK_LOST] = { "lock-lost", 1, NONE, RETRY, false, false,
			      "it was held too long, or its adapter went; acquire it again" },
	[CLASS_DENIED] = { "denied", 0, NONE, GIVE_UP, false, false,
			   "allow it in bleherd.conf: [access NAME] user = ..., allow = ..." },
};

/*
 * The first row that fits. The texts are those of bluetoothd 5.66 to 5.87 and dbus-daemon 1.14,
 * and of bleak's world; sources: bleak-retry-connector's classifier and BlueZ's src/error.c.
 */
static const struct errors_dbus DBUS[] = {
	/* The bus: nobody answers, or nobody is there. */
	{ ERRORS_WHEN_ANY, FREEDT "ServiceUnknown", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "NameHasNoOwner", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "Spawn.ChildExited", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "Spawn.ExecFailed", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "Disconnected", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "FileNotFound", NULL, CLASS_BLUEZ_GONE },
	/* What dbus-daemon answers for a bluetoothd that dies with the call. */
	{ ERRORS_WHEN_ANY, FREEDT "NoReply", "recipient disconnected", CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "NoReply", NULL, CLASS_NO_REPLY },
	{ ERRORS_WHEN_ANY, FREEDT "Timeout", NULL, CLASS_NO_REPLY },
	{ ERRORS_WHEN_ANY, FREEDT "TimedOut", NULL, CLASS_NO_REPLY },
	{ ERRORS_WHEN_ANY, FREEDT "LimitsExceeded", NULL, CLASS_LIMIT },
	{ ERRORS_WHEN_ANY, FREEDT "AccessDenied", NULL, CLASS_INTERNAL },
	{ ERRORS_WHEN_ANY, SYSTEM "ETIMEDOUT", NULL, CLASS_NO_REPLY },
	{ ERRORS_WHEN_ANY, SYSTEM "ECONNRESET", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, SYSTEM "ENOTCONN", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, SYSTEM "EPIPE", NULL, CLASS_BLUEZ_GONE },
	{ ERRORS_WHEN_ANY, SYSTEM "EBADMSG", NULL, CLASS_BLUEZ_GONE },

	/* The object went: of GATT that is a service that changed or a device that was removed. */
	{ ERRORS_WHEN_GATT, FREEDT "UnknownObject", NULL, CLASS_GATT_MISSING },
	{ ERRORS_WHEN_DISCOVERY, FREEDT "UnknownObject", NULL, CLASS_ADAPTER_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "UnknownObject", NULL, CLASS_NOT_FOUND },
	{ ERRORS_WHEN_GATT, FREEDT "UnknownMethod", "doesn't exist", CLASS_GATT_MISSING },
	{ ERRORS_WHEN_DISCOVERY, FREEDT "UnknownMethod", NULL, CLASS_ADAPTER_GONE },
	{ ERRORS_WHEN_ANY, FREEDT "UnknownMethod", NULL, CLASS_NOT_FOUND },
	{ ERRORS_WHEN_ANY, FREEDT "UnknownInterface", NULL, CLASS_NOT_FOUND },

	/* Power. */
	{ ERRORS_WHEN_ANY, NULL, "rfkill", CLASS_RFKILL },
	{ ERRORS_WHEN_ANY, NULL, "adapter-not-powered", CLASS_NOT_POWERED },
	{ ERRORS_WHEN_ANY, BLUEZ "NotReady", NULL, CLASS_NOT_POWERED },
	{ ERRORS_WHEN_ANY, BLUEZ "Failed", "Not Powered", CLASS_NOT_POWERED },

	/* A connection: the words behind "le-connection-" and "br-connection-". */
	{ ERRORS_WHEN_ANY, NULL, "connection-abort-by-local", CLASS_ABORTED_LOCAL },
	{ ERRORS_WHEN_ANY, NULL, "connection-abort-by-remote", CLASS_ABORTED_REMOTE },
	{ ERRORS_WHEN_ANY, NULL, "connection-canceled", CLASS_ABORTED_LOCAL },
	{ ERRORS_WHEN_ANY, NULL, "concurrent-connection-limit", CLASS_OUT_OF_SLOTS },
	{ ERRORS_WHEN_ANY, NULL, "connection-memory-allocation", CLASS_OUT_OF_SLOTS },
	{ ERRORS_WHEN_ANY, NULL, "available connection", CLASS_OUT_OF_SLOTS },
	{ ERRORS_WHEN_ANY, NULL, "connection slot", CLASS_OUT_OF_SLOTS },
	{ ERRORS_WHEN_ANY, NULL, "connection-key-missing", CLASS_KEY_MISSING },
	{ ERRORS_WHEN_ANY, NULL, "connection-timeout", CLASS_NOT_FOUND },
	{ ERRORS_WHEN_ANY, NULL, "connection-page-timeout", CLASS_NOT_FOUND },
	{ ERRORS_WHEN_ANY, NULL, "connection-busy", CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_ANY, NULL, "connection-already-connected", CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_ANY, NULL, "connection-refused", CLASS_ABORTED_REMOTE },
	{ ERRORS_WHEN_ANY, NULL, "connection-link-layer-protocol-error", CLASS_ABORTED_REMOTE },
	{ ERRORS_WHEN_ANY, NULL, "connection-lmp-protocol-error", CLASS_ABORTED_REMOTE },
	{ ERRORS_WHEN_ANY, NULL, "connection-gatt-browsing", CLASS_GATT_LATE },
	{ ERRORS_WHEN_ANY, NULL, "connection-create-socket", CLASS_ABORTED_LOCAL },
	{ ERRORS_WHEN_ANY, NULL, "connection-bad-socket", CLASS_ABORTED_LOCAL },
	{ ERRORS_WHEN_ANY, NULL, "connection-not-supported", CLASS_INVALID },
	{ ERRORS_WHEN_ANY, NULL, "connection-profile-unavailable", CLASS_INVALID },
	{ ERRORS_WHEN_ANY, NULL, "connection-invalid-arguments", CLASS_INTERNAL },
	{ ERRORS_WHEN_ANY, NULL, "connection-unknown", CLASS_ABORTED_LOCAL },

	/*
	 * Busy. bluetoothd says "Operation already in progress" of discovery and "In Progress" of
	 * a device, but of a pending Connect it says the former too (strerror of EALREADY).
	 */
	{ ERRORS_WHEN_CONNECT, BLUEZ "InProgress", "In Progress", CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_CONNECT | ERRORS_WHILE_ON_DEVICE, BLUEZ "InProgress", NULL,
	  CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_CONNECT | ERRORS_WHILE_DISCOVERING, BLUEZ "InProgress", NULL,
	  CLASS_BUSY_DISCOVERY },
	{ ERRORS_WHEN_CONNECT, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_CONNECT, NULL, "already in progress", CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_DISCOVERY, BLUEZ "InProgress", NULL, CLASS_BUSY_DISCOVERY },
	{ ERRORS_WHEN_GATT, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_GATT, BLUEZ "NotPermitted", "acquired", CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_ANY, BLUEZ "InProgress", "already in progress", CLASS_BUSY_DISCOVERY },
	{ ERRORS_WHEN_ANY, BLUEZ "InProgress", NULL, CLASS_BUSY_SAME_DEVICE },
	{ ERRORS_WHEN_DISCOVERY, BLUEZ "Failed", NULL, CLASS_BUSY_DISCOVERY },

	/* Connect, in words. */
	{ ERRORS_WHEN_CONNECT, BLUEZ "Failed", "Host is down", CLASS_NOT_POWERED },
	{ ERRORS_WHEN_CONNECT, BLUEZ "Failed", "Connection timed out", CLASS_NOT_FOUND },
	{ ERRORS_WHEN_CONNECT, BLUEZ "AlreadyConnected", NULL, CLASS_BUSY_SAME_DEVICE },

	/* The link went under a call. */
	{ ERRORS_WHEN_ANY, BLUEZ "NotConnected", NULL, CLASS_LINK_LOST },
	{ ERRORS_WHEN_ANY, NULL, "Not connected", CLASS_LINK_LOST },
	{ ERRORS_WHEN_ANY, NULL, "Not Connected", CLASS_LINK_LOST },
	{ ERRORS_WHEN_ANY, NULL, "device disconnected", CLASS_ABORTED_REMOTE },
	{ ERRORS_WHEN_ANY, NULL, "Disconnected", CLASS_LINK_LOST },

	/* GATT. */
	{ ERRORS_WHEN_GATT, BLUEZ "NotPermitted", NULL, CLASS_GATT_REFUSED },
	{ ERRORS_WHEN_GATT, BLUEZ "NotSupported", NULL, CLASS_GATT_REFUSED },
	{ ERRORS_WHEN_GATT, BLUEZ "InvalidArguments", NULL, CLASS_GATT_REFUSED },
	{ ERRORS_WHEN_GATT, BLUEZ "InvalidValueLength", NULL, CLASS_GATT_REFUSED },
	{ ERRORS_WHEN_GATT, BLUEZ "InvalidOffset", NULL, CLASS_GATT_REFUSED },
	{ ERRORS_WHEN_GATT, BLUEZ "ImproperlyConfigured", NULL, CLASS_GATT_REFUSED },
	{ ERRORS_WHEN_GATT, BLUEZ "DoesNotExist", NULL, CLASS_GATT_MISSING },
	{ ERRORS_WHEN_GATT, BLUEZ "Failed", NULL, CLASS_GATT_REFUSED },

	/* Security. */
	{ ERRORS_WHEN_ANY, BLUEZ "NotAuthorized", NULL, CLASS_AUTH },
	{ ERRORS_WHEN_ANY, BLUEZ "AuthenticationFailed", NULL, CLASS_AUTH },
	{ ERRORS_WHEN_ANY, BLUEZ "AuthenticationCanceled", NULL, CLASS_AUTH },
	{ ERRORS_WHEN_ANY, BLUEZ "AuthenticationRejected", NULL, CLASS_AUTH },
	{ ERRORS_WHEN_ANY, BLUEZ "AuthenticationTimeout", NULL, CLASS_AUTH },

	{ ERRORS_WHEN_ANY, BLUEZ "ConnectionAttemptFailed", NULL, CLASS_ABORTED_LOCAL },
	{ ERRORS_WHEN_ANY, BLUEZ "DoesNotExist", NULL, CLASS_NOT_FOUND },
	{ ERRORS_WHEN_ANY, NULL, "not found", CLASS_NOT_FOUND },
	{ ERRORS_WHEN_CONNECT, BLUEZ "NotAvailable", NULL, CLASS_ABORTED_LOCAL },
	/* "Input/output error" is one of them: the kernel refused at once. */
	{ ERRORS_WHEN_CONNECT, BLUEZ "Failed", NULL, CLASS_ABORTED_LOCAL },
};

/*
 * ATT error codes that are not simply a refusal. 0x0e "unlikely" is what BlueZ says when ATT's own
 * 30 s ran out and when the link is being torn down: the peer did not answer.
 */
static const struct errors_att ATT[] = {
	{ 0x01, CLASS_GATT_MISSING }, { 0x05, CLASS_AUTH }, { 0x08, CLASS_AUTH },
	{ 0x0a, CLASS_GATT_MISSING }, { 0x0c, CLASS_AUTH }, { 0x0e, CLASS_LINK_LOST },
	{ 0x0f, CLASS_AUTH },
};

static const struct errors_errno ERRNOS[] = { { 0, CLASS_NONE },
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

static const struct errors_text ESPHOME[] = {
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

/* Statuses of MGMT (mgmt-api); which HCI errors become which: net/bluetooth/mgmt.c. */
static const struct errors_said MGMT[] = {
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
static const struct errors_said REASONS[] = {
	[0x00] = { CLASS_LINK_LOST, "" },
	[0x01] = { CLASS_LINK_LOST, "the peripheral went silent" },
	[0x02] = { CLASS_LINK_LOST, "a program on this machine ended the link" },
	[0x03] = { CLASS_ABORTED_REMOTE, "the peripheral ended the link" },
	[0x04] = { CLASS_AUTH, "the authentication failed" },
	[0x05] = { CLASS_LINK_LOST, "this machine went to sleep" },
};

/* Core specification 5.4, volume 1 part F, 1.3; CLASS_NONE: reserved, or not of LE. */
static const enum err_class HCI[] = {
	[0x01] = CLASS_INTERNAL,	 /* unknown command */
	[0x02] = CLASS_LINK_LOST,	 /* unknown connection */
	[0x03] = CLASS_ADAPTER_GONE,	 /* hardware failure */
	[0x04] = CLASS_NOT_FOUND,	 /* page timeout */
	[0x05] = CLASS_AUTH,		 /* authentication failure */
	[0x06] = CLASS_KEY_MISSING,	 /* PIN or key missing */
	[0x07] = CLASS_OUT_OF_SLOTS,	 /* memory exceeded */
	[0x08] = CLASS_LINK_LOST,	 /* connection timeout */
	[0x09] = CLASS_OUT_OF_SLOTS,	 /* connection limit */
	[0x0a] = CLASS_OUT_OF_SLOTS,	 /* synchronous connection limit */
	[0x0b] = CLASS_BUSY_SAME_DEVICE, /* connection exists */
	[0x0c] = CLASS_BUSY_DISCOVERY,	 /* command disallowed: another is under way */
	[0x0d] = CLASS_OUT_OF_SLOTS,	 /* limited resources */
	[0x0e] = CLASS_AUTH,		 /* security reasons */
	[0x0f] = CLASS_ABORTED_REMOTE,	 /* unacceptable address */
	[0x10] = CLASS_NOT_FOUND,	 /* accept timeout */
	[0x11] = CLASS_INVALID,		 /* unsupported feature or value */
	[0x12] = CLASS_INTERNAL,	 /* invalid parameters */
	[0x13] = CLASS_ABORTED_REMOTE,	 /* the peer's user ended it */
	[0x14] = CLASS_ABORTED_REMOTE,	 /* the peer is low on resources */
	[0x15] = CLASS_ABORTED_REMOTE,	 /* the peer powers off */
	[0x16] = CLASS_ABORTED_LOCAL,	 /* ended by the local host */
	[0x17] = CLASS_AUTH,		 /* repeated attempts */
	[0x18] = CLASS_AUTH,		 /* pairing not allowed */
	[0x1a] = CLASS_ABORTED_REMOTE,	 /* unsupported by the peer */
	[0x1f] = CLASS_ABORTED_LOCAL,	 /* unspecified */
	[0x22] = CLASS_LINK_LOST,	 /* link layer response timeout */
	[0x23] = CLASS_ABORTED_LOCAL,	 /* link layer procedure collision */
	[0x25] = CLASS_AUTH,		 /* encryption mode not acceptable */
	[0x28] = CLASS_LINK_LOST,	 /* instant passed */
	[0x29] = CLASS_AUTH,		 /* pairing with unit key */
	[0x2a] = CLASS_ABORTED_LOCAL,	 /* transaction collision */
	[0x2f] = CLASS_AUTH,		 /* insufficient security */
	[0x3a] = CLASS_BUSY_DISCOVERY,	 /* controller busy */
	[0x3b] = CLASS_ABORTED_REMOTE,	 /* unacceptable connection parameters */
	[0x3c] = CLASS_NOT_FOUND,	 /* advertising timeout */
	[0x3d] = CLASS_AUTH,		 /* MIC failure: the keys differ */
	[0x3e] = CLASS_ABORTED_LOCAL,	 /* failed to be established: no answer to the connect */
	[0x3f] = CLASS_ABORTED_LOCAL,	 /* MAC connection failed */
	[0x43] = CLASS_OUT_OF_SLOTS,	 /* limit reached */
	[0x44] = CLASS_ABORTED_LOCAL,	 /* cancelled by the host */
};

const struct errors_table ERRORS_TABLE = {
	.classes = CLASSES,
	.dbus = DBUS,
	.n_dbus = ARRAY_LEN(DBUS),
	.att = ATT,
	.n_att = ARRAY_LEN(ATT),
	.errnos = ERRNOS,
	.n_errnos = ARRAY_LEN(ERRNOS),
	.esphome = ESPHOME,
	.n_esphome = ARRAY_LEN(ESPHOME),
	.mgmt = MGMT,
	.n_mgmt = ARRAY_LEN(MGMT),
	.reasons = REASONS,
	.n_reasons = ARRAY_LEN(REASONS),
	.hci = HCI,
	.n_hci = ARRAY_LEN(HCI),
};
