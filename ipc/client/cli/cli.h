/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/cli.h - what the commands of bleherd(1) share: the table of commands, the parsed options, the
 * connection to the daemon and the one loop in which they wait.
 *
 * One struct cli, made in main(). SIGINT, SIGTERM and SIGHUP are read from a descriptor,
 * SIGPIPE is ignored: a closed pipe is seen as an error of stdout.
 */
#include "ipc/bleherd.h"
#include "ipc/client/cli/options.h"
#include "ipc/client/cli/out.h"

#include <signal.h>

/* Exit status. */
enum {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NO_DAEMON = 69,    /* EX_UNAVAILABLE */
	CLI_LOCK_TIMEOUT = 75, /* EX_TEMPFAIL */
};

struct cli;

struct cli_command {
	const char *name;
	const char *usage; /* after the name and before the options */
	const char *help;  /* one line */
	const char *more;  /* the rest of the help; may be NULL */
	const char *example;
	uint64_t options; /* bits of enum option_id; the common ones are added */
	int min_args;
	int max_args;
	int own_args;	 /* what follows these is a command line of its own, options too; 0: none */
	bool uses_radio; /* works under $BLEHERD_GRANT, on $BLEHERD_ADAPTER */
	int (*run)(struct cli *cli); /* returns the exit status */
};

struct cli {
	const struct cli_command *command;
	struct options opt;
	char *const *args;
	int n_args;
	struct out out;
	struct bh_client *client;
	int signal_fd;
	int signal;	       /* that ends us; 0: none */
	int wake_fd;	       /* cli_wait() comes back when it is readable; 0: none */
	sigset_t old_mask;     /* what a child begins with */
	bool was_pipe_ignored; /* SIGPIPE, before we did */
	uint64_t start_at_ms;
	/* What the command is about, for error objects; "" if nothing. */
	char address[18];
	char uuid[37];
	bool has_cost; /* what a request took until it failed, for error objects */
	struct bh_timings cost;
};

/* The end is a row without a name. */
extern const struct cli_command CLI_COMMANDS[];

const struct cli_command *cli_find_command(const char *name);

int cmd_status(struct cli *cli);
int cmd_adapters(struct cli *cli);
int cmd_devices(struct cli *cli);
int cmd_scan(struct cli *cli);
int cmd_connect(struct cli *cli);
int cmd_disconnect(struct cli *cli);
int cmd_services(struct cli *cli);
int cmd_read(struct cli *cli);
int cmd_write(struct cli *cli);
int cmd_notify(struct cli *cli);
int cmd_events(struct cli *cli);
int cmd_lock(struct cli *cli);
int cmd_locks(struct cli *cli);
int cmd_doctor(struct cli *cli);
int cmd_reset(struct cli *cli);
int cmd_strategy(struct cli *cli);
int cmd_clear_cache(struct cli *cli);
int cmd_sessions(struct cli *cli);
int cmd_deaths(struct cli *cli);
int cmd_device(struct cli *cli);
int cmd_mark(struct cli *cli);
int cmd_top(struct cli *cli);
int cmd_help(struct cli *cli);

/* help.c */
void help_overview(FILE *stream);
void help_command(FILE *stream, const struct cli_command *command);

/* --- cli.c --- */

/**
 * cli_fail() - say what went wrong: a line on stderr, an object on stdout with --json
 * @advice: may be "" or NULL
 *
 * Returns: the exit status that belongs to the class.
 */
int cli_fail(struct cli *cli, enum bh_class class, const char *text, const char *advice);

/* The same for a mistake on the command line. Returns: CLI_USAGE. */
int cli_usage(struct cli *cli, const char *format, ...) _printf_(2, 3);

/* The options that a command takes: bits of enum option_id. */
uint64_t cli_options_of(const struct cli_command *command);

/* The mistake of a word that is no command, with what was probably meant. Returns: CLI_USAGE. */
int cli_unknown_command(struct cli *cli, const char *word);

/* $BLEHERD_GRANT: what `bleherd lock` gives its child; 0: none, or no number. */
uint64_t cli_grant(void);

/* In such a child $BLEHERD_ADAPTER stands for --adapter. */
void cli_use_adapter(struct cli *cli);

/* A negative errno of a library call. */
int cli_fail_errno(struct cli *cli, int error, const char *what);

/* A line on stderr that is no failure; nothing with --json. */
void cli_note(struct cli *cli, const char *format, ...) _printf_(2, 3);

/**
 * cli_open() - connect to the daemon
 * Outcomes: 0; else the exit status, and the user has been told.
 */
must_check int cli_open(struct cli *cli);

/*
 * For what goes on for as long as the user likes: when the daemon goes it waits for the next one.
 * Two lines on stderr, or two objects with --json: "daemon-gone", "daemon-back".
 */
void cli_stay(struct cli *cli);

/*
 * Leaves the daemon. Answers to what is open run in here, so a command calls it before what its
 * callbacks write to is gone.
 */
void cli_close(struct cli *cli);

/* Arguments; 0, or CLI_USAGE when the user has been told. */
must_check int cli_arg_address(struct cli *cli, const char *text, uint64_t *out_address);
must_check int cli_arg_uuid(struct cli *cli, const char *text, struct bh_uuid *out_uuid);

/* --timeout, or @default_ms. */
uint32_t cli_timeout_ms(const struct cli *cli, uint32_t default_ms);

/* Outcomes of cli_wait(). */
enum cli_wait {
	CLI_WAIT_OVER,	   /* the predicate holds */
	CLI_WAIT_DEADLINE, /* the time is up */
	CLI_WAIT_STOP,	   /* a signal, or nobody reads stdout: cli_stop_status() */
	CLI_WAIT_WOKEN,	   /* cli->wake_fd is readable */
	CLI_WAIT_GONE,	   /* the daemon went and the predicate still does not hold */
};

/**
 * cli_wait() - the loop: callbacks run in here
 * @is_over:  asked after each wake-up
 * @until_ms: CLOCK_MONOTONIC; 0: no deadline
 */
must_check enum cli_wait cli_wait(struct cli *cli, bool (*is_over)(const void *ctx),
				  const void *ctx, uint64_t until_ms);

/* Reads what signal_fd has: into cli->signal, and gives the kernel's si_code (SI_USER, ...). */
int cli_take_signal(struct cli *cli);

/* After CLI_WAIT_STOP: 128 + signal, or 1; says why where that is not obvious. */
int cli_stop_status(struct cli *cli);

/* Reports a wait that did not end well; @what is being waited for: "the list of devices". */
int cli_fail_wait(struct cli *cli, enum cli_wait outcome, const char *what);

/* --- reply.c: an answer that outlives its callback --- */

struct reply {
	bool is_done;
	enum bh_class error;
	char text[256];
	char advice[160];
	char adapter[16];
	struct bh_timings timings;
	uint32_t attempts;
	uint32_t mtu;
	uint8_t value[512];
	size_t len_bytes;
};

/* A bh_result_cb; its ctx is a struct reply. */
void reply_take(void *reply, const struct bh_result *result);

bool reply_is_done(const void *reply);
int reply_fail(struct cli *cli, const struct reply *reply);

/* Waits for a list or a simple answer, --timeout or 10 s; 0, else the exit status, told. */
must_check int reply_wait(struct cli *cli, const struct reply *reply, const char *what);
