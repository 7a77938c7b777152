/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_deaths.h - the part of libbleherd about processes of the daemon that died; bleherd.h
 * includes it. What that says of callbacks, errors and threads holds here.
 */
#include "bleherd.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BH_DEATH_CRUMBS_MAX = 32, BH_DEATH_FRAMES_MAX = 24 };

/* A step of a process before it died. */
struct bh_crumb {
	uint32_t age_ms; /* before the death */
	const char *text;
};

struct bh_death {
	uint64_t number;     /* of this run of the daemon, from 1 */
	uint64_t at_ms;	     /* CLOCK_REALTIME */
	const char *child;   /* "worker hci0", "lockd" */
	const char *adapter; /* "" of a process that has none */
	uint32_t pid;
	const char *how; /* one line: "killed by SIGSEGV" */
	const char
		*cause;	 /* why the daemon killed it: "hung", "late", "bad", "closed", "overdue" */
	uint32_t signal; /* 0: it exited */
	uint32_t status;
	uint64_t lived_ms;
	const char *op; /* what it was busy with: "connect", "discovery", ...; "" */
	uint32_t op_age_ms;
	uint32_t op_budget_ms;
	uint32_t session; /* whose request it was handling; 0: none */
	uint32_t request;
	uint64_t address;	       /* of that session's peripheral; 0: none */
	const char *text;	       /* of an assertion that failed; "" */
	const struct bh_crumb *crumbs; /* its last steps, oldest first */
	size_t n_crumbs;
	const char *const *frames; /* of its backtrace, innermost first: "links_tick+0x1f" */
	size_t n_frames;
};

/**
 * bh_list_deaths() - the last deaths of workers and of lockd that nobody had asked for
 * @last: so many at most; 0: all that the daemon keeps (32)
 * @item: called oldest first; the death is valid in the call only
 *
 * Errors: -ENOTCONN, -ENOBUFS, -ENOMEM.  Blocks: never.
 */
BH_API int bh_list_deaths(struct bh_client *client, uint32_t last,
			  void (*item)(void *ctx, const struct bh_death *death), bh_result_cb done,
			  void *ctx);

#ifdef __cplusplus
}
#endif
