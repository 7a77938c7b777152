/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/scan_ready.h - what the answers to StartDiscovery and StopDiscovery say of an adapter, as
 * a table, and what to do then. Pure.
 *
 * Who else may discover decides: several programs may, each with a session of its own, and only its
 * own sender can stop one (reference/bluetooth-stack.md 7). InProgress says that BlueZ has a
 * session of this sender that it has lost track of, or that the kernel refused: the former ends
 * when the sender leaves the bus, the latter is somebody who scans past BlueZ, or a controller that
 * answers nothing, which the kernel takes 2 s to find out.
 */
#include "ipc/class.h"

enum scan_reply {
	SCAN_REPLY_OK,
	SCAN_REPLY_BUSY,      /* InProgress */
	SCAN_REPLY_BUSY_LATE, /* the same after SCAN_READY_LATE_MS */
	SCAN_REPLY_ERROR,     /* any other */
	SCAN_REPLY_NONE,      /* in time */
	SCAN_REPLY_COUNT
};

/* The kernel gives a command 2 s (HCI_CMD_TIMEOUT); seen: 2.1 s (reference/lab-facts.md). */
enum { SCAN_READY_LATE_MS = 1900 };

struct scan_answer {
	bool is_stop; /* StopDiscovery; else StartDiscovery */
	enum scan_reply reply;
	bool is_discovering; /* the property, once that answer has taken effect */
	bool is_fresh;	     /* this sender cannot have a session that BlueZ still knows of */
};

enum scan_ready {
	SCAN_READY,	     /* started: adverts flow; stopped: the radio is quiet */
	SCAN_READY_LATER,    /* not now, for a reason that passes */
	SCAN_READY_STUCK,    /* BlueZ has lost track of our session */
	SCAN_READY_SHARED,   /* another program discovers: no obstacle to us, but to connects */
	SCAN_READY_EXTERNAL, /* somebody scans past BlueZ: a power cycle would not end that */
	SCAN_READY_HUNG,     /* the controller does not answer: evidence against the adapter */
	SCAN_READY_COUNT
};

enum scan_ready scan_ready_judge(const struct scan_answer *answer);

/* What follows from it. */
struct scan_cure {
	bool is_renewing;     /* change the bus connection: that ends our sessions */
	uint32_t rest_ms;     /* at least, before the next try */
	enum err_class class; /* of the event */
	const char *event;    /* NULL: nobody is told */
	const char *text;
};

const struct scan_cure *scan_ready_cure(enum scan_ready ready);
