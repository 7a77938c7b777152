/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/guard/filter.h - which system calls a role may make once it is at work: tables, which
 * confine.c hands to libseccomp by name, so that they are right on every machine it knows.
 *
 * What no row allows fails with EPERM: libsystemd probes, and lives with a no.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum filter_check {
	FILTER_ALWAYS,
	FILTER_EQUAL, /* argument == value; compared in 64 bits, so that odd upper halves fail */
	FILTER_CLEAR, /* argument & value == 0 */
	FILTER_SELF,  /* argument == our pid */
};

struct filter_row {
	int call; /* SCMP_SYS() */
	enum filter_check check;
	unsigned argument;
	uint64_t value;
};

struct filter {
	const struct filter_row *rows;
	size_t n;
};

#define FILTER_OF(table)                                                                           \
	{                                                                                          \
		(table), sizeof(table) / sizeof((table)[0])                                        \
	}

/* What every role needs: memory, its descriptors, its loop, its own end. All that a worker may. */
extern const struct filter FILTER_COMMON;

/* The only one that lockd may give a file. Slot files are for everybody of the group. */
enum { FILTER_SLOT_MODE = 0660 };

/* Beside it: slot files, who holds them, and their directory's news. */
extern const struct filter FILTER_LOCKD;
