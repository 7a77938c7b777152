/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/trace.h - the last lines of all logs in order of time, so that what happened to one
 * request can be told when a promise is broken.
 *
 * Lines of a log have no time of their own: theirs is when they were read, which is as often as the
 * conductor turns. A log that grows beyond TRACE_LOG_MAX is cut, and its end kept beside it.
 */
#include <jansson.h>

#include "ipc/base.h"

enum {
	TRACE_LOGS_MAX = 8,
	TRACE_LINES_MAX = 200, /* of a request */
	TRACE_AROUND_US = 2000000,
	TRACE_LOG_MAX = 32 << 20, /* bytes */
};

struct trace;

must_check int trace_new(struct trace **out);
struct trace *trace_free(struct trace *trace);

/* From its present end on; @tag goes in front of its lines. One that does not exist yet is looked
 * for. Outcomes: 0. Errors: -ENOBUFS; -ENOMEM. */
must_check int trace_follow(struct trace *trace, const char *path, const char *tag);

/* Reads what is new. Blocks: never. */
void trace_look(struct trace *trace, int64_t now_us);

/* A line that is in no log. */
_printf_(3, 4) void trace_note(struct trace *trace, int64_t at_us, const char *format, ...);

/**
 * trace_collect() - what was said about a device, and what has no device, around a request
 * @address: of the device; 0: none, everything counts
 * @who:     how the daemon calls the program whose requests are shown, "soak poller 3 "; NULL: all
 * @from_us, @to_us: the request's time; TRACE_AROUND_US is added on both sides
 * @zero_us: times are told from here
 *
 * At most TRACE_LINES_MAX lines; those that name the device stay when there are more. NULL: no
 * memory.
 */
json_t *trace_collect(const struct trace *trace, uint64_t address, const char *who, int64_t from_us,
		      int64_t to_us, int64_t zero_us);
