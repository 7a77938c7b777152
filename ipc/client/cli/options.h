/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/options.h - the options of all commands: one table, from which getopt_long(3), the help and
 * "did you mean" are fed. Pure but for getopt's globals.
 */
#include "ipc/base.h"
#include "ipc/bleherd.h"

#include <stdio.h>

enum { OPTIONS_UUIDS_MAX = 16 };

enum option_id {
	OPTION_JSON,
	OPTION_TIMEOUT,
	OPTION_SOCKET,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_ADAPTER,
	OPTION_SCAN,
	OPTION_CACHED,
	OPTION_DURATION,
	OPTION_SERVICE,
	OPTION_RSSI_MIN,
	OPTION_HOLD,
	OPTION_VALIDATE,
	OPTION_EXCLUSIVE,
	OPTION_NO_RESPONSE,
	OPTION_TEXT,
	OPTION_COUNT,
	OPTION_RECONNECT,
	OPTION_FOLLOW,
	OPTION_LAST,
	OPTION_WATCH,
	OPTION_PATIENCE,
	OPTION_CLASS,
	OPTION_MAX_HOLD,
	OPTION_CONFLICT,
	OPTION_LEVEL,
	OPTION_YES,
	OPTION_INTERVAL,
	OPTION_FAIL_FAST,
	OPTION_FRESH,
	OPTION_BLUEZ,
	OPTION_BOND,
	OPTION_END
};

#define OPTION_BIT(id) (UINT64_C(1) << OPTION_##id)

#define OPTIONS_COMMON                                                                             \
	(OPTION_BIT(JSON) | OPTION_BIT(TIMEOUT) | OPTION_BIT(SOCKET) | OPTION_BIT(HELP))

static_assert(OPTION_END <= 64, "a bit each");

struct options {
	bool given[OPTION_END];
	uint32_t timeout_ms;
	const char *socket;
	const char *adapter;
	uint32_t scan_ms;
	uint32_t duration_ms;
	struct bh_uuid uuids[OPTIONS_UUIDS_MAX];
	size_t n_uuids;
	int8_t rssi_min_dbm;
	struct bh_check checks[BH_CHECKS_MAX];
	size_t n_checks;
	uint32_t hold_ms; /* 0: until it is interrupted */
	const char *text;
	uint32_t count;
	uint32_t last;
	enum bh_lock_class lock_class;
	uint32_t max_hold_ms;
	uint32_t conflict_status;
	const char *level;
	uint32_t interval_ms;
};

/**
 * options_parse() - parse the options of one command
 * @opt:       what is given is added
 * @allowed:   bits of enum option_id
 * @stop:      at the first word that is no option (the command's name)
 * @argc,argv: argv[0] is skipped; argv may be reordered
 * @out_used:  how many elements of argv are behind us
 * @out_error: one line, when it is not 0
 *
 * Errors: -EINVAL.
 */
must_check int options_parse(struct options *opt, uint64_t allowed, bool stop, int argc,
			     char **argv, int *out_used, char out_error[200]);

/**
 * options_parse_own() - the same for a command that ends in another command line
 * @own_args: so many words are ours; options may stand before, between and right after them
 * @out_used: from here on argv has these words and, next to them, that other command line
 */
must_check int options_parse_own(struct options *opt, uint64_t allowed, int own_args, int argc,
				 char **argv, int *out_used, char out_error[200]);

/* A word and what it means, below each other where they do not fit side by side. */
void help_line(FILE *stream, const char *left, const char *right);

/* Help lines, one per option. */
void options_help(FILE *stream, uint64_t allowed);

/* The long name, without dashes. */
const char *options_name(enum option_id id);
