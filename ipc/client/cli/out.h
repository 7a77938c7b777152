/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * cli/out.h - where the command line writes: stdout, whose failures are noticed, and progress on a
 * terminal. Holds the state of both; nothing else writes to them while progress is shown.
 *
 * Commands print to out->stream: its writes wait for a slow reader and for our signals together, so
 * that Ctrl-C ends us also while nobody reads the pipe.
 */
#include "ipc/base.h"
#include "ipc/bleherd.h"

#include <jansson.h>
#include <stdio.h>

struct out {
	FILE *stream;
	int signal_fd; /* readable when a signal wants us to end */
	bool is_json;
	bool is_tty;	 /* stdout */
	bool has_styles; /* bold and colours on stdout */
	int error;	 /* errno of the first failed write to stdout; 0: none */
	/* progress, on stderr */
	bool has_progress; /* stderr is a terminal */
	bool is_shown;
	char progress[120]; /* "" : none */
	uint64_t progress_at_ms;
	unsigned frame_lines; /* of the picture that the next one replaces */
	size_t frame_columns;
};

/* Errors: -ENOMEM. @out must stay where it is until out_clear(). */
must_check int out_init(struct out *out, int signal_fd);

/* Flushes and closes. */
void out_clear(struct out *out);

/* Columns and lines of the terminal; 80 × 24 where stdout is none. */
void out_size(const struct out *out, size_t *out_columns, size_t *out_lines);

/* Gives stdout what is buffered. Errors: in out->error, which keeps the first. */
void out_flush(struct out *out);

/* One line of JSON; consumes @object. NULL counts as a failure (no memory). */
void out_json(struct out *out, json_t *object);

/* A JSON string of a text that need not be UTF-8. */
json_t *out_string(const char *text);

/* An event of the daemon, as an object. */
json_t *out_event(const struct bh_event *event);

/* Sets the five *_ms members. */
void out_timings(json_t *object, const struct bh_timings *timings);

/* How long things took, as an object. */
json_t *out_distribution(const struct bh_distribution *timing);

/* What is being done: shown after a second, with the seconds. */
void out_progress(struct out *out, const char *format, ...) _printf_(2, 3);

/* How long poll() may sleep before the progress changes: milliseconds, -1 for ever. */
int out_progress_timeout(const struct out *out, uint64_t now_ms);
void out_progress_tick(struct out *out, uint64_t now_ms);

/* Takes the progress line off the terminal; the next tick would show it again. */
void out_progress_hide(struct out *out);
void out_progress_end(struct out *out);

/* A picture on the terminal in the place of the last one; @text of @lines whole lines. */
void out_frame(struct out *out, const char *text, unsigned lines);
/* It was the last one. */
void out_frame_end(struct out *out);

/* "\033[31m" and the like, "" without styles. */
const char *out_bold(const struct out *out);
const char *out_red(const struct out *out);
const char *out_green(const struct out *out);
const char *out_plain(const struct out *out);
