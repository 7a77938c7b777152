/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/storm.h - a client process that pipelines requests on one peripheral for as long as
 * it is told to, and counts what became of each. It stops when its stdin closes, waits until the
 * last request is answered and reports one line of figures on its pipe.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/support/world.h"

enum { STORM_CLIENTS_MAX = 24, STORM_DEPTH = 6 /* requests of a client that are open */ };

struct storm_report {
	uint32_t client;
	uint32_t asked;
	uint32_t ok;
	uint32_t interrupted;
	uint32_t failed;     /* any other class */
	uint32_t twice;	     /* answers to a request that had been answered */
	uint32_t unanswered; /* at the end, after the grace time */
	uint32_t wrong;	     /* reads whose value was not one that this client wrote */
	uint32_t notified;
	uint32_t notified_twice; /* a counter value that had come before */
	uint32_t moved;
	char classes[256]; /* "link-lost=2 ..." */
};

struct storm_client {
	pid_t pid;
	int stop; /* closing it stops the client */
	FILE *report;
};

/*
 * Whose peripherals may begin anew: how often they have, in memory that clients started later
 * share. NULL: they never do.
 */
extern const volatile uint32_t *storm_beginnings;

/* Clients started later ask for more only so often; 0: whenever one of theirs is answered. */
extern uint32_t storm_pace_ms;

/* Starts client number @number on @address, connected to the daemon when this returns; @log: every
 * written value with its answer goes there.
 */
struct storm_client storm_start(uint32_t number, uint64_t address, const char *log);

/* Until one of its requests was done: it has had a link. Once. */
void storm_await_served(struct storm_client *client);

/*
 * Each written value is of 4 bytes: client, number. How many arrived more than once, and how many
 * at all.
 */
size_t storm_count_doubles(const struct world *world, size_t *out_found);

/* Stops it and takes its report; fails the check if there is none within 30 s. */
struct storm_report storm_end(struct storm_client *client);

/* The same, and judges it: each request was answered once, none failed but what was interrupted, no
 * value came twice, and it was moved. */
struct storm_report storm_end_well(struct storm_client *client);

/* The same where everything may die: some requests may have ended with another class than
 * `interrupted`, which are counted in @failed. */
struct storm_report storm_end_counted(struct storm_client *client);
