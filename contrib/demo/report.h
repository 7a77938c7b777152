/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/report.h - what the demo's programs tell its conductor, and how it commands them.
 *
 * One SOCK_SEQPACKET pair per program, one struct per datagram: both ends are one executable, so
 * there is no format to agree on. The instants are CLOCK_MONOTONIC, which all processes of a
 * machine share: the conductor can tell how long after its kill a program saw what.
 */
#include <stddef.h>
#include <stdint.h>

#include "ipc/base.h"
#include "ipc/bleherd.h"

/* The world that contrib/demo/run asks for. */
#define DEMO_PERIPHERALS   6
#define DEMO_ADAPTERS	   2
#define DEMO_FIRST_ADDRESS UINT64_C(0xc0aabb000000)
#define DEMO_NOBODY	   UINT32_MAX /* a report about no peripheral in particular */

enum program { PROGRAM_COLLECTOR, PROGRAM_LOGGER, PROGRAM_SWITCH, PROGRAM_COUNT };

enum report_kind {
	REPORT_SEEN,	    /* first heard of a peripheral on an adapter */
	REPORT_SCANNED,	    /* number: peripherals heard on every adapter */
	REPORT_CONNECTED,   /* number: attempts, 0 if the link was there; took_us */
	REPORT_SUBSCRIBED,  /* took_us */
	REPORT_VALUE,	    /* a notification; number: the peripheral's count */
	REPORT_GAP,	    /* number: how many are missing, without an accident that explains it */
	REPORT_MISSED,	    /* the same, where the link or the worker had gone meanwhile */
	REPORT_TWICE,	    /* a notification that had come before */
	REPORT_READ,	    /* took_us; text: the value */
	REPORT_WRITTEN,	    /* took_us; text: the value */
	REPORT_SAME,	    /* read back what was written */
	REPORT_DIFFERENT,   /* read back something else; text: what */
	REPORT_INTERRUPTED, /* a write of which nobody knows the outcome: it is read back */
	REPORT_RELEASED,    /* let go of the peripheral */
	REPORT_LINK_LOST,
	REPORT_WAITS, /* nobody serves the session at the moment */
	REPORT_MOVED, /* another worker serves it; text: why */
	REPORT_TOUR,  /* number: tours over all peripherals so far; took_us */
	REPORT_ERROR, /* class, text */
	REPORT_BYE,
	REPORT_KINDS,
};

struct report {
	enum report_kind kind;
	uint32_t peripheral; /* index, or DEMO_NOBODY */
	uint64_t at_us;
	uint64_t took_us; /* from the call to the answer, as the program saw it */
	uint32_t number;
	enum bh_class error;
	char adapter[16]; /* "" where it does not matter */
	char text[96];
};

enum command { COMMAND_GO = 'g', COMMAND_STOP = 's' };

/* CLOCK_MONOTONIC. Blocks: never. */
uint64_t report_clock_us(void);

uint64_t report_address(uint32_t peripheral);

/* The index of an address, or DEMO_NOBODY. */
uint32_t report_peripheral(uint64_t address);

/* Copies what fits, in printable ASCII: what came over the air must not command a terminal. */
void report_text(char *out, size_t size_bytes, const void *text, size_t len_bytes);

/* Errors: -EPIPE and the like when the conductor has gone; -ETIMEDOUT.   Blocks: 2 s at most. */
must_check int report_send(int fd, const struct report *report);

/* Outcomes: 1 and *out; 0 nothing there.   Errors: -EPIPE end of file.   Blocks: never. */
must_check int report_receive(int fd, struct report *out);

/* As above, for commands. */
must_check int report_send_command(int fd, enum command command);
must_check int report_receive_command(int fd, enum command *out);
