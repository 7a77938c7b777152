/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/churn.h - programs that use peripherals in all ways at once while links drop, and
 * what is wrong with what they saw. A program is a process; what it asked and got is in memory that
 * it shares with the test, so that what it saw is judged beside what the others did.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/bleherd.h"

enum {
	CHURN_CLASSES = 32,
	CHURN_DEVICES_MAX = 64,
	CHURN_RECORDS_MAX = 1 << 18, /* of a program: ten minutes of it are a tenth of that */
	CHURN_WAIT_MS = 10000,	     /* timeout of every request */
	/* ipc/bleherd.h: at the latest a second after its deadline; the rest is a busy machine. */
	CHURN_LATE_MS = CHURN_WAIT_MS + 1000 + 4000,
};

/* A read or a write of fff3 and what became of it. */
struct churn_record {
	int64_t began_us, ended_us;
	uint32_t value; /* program << 24 | number, CHURN_NONE, or CHURN_ODD */
	uint32_t after; /* the write that this session asked for before: 0 none */
	uint16_t device;
	uint8_t is_write;
	uint8_t error; /* enum bh_class */
};

/* Values of a read: nobody has written yet; not one of ours. */
enum { CHURN_NONE = 0, CHURN_ODD = 0x7fffffff };

struct churn_report {
	uint32_t asked, ok;
	uint32_t twice;	     /* answers to what had been answered */
	uint32_t unanswered; /* CHURN_LATE_MS after it was asked */
	uint32_t longest_ms;
	uint32_t classes[CHURN_CLASSES];
	uint32_t episodes[5]; /* by kind */
	uint32_t shared;      /* exclusive: a value that another wrote meanwhile */
	uint32_t notified;    /* values */
	uint32_t doubled;     /* a value that had come before */
	uint32_t unannounced; /* values missing without a word */
	uint32_t link_losses, moves, adverts;
	uint32_t resumed; /* subscriptions that had values again after their link was lost */
	uint32_t numbers; /* written values so far */
	uint32_t n_records;
	bool is_over;
	struct churn_record records[CHURN_RECORDS_MAX];
};

struct churn_plan {
	uint32_t number; /* of the program */
	uint32_t seed;
	uint32_t devices;
	uint64_t first; /* address; the others follow */
	int64_t end_ms; /* CLOCK_MONOTONIC: no new episode after that */
};

int64_t churn_now_us(void);

/* Aborts with a line if it is not so: what is used here runs without check, too. */
void churn_need(bool is_so, const char *what);

/* A number below @below; @state is the generator's, not 0. */
uint32_t churn_random(uint32_t *state, uint32_t below);

/* Shared memory for the reports of @n programs; never freed. */
struct churn_report *churn_reports(size_t n);

/* Starts a program; it ends by itself, some time after the plan's end, and with this process. */
pid_t churn_start(const struct churn_plan *plan, struct churn_report *report);

/* What the records of all programs say beside the order in which writes arrived. */
struct churn_verdict {
	uint32_t reads, writes; /* that were done */
	uint32_t arrived;
	uint32_t doubles; /* writes that arrived twice */
	uint32_t missing; /* writes that were said to be done and never arrived */
	uint32_t stale;	  /* reads older than what somebody had written or seen before */
	uint32_t odd;	  /* reads of what nobody had written by then */
};

/* @writes: the sim's write log, which is cut up. */
struct churn_verdict churn_judge(const struct churn_report *reports, size_t n, uint64_t first,
				 char *writes);
