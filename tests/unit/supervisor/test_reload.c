/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_reload.c - a reload that has to wait: for the name of a user, from a
 * directory that does not answer.
 */
#include <check.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/supervisor/rig.h"

Suite *suite_reload(void);

static const char SLOW[] = "slow"; /* a user who is looked up until somebody closes the gate */

static struct rig *rig;
static char gate[96];

/* For all of this program, instead of libc's. */
int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
	       struct passwd **found)
{
	int (*real)(const char *, struct passwd *, char *, size_t, struct passwd **) = NULL;
	int fd;

	if (strcmp(name, SLOW) != 0) {
		*(void **)&real = dlsym(RTLD_NEXT, "getpwnam_r");
		return real(name, entry, buffer, size, found);
	}
	fd = open(gate, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, buffer, 1), 0);
	(void)close(fd);
	*entry = (struct passwd){ .pw_uid = 4711 };
	*found = entry;
	return 0;
}

static void put(const char *text)
{
	char path[96];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/" RIG_CONFIG, rig->dir);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void start(void)
{
	(void)snprintf(gate, sizeof(gate), "/tmp/bh-gate.%d", (int)getpid());
	ck_assert_int_eq(mkfifo(gate, 0600), 0);
	rig = rig_start(rig_quick);
	rig_follow(rig);
}

static void stop(void)
{
	rig = rig_stop(rig);
	(void)unlink(gate);
}

static void ask(void)
{
	ck_assert_int_eq(kill(rig->daemon, SIGHUP), 0);
}

/* When the name is asked for. */
static int wait_for_the_question(void)
{
	int fd = open(gate, O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(programs_do_not_wait)
{
	int fd;

	put("[access a]\nuser = slow\nallow = see\n");
	ask();
	fd = wait_for_the_question();
	ck_assert_uint_eq(rig_status(rig)->pid, (uint32_t)rig->daemon);
	(void)close(fd);
	rig_expect_event(rig, "reloaded", "[access]");
}
END_TEST

/* What is asked meanwhile is not lost: the file may be another one by now. */
START_TEST(once_more)
{
	int fd;

	put("[access a]\nuser = slow\nallow = see\n");
	ask();
	fd = wait_for_the_question();
	put("[access b]\nuser = slow\nallow = none\n[sessions]\nmax = 7\n");
	ask();
	/* A signal is handled before what comes after it. */
	(void)rig_status(rig);
	(void)close(fd);
	rig_expect_event(rig, "reloaded", "[access]");
	(void)close(wait_for_the_question());
	rig_expect_event(rig, "reloaded", "sessions.max");
}
END_TEST

/* Nor does the end wait. */
START_TEST(ends_meanwhile)
{
	put("[access a]\nuser = slow\nallow = see\n");
	ask();
	(void)close(wait_for_the_question());
	ask();
}
END_TEST

Suite *suite_reload(void)
{
	Suite *suite = suite_create("reload");
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, programs_do_not_wait);
	tcase_add_test(tc, once_more);
	tcase_add_test(tc, ends_meanwhile);
	suite_add_tcase(suite, tc);
	return suite;
}
