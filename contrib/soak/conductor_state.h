/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/conductor_state.h - the conductor's state, and what its loop (conductor.c), its
 * setting up (conductor_begin.c) and its report (conductor_report.c) have in common.
 */
#include "contrib/sim/plan.h"
#include "contrib/soak/conductor.h"
#include "contrib/soak/crew.h"
#include "contrib/soak/health.h"
#include "contrib/soak/inject.h"
#include "contrib/soak/judge.h"
#include "contrib/soak/links.h"
#include "contrib/soak/observer.h"
#include "contrib/soak/picture.h"
#include "contrib/soak/place.h"
#include "contrib/soak/recovery.h"
#include "contrib/soak/resources.h"
#include "contrib/soak/result.h"
#include "contrib/soak/simlink.h"
#include "contrib/soak/trace.h"
#include "ipc/bleherd.h"

enum conductor_phase {
	PHASE_FAULTS, /* clients and faults */
	PHASE_REST,   /* clients alone: everything must get well */
	PHASE_LAST,   /* clients end what they began */
	PHASE_OVER,
};

struct conductor {
	const struct options *options;
	struct plan *plan;
	struct book *book;
	int book_fd, signals, input; /* input: whoever started us; -EBADF: not looked at */
	struct crew *crew;
	struct judge *judge;
	struct result *result;
	struct trace *trace;
	struct observer *observer;
	struct links *links;
	struct camera *camera;
	struct health health;
	struct recovery *recovery;
	struct resources *resources;
	struct inject *inject; /* NULL: no fault of the plan is ours */
	struct simlink sim;
	struct bh_client *bh;
	char fault_log[PLACE_LEN];
	char names[PICTURE_ADAPTERS_MAX][16]; /* of the sim's adapters, as the daemon has them */
	int64_t began_us, phase_us, now_us;   /* phase_us: since when it is this phase */
	int64_t judged_us, told_us;
	enum conductor_phase phase;
	bool is_cut; /* somebody ended it early */
	bool is_well;
	bool is_terminal;
	char failure[160];  /* of the soak itself: "" none */
	json_t *violations; /* at most one, which ends the run */
	uint64_t broken[BOOK_PROMISES];
};

/* --- conductor_begin.c --- */

/* All of it; what fails is told on standard error. Errors: negative errno. */
must_check int conductor_begin(struct conductor *c, const struct options *options);
void conductor_end(struct conductor *c);

/* --- conductor.c --- */

/* A promise was broken; @v->client: -1 none. The first one ends the run. */
void conductor_violation(struct conductor *c, const struct judge_violation *v);
void conductor_on_violation(void *ctx, const struct judge_violation *v);
void conductor_on_promise(void *ctx, const char *promise, int64_t at_us, const char *text);
void conductor_on_answer(void *ctx, uint32_t client, const struct book_entry *entry);
void conductor_on_daemon(void *ctx, pid_t daemon);
void conductor_on_daemon_died(void *ctx, int wait_status);
void conductor_on_kill_client(void *ctx, unsigned number);
const char *conductor_adapter(void *ctx, unsigned index);
void conductor_on_fault(void *ctx, const struct recovery_fault *fault);
void conductor_on_fault_end(void *ctx, uint32_t line, int64_t at_us);
const char *conductor_unwell_client(void *ctx, int64_t since_us);
const char *conductor_stale_lock(void *ctx);

/* --- conductor_report.c --- */

/* Writes report.json. Errors: negative errno. */
must_check int conductor_report(struct conductor *c);

/* The command that repeats the run. */
void conductor_repeat(const struct conductor *c, char out[512]);
