/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/options.h - what bleherd-soak is told on its command line.
 */
#include "ipc/base.h"

enum options_mode {
	OPTIONS_RUN,	 /* make a world and start ourselves in it */
	OPTIONS_INSIDE,	 /* we are in it: conduct */
	OPTIONS_CLIENT,	 /* a client of the conductor */
	OPTIONS_REPORT,	 /* report.html anew */
	OPTIONS_COMPARE, /* two of them side by side */
	OPTIONS_LIST,	 /* the plans */
};

enum {
	OPTIONS_CLIENTS = 20,
	OPTIONS_CLIENTS_MAX = 100,
	OPTIONS_DURATION_MS = 120000,
	OPTIONS_RUNS_MAX = 4
};

struct options {
	enum options_mode mode;
	bool is_lab;
	const char *plan;		/* a file, or a name of contrib/soak/plans */
	uint32_t clients, seed, number; /* number: of the client */
	int64_t duration_ms;
	const char *dir;    /* for the report */
	const char *before; /* a command for sh, in the world; NULL: none */
	const char *out;    /* compare: the page; NULL: a table on standard output */
	const char *runs[OPTIONS_RUNS_MAX];
	size_t n_runs;
};

/* Outcome: the answer has been printed; nothing is to be done. */
enum { OPTIONS_HELP = 1 };

/* A random seed where none is given. Errors: -EINVAL, after one line on standard error. */
must_check int options_parse(struct options *out, int argc, char **argv);
