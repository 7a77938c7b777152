/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/sim/plan_bench.h - plans read as a face would read them, without the face.
 */
#include "contrib/sim/faults.h"
#include "contrib/sim/plan.h"

struct model;

struct plan_bench {
	enum plan_face face;
	struct model *model;
	struct faults *faults;
	struct plan_checker checker;
	struct plan *plan; /* the last one read */
};

void plan_bench_open(struct plan_bench *bench, enum plan_face face, unsigned adapters,
		     unsigned devices);
void plan_bench_close(struct plan_bench *bench);

/* Reads a plan that has no mistake. */
void plan_bench_read(struct plan_bench *bench, const char *text);
