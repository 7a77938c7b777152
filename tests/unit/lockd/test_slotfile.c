/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slot files by themselves; what happens between open and flock is staged by our own flock(). */
#include "lockd/slotfile.h"
#include "tests/support/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NAME "bleak-cm-hci0-slot-0.lock"

static char dir[32];
static int dir_fd;
static void (*before_flock)(void);

/* Takes the place of libc's in this whole program: the hook runs in the gap that matters. */
int flock(int fd, int operation)
{
	if (before_flock && (operation & LOCK_EX))
		before_flock();
	return (int)syscall(SYS_flock, fd, operation);
}

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/bh-slotfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	before_flock = NULL;
}

static void teardown(void)
{
	(void)unlinkat(dir_fd, NAME, 0);
	(void)close(dir_fd);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int make(void)
{
	int fd = openat(dir_fd, NAME, O_CREAT | O_RDWR | O_CLOEXEC, 0660);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_current(int fd)
{
	struct stat a;
	struct stat b;

	return fstat(fd, &a) == 0 && fstatat(dir_fd, NAME, &b, 0) == 0 && a.st_ino == b.st_ino;
}

START_TEST(names_are_those_of_the_python_programs)
{
	char name[SLOTFILE_NAME_LEN];

	slotfile_name(RESOURCE_CONNECT, 0, 0, name);
	ck_assert_str_eq(name, NAME);
	slotfile_name(RESOURCE_CONNECT, 255, 7, name);
	ck_assert_str_eq(name, "bleak-cm-hci255-slot-7.lock");
	slotfile_name(RESOURCE_SCAN, 12, 0, name);
	ck_assert_str_eq(name, "bleak-cm-hci12-scan.lock");
}
END_TEST

START_TEST(made_for_the_group_whatever_the_umask)
{
	struct stat st;
	int other;
	int fd;

	(void)umask(077);
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &fd), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &other), SLOTFILE_BUSY);
	ck_assert_int_eq(slotfile_unlock(fd), -EBADF);
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &fd), 0);
	slotfile_unlock(fd);
}
END_TEST

static void replace(void)
{
	(void)unlinkat(dir_fd, NAME, 0);
	(void)close(make());
}

static void replace_once(void)
{
	before_flock = NULL;
	replace();
}

static void unlink_once(void)
{
	before_flock = NULL;
	(void)unlinkat(dir_fd, NAME, 0);
}

START_TEST(replaced_between_open_and_lock)
{
	static void (*const hooks[])(void) = { replace_once, unlink_once };
	int fd = -EBADF;

	before_flock = hooks[_i];
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &fd), 0);
	ck_assert(is_current(fd));
	slotfile_unlock(fd);
}
END_TEST

START_TEST(replaced_all_the_time)
{
	int fd = -EBADF;

	before_flock = replace;
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &fd), SLOTFILE_REPLACED);
	ck_assert_int_eq(fd, -EBADF);
}
END_TEST

START_TEST(a_lock_is_unlocked_under_its_duplicates)
{
	int again = -EBADF;
	int copy;
	int fd;

	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &fd), 0);
	copy = dup(fd);
	slotfile_unlock(fd);
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &again), 0);
	/* The duplicate is of the old description: closing or unlocking it changes nothing. */
	ck_assert_int_eq(flock(copy, LOCK_UN), 0);
	(void)close(copy);
	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &fd), SLOTFILE_BUSY);
	slotfile_unlock(again);
}
END_TEST

START_TEST(adoption)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int held;
	int other;

	ck_assert_int_eq(slotfile_lock(dir_fd, NAME, &held), 0);
	ck_assert_int_eq(slotfile_adopt(dir_fd, NAME, held), 0);
	other = make();
	ck_assert_int_eq(slotfile_adopt(dir_fd, NAME, other), SLOTFILE_BUSY);
	ck_assert_int_eq(slotfile_adopt(dir_fd, NAME, null_fd), SLOTFILE_IRREGULAR);
	ck_assert_int_eq(slotfile_adopt(dir_fd, "nothing", held), SLOTFILE_OTHER);
	replace();
	ck_assert_int_eq(slotfile_adopt(dir_fd, NAME, held), SLOTFILE_OTHER);
	(void)close(other);
	(void)close(null_fd);
	slotfile_unlock(held);
}
END_TEST

START_TEST(what_may_not_be_made_says_what_helps)
{
	int fd = -EBADF;
	int r;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fchmod(dir_fd, 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	r = slotfile_lock(dir_fd, NAME, &fd);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(r, SLOTFILE_MISSING);
	ck_assert_ptr_nonnull(strstr(slotfile_text(r), "tmpfiles.d"));
}
END_TEST

START_TEST(every_outcome_has_words)
{
	int outcome;

	for (outcome = SLOTFILE_BUSY; outcome <= SLOTFILE_OTHER; outcome++)
		ck_assert_uint_gt(strlen(slotfile_text(outcome)), 10);
	ck_assert_ptr_nonnull(slotfile_text(-EIO));
	ck_assert_ptr_nonnull(slotfile_text(-99999));
	ck_assert_ptr_nonnull(slotfile_text(99999));
}
END_TEST

Suite *suite_slotfile(void);
Suite *suite_slotfile(void)
{
	Suite *suite = suite_create("slotfile");
	TCase *tc = tcase_create("slotfile");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names_are_those_of_the_python_programs);
	tcase_add_test(tc, made_for_the_group_whatever_the_umask);
	tcase_add_loop_test(tc, replaced_between_open_and_lock, 0, 2);
	tcase_add_test(tc, replaced_all_the_time);
	tcase_add_test(tc, a_lock_is_unlocked_under_its_duplicates);
	tcase_add_test(tc, adoption);
	tcase_add_test(tc, what_may_not_be_made_says_what_helps);
	tcase_add_test(tc, every_outcome_has_words);
	suite_add_tcase(suite, tc);
	return suite;
}
