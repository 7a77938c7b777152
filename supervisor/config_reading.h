/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/config_reading.h - config_read() in a process of its own: the names of users and
 * groups may come from a directory that does not answer, and what looks them up stays in the memory
 * of who has called it (a quarter of a megabyte of libnss_*).
 */
#include <sys/types.h>

#include "supervisor/access.h"
#include "supervisor/config.h"

/* What that process leaves, in memory that it shares with us. */
struct config_reading {
	bool is_whole; /* false: it has died, or is still at it */
	int result;    /* of config_read() */
	struct config config;
	struct config_report report;
	struct access_world world;
};

/* Errors: errno of mmap. */
must_check int config_reading_new(struct config_reading **out);
struct config_reading *config_reading_free(struct config_reading *reading);

/* All zeros, and no memory used. */
void config_reading_clear(struct config_reading *reading);

/**
 * config_reading_begin() - starts the process; what an earlier one left is cleared
 * Returns its pid: it ends by itself, or with us, and the caller waits for it. Errors: errno of
 * fork. Blocks: never.
 */
must_check pid_t config_reading_begin(struct config_reading *reading,
				      const struct config_sources *sources);
