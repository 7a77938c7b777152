/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/errors.h - what others say when something fails, as our classes, and what a class means for
 * whoever decides what comes next. One table in errors_table.c, from D-Bus error to advice; class.h
 * has the enum, the names and the advice. Pure, safe anywhere.
 */
#include "ipc/class.h"

/* --- what a class means --- */

/* Against whom a failure speaks: "reset only on evidence against the adapter" (DESIGN 6). */
enum errors_count {
	ERRORS_COUNT_NONE,    /* our side, the caller's, bluetoothd's: no radio is to blame */
	ERRORS_COUNT_DEVICE,  /* the peripheral, or the path to it */
	ERRORS_COUNT_ADAPTER, /* the adapter: evidence for a reset when several devices say so */
};

/* What helps first; escalation may go further, or may not go as far. */
enum errors_step {
	ERRORS_STEP_GIVE_UP, /* trying again cannot help */
	ERRORS_STEP_RETRY,
	ERRORS_STEP_CLEAR,  /* stale state in BlueZ or the kernel is in the way */
	ERRORS_STEP_ROTATE, /* another adapter may do what this one cannot */
};

/* Multiples of the base delay before the next attempt; 0: none here, whatever the delay. */
uint32_t errors_backoff(enum err_class class);
enum errors_count errors_counts(enum err_class class);
enum errors_step errors_step(enum err_class class);

/*
 * Whether the way to the peripheral failed, up to the daemon, rather than what was asked of it: the
 * same may work when it is asked again (bh_retry()).
 */
bool errors_is_connection(enum err_class class);

/* --- who said it --- */

enum errors_call {
	ERRORS_CALL_OTHER,
	ERRORS_CALL_CONNECT,
	ERRORS_CALL_DISCOVERY,
	ERRORS_CALL_GATT,
};

/*
 * What was asked for and what BlueZ is doing, as far as the caller knows: the same name and text
 * mean different things ("In Progress" of Connect and of StartDiscovery).
 */
struct errors_context {
	enum errors_call call;
	bool is_discovering; /* Adapter1.Discovering */
	bool is_connecting;  /* a Connect of somebody is pending on the device */
	bool is_bonding;     /* a Pair is */
};

/**
 * errors_from_dbus() - why a D-Bus call failed
 * @name:    D-Bus error name; NULL reads as an unknown one
 * @text:    its message; NULL reads as ""
 * @context: not NULL
 *
 * CLASS_INTERNAL where no row fits.
 */
enum err_class errors_from_dbus(const char *name, const char *text,
				const struct errors_context *context);

/* Whether it says "somebody is just doing that": the same call may work a moment later. */
bool errors_is_busy(const char *name, const char *text);

/* A positive errno of a socket, an ioctl or sd-bus. */
enum err_class errors_from_errno(int error);

/* Text of an ESPHome proxy ("ESP_GATT_CONN_FAIL_ESTABLISH"), or of who speaks to one. */
enum err_class errors_from_esphome(const char *text);

/* A status of MGMT (mgmt-api): of a command, or of Connect Failed. 0 is CLASS_NONE. */
enum err_class errors_from_mgmt(uint8_t status);

/* A reason of MGMT's Device Disconnected. 0, "unspecified", is CLASS_LINK_LOST. */
enum err_class errors_from_mgmt_reason(uint8_t reason);

/* A status or reason of HCI (Core specification, volume 1 part F). 0 is CLASS_NONE. */
enum err_class errors_from_hci(uint8_t reason);

/* --- what D-Bus hides --- */

/* What the kernel said of a connect that failed or a link that ended. */
struct errors_cause {
	bool is_disconnect; /* @status is a reason of Device Disconnected, not of Connect Failed */
	uint8_t status;
};

/* Whether D-Bus says this for many reasons, so that the kernel's cause is worth waiting for. */
bool errors_is_vague(enum err_class class);

/* Whether @cause explains a failure of which D-Bus said @class and @text. */
bool errors_tells_more(enum err_class class, const char *text, const struct errors_cause *cause);

enum err_class errors_cause_class(const struct errors_cause *cause);

/* One line for a person: "the peripheral ended the link"; "" where there is nothing to tell. */
const char *errors_cause_text(const struct errors_cause *cause);
