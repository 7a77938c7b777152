/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table is whole for every reader at every moment, also when its writer was killed. */
#include "lockd/publish.h"
#include "ipc/clock.h"
#include "tests/support/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { ROWS = 100 };

/* Writer and reader agree on a number that is in all rows of one publication. */
static void publish_number(struct publish *p, uint64_t number)
{
	struct locktab_row row = { .grant = number };
	uint32_t i;

	publish_begin(p);
	for (i = 0; i < ROWS; i++) {
		row.place = i;
		(void)snprintf(row.label, sizeof(row.label), "%lu", (unsigned long)number);
		publish_row(p, &row);
	}
	publish_end(p, number);
}

/* ck_assert() costs a system call each: one for the whole table, or the reader is never fast. */
static bool is_whole(const struct locktab_copy *copy)
{
	char label[LOCKTAB_LABEL_LEN];
	uint32_t i;

	if (copy->n_rows == 0)
		return true;
	(void)snprintf(label, sizeof(label), "%lu", (unsigned long)copy->written_at_ms);
	for (i = 0; i < copy->n_rows; i++)
		if (copy->rows[i].grant != copy->written_at_ms || copy->rows[i].place != i ||
		    strcmp(copy->rows[i].label, label) != 0)
			return false;
	return copy->n_rows == ROWS;
}

static uint64_t check_whole(int fd)
{
	static struct locktab_copy copy;

	if (locktab_read(fd, &copy) != 0 || !is_whole(&copy))
		ck_abort_msg("the table is torn");
	return copy.seq;
}

static pid_t start_writer(struct publish *p)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	uint64_t number;

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (number = 1; getppid() == parent; number++)
		publish_number(p, number);
	_exit(0);
}

START_TEST(whole_while_it_is_written_and_after_a_kill)
{
	enum { WRITERS = 60, READS = 1000 };
	struct publish *p = NULL;
	uint64_t seq;
	uint64_t last;
	pid_t pid;
	int i;
	int j;

	for (i = 0; i < WRITERS; i++) {
		ck_assert_int_eq(publish_new(&p, 0), 0);
		pid = start_writer(p);
		last = 0;
		for (j = 0; j < READS; j++) {
			seq = check_whole(publish_fd(p));
			if (seq < last)
				ck_abort_msg("the table goes back");
			last = seq;
		}
		(void)kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		(void)check_whole(publish_fd(p));
		p = publish_free(p);
	}
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
	static const struct locktab_row row = { .grant = 1 };
	static struct locktab_copy copy;
	struct publish *p = NULL;
	int i;

	ck_assert_int_eq(publish_new(&p, 0), 0);
	publish_begin(p);
	for (i = 0; i < LOCKTAB_ROWS_MAX + 5; i++)
		publish_row(p, &row);
	publish_end(p, 1);
	ck_assert_int_eq(locktab_read(publish_fd(p), &copy), 0);
	ck_assert_uint_eq(copy.n_rows, LOCKTAB_ROWS_MAX);
	ck_assert_uint_eq(copy.n_left_out, 5);
	publish_free(p);
}
END_TEST

START_TEST(sealed)
{
	struct publish *p = NULL;
	int fd;

	ck_assert_int_eq(publish_new(&p, 0), 0);
	fd = publish_fd(p);
	ck_assert_int_lt(ftruncate(fd, 0), 0);
	ck_assert_int_lt(ftruncate(fd, 1 << 20), 0);
	ck_assert_int_lt(write(fd, "x", 1), 0);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	publish_free(p);
}
END_TEST

Suite *suite_publish(void);
Suite *suite_publish(void)
{
	Suite *suite = suite_create("publish");
	TCase *tc = tcase_create("publish");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, whole_while_it_is_written_and_after_a_kill);
	tcase_add_test(tc, what_does_not_fit_is_counted);
	tcase_add_test(tc, sealed);
	suite_add_tcase(suite, tc);
	return suite;
}
