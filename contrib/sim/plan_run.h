/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/plan_run.h - bleherd-sim does a plan: its file, its clock, its log, its `plan`
 * command. plan.h and plan_turn.h have what it means.
 */
#include <systemd/sd-event.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/plan_turn.h"

struct model;
struct plan_run;

struct plan_run_options {
	const char *path;
	const char *log_path; /* NULL: none */
	enum plan_face face;
	uint64_t seed;
	bool is_waiting; /* `plan begin` begins it */
	/* What the face can see: plan_checker's trigger, without data. */
	int (*trigger)(const char *name, enum plan_sort *out_sort);
};

/**
 * plan_run_new() - reads and checks the plan, and begins it unless it is to wait
 * @faults:  do the commands; must outlive the run
 * @options: copied; the path must outlive the run
 *
 * All lines are checked first: with a mistake in one of them none runs, and a line that names the
 * file, the line and the mistake goes to standard error. The log gets a line of JSON per fault:
 *   {"us":CLOCK_MONOTONIC,"line":3,"kind":"hang-adapter","where":"hci1","text":"hang-adapter 1 on",
 *    "for_ms":3000,"reply":"ok"}   and   {"us":...,"line":3,"where":"hci1","end":true}
 *
 * Errors: -EINVAL a line is wrong (said); negative errno of the files; -ENOMEM.
 */
must_check int plan_run_new(struct plan_run **out, sd_event *event, struct faults *faults,
			    struct model *model, const struct plan_run_options *options);
struct plan_run *plan_run_free(struct plan_run *run);

/* A face is about to handle a call or command: what it sets off is done when this returns. */
void plan_run_see(void *run, const struct plan_sight *sight);

/* The plan's questions, put to a table of commands; data: struct faults. */
int plan_run_check(void *faults, const char *text, enum plan_sort *out_sort, char **out_error);

/* `plan`, `plan begin`, `plan rest`; face: the run. */
extern const struct fault_command plan_run_table[];
extern const size_t plan_run_count;
