/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/ipc/test_log.c - addresses of devices are no part of ordinary logs. */
#include "ipc/log.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_log(void);

static const struct {
	const char *line;
	const char *redacted;
} LINES[] = {
	{ "addr=C0:AA:BB:00:00:01 up", "addr=xx:xx:xx:xx:00:01 up" },
	{ "/org/bluez/hci0/dev_c0_aa_bb_00_1f_e1/service",
	  "/org/bluez/hci0/dev_xx_xx_xx_xx_1f_e1/service" },
	{ "C0:AA:BB:00:00:01,C0:AA:BB:00:00:02", "xx:xx:xx:xx:00:01,xx:xx:xx:xx:00:02" },
	{ "C0:AA:BB:00:00:01", "xx:xx:xx:xx:00:01" },
	{ "C0:AA:BB:00:00:0", "C0:AA:BB:00:00:0" },
	{ "at 12:30:45 it was 10:20", "at 12:30:45 it was 10:20" },
	{ "uuid 0000fff3-0000-1000-8000-00805f9b34fb",
	  "uuid 0000fff3-0000-1000-8000-00805f9b34fb" },
	{ "", "" },
	{ "C0", "C0" },
};

START_TEST(redacts)
{
	char line[80];

	(void)snprintf(line, sizeof(line), "%s", LINES[_i].line);
	log_redact(line);
	ck_assert_str_eq(line, LINES[_i].redacted);
}
END_TEST

/* What log_write() gives to stderr. */
static void written(enum log_level level, const char *text, char *out, size_t size)
{
	int ends[2];
	int before = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	log_setup("t", level);
	log_write(LOG_LEVEL_WARN, "%s", text);
	ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
	n = read(ends[0], out, size - 1);
	ck_assert_int_gt(n, 0);
	out[n] = '\0';
	(void)close(before);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

START_TEST(only_at_debug)
{
	char line[600];

	written(LOG_LEVEL_INFO, "to C0:AA:BB:00:00:01", line, sizeof(line));
	ck_assert_ptr_null(strstr(line, "C0:AA"));
	ck_assert_ptr_nonnull(strstr(line, "00:01"));
	written(LOG_LEVEL_DEBUG, "to C0:AA:BB:00:00:01", line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "C0:AA:BB:00:00:01"));
}
END_TEST

/* A line that is cut is not cut within an address. */
START_TEST(cut_lines)
{
	char text[600];
	char line[600];
	size_t at;

	for (at = 470; at < 512; at++) {
		memset(text, '.', sizeof(text));
		memcpy(text + at, "C0:AA:BB:CC:DD:EE", 17);
		text[sizeof(text) - 1] = '\0';
		written(LOG_LEVEL_INFO, text, line, sizeof(line));
		ck_assert_msg(!strstr(line, "C0"), "%zu: %s", at, line);
	}
}
END_TEST

/* A text is no way to forge a line, nor to a terminal. */
START_TEST(one_line)
{
	char line[600];

	written(LOG_LEVEL_INFO, "a\n<3>forged\r\x1b[2J\x7f \xc3\xa9", line, sizeof(line));
	ck_assert_str_eq(line, "t: a?<3>forged??[2J? \xc3\xa9\n");
}
END_TEST

Suite *suite_log(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_loop_test(tc, redacts, 0, ARRAY_LEN(LINES));
	tcase_add_test(tc, only_at_debug);
	tcase_add_test(tc, cut_lines);
	tcase_add_test(tc, one_line);
	suite_add_tcase(suite, tc);
	return suite;
}
