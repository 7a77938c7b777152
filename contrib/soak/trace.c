/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contrib/soak/trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ipc/bleherd.h"

enum {
	LINES = 1 << 17, /* kept: minutes of a busy world */
	LINE_LEN = 512,
	CHUNK = 1 << 16,
	KEPT_BYTES = 4 << 20,
	SESSIONS_MAX = 32,
};

struct line {
	int64_t at_us;
	const char *tag;
	char *text;
};

struct log {
	char *path;
	const char *tag; /* static storage */
	int fd;		 /* -EBADF: not there yet */
	off_t at;
	size_t part; /* of a line that is not complete */
	char line[LINE_LEN];
};

struct trace {
	struct log logs[TRACE_LOGS_MAX];
	size_t n_logs;
	struct line lines[LINES];
	uint64_t next;
};

int trace_new(struct trace **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct trace *trace_free(struct trace *trace)
{
	if (!trace)
		return NULL;
	for (size_t i = 0; i < trace->n_logs; i++) {
		(void)close_fd(trace->logs[i].fd);
		free(trace->logs[i].path);
	}
	for (size_t i = 0; i < LINES; i++)
		free(trace->lines[i].text);
	free(trace);
	return NULL;
}

static void put(struct trace *trace, int64_t at_us, const char *tag, const char *text)
{
	struct line *line = &trace->lines[trace->next++ % LINES];

	free(line->text);
	*line = (struct line){ .at_us = at_us, .tag = tag, .text = strdup(text) };
}

void trace_note(struct trace *trace, int64_t at_us, const char *format, ...)
{
	char text[LINE_LEN];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(trace, at_us, "soak", text);
}

int trace_follow(struct trace *trace, const char *path, const char *tag)
{
	struct log *log = &trace->logs[trace->n_logs];

	if (trace->n_logs == TRACE_LOGS_MAX)
		return -ENOBUFS;
	*log = (struct log){ .path = strdup(path), .tag = tag, .fd = -EBADF };
	if (!log->path)
		return -ENOMEM;
	trace->n_logs++;
	return 0;
}

static void take(struct trace *trace, struct log *log, const char *bytes, size_t n, int64_t now_us)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			/* What is too long loses its end. */
			if (log->part < LINE_LEN - 1)
				log->line[log->part++] = bytes[i];
			continue;
		}
		log->line[log->part] = '\0';
		log->part = 0;
		put(trace, now_us, log->tag, log->line);
	}
}

/*
 * Those who write append, so that a file that was cut is written from its new begin. What comes
 * between the last look and the cut is lost.
 */
static void cut(struct log *log)
{
	_cleanup_free_ char *tail = malloc(KEPT_BYTES);
	char path[4096 + 8];
	size_t stem = strlen(log->path);
	ssize_t n = tail ? pread(log->fd, tail, KEPT_BYTES, log->at - KEPT_BYTES) : -1;
	FILE *f;

	/* bleherdd.old.log: the world keeps what ends in .log. */
	if (stem > 4 && strcmp(log->path + stem - 4, ".log") == 0)
		stem -= 4;
	(void)snprintf(path, sizeof(path), "%.*s.old.log", (int)stem, log->path);
	f = fopen(path, "we");
	if (f) {
		(void)!fwrite(tail, 1, n > 0 ? (size_t)n : 0, f);
		(void)fclose(f);
	}
	if (truncate(log->path, 0) == 0)
		log->at = 0;
}

static void look(struct trace *trace, struct log *log, int64_t now_us)
{
	char bytes[CHUNK];
	struct stat st;
	ssize_t n;

	if (log->fd < 0)
		log->fd = open(log->path, O_RDONLY | O_CLOEXEC);
	if (log->fd < 0)
		return;
	while ((n = pread(log->fd, bytes, sizeof(bytes), log->at)) > 0) {
		log->at += n;
		take(trace, log, bytes, (size_t)n, now_us);
	}
	if (log->at > TRACE_LOG_MAX)
		cut(log);
	else if (fstat(log->fd, &st) == 0 && st.st_size < log->at)
		log->at = st.st_size;
}

void trace_look(struct trace *trace, int64_t now_us)
{
	for (size_t i = 0; i < trace->n_logs; i++)
		look(trace, &trace->logs[i], now_us);
}

/* --- one request --- */

struct wanted {
	int64_t from_us, to_us;
	const char *who;	     /* NULL: anybody's */
	char colons[18], unders[18]; /* "": any */
	uint32_t sessions[SESSIONS_MAX];
	size_t n_sessions;
};

/* As a peripheral of the sim is written, in one form or the other. */
static bool names_device(const char *text)
{
	return strstr(text, "C0:AA:BB:") != NULL || strstr(text, "C0_AA_BB_") != NULL;
}

static bool names(const struct wanted *wanted, const char *text)
{
	return wanted->colons[0] != '\0' &&
	       (strstr(text, wanted->colons) != NULL || strstr(text, wanted->unders) != NULL);
}

static bool session_in(const char *text, uint32_t *out)
{
	const char *at = strstr(text, "session=");

	*out = at ? (uint32_t)strtoul(at + strlen("session="), NULL, 10) : 0;
	return *out != 0;
}

static bool is_session(const struct wanted *wanted, uint32_t session)
{
	for (size_t i = 0; i < wanted->n_sessions; i++)
		if (wanted->sessions[i] == session)
			return true;
	return false;
}

enum { NOT_WANTED, CONTEXT, WANTED };

/* What names another device or its session has nothing to do with it. */
static int judge_line(const struct wanted *wanted, const struct line *line)
{
	uint32_t session;

	if (!line->text || line->at_us < wanted->from_us || line->at_us > wanted->to_us)
		return NOT_WANTED;
	if (names(wanted, line->text))
		return WANTED;
	if (session_in(line->text, &session))
		return is_session(wanted, session) ? WANTED
		       : wanted->n_sessions > 0	   ? NOT_WANTED
						   : CONTEXT;
	if (names_device(line->text))
		return wanted->colons[0] == '\0' ? CONTEXT : NOT_WANTED;
	return CONTEXT;
}

/* Sessions are named beside their device and their program when they are opened, however long ago.
 */
static void find_sessions(const struct trace *trace, struct wanted *wanted)
{
	uint64_t first = trace->next > LINES ? trace->next - LINES : 0;
	uint32_t session;

	for (uint64_t i = trace->next; i-- > first && wanted->n_sessions < SESSIONS_MAX;) {
		const char *text = trace->lines[i % LINES].text;

		if (text && names(wanted, text) && session_in(text, &session) &&
		    (!wanted->who || strstr(text, wanted->who)) && !is_session(wanted, session))
			wanted->sessions[wanted->n_sessions++] = session;
	}
}

static int append(json_t *out, const struct line *line, int64_t zero_us)
{
	char text[LINE_LEN + 64];
	int64_t ms = (line->at_us - zero_us) / 1000;

	(void)snprintf(text, sizeof(text), "%4lld.%03lld %-8s %s", (long long)(ms / 1000),
		       (long long)(ms % 1000), line->tag, line->text);
	return json_array_append_new(out, json_string(text));
}

json_t *trace_collect(const struct trace *trace, uint64_t address, const char *who, int64_t from_us,
		      int64_t to_us, int64_t zero_us)
{
	uint64_t first = trace->next > LINES ? trace->next - LINES : 0;
	struct wanted wanted = { .who = who,
				 .from_us = from_us - TRACE_AROUND_US,
				 .to_us = to_us + TRACE_AROUND_US };
	size_t n[3] = { 0 };
	size_t skip_wanted, skip_context;
	json_t *out = json_array();

	if (address != 0) {
		bh_format_address(address, wanted.colons);
		bh_format_address(address, wanted.unders);
		for (char *c = wanted.unders; *c; c++)
			*c = *c == ':' ? '_' : *c;
		find_sessions(trace, &wanted);
	}
	for (uint64_t i = first; i < trace->next; i++)
		n[judge_line(&wanted, &trace->lines[i % LINES])]++;
	/* The latest ones tell most. */
	skip_wanted = n[WANTED] > TRACE_LINES_MAX ? n[WANTED] - TRACE_LINES_MAX : 0;
	n[WANTED] -= skip_wanted;
	skip_context = n[WANTED] + n[CONTEXT] > TRACE_LINES_MAX
			       ? n[WANTED] + n[CONTEXT] - TRACE_LINES_MAX
			       : 0;
	for (uint64_t i = first; out && i < trace->next; i++) {
		const struct line *line = &trace->lines[i % LINES];
		int is = judge_line(&wanted, line);
		size_t *skip = is == WANTED ? &skip_wanted : &skip_context;

		if (is == NOT_WANTED)
			continue;
		if (*skip > 0)
			(*skip)--;
		else if (append(out, line, zero_us) < 0)
			break;
	}
	return out;
}
