/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/config_state.h - one reading of the configuration, over all its files: private to
 * config*.c.
 */
#include "supervisor/config_keys.h"

/* libinih cuts longer lines without a word and reads the rest as another line. */
enum { CONFIG_LINE_BYTES = 200 };

/* The main file, those of conf.d, and the environment. */
enum { CONFIG_FILES_MAX = 64, CONFIG_ERRORS_MAX = 20, CONFIG_ERROR_LINE_LEN = 400 };

enum {
	CONFIG_PROFILE_LINES_MAX = 5 * PROFILES_MAX,
	CONFIG_PROFILE_LINE_LEN = PROFILE_NAME_LEN + 24
};

struct parse {
	struct config *config;
	const char *names[CONFIG_FILES_MAX + 1];
	uint32_t n_names;
	/* of the present file */
	const char *at;			 /* the rest of its text */
	uint32_t line;			 /* 0: of no file */
	char section[CONFIG_LINE_BYTES]; /* inih cuts it at 49 bytes: a UUID is too long for it */
	bool is_unknown;		 /* that section: its keys have been complained about */
	bool is_handled;		 /* the present line: it was understood, or complained of */
	bool is_given[CONFIG_KEYS_LEN];
	size_t n_given; /* lines of profiles */
	char given[CONFIG_PROFILE_LINES_MAX][CONFIG_PROFILE_LINE_LEN];
	/* of all */
	uint32_t where[CONFIG_KEYS_LEN]; /* config_here() of who set it last; 0: nobody */
	char *error;			 /* CONFIG_ERROR_LEN bytes */
	size_t error_len;
	char last[CONFIG_ERROR_LINE_LEN]; /* of the present section */
	uint32_t n_errors;
};

void config_begin(struct parse *out, struct config *config, char error[CONFIG_ERROR_LEN]);

/* The text of one file; later ones win. */
void config_add(struct parse *parse, const char *name, const char *text);

/* What begins now; @name stays the caller's until config_end(). */
void config_add_name(struct parse *parse, const char *name);

/**
 * config_end() - what single lines cannot tell
 * Errors: -EINVAL: there were errors.
 */
must_check int config_end(struct parse *parse);

/* Where we are: a file and its line. */
uint32_t config_here(const struct parse *parse);

/* One line about what is wrong, and what would be right; returns 0, which is an error to inih. */
int config_fail(struct parse *parse, const char *format, ...) _printf_(2, 3);
int config_fail_at(struct parse *parse, uint32_t where, const char *format, ...) _printf_(3, 4);

/* NULL: that section has no key. */
const struct key *config_key_nearest(const char *section, const char *name);

/* The value of a key of the table, into the configuration; 0 it is wrong, and was complained of. */
int config_set(struct parse *parse, const struct key *key, const char *value);
