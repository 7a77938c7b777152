/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/ipc/test_log_journal.c - readers of the log: one that reads, one that hangs. */
#include "ipc/log.h"
#include "ipc/log_rate.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *suite_log_journal(void);

enum { FLOOD = 5000, TEXT_LEN = 4096, PIPE_LEN = 1 << 17 };

static const struct log_fields STORY = {
	.event = "worker-died",
	.adapter = "hci0",
	.child = "worker",
	.class_name = "interrupted",
	.step = "reset",
	.address = 0xc0aabb000001,
	.session = 7,
};

/* --- the journal --- */

static int journal_fd = -1;
static char path[64];

static void make_journal(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	(void)snprintf(path, sizeof(path), "/tmp/bh-journal.%d", (int)getpid());
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(journal_fd, 0);
	ck_assert_int_eq(bind(journal_fd, (struct sockaddr *)&to, sizeof(to)), 0);
	(void)setenv("BLEHERD_JOURNAL_SOCKET", path, 1);
}

static void remove_journal(void)
{
	(void)unlink(path);
	(void)close(journal_fd);
}

/* The next message, framed by line ends, so that "\nKEY=value\n" is in it; NULL: there is none. */
static const char *message(void)
{
	static char text[TEXT_LEN];
	ssize_t n = recv(journal_fd, text + 1, sizeof(text) - 2, 0);

	text[0] = '\n';
	if (n < 0)
		return NULL;
	text[n + 1] = '\0';
	return text;
}

static void expect(const char *text, const char *line)
{
	char framed[TEXT_LEN];

	(void)snprintf(framed, sizeof(framed), "\n%s\n", line);
	ck_assert_msg(text && strstr(text, framed), "no %s in %s", line, text ? text : "nothing");
}

START_TEST(fields)
{
	const char *text;

	log_setup("bleherdd", LOG_LEVEL_INFO);
	log_join_journal();
	log_event(LOG_LEVEL_WARN, &STORY, "pid 12 was killed");
	text = message();
	expect(text, "MESSAGE=hci0 xx:xx:xx:xx:00:01 worker-died: pid 12 was killed");
	expect(text, "PRIORITY=4");
	expect(text, "SYSLOG_IDENTIFIER=bleherdd");
	expect(text, "BLEHERD_EVENT=worker-died");
	expect(text, "BLEHERD_ADAPTER=hci0");
	expect(text, "BLEHERD_CHILD=worker");
	expect(text, "BLEHERD_DEVICE=xx:xx:xx:xx:00:01");
	expect(text, "BLEHERD_SESSION=7");
	expect(text, "BLEHERD_CLASS=interrupted");
	expect(text, "BLEHERD_STEP=reset");
	ck_assert_ptr_nonnull(strstr(text, "\nMESSAGE_ID="));
	log_info("plain=%d", 1);
	text = message();
	expect(text, "MESSAGE=plain=1");
	ck_assert_ptr_null(strstr(text, "BLEHERD_"));
}
END_TEST

START_TEST(addresses_at_debug)
{
	log_setup("bleherdd", LOG_LEVEL_DEBUG);
	log_join_journal();
	log_event(LOG_LEVEL_WARN, &STORY, "");
	expect(message(), "BLEHERD_DEVICE=C0:AA:BB:00:00:01");
}
END_TEST

/* What somebody else sent is no field and no line of its own. */
START_TEST(nobody_forges)
{
	const char *text;

	log_setup("bleherdd", LOG_LEVEL_INFO);
	log_join_journal();
	log_event(LOG_LEVEL_WARN, &STORY, "odd\nPRIORITY=0\n");
	text = message();
	expect(text, "PRIORITY=4");
	ck_assert_ptr_null(strstr(text, "\nPRIORITY=0"));
}
END_TEST

static void say_many(unsigned n)
{
	/* At this level nothing is suppressed. */
	while (n-- > 0)
		log_debug("n=%u", n);
}

/* Were it waited for, this test would end by its time limit. */
START_TEST(hung_journal)
{
	char told[80];
	unsigned n = 0;

	log_setup("bleherdd", LOG_LEVEL_DEBUG);
	log_join_journal();
	say_many(FLOOD);
	while (message())
		n++;
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, FLOOD);
	(void)snprintf(told, sizeof(told),
		       "MESSAGE=log-lost: %u lines: the log's reader did not take them", FLOOD - n);
	log_info("again=1");
	expect(message(), told);
	expect(message(), "MESSAGE=again=1");
	log_info("again=2");
	expect(message(), "MESSAGE=again=2");
}
END_TEST

START_TEST(suppressed)
{
	unsigned n = 0;
	int i;

	log_setup("bleherdd", LOG_LEVEL_INFO);
	log_join_journal();
	for (i = 0; i < 3 * LOG_RATE_LINES; i++) {
		log_event(LOG_LEVEL_INFO, &STORY, "again");
		while (message())
			n++;
	}
	ck_assert_uint_eq(n, LOG_RATE_LINES);
}
END_TEST

/* --- stderr --- */

static int stderr_before = -1;

static void stderr_to(int fd)
{
	if (stderr_before < 0)
		stderr_before = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
}

static void stderr_back(void)
{
	if (stderr_before >= 0)
		(void)dup2(stderr_before, STDERR_FILENO);
	stderr_before = -1;
	log_setup("test", LOG_LEVEL_INFO);
}

static size_t drain(int fd, char *out)
{
	ssize_t n = read(fd, out, PIPE_LEN - 1);

	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* A pipe, a stream: who has the other end does not read, and later does. */
START_TEST(hung_stderr)
{
	static char text[PIPE_LEN];
	int ends[2];

	if (_i == 0)
		ck_assert_int_eq(pipe(ends), 0);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stderr_to(ends[1]);
	log_setup("t", LOG_LEVEL_DEBUG);
	say_many(FLOOD * 10);
	/* It is others', too, and stays as it was. */
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while (drain(ends[0], text) > 0)
		;
	log_info("again=1");
	(void)drain(ends[0], text);
	stderr_back();
	ck_assert_msg(strstr(text, "event=log-lost") && strstr(text, "t: again=1\n"), "%s", text);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

/* Who reads ends: that is no reason for us to. */
START_TEST(gone_stderr)
{
	int ends[2];

	if (_i == 0)
		ck_assert_int_eq(pipe(ends), 0);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stderr_to(ends[1]);
	log_setup("t", LOG_LEVEL_INFO);
	(void)close(ends[0]);
	log_info("one=1");
	stderr_back();
	(void)close(ends[1]);
}
END_TEST

/* A file that has something in it already is appended to. */
START_TEST(file)
{
	char text[128] = "";
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fputs("before\n", f), 1);
	(void)fflush(f);
	stderr_to(fileno(f));
	log_setup("t", LOG_LEVEL_INFO);
	log_info("one=1");
	log_event(LOG_LEVEL_WARN, &STORY, "why");
	stderr_back();
	ck_assert_int_gt(pread(fileno(f), text, sizeof(text) - 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "before\nt: one=1\nt: event=worker-died adapter=hci0"));
	(void)fclose(f);
}
END_TEST

/* JOURNAL_STREAM is inherited by whoever has another stderr since: he is not in the journal. */
START_TEST(whose_stream)
{
	char text[256] = "";
	char stream[64];
	struct stat st;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stderr_to(ends[1]);
	ck_assert_int_eq(fstat(ends[1], &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino + (_i == 0 ? 0 : 1));
	(void)setenv("JOURNAL_STREAM", stream, 1);
	log_setup("t", LOG_LEVEL_INFO);
	log_warn("one=1");
	stderr_back();
	ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, _i == 0 ? "<4>t: one=1\n" : "t: one=1\n");
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

Suite *suite_log_journal(void)
{
	Suite *suite = suite_create("log_journal");
	TCase *journal = tcase_create("journal");
	TCase *tc = tcase_create("stderr");

	tcase_add_checked_fixture(journal, make_journal, remove_journal);
	tcase_add_test(journal, fields);
	tcase_add_test(journal, addresses_at_debug);
	tcase_add_test(journal, nobody_forges);
	tcase_add_test(journal, hung_journal);
	tcase_add_test(journal, suppressed);
	suite_add_tcase(suite, journal);
	tcase_add_loop_test(tc, hung_stderr, 0, 2);
	tcase_add_loop_test(tc, gone_stderr, 0, 2);
	tcase_add_test(tc, file);
	tcase_add_loop_test(tc, whose_stream, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
