/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/client/cli/out.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum {
	PROGRESS_AFTER_MS = 1000,
	PROGRESS_EVERY_MS = 1000,
	LINES_MIN = 4,	    /* a head, a line, how many more, and the cursor */
	CHUNK_BYTES = 4096, /* a pipe that is writable takes as many without blocking (PIPE_BUF) */
	BUFFER_BYTES = 32768,
};

static bool is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || *term == '\0' || strcmp(term, "dumb") == 0;
}

static bool has_no_color(void)
{
	const char *value = getenv("NO_COLOR");

	return value && *value != '\0';
}

/* One write as soon as it does not block. Errors: errno; -EINTR: a signal wants us to end. */
static ssize_t write_some(const struct out *out, const char *bytes, size_t len)
{
	struct pollfd fds[] = { { .fd = STDOUT_FILENO, .events = POLLOUT },
				{ .fd = out->signal_fd, .events = POLLIN } };
	ssize_t n;

	do {
		if (poll(fds, ARRAY_LEN(fds), -1) > 0 && fds[1].revents != 0 && fds[0].revents == 0)
			return -EINTR;
		n = write(STDOUT_FILENO, bytes, len < CHUNK_BYTES ? len : CHUNK_BYTES);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

/* The write function of out->stream, see fopencookie(3): all, or glibc takes it for an error. */
static ssize_t write_stdout(void *cookie, const char *bytes, size_t len)
{
	struct out *out = cookie;
	size_t done = 0;
	ssize_t n;

	while (done < len && out->error == 0) {
		n = write_some(out, bytes + done, len - done);
		if (n < 0)
			out->error = (int)-n;
		else
			done += (size_t)n;
	}
	return out->error != 0 ? 0 : (ssize_t)len;
}

int out_init(struct out *out, int signal_fd)
{
	const cookie_io_functions_t functions = { .write = write_stdout };

	*out = (struct out){ .signal_fd = signal_fd };
	out->is_tty = isatty(STDOUT_FILENO) == 1 && !is_dumb();
	out->has_styles = out->is_tty && !has_no_color();
	out->has_progress = isatty(STDERR_FILENO) == 1 && !is_dumb();
	out->stream = fopencookie(out, "w", functions);
	if (!out->stream)
		return -ENOMEM;
	(void)setvbuf(out->stream, NULL, _IOFBF, BUFFER_BYTES);
	return 0;
}

void out_clear(struct out *out)
{
	out_progress_end(out);
	if (out->stream)
		(void)fclose(out->stream);
	out->stream = NULL;
}

void out_size(const struct out *out, size_t *out_columns, size_t *out_lines)
{
	struct winsize size = { 0 };

	*out_columns = 80;
	*out_lines = 24;
	if (!out->is_tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col >= 20)
		*out_columns = size.ws_col;
	if (size.ws_row > 0)
		*out_lines = size.ws_row < LINES_MIN ? LINES_MIN : size.ws_row;
}

void out_flush(struct out *out)
{
	(void)fflush(out->stream);
}

json_t *out_string(const char *text)
{
	char clean[1024];
	json_t *string;

	string = json_string(text);
	if (string)
		return string;
	words_clean(text, clean, sizeof(clean));
	return json_string(clean);
}

json_t *out_event(const struct bh_event *event)
{
	json_t *object = json_object();
	char address[18];

	(void)json_object_set_new(object, "seq", json_integer((json_int_t)event->seq));
	(void)json_object_set_new(object, "at_ms", json_integer((json_int_t)event->at_ms));
	(void)json_object_set_new(object, "event", out_string(event->kind));
	if (*event->adapter)
		(void)json_object_set_new(object, "adapter", out_string(event->adapter));
	if (event->address != 0) {
		bh_format_address(event->address, address);
		(void)json_object_set_new(object, "address", json_string(address));
	}
	if (event->session != 0)
		(void)json_object_set_new(object, "session", json_integer(event->session));
	if (event->error != BH_CLASS_NONE)
		(void)json_object_set_new(object, "class", out_string(bh_class_name(event->error)));
	(void)json_object_set_new(object, "text", out_string(event->text));
	return object;
}

void out_json(struct out *out, json_t *object)
{
	if (!object || json_dumpf(object, out->stream, JSON_COMPACT) < 0) {
		if (out->error == 0)
			out->error = ENOMEM;
	} else {
		(void)fputc('\n', out->stream);
	}
	json_decref(object);
}

void out_timings(json_t *object, const struct bh_timings *timings)
{
	const struct {
		const char *name;
		uint32_t ms;
	} all[] = {
		{ "queue_ms", timings->queue_ms },	 { "connect_ms", timings->connect_ms },
		{ "services_ms", timings->services_ms }, { "query_ms", timings->query_ms },
		{ "total_ms", timings->total_ms },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		(void)json_object_set_new(object, all[i].name, json_integer(all[i].ms));
	(void)json_object_set_new(object, "cached", json_boolean(timings->is_cached));
}

json_t *out_distribution(const struct bh_distribution *timing)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "count", json_integer(timing->count));
	(void)json_object_set_new(object, "min_ms", json_integer(timing->min_ms));
	(void)json_object_set_new(object, "p50_ms", json_integer(timing->p50_ms));
	(void)json_object_set_new(object, "p95_ms", json_integer(timing->p95_ms));
	(void)json_object_set_new(object, "max_ms", json_integer(timing->max_ms));
	return object;
}

void out_progress(struct out *out, const char *format, ...)
{
	char text[sizeof(out->progress)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (out->progress[0] == '\0')
		out->progress_at_ms = clock_now_ms();
	words_clean(text, out->progress, sizeof(out->progress));
	if (out->is_shown)
		out_progress_tick(out, clock_now_ms());
}

int out_progress_timeout(const struct out *out, uint64_t now_ms)
{
	uint64_t elapsed_ms = now_ms - out->progress_at_ms;

	if (!out->has_progress || out->progress[0] == '\0')
		return -1;
	if (elapsed_ms < PROGRESS_AFTER_MS)
		return (int)(PROGRESS_AFTER_MS - elapsed_ms);
	if (!out->is_shown)
		return 0;
	return (int)(PROGRESS_EVERY_MS - elapsed_ms % PROGRESS_EVERY_MS);
}

void out_progress_tick(struct out *out, uint64_t now_ms)
{
	char line[sizeof(out->progress) + 16];
	uint64_t elapsed_ms = now_ms - out->progress_at_ms;
	size_t columns = 80;
	struct winsize size = { 0 };

	if (!out->has_progress || out->progress[0] == '\0' || elapsed_ms < PROGRESS_AFTER_MS)
		return;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		columns = size.ws_col;
	(void)snprintf(line, sizeof(line), "%s %u s", out->progress, (unsigned)(elapsed_ms / 1000));
	/* A line that wraps could not be taken off again. */
	words_cut(line, columns - 1);
	(void)fprintf(stderr, "\r\033[K%s", line);
	(void)fflush(stderr);
	out->is_shown = true;
}

void out_progress_hide(struct out *out)
{
	if (!out->is_shown)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	out->is_shown = false;
}

void out_progress_end(struct out *out)
{
	out_progress_hide(out);
	out->progress[0] = '\0';
}

void out_frame(struct out *out, const char *text, unsigned lines)
{
	size_t columns;
	size_t rows;

	out_progress_hide(out);
	out_size(out, &columns, &rows);
	/* The old lines have been wrapped anew and cannot be counted any more. */
	if (out->frame_lines > 0 && columns != out->frame_columns)
		(void)fputs("\033[H\033[J", out->stream);
	else if (out->frame_lines > 0)
		(void)fprintf(out->stream, "\033[%uA\r\033[J", out->frame_lines);
	/* What is too wide is cut, not wrapped: lines must stay lines. */
	(void)fprintf(out->stream, "\033[?7l%s\033[?7h", text);
	out->frame_lines = lines;
	out->frame_columns = columns;
	out_flush(out);
}

void out_frame_end(struct out *out)
{
	if (out->frame_lines == 0)
		return;
	/* The terminal's "^C" is below the picture, where the prompt comes. */
	(void)fputs("\r\033[K", out->stream);
	out_flush(out);
}

const char *out_bold(const struct out *out)
{
	return out->has_styles ? "\033[1m" : "";
}

const char *out_red(const struct out *out)
{
	return out->has_styles ? "\033[31m" : "";
}

const char *out_green(const struct out *out)
{
	return out->has_styles ? "\033[32m" : "";
}

const char *out_plain(const struct out *out)
{
	return out->has_styles ? "\033[0m" : "";
}
