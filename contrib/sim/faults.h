/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/faults.h - the text language of faults: one line, one command.
 *
 * Pure: parses, looks up, calls; no I/O and no clock (control.c and plan_run.c have those). The
 * commands are rows of tables: faults_model.c has those that only touch the model, each face
 * registers its own, and a later row replaces an earlier one of the same name. A new fault is one
 * row and one function.
 *
 *   drop C0:AA:BB:00:00:00 0x13
 *   silent C0:AA:BB:00:00:01 on
 *
 * In files there may stand more in front: plan.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/base.h"

#define FAULT_LINE_CHARS  256
#define FAULT_WORD_CHARS  32
#define FAULT_NUMBERS_MAX 2
#define FAULT_WORDS_MAX	  2

struct faults;
struct model;
struct model_adapter;
struct model_device;

/* What stood in the line; an optional argument that was left out is NULL, 0, "" or false. */
struct fault_args {
	struct model_device *device;   /* 'd', 't' */
	struct model_adapter *adapter; /* 'a', 't' */
	bool on;		       /* 'b' */
	bool has_number[FAULT_NUMBERS_MAX];
	uint64_t numbers[FAULT_NUMBERS_MAX];	       /* 'n', in order */
	char words[FAULT_WORDS_MAX][FAULT_WORD_CHARS]; /* 'w', in order */
};

/* What the caller is told; text is malloc'ed and replaces "ok" or the errno's text. */
struct fault_reply {
	char *text;
};

/*
 * args: one letter per argument: d address of a device, t address of a device or an adapter,
 * a adapter by index, n number (decimal or 0x), b on|off, w word; what follows '?' is optional.
 */
struct fault_command {
	const char *name;
	const char *args;
	const char *usage; /* of the arguments, for people */
	int (*run)(void *face, const struct fault_args *args, struct fault_reply *reply);
};

/* A parsed line, ready to run now or later. */
struct fault_call {
	const struct fault_command *command;
	void *face;
	struct fault_args args;
};

/* Outcome of faults_parse(): nothing to do in this line. */
enum { FAULTS_EMPTY = 1 };

/* Errors: -ENOMEM. The model must outlive the faults. */
must_check int faults_new(struct faults **out, struct model *model);
struct faults *faults_free(struct faults *faults);

/**
 * faults_register() - adds a table of commands
 * @table: must outlive the faults
 * @face:  handed to each run()
 *
 * Errors: -ENOMEM.
 */
must_check int faults_register(struct faults *faults, const struct fault_command *table,
			       size_t count, void *face);

/**
 * faults_parse() - turns a line into a call, without running it
 * @line:      a command alone; surrounding blanks are ignored
 * @out_error: on -EINVAL a malloc'ed sentence that says what is wrong
 *
 * Outcomes: 0; FAULTS_EMPTY for blank lines and comments.
 * Errors: -EINVAL; -ENOMEM.
 */
must_check int faults_parse(struct faults *faults, const char *line, struct fault_call *out,
			    char **out_error);

/* Whom a command is about: its first argument's letter if that is d, t or a, else 0; -ENOENT. */
must_check int faults_target(const struct faults *faults, const char *name);

/* Runs a parsed call. The reply is malloc'ed: "ok", "error: ...", or the command's own line. */
char *faults_call(const struct fault_call *call);

/* Parse and run. The reply is malloc'ed; NULL only when out of memory. */
char *faults_run(struct faults *faults, const char *line);

/* For run(): sets the reply's text. */
_printf_(2, 3) void fault_reply_set(struct fault_reply *reply, const char *format, ...);

/* The rows that need nothing but the model: registered with face = the model. */
extern const struct fault_command faults_model_table[];
extern const size_t faults_model_count;
