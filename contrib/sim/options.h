/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/options.h - the command line of bleherd-sim.
 */
#include <stdbool.h>

#include "contrib/sim/fake.h"
#include "contrib/sim/model.h"
#include "contrib/sim/radio.h"
#include "ipc/base.h"

struct options {
	struct model_config model;
	struct fake_options fake; /* bus_address NULL: no fake */
	struct radio_options radio;
	const char *faults;
	const char *fault_log;
	const char *control;
	const char *write_log;
	unsigned ready_fd; /* 0: nobody waits */
	bool vhci;
	bool faults_wait;
	bool die_with_parent;
};

/* Everything was said by it: the program ends with status 0. */
enum { OPTIONS_HELP = 1 };

/**
 * options_parse() - reads the command line
 * @out: strings point into @argv
 *
 * Outcomes: 0; OPTIONS_HELP (printed). Errors: -EINVAL, after one line on standard error.
 */
must_check int options_parse(struct options *out, int argc, char **argv);
