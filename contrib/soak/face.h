/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/face.h - the world that a soak runs in, made after its plan's head:
 * contrib/sim/world or contrib/lab/run, with ourselves inside as their command.
 */
#include "contrib/sim/plan.h"
#include "contrib/soak/options.h"
#include "contrib/soak/place.h"

/*
 * BEACONS: peripherals beyond those that clients use and faults hit. A peripheral with a link does
 * not advertise: with links to all of them a scanner would hear nobody, and rightly so.
 */
enum { FACE_ADAPTERS = 2, FACE_DEVICES = 12, FACE_BEACONS = 1, FACE_NOTIFY_MS = 200 };

/* Where the plan is: a file of that name, or contrib/soak/plans/NAME. Errors: -ENOENT, after one
 * line on standard error that names what there is. */
must_check int face_find_plan(const char *name, char out[PLACE_LEN]);

/* Names of the plans, each with its title, on standard output. Errors: -ENOENT. */
must_check int face_list_plans(void);

/**
 * face_run() - builds the world, runs the conductor in it, makes the pages of its report
 *
 * Returns the exit status: the conductor's; 2 where the plan or the directory is at fault; 70.
 * Blocks: for as long as the run takes. The world dies with this process.
 */
must_check int face_run(const struct options *options);
