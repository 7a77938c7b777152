/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/resources.h - memory, descriptors and number of processes over the run, and whether
 * they stayed flat: the first quarter of what a process was seen of against the last. One that was
 * started again begins anew.
 */
#include <jansson.h>

#include "contrib/soak/violation.h"
#include "ipc/base.h"

enum {
	RESOURCES_EVERY_US = 5000000,
	RESOURCES_WARM_UP =
		12, /* samples: a minute, in which the daemon fills its ring of events */
};

struct resources;

must_check int resources_new(struct resources **out);
struct resources *resources_free(struct resources *r);

/* The daemon, and whatever its children are; after each start of it. 0: none. */
void resources_daemon(struct resources *r, pid_t daemon);

/**
 * resources_watch() - one more process
 * @name:      of its series; clients share one name, and are added up
 * @is_judged: whether it has to stay flat
 *
 * For more than there is room for (512) nothing is done.
 */
void resources_watch(struct resources *r, pid_t pid, const char *name, bool is_judged);

/* Takes a sample if it is time for one. Takes a millisecond for ten processes. */
void resources_look(struct resources *r, int64_t now_us);

/* At the end: promise "flat", once per process that grew. */
void resources_judge(struct resources *r, int64_t now_us, soak_violation violation, void *ctx);

/* What was compared by resources_judge(). */
uint64_t resources_checked(const struct resources *r);
uint64_t resources_broken(const struct resources *r);

/* The report's "resources"; NULL: no memory. */
json_t *resources_report(const struct resources *r);
