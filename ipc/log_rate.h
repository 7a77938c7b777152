/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/log_rate.h - who repeats himself too often in the log: so many lines of one site in a window
 * that begins with its first line, then a count of the others, which is told once it is over.
 * A site is a format or an event's name, by its address. Pure: time is passed in.
 */
#include "ipc/base.h"

/* A site that fails with each request of a program shows how it does, and fills no disk. */
enum { LOG_RATE_LINES = 20, LOG_RATE_MS = 10000, LOG_RATE_SITES = 128 };

struct log_rate_site {
	const char *site; /* NULL: free */
	uint64_t began_at_ms;
	uint32_t lines;
	uint32_t held; /* lines more than those */
};

/* All zeros has seen nothing. */
struct log_rate {
	struct log_rate_site sites[LOG_RATE_SITES];
};

/**
 * log_rate_allows() - whether a line may be written; it is counted
 * @site:   static storage; told apart by address. Where there is no room for another site any more,
 *          those that come then share the last place
 * @now_ms: CLOCK_MONOTONIC
 */
bool log_rate_allows(struct log_rate *rate, const char *site, uint64_t now_ms);

/**
 * log_rate_due() - lines that were held back and whose window is over; each is told once
 * @out_site: whose they were
 *
 * Their number; 0: there are none. Call it until then.
 */
uint32_t log_rate_due(struct log_rate *rate, uint64_t now_ms, const char **out_site);
