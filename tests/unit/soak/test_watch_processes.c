/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/soak/test_watch_processes.c - processes that are held, and what they use. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contrib/soak/flat.h"
#include "contrib/soak/held.h"
#include "contrib/soak/proc.h"
#include "contrib/soak/resources.h"

Suite *suite_watch_processes(void);

static pid_t child;
static unsigned told;
static char said[256];

static void on_violation(void *ctx, const char *promise, int64_t at_us, const char *text)
{
	(void)ctx;
	(void)at_us;
	ck_assert_str_eq(promise, "flat");
	(void)snprintf(said, sizeof(said), "%s", text);
	told++;
}

static void setup(void)
{
	told = 0;
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child > 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)pause();
}

static void teardown(void)
{
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}

/* Waits until it is told of the next stop or continuation. */
static bool is_stopped_now(void)
{
	int status = 0;

	ck_assert_int_eq(waitpid(child, &status, WUNTRACED | WCONTINUED), child);
	ck_assert(WIFSTOPPED(status) || WIFCONTINUED(status));
	return WIFSTOPPED(status);
}

START_TEST(stopped_until_its_end)
{
	struct held held;

	held_init(&held);
	ck_assert_int_eq(held_begin(&held, child, 5, false, 0), 0);
	ck_assert(is_stopped_now());
	ck_assert_int_eq(held_turn(&held, 99000000), INT64_MAX);
	held_end(&held, 4);
	ck_assert_int_eq(waitpid(child, NULL, WUNTRACED | WCONTINUED | WNOHANG), 0);
	held_end(&held, 5);
	ck_assert(!is_stopped_now());
}
END_TEST

START_TEST(starved)
{
	struct held held;

	held_init(&held);
	ck_assert_int_eq(held_begin(&held, child, 5, true, 0), 0);
	ck_assert(is_stopped_now());
	ck_assert_int_eq(held_turn(&held, 17999), 18000);
	ck_assert_int_eq(held_turn(&held, 18000), 20000);
	ck_assert(!is_stopped_now());
	ck_assert_int_eq(held_turn(&held, 20000), 38000);
	ck_assert(is_stopped_now());
	held_rest(&held);
	ck_assert(!is_stopped_now());
	ck_assert_int_eq(held_turn(&held, 99000000), INT64_MAX);
}
END_TEST

START_TEST(gone)
{
	struct held held;
	pid_t pid = child;

	teardown();
	setup();
	held_init(&held);
	ck_assert_int_eq(held_begin(&held, pid, 5, false, 0), -ESRCH);
}
END_TEST

START_TEST(flat_or_not)
{
	char text[FLAT_TEXT_LEN];
	struct flat flat = { 0 };

	for (uint32_t i = 0; i < 3; i++)
		flat_add(&flat, 1000 + i * 1000, 10 + i * 100);
	ck_assert(!flat_has_grown(&flat, text));
	flat_done(&flat);
	/* A peak is not growth. */
	for (uint32_t i = 0; i < 100; i++)
		flat_add(&flat, i == 95 ? 90000 : 1000 + i % 7, i == 96 ? 900 : 10 + i % 3);
	ck_assert(!flat_has_grown(&flat, text));
	flat_done(&flat);
	for (uint32_t i = 0; i < 100; i++)
		flat_add(&flat, 1000, 10 + i / 5);
	ck_assert(flat_has_grown(&flat, text));
	ck_assert_str_eq(text, "12 descriptors, then 27");
	flat_done(&flat);
}
END_TEST

static const json_t *value_at(const json_t *of, const char *key, size_t i)
{
	return json_array_get(json_object_get(of, key), i);
}

/*
 * One that opens more and more is found, unless it is in its first minute, when what is of a fixed
 * size is being filled; the one after it begins anew.
 */
START_TEST(a_process_that_grows)
{
	enum { SAMPLES = 32, WARM = RESOURCES_WARM_UP };
	int from = _i == 0 ? 0 : WARM;
	struct resources *resources;
	json_t *report;
	const json_t *child_row;
	int fds[3 * WARM], n = 0;

	ck_assert_int_eq(resources_new(&resources), 0);
	resources_watch(resources, getpid(), "us", true);
	for (int i = 0; i < SAMPLES; i++) {
		if (i == 2)
			resources_watch(resources, child, "us", true);
		if (i == 3)
			resources_watch(resources, child, "child", true);
		for (int more = 0; i >= from && i < from + WARM && more < 3; more++)
			fds[n++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		resources_look(resources, (int64_t)i * RESOURCES_EVERY_US);
		resources_look(resources, (int64_t)i * RESOURCES_EVERY_US + 1);
	}
	resources_judge(resources, 1, on_violation, NULL);
	ck_assert_uint_eq(told, (unsigned)_i);
	ck_assert_int_eq(told > 0, strstr(said, "us (process") != NULL);
	ck_assert_uint_eq(resources_checked(resources), 2);
	report = resources_report(resources);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "count")), SAMPLES);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "processes")), 2);
	/* Nobody of that name was there: that is not nothing. */
	child_row = json_array_get(json_object_get(report, "processes"), 1);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(json_is_null(value_at(child_row, "pss_kib", i)), i < 3);
		ck_assert_int_eq(json_is_null(value_at(child_row, "fds", i)), i < 3);
		ck_assert(json_is_null(value_at(report, "count", i)));
	}
	json_decref(report);
	resources = resources_free(resources);
	while (n > 0)
		(void)close(fds[--n]);
}
END_TEST

START_TEST(what_proc_says)
{
	char name[PROC_NAME_LEN];
	pid_t children[4];

	ck_assert(proc_name(getpid(), name));
	ck_assert_uint_eq(proc_children(getpid(), children, 4), 1);
	ck_assert_int_eq(children[0], child);
	ck_assert(!proc_is_dead(child));
	ck_assert_uint_gt(proc_kib(child), 0);
	ck_assert_uint_gt(proc_fds(child), 2);
	ck_assert_uint_ge(proc_started(child), proc_started(getpid()));
	ck_assert(proc_is_program(child, "unit-soak"));
	ck_assert(!proc_is_program(child, "unit"));
	(void)kill(child, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	ck_assert(proc_is_dead(child));
}
END_TEST

Suite *suite_watch_processes(void)
{
	Suite *suite = suite_create("watch_processes");
	TCase *tc = tcase_create("watch_processes");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, stopped_until_its_end);
	tcase_add_test(tc, starved);
	tcase_add_test(tc, gone);
	tcase_add_test(tc, flat_or_not);
	tcase_add_loop_test(tc, a_process_that_grows, 0, 2);
	tcase_add_test(tc, what_proc_says);
	suite_add_tcase(suite, tc);
	return suite;
}
