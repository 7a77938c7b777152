/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/errors_table.h - the rows behind errors.h: all of them are in errors_table.c. For errors.c
 * and for the tests.
 */
#include "ipc/errors.h"

struct errors_class {
	const char *name;
	uint32_t backoff;
	enum errors_count counts;
	enum errors_step step;
	bool is_vague;
	bool is_connection; /* the way to the peripheral, not what was asked of it */
	const char *advice;
};

/* A row holds for these calls, or only while BlueZ is doing that. */
enum {
	ERRORS_WHEN_CONNECT = 1u << ERRORS_CALL_CONNECT,
	ERRORS_WHEN_DISCOVERY = 1u << ERRORS_CALL_DISCOVERY,
	ERRORS_WHEN_GATT = 1u << ERRORS_CALL_GATT,
	ERRORS_WHEN_ANY = 0,
	ERRORS_WHILE_DISCOVERING = 1u << 8,
	ERRORS_WHILE_ON_DEVICE = 1u << 9, /* a Connect or a Pair of that device is pending */
	ERRORS_WHEN_CALLS = 0xff,
};

struct errors_dbus {
	unsigned when;
	const char *name; /* NULL: any */
	const char *text; /* must occur in the message; NULL: any */
	enum err_class class;
};

struct errors_att {
	unsigned code;
	enum err_class class;
};

struct errors_errno {
	int error;
	enum err_class class;
};

struct errors_text {
	const char *text;
	enum err_class class;
};

struct errors_said {
	enum err_class class;
	const char *text;
};

struct errors_table {
	const struct errors_class *classes; /* CLASS_COUNT */
	const struct errors_dbus *dbus;
	const struct errors_att *att;
	const struct errors_errno *errnos;
	const struct errors_text *esphome;
	const struct errors_said *mgmt;	   /* by status */
	const struct errors_said *reasons; /* by reason of Device Disconnected */
	const enum err_class *hci;	   /* by status or reason */
	size_t n_dbus;
	size_t n_att;
	size_t n_errnos;
	size_t n_esphome;
	size_t n_mgmt;
	size_t n_reasons;
	size_t n_hci;
};

extern const struct errors_table ERRORS_TABLE;
