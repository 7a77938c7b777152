/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/guard/test_alarm.c - children that end themselves in every way, and what they leave on
 * their page.
 */
#include <check.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "ipc/clock.h"
#include "ipc/guard/alarm.h"

Suite *suite_alarm(void);

enum { WINDOW_MS = 500, TURN_MS = 20 };

static struct wpage *page;
static volatile int sink;

/* --- what the children do; named in their backtraces, so neither inlined nor cut short --- */

#define NAMED __attribute__((noinline))

NAMED static void spin_for_ever(void)
{
	for (;;)
		sink++;
}

NAMED static void write_nowhere(void)
{
	volatile int *volatile nowhere = (volatile int *)(uintptr_t)64;

	*nowhere = 1;
	sink++;
}

NAMED static void assume_too_much(void)
{
	assert(sink == 4711 && "too much was assumed");
	sink++;
}

NAMED static void overflow(int depth)
{
	volatile char much[4096];

	much[0] = (char)depth;
	if (depth >= 0)
		overflow(depth + 1);
	sink += much[0];
}

static void overflow_the_stack(void)
{
	overflow(0);
}

static void turn(unsigned times)
{
	const struct timespec pause = { .tv_nsec = TURN_MS * 1000000 };

	while (times-- > 0) {
		(void)nanosleep(&pause, NULL);
		alarm_tick();
	}
}

/* Turns for three windows, and ends well. */
static void turn_and_end(void)
{
	turn(3 * WINDOW_MS / TURN_MS);
	_exit(0);
}

static pid_t begin(void (*deed)(void))
{
	const struct rlimit no_core = { 0, 0 };
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (alarm_begin(page) < 0)
		_exit(9);
	wpage_crumb(page, clock_now_ms(), "began");
	alarm_tick();
	deed();
	_exit(8);
}

static int wait_status(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void start(void)
{
	int fd = -EBADF;

	ck_assert_int_eq(wpage_create(1, WINDOW_MS, &fd, &page), 0);
	(void)close(fd);
}

static void stop(void)
{
	page = wpage_unmap(page);
}

/* The function is among the innermost frames: it is this program, loaded where it is here. */
static bool is_named(const struct wpage_traces *traces, void (*function)(void))
{
	extern const ElfW(Ehdr) __ehdr_start;
	uintptr_t offset = (uintptr_t)function - (uintptr_t)&__ehdr_start;
	size_t i;

	for (i = 0; i < traces->n_frames; i++)
		if (!traces->frames[i].object[0] && traces->frames[i].offset >= offset &&
		    traces->frames[i].offset < offset + 128)
			return true;
	return false;
}

static const struct {
	void (*deed)(void);
	void (*named)(void);
	int signal;
	enum wpage_end end;
	const char *words;
	bool is_fault;
} ENDS[] = {
	{ spin_for_ever, spin_for_ever, SIGABRT, WPAGE_END_HUNG, "", false },
	{ assume_too_much, assume_too_much, SIGABRT, WPAGE_END_ASSERT, "too much was assumed",
	  false },
	{ abort, NULL, SIGABRT, WPAGE_END_SIGNAL, "", false },
	{ write_nowhere, write_nowhere, SIGSEGV, WPAGE_END_SIGNAL, "", true },
	{ overflow_the_stack, NULL, SIGSEGV, WPAGE_END_SIGNAL, "", true },
};

START_TEST(test_ends)
{
	struct wpage_traces traces;
	int status;

#if defined(__SANITIZE_ADDRESS__)
	if (ENDS[_i].is_fault)
		return; /* alarm.h: these are AddressSanitizer's */
#endif
	status = wait_status(begin(ENDS[_i].deed));
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == ENDS[_i].signal, "status %x",
		      (unsigned)status);
	wpage_read_traces(page, &traces);
	ck_assert_int_eq(traces.end, ENDS[_i].end);
	ck_assert_msg(strstr(traces.words, ENDS[_i].words) != NULL, "%s", traces.words);
	ck_assert_uint_gt(traces.n_frames, 1);
	ck_assert_uint_eq(traces.n_crumbs, 1);
	ck_assert_str_eq(traces.crumbs[0].text, "began");
	ck_assert(!ENDS[_i].named || is_named(&traces, ENDS[_i].named));
}
END_TEST

START_TEST(test_turns)
{
	struct wpage_traces traces;
	int status = wait_status(begin(turn_and_end));

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	wpage_read_traces(page, &traces);
	ck_assert_int_eq(traces.end, WPAGE_END_NONE);
	ck_assert_uint_eq(traces.n_frames, 0);
}
END_TEST

/* Stopped for longer than a window, it goes on as if nothing had been. */
START_TEST(test_stopped)
{
	const struct timespec window = { .tv_nsec = 2 * WINDOW_MS * 1000000L % 1000000000,
					 .tv_sec = 2 * WINDOW_MS / 1000 };
	pid_t pid = begin(turn_and_end);
	int status;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	(void)nanosleep(&window, NULL);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	status = wait_status(pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}
END_TEST

/* What lockd and workers without a supervisor have. */
START_TEST(test_no_page)
{
	ck_assert_int_eq(alarm_begin(NULL), 0);
	alarm_tick();
}
END_TEST

Suite *suite_alarm(void)
{
	Suite *suite = suite_create("alarm");
	TCase *tc = tcase_create("alarm");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, test_ends, 0, (int)ARRAY_LEN(ENDS));
	tcase_add_test(tc, test_turns);
	tcase_add_test(tc, test_stopped);
	tcase_add_test(tc, test_no_page);
	suite_add_tcase(suite, tc);
	return suite;
}
