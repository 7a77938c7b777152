/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/result.h - what becomes report.json: counts of requests, their times by kind and by
 * second, events of the daemon, violations. docs: bleherd-soak(1).
 */
#include <jansson.h>

#include "contrib/soak/judge.h"

struct result;

/* @began_us: t = 0. Errors: -ENOMEM. */
must_check int result_new(struct result **out, int64_t began_us);
struct result *result_free(struct result *result);

void result_answered(struct result *result, const struct book_entry *entry);

/* An event of the daemon; steps of the escalation are in some of them. */
void result_event(struct result *result, const char *kind, const char *text);

struct result_sums {
	uint64_t asked, failed;
};
struct result_sums result_sums(const struct result *result);

/* {"step_ms", "answered", ...} without "faults"; the rest is complete. NULL: no memory. */
json_t *result_timeline(const struct result *result, int64_t now_us);
json_t *result_requests(const struct result *result);
json_t *result_events(const struct result *result);
json_t *result_escalations(const struct result *result);

/* The request of a violation, for people. NULL: no memory. */
json_t *result_entry(const struct book *book, uint32_t client, const struct book_entry *entry,
		     int64_t began_us);
