/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ipc/clock.h"
#include "ipc/log_lines.h"
#include "ipc/log_rate.h"

/* systemd-journald.service(8) */
#define JOURNAL_PATH "/run/systemd/journal/socket"

/* Above the numbers that a child expects its channel and page at. */
enum { FD_ABOVE = 10 };

/* The one process-wide state that STYLE 9 tolerates: set once in main(), before anything runs. */
static struct {
	const char *tag;
	enum log_level level;
	int fd; /* stderr, or a description of our own of the same */
	bool is_socket;
	bool is_stream; /* journald's, which takes <N> */
	bool is_terminal;
	int journal_fd;
	struct sockaddr_un journal;
	uint32_t n_lost;
	struct log_rate rate;
} logger = { .tag = "bleherd", .level = LOG_LEVEL_INFO, .fd = STDERR_FILENO, .journal_fd = -EBADF };

/* --- where to --- */

/*
 * A pipe or terminal is shared with whoever else has it: that it takes a line now may be untrue a
 * moment later, and O_NONBLOCK would be theirs, too. Through /proc it is opened anew. A file must
 * not be: it would be written from its begin.
 */
static int open_stderr(const struct stat *st)
{
	_cleanup_close_ int fd = -EBADF;
	int above;

	if (!S_ISFIFO(st->st_mode) && !isatty(STDERR_FILENO))
		return STDERR_FILENO;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	above = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
	return above < 0 ? STDERR_FILENO : above;
}

/* "DEVICE:INODE" of the stream that systemd made for the unit; stderr may be another one since. */
static bool is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device;
	unsigned long long inode;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       device == st->st_dev && inode == st->st_ino;
}

void log_setup(const char *tag, enum log_level level)
{
	struct stat st = { .st_mode = 0 };

	if (logger.fd != STDERR_FILENO)
		(void)close_fd(logger.fd);
	logger.journal_fd = close_fd(logger.journal_fd);
	logger.tag = tag;
	logger.level = level;
	(void)fstat(STDERR_FILENO, &st);
	logger.fd = open_stderr(&st);
	logger.is_socket = S_ISSOCK(st.st_mode);
	logger.is_stream = is_journal(&st);
	logger.is_terminal = isatty(STDERR_FILENO);
	logger.n_lost = 0;
	memset(&logger.rate, 0, sizeof(logger.rate));
	(void)signal(SIGPIPE, SIG_IGN);
}

void log_join_journal(void)
{
	const char *path = getenv("BLEHERD_JOURNAL_SOCKET");

	if (!path && logger.is_stream)
		path = JOURNAL_PATH;
	if (!path || strlen(path) >= sizeof(logger.journal.sun_path) || access(path, W_OK) < 0)
		return;
	logger.journal.sun_family = AF_UNIX;
	(void)snprintf(logger.journal.sun_path, sizeof(logger.journal.sun_path), "%s", path);
	logger.journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void log_set_level(enum log_level level)
{
	logger.level = level;
}

/* --- a line --- */

static bool to_journal(const struct log_message *message)
{
	char datagram[LOG_DATAGRAM_LEN];
	size_t len = log_line_datagram(message, datagram);

	/* With its address each time: the socket may be a new one after an upgrade of systemd. */
	return sendto(logger.journal_fd, datagram, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&logger.journal, sizeof(logger.journal)) >= 0;
}

static bool stderr_takes(void)
{
	struct pollfd p = { .fd = logger.fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static bool to_stderr(const struct log_message *message)
{
	/* "<7>", the tag, the line's end */
	char line[LOG_LINE_LEN + 64];
	char body[LOG_LINE_LEN];
	char level[8] = "";
	int len;

	if (logger.is_terminal)
		log_line_sentence(message, body);
	else
		log_line_pairs(message, body);
	if (logger.is_stream)
		(void)snprintf(level, sizeof(level), "<%d>", (int)message->level);
	len = snprintf(line, sizeof(line), "%s%.40s: %s\n", level, logger.tag, body);
	assert(len > 0 && (size_t)len < sizeof(line));
	if (logger.is_socket)
		return send(logger.fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len;
	return stderr_takes() && write(logger.fd, line, (size_t)len) == len;
}

static bool emit(enum log_level level, const struct log_fields *fields, const char *text)
{
	struct log_message message = {
		.level = level,
		.tag = logger.tag,
		.fields = *fields,
		.text = text,
		.is_full = logger.level >= LOG_LEVEL_DEBUG,
	};

	return logger.journal_fd >= 0 ? to_journal(&message) : to_stderr(&message);
}

/* --- what was not written --- */

static void tell_lost(void)
{
	static const struct log_fields FIELDS = { .event = "log-lost" };
	char text[80];

	if (logger.n_lost == 0)
		return;
	(void)snprintf(text, sizeof(text), "%u lines: the log's reader did not take them",
		       logger.n_lost);
	if (emit(LOG_LEVEL_WARN, &FIELDS, text))
		logger.n_lost = 0;
}

static void put(enum log_level level, const struct log_fields *fields, const char *text)
{
	tell_lost();
	/* Also if there is room again by now: they stay in order. */
	if (logger.n_lost > 0 || !emit(level, fields, text))
		logger.n_lost++;
}

void log_tick(void)
{
	static const struct log_fields FIELDS = { .event = "log-suppressed" };
	uint64_t now_ms = clock_now_ms();
	const char *site = "";
	char text[160];
	uint32_t n;

	while ((n = log_rate_due(&logger.rate, now_ms, &site)) > 0) {
		(void)snprintf(text, sizeof(text), "%u more suppressed: %.100s", n, site);
		put(LOG_LEVEL_WARN, &FIELDS, text);
	}
	tell_lost();
}

/* Who debugs wants all of it. */
static bool is_wanted(enum log_level level, const char *site)
{
	if (level > logger.level)
		return false;
	log_tick();
	return logger.level >= LOG_LEVEL_DEBUG ||
	       log_rate_allows(&logger.rate, site, clock_now_ms());
}

void log_write(enum log_level level, const char *format, ...)
{
	static const struct log_fields NONE = { .event = NULL };
	char text[LOG_LINE_LEN];
	va_list args;

	if (!is_wanted(level, format))
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(level, &NONE, text);
}

void log_event(enum log_level level, const struct log_fields *fields, const char *text)
{
	if (is_wanted(level, fields->event))
		put(level, fields, text);
}
