/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_rescue.c - bleherd-rescue itself, the real binary: what it takes, what
 * it refuses, and that it ends with its step.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ipc/chan.h"
#include "ipc/clock.h"
#include "ipc/control.pb-c.h"

Suite *suite_rescue(void);

enum { WAIT_MS = 5000 };

/* No adapter of this machine. */
static const uint64_t NOBODY = 0xfefefefefefe;

static struct chan_buf *buf;
static struct chan *chan;
static pid_t pid;
static char dir[] = "/tmp/bhr.XXXXXX";
static char program[64];

static void start(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/bhr.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(program, sizeof(program), "%s/program", dir);
	ck_assert_int_eq(chan_buf_new(&buf, CHAN_BODY_CONTROL), 0);
	/* What outlives its parent comes to us. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static void stop(void)
{
	char command[64];

	chan = chan_free(chan);
	buf = chan_buf_free(buf);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void write_program(const char *text)
{
	FILE *file = fopen(program, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fprintf(file, "#!/bin/sh\n%s\n", text), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(program, 0700), 0);
}

static _Noreturn void become(int fd)
{
	const char *bin = getenv("BLEHERD_BIN");
	char path[512];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(path, sizeof(path), "%s/bleherd-rescue", bin ? bin : "build/bin");
	if (dup2(fd, 3) < 0)
		_exit(126);
	(void)execl(path, "bleherd-rescue", "--bluetoothd", program, "--hardware", program,
		    (char *)NULL);
	_exit(127);
}

static void run(void)
{
	int ends[2];

	chan = chan_free(chan);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	/* A test's end is to leave no process: libcheck's fork is not the child here. */
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(ends[1]);
	(void)close(ends[1]);
	ck_assert_int_eq(chan_new(&chan, ends[0], buf, CHAN_BODY_CONTROL), 0);
}

static void ask(Bh__Ctl__RescueKind kind, uint64_t address, uint32_t timeout_ms)
{
	Bh__Ctl__RescueStep step = BH__CTL__RESCUE_STEP__INIT;

	run();
	step.has_kind = step.has_index = step.has_address = step.has_timeout_ms = 1;
	step.kind = kind;
	step.address = address;
	step.timeout_ms = timeout_ms;
	ck_assert_int_eq(chan_send(chan, BH__CTL__TYPE__RESCUE_STEP, 0, 0, &step.base, NULL, 0), 0);
}

static int next_frame(struct chan_frame *out)
{
	struct pollfd p = { .fd = chan_fd(chan), .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	return chan_recv(chan, out);
}

static void expect(Bh__Ctl__RescueOutcome outcome)
{
	const Bh__Ctl__RescueDone *done;
	struct chan_frame frame;
	int status;

	ck_assert_int_eq(next_frame(&frame), CHAN_FRAME);
	ck_assert_uint_eq(frame.type, BH__CTL__TYPE__RESCUE_DONE);
	done = chan_unpack(chan, &frame, &bh__ctl__rescue_done__descriptor);
	ck_assert_int_eq(done->outcome, outcome);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void expect_status(int expected)
{
	struct chan_frame frame;
	int status;

	ck_assert_int_ne(next_frame(&frame), CHAN_FRAME);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), expected);
}

/* The number alone is not enough: there may be an hci0, but it is another one. */
START_TEST(test_another_adapter)
{
	ask(BH__CTL__RESCUE_KIND__RESCUE_DOWN_UP, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_GONE);
	ask(BH__CTL__RESCUE_KIND__RESCUE_REBIND, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_GONE);
	ask(BH__CTL__RESCUE_KIND__RESCUE_RFKILL, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_GONE);
}
END_TEST

START_TEST(test_programs)
{
	write_program("exit 0");
	ask(BH__CTL__RESCUE_KIND__RESCUE_BLUETOOTHD, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_OK);
	write_program("exit 1");
	ask(BH__CTL__RESCUE_KIND__RESCUE_BLUETOOTHD, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_FAILED);
	write_program("[ \"$1 $2\" = 'hci0 FE:FE:FE:FE:FE:FE' ]");
	ask(BH__CTL__RESCUE_KIND__RESCUE_USB, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_OK);
	ck_assert_int_eq(unlink(program), 0);
	ask(BH__CTL__RESCUE_KIND__RESCUE_USB, NOBODY, 5000);
	expect(BH__CTL__RESCUE_OUTCOME__RESCUE_FAILED);
}
END_TEST

/* Its deadline ends it and the program that it waits for; nobody keeps its channel. */
START_TEST(test_deadline)
{
	uint64_t began_ms = clock_now_ms();
	struct chan_frame frame;
	int status;

	write_program("exec sleep 60");
	ask(BH__CTL__RESCUE_KIND__RESCUE_BLUETOOTHD, NOBODY, 300);
	ck_assert_int_eq(next_frame(&frame), CHAN_EOF);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	/* The program is ours now, and dead. */
	ck_assert_int_gt(waitpid(-1, &status, 0), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_uint_lt(clock_now_ms() - began_ms, 3000);
}
END_TEST

START_TEST(test_refused)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	/* No such step, a time that is none, another message, nobody there. */
	ask((Bh__Ctl__RescueKind)77, NOBODY, 5000);
	expect_status(70);
	ask(BH__CTL__RESCUE_KIND__RESCUE_BLUETOOTHD, NOBODY, 0);
	expect_status(70);
	run();
	ck_assert_int_eq(chan_send(chan, BH__CTL__TYPE__STOP, 0, 0, &empty.base, NULL, 0), 0);
	expect_status(70);
	run();
	ck_assert_int_eq(shutdown(chan_fd(chan), SHUT_WR), 0);
	expect_status(69);
}
END_TEST

Suite *suite_rescue(void)
{
	Suite *suite = suite_create("rescue");
	TCase *test = tcase_create("rescue");

	tcase_add_checked_fixture(test, start, stop);
	tcase_set_timeout(test, 10);
	tcase_add_test(test, test_another_adapter);
	tcase_add_test(test, test_programs);
	tcase_add_test(test, test_deadline);
	tcase_add_test(test, test_refused);
	suite_add_tcase(suite, test);
	return suite;
}
