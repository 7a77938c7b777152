/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader of the lock table. (The writer is lockd/publish.c, tested there with this reader.) */
#include "ipc/locktab.h"
#include "tests/support/runner.h"

#include <string.h>
#include <sys/mman.h>

static int fd;
static struct locktab *table;
static struct locktab_copy copy;

static void setup(void)
{
	fd = memfd_create("table", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, sizeof(*table)), 0);
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(table, MAP_FAILED);
	table->magic = LOCKTAB_MAGIC;
	table->len = sizeof(*table);
	table->current = 1;
	table->copies[1].seq = 4;
	table->copies[1].n_rows = 1;
	memset(&table->copies[1].rows[0], 'x', sizeof(table->copies[1].rows[0]));
}

static void teardown(void)
{
	(void)munmap(table, sizeof(*table));
	fd = close_fd(fd);
}

START_TEST(the_current_copy_is_read)
{
	table->copies[0].seq = 3;
	ck_assert_int_eq(locktab_read(fd, &copy), 0);
	ck_assert_uint_eq(copy.seq, 4);
	ck_assert_uint_eq(copy.n_rows, 1);
	/* Texts end, whatever was written. */
	ck_assert_uint_eq(strlen(copy.rows[0].resource), LOCKTAB_NAME_LEN - 1);
	ck_assert_uint_eq(strlen(copy.rows[0].label), LOCKTAB_LABEL_LEN - 1);
	ck_assert_uint_eq(strlen(copy.rows[0].class), LOCKTAB_CLASS_LEN - 1);
}
END_TEST

START_TEST(what_is_no_table_is_refused)
{
	int other = memfd_create("other", MFD_CLOEXEC);

	copy.seq = 77;
	ck_assert_int_eq(locktab_read(other, &copy), -EBADMSG);
	(void)close(other);
	ck_assert_int_lt(locktab_read(-1, &copy), 0);
	table->magic++;
	ck_assert_int_eq(locktab_read(fd, &copy), -EBADMSG);
	table->magic--;
	table->len--;
	ck_assert_int_eq(locktab_read(fd, &copy), -EBADMSG);
	table->len++;
	table->copies[1].n_rows = LOCKTAB_ROWS_MAX + 1;
	ck_assert_int_eq(locktab_read(fd, &copy), -EBADMSG);
}
END_TEST

START_TEST(a_copy_that_is_being_written_is_not_taken)
{
	table->copies[1].seq = 0;
	ck_assert_int_eq(locktab_read(fd, &copy), -EBADMSG);
}
END_TEST

Suite *suite_locktab(void);
Suite *suite_locktab(void)
{
	Suite *suite = suite_create("locktab");
	TCase *tc = tcase_create("locktab");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_current_copy_is_read);
	tcase_add_test(tc, what_is_no_table_is_refused);
	tcase_add_test(tc, a_copy_that_is_being_written_is_not_taken);
	suite_add_tcase(suite, tc);
	return suite;
}
