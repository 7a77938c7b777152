/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/tally.h - all that the conductor knows: what the programs reported, what bleherdd
 * lists, what accidents were staged and when they were over.
 *
 * Pure bookkeeping: no I/O, no clock. The table and the list of promises read it.
 */
#include "contrib/demo/report.h"

#define SAMPLES_MAX 1024

struct samples {
	uint32_t us[SAMPLES_MAX];
	size_t count; /* beyond SAMPLES_MAX nothing is kept */
};

/* A program's hold on a peripheral. */
struct use {
	bool is_held;
	bool is_troubled; /* the link was lost or the session moves, and nothing came since */
	char adapter[16];
	uint32_t connects;
	/* Over the kill of a worker: */
	bool is_awaited; /* it was held there by a program that stays */
	uint64_t moved_at_us;
	uint64_t served_at_us; /* the first answer or value after the move */
};

struct peripheral {
	char name[16];
	int rssi_dbm[DEMO_ADAPTERS];
	char value[16];
	uint32_t notifications;
	uint32_t missed; /* while link or worker were away */
	uint32_t gaps;
	uint32_t twice;
};

struct adapter {
	char name[16];
	char state[16];
	uint32_t worker_pid;
	uint32_t links;
	uint32_t sessions;
};

struct doings {
	bool has_scanned;
	uint32_t heard; /* peripherals, on every adapter */
	uint64_t scan_us;
	bool said_bye;
	uint32_t connects;
	uint32_t errors; /* unexpected ones */
};

/* Each write that was ever made has a number: how often was it confirmed, how often did it arrive?
 */
#define WRITES_MAX 4096

struct tally {
	struct use uses[PROGRAM_COUNT][DEMO_PERIPHERALS];
	struct peripheral peripherals[DEMO_PERIPHERALS];
	struct adapter adapters[DEMO_ADAPTERS];
	uint32_t adapter_count;
	struct doings doings[PROGRAM_COUNT];

	struct samples connects; /* that made a link */
	struct samples joins;	 /* to a link that was there */
	struct samples reads;
	struct samples writes;

	uint32_t same, different, interrupted;
	uint8_t confirmed[WRITES_MAX];
	uint8_t arrived[WRITES_MAX]; /* from the peripheral's own log */
	bool has_write_log;
	uint32_t tours, tours_after_kill, same_after_kill;
	uint64_t tour_us; /* the last one */

	uint32_t links_lost; /* other than by the drop */
	uint32_t errors;     /* other than by the drop */
	uint32_t errors_expected;
	char first_error[128];

	uint32_t drop_peripheral;
	uint64_t drop_at_us; /* 0: not yet */
	uint64_t drop_noticed_at_us, drop_connected_at_us, drop_value_at_us;

	char kill_adapter[16];
	uint32_t kill_pid, kill_sessions, kill_programs; /* that it held, as far as reported */
	uint32_t moves, moved_programs;			 /* a bit per program */
	uint64_t kill_at_us;				 /* 0: not yet */
	uint64_t last_move_us;				 /* the latest of them, since the kill */
	uint32_t new_pid;
	uint64_t new_pid_at_us;

	uint32_t sessions_left, links_left;
	bool has_status;
};

void tally_report(struct tally *tally, enum program program, const struct report *report);

/* The worker of this adapter has just been killed: who depended on it? */
void tally_kill(struct tally *tally, const struct adapter *adapter, uint64_t at_us);

void tally_device(struct tally *tally, const struct bh_device *device);

/* @index: how many were listed before this one. */
void tally_adapter(struct tally *tally, const struct bh_adapter *adapter, uint32_t index,
		   uint64_t at_us);

/* NULL if there is none of that name. */
const struct adapter *tally_find_adapter(const struct tally *tally, const char *name);

/* All programs that stay have been served again by another worker. */
bool tally_is_recovered(const struct tally *tally);

/* Over all peripherals. */
uint32_t tally_notifications(const struct tally *tally);

/* The program that holds a peripheral, and over which adapter; NULL: none of them. */
const char *tally_link_adapter(const struct tally *tally, uint32_t peripheral);

void samples_add(struct samples *samples, uint64_t us);
/* Sorts. @per_cent of 0 to 100. 0 without samples. */
uint32_t samples_quantile_us(struct samples *samples, unsigned per_cent);
