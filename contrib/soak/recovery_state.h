/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/recovery_state.h - what recovery.c and recovery_report.c know of the faults of a
 * run.
 */
#include <sys/types.h>

#include "contrib/soak/recovery.h"

enum { RECOVERY_BUFFER = 64 * 1024 };

struct record {
	struct recovery_fault fault;
	uint64_t address; /* of a device; 0: of something else */
	int64_t end_us;	  /* INT64_MAX: not known yet */
	int64_t last_us;  /* the last success that was waited for */
	uint64_t waiting[RECOVERY_CLIENTS_MAX / 64];
	uint32_t n_waiting;
	bool is_end_told, is_recovered, has_touched, has_time;
};

struct user {
	bool is_there;
	uint64_t address;
	char adapter[16];
};

struct recovery {
	int64_t now_us; /* of what came last */
	size_t n, n_active;
	struct user users[RECOVERY_CLIENTS_MAX];
	uint32_t active[RECOVERY_FAULTS_MAX];
	struct record records[RECOVERY_FAULTS_MAX];
	off_t offset; /* of the fault log */
	char *buffer; /* of RECOVERY_BUFFER bytes */
	size_t n_buffer;
};
