/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_journal.c - what systemd's journal is told, and that nobody waits for who reads
 * the log: a journal that hangs, a pipe that is full.
 */
#include "tests/support/door.h"
#include "tests/support/world.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *suite_journal(void);

/* Far beyond what anything here takes. */
enum { LIMIT_MS = 30000, TEXT_LEN = 4096 };

static struct world *world;
static int journal_fd;
static char path[64];

static void start_with(const char *option)
{
	const char *const options[] = { "--adapters", "2", "--devices", "3", option, NULL };
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	(void)snprintf(path, sizeof(path), "/tmp/bh-journal.%d", (int)getpid());
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(journal_fd, 0);
	ck_assert_int_eq(bind(journal_fd, (struct sockaddr *)&to, sizeof(to)), 0);
	(void)setenv("BLEHERD_JOURNAL_SOCKET", path, 1);
	world = world_start(options);
}

static void stop(void)
{
	world = world_stop(world);
	(void)unlink(path);
	(void)close(journal_fd);
}

/* --- messages --- */

/* The next one, framed by line ends, so that "\nKEY=value\n" is in it. */
static const char *message(void)
{
	static char text[TEXT_LEN];
	struct pollfd p = { .fd = journal_fd, .events = POLLIN };
	ssize_t n;

	ck_assert_msg(poll(&p, 1, LIMIT_MS) == 1, "the journal hears nothing");
	n = recv(journal_fd, text + 1, sizeof(text) - 2, 0);
	ck_assert_int_gt(n, 0);
	text[0] = '\n';
	text[n + 1] = '\0';
	return text;
}

static bool has(const char *text, const char *line)
{
	char framed[128];

	(void)snprintf(framed, sizeof(framed), "\n%s\n", line);
	return strstr(text, framed) != NULL;
}

/* What was said until now: the kernel keeps 11 messages for us, and then bleherdd loses some. */
static void hear_out(void)
{
	char text[TEXT_LEN];

	while (recv(journal_fd, text, sizeof(text), MSG_DONTWAIT) >= 0)
		;
}

/* The first one from now on with that field. */
static const char *message_with(const char *line)
{
	const char *text;

	do
		text = message();
	while (!has(text, line));
	return text;
}

static void expect(const char *text, const char *line)
{
	ck_assert_msg(has(text, line), "no %s in %s", line, text);
}

static void run_well(const char *command)
{
	struct run run = run_command("%s", command);

	ck_assert_msg(run.status == 0, "%s: status %d\n%s%s", command, run.status, run.out,
		      run.err);
	run_done(&run);
}

static void kill_worker(pid_t daemon)
{
	struct run run = run_command("pkill -KILL -P %d -f '^bleherd-worker.*hci0'", daemon);

	ck_assert_int_eq(run.status, 0);
	run_done(&run);
}

START_TEST(story)
{
	const char *text;

	start_with(NULL);
	hear_out();
	kill_worker(world_daemon_pid(world));
	text = message_with("BLEHERD_EVENT=worker-died");
	expect(text, "PRIORITY=4");
	expect(text, "SYSLOG_IDENTIFIER=bleherdd");
	expect(text, "BLEHERD_ADAPTER=hci0");
	expect(text, "BLEHERD_CHILD=worker");
	ck_assert_ptr_nonnull(strstr(text, "\nMESSAGE_ID="));
	ck_assert_ptr_nonnull(strstr(text, "killed by SIGKILL"));
	(void)message_with("BLEHERD_EVENT=worker-ready");
	hear_out();
	world_fault(world, "refuse C0:AA:BB:00:00:01 1");
	run_well("bleherd read C0:AA:BB:00:00:01 2a29");
	text = message_with("BLEHERD_EVENT=connect-failed");
	expect(text, "PRIORITY=6");
	expect(text, "BLEHERD_DEVICE=xx:xx:xx:xx:00:01");
	ck_assert_ptr_nonnull(strstr(text, "\nBLEHERD_ADAPTER=hci"));
	ck_assert_ptr_nonnull(strstr(text, "\nBLEHERD_CLASS="));
	ck_assert_ptr_null(strstr(text, "C0:AA"));
	stop();
}
END_TEST

START_TEST(steps)
{
	const char *text;

	start_with(NULL);
	hear_out();
	run_well("bleherd reset hci0 --yes");
	text = message_with("BLEHERD_EVENT=reset-step");
	expect(text, "BLEHERD_ADAPTER=hci0");
	expect(text, "BLEHERD_STEP=power");
	stop();
}
END_TEST

/* Nobody reads: what programs ask for is done all the same, and then we are told what we missed. */
START_TEST(hung)
{
	int i;

	/* At this level there is a line of everything, and none is suppressed. */
	start_with("--verbose");
	for (i = 0; i < 20; i++)
		run_well("bleherd read C0:AA:BB:00:00:01 2a29");
	kill_worker(world_daemon_pid(world));
	run_well("bleherd read C0:AA:BB:00:00:02 2a29");
	expect(message_with("BLEHERD_EVENT=log-lost"), "PRIORITY=4");
	stop();
}
END_TEST

/* --- a pipe --- */

static void fill(int fd)
{
	char junk[1024] = "";

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, junk, sizeof(junk)) > 0 || write(fd, junk, 1) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	(void)fcntl(fd, F_SETFL, 0);
}

/* A daemon whose stderr is @fd of ours, as are its children's. */
static void start_at(struct door *door, int fd)
{
	FILE *f;

	door_open(door, world);
	(void)snprintf(door->program, sizeof(door->program), "%s/piped", getenv("BLEHERD_WORLD"));
	f = fopen(door->program, "we");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "#!/bin/sh\nexec bleherdd \"$@\" 2>/proc/%d/fd/%d\n", (int)getpid(), fd);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(door->program, 0700), 0);
	door_start(door);
}

static bool is_told(int fd)
{
	char text[2 * TEXT_LEN + 1];
	ssize_t n;
	char *at;

	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	for (at = text; at < text + n; at++)
		*at = *at ? *at : ' ';
	return strstr(text, "event=log-lost") != NULL;
}

START_TEST(full_pipe)
{
	struct door door;
	int ends[2];
	int i;

	(void)setenv("BLEHERD_MAY_DIE", "1", 1);
	start_with("--verbose");
	(void)unsetenv("BLEHERD_JOURNAL_SOCKET");
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fill(ends[1]);
	start_at(&door, ends[1]);
	for (i = 0; i < 5; i++)
		run_well("bleherd read C0:AA:BB:00:00:01 2a29");
	kill_worker(door.daemon);
	run_well("bleherd read C0:AA:BB:00:00:02 2a29");
	/* Who lost lines says so at its next tick. */
	while (!is_told(ends[0]))
		;
	door_close(&door);
	stop();
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

Suite *suite_journal(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");

	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, story);
	tcase_add_test(tc, steps);
	tcase_add_test(tc, hung);
	tcase_add_test(tc, full_pipe);
	suite_add_tcase(suite, tc);
	return suite;
}
