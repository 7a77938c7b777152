/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * lockd/options.h - the arguments that the supervisor gives to bleherd-lockd, checked. No output of
 * its own: what is wrong, and what would be right, comes back as one line.
 */
#include "ipc/base.h"
#include "ipc/log.h"
#include "lockd/arbiter.h"

#include <sys/types.h>

struct options {
	const char *dir; /* of argv */
	struct resource_counts counts;
	pid_t parent; /* 0: not given */
	enum log_level level;
	uint32_t settle_ms;  /* after a restart: holders hand back before anything is granted */
	const char *own_dir; /* of argv, for slot files that are missing in dir; NULL: none */
	uint32_t foreign_slots;
	struct arbiter_limits limits;
};

enum { OPTIONS_WHY_LEN = 1024 };

/**
 * options_parse()
 * @out_why: one line, written on failure
 *
 * Errors: -EINVAL.
 */
must_check int options_parse(int argc, char **argv, struct options *out_options,
			     char out_why[OPTIONS_WHY_LEN]);

/**
 * options_open_dir() - open the slot directory
 * @out_fd:  caller closes
 * @out_why: one line, written on failure
 *
 * Errors: errno of open; -EACCES not searchable or readable.
 */
must_check int options_open_dir(const struct options *options, int *out_fd,
				char out_why[OPTIONS_WHY_LEN]);
