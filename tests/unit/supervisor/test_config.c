/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_config.c - values, and one clear line for each mistake.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/log.h"
#include "supervisor/config.h"
#include "supervisor/nearest.h"

Suite *suite_config(void);

START_TEST(test_defaults)
{
	char error[CONFIG_ERROR_LEN];
	struct config c;

	config_defaults(&c);
	ck_assert_int_eq(config_parse(&c, "", "x", error), 0);
	ck_assert_str_eq(c.socket, "/run/bleherd/bleherd.sock");
	ck_assert_uint_eq(c.socket_mode, 0660);
	ck_assert_uint_eq(c.restart_base_ms, 500);
	ck_assert_int_eq(config_override(&c, NULL, NULL, NULL, error), 0);
	ck_assert_str_eq(c.bus, "unix:path=/run/dbus/system_bus_socket");
}
END_TEST

START_TEST(test_values)
{
	static const char TEXT[] = "# a comment\n"
				   "[daemon]\n"
				   "socket = /tmp/s\n"
				   "socket_mode = 0600\n"
				   "log_level = debug\n"
				   "[bluez]\n"
				   "mgmt =\n"
				   "bus = unix:abstract=x\n"
				   "[workers]\n"
				   "crash_loop_deaths = 0\n"
				   "[workers]\n"
				   "restart_base_ms = 20\r\n";
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	config_defaults(&c);
	ck_assert_msg(config_parse(&c, TEXT, "x", error) == 0, "%s", error);
	ck_assert_str_eq(c.socket, "/tmp/s");
	ck_assert_uint_eq(c.socket_mode, 0600);
	ck_assert_uint_eq(c.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(c.mgmt, "");
	ck_assert_uint_eq(c.crash_loop_deaths, 0);
	ck_assert_uint_eq(c.restart_base_ms, 20);
	ck_assert_int_eq(config_override(&c, "/tmp/t", "/tmp/l", "unix:path=/b", error), 0);
	ck_assert_str_eq(c.socket, "/tmp/t");
	ck_assert_str_eq(c.lock_dir, "/tmp/l");
	ck_assert_str_eq(c.bus, "unix:abstract=x");
}
END_TEST

static const struct {
	const char *text;
	const char *where;
	const char *words;
} WRONG[] = {
	{ "[deamon]\nsocket = /x\n", "f:2: ", "nearest is [daemon]" },
	{ "[daemon]\nsockt = /x\n", "f:2: ", "nearest is socket" },
	{ "socket = /x\n", "f:1: ", "[daemon]" },
	{ "[daemon]\nsocket = x\n", "f:2: ", "absolute" },
	{ "[daemon]\nsocket =\n", "f:2: ", "empty" },
	{ "[daemon]\nsocket_mode = 0999\n", "f:2: ", "octal" },
	{ "[daemon]\nsocket_mode = 1777\n", "f:2: ", "from 0 to 777" },
	{ "[daemon]\nlog_level = loud\n", "f:2: ", "error, warn, info, debug" },
	{ "[locks]\nconnect = 0\n", "f:2: ", "from 1 to 64" },
	{ "[locks]\nconnect = 2x\n", "f:2: ", "a number" },
	{ "[locks]\nconnect = -1\n", "f:2: ", "a number" },
	{ "[locks]\nconnect = 99999999999\n", "f:2: ", "a number" },
	{ "[locks]\nconnect = 1\nconnect = 2\n", "f:3: ", "twice" },
	{ "[locks]\nconnect = 1\n  2\n", "f:3: ", "twice" },
	{ "[locks]\n\nnonsense\n", "f:3: ", "key = value" },
	{ "[locks\n", "f:1: ", "[section]" },
	{ "[workers]\nrestart_base_ms = 9000\nrestart_max_ms = 8000\n", "f:3: ", "above" },
};

START_TEST(test_wrong)
{
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	config_defaults(&c);
	ck_assert_int_eq(config_parse(&c, WRONG[_i].text, "f", error), -EINVAL);
	ck_assert_msg(strncmp(error, WRONG[_i].where, strlen(WRONG[_i].where)) == 0, "%s", error);
	ck_assert_msg(strstr(error, WRONG[_i].words) != NULL, "%s", error);
	ck_assert_msg(strstr(error, "; ") != NULL, "nothing said of what is right: %s", error);
	ck_assert_ptr_null(strchr(error, '\n'));
}
END_TEST

START_TEST(test_long_lines)
{
	char text[600] = "[daemon]\n";
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	memset(text + 9, '#', 300);
	config_defaults(&c);
	ck_assert_int_eq(config_parse(&c, text, "f", error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "f:2: the line has 300 bytes"));
}
END_TEST

/* Whatever is in it: an answer, and no sanitizer complains. */
START_TEST(test_noise)
{
	static const char ALPHABET[] = "[]=;# \n\n\tabcsocketdaemn019/\r\x80";
	char error[CONFIG_ERROR_LEN];
	char text[256];
	struct config c;
	unsigned i, j;

	srandom(7);
	for (i = 0; i < 20000; i++) {
		for (j = 0; j < sizeof(text) - 1; j++)
			text[j] = ALPHABET[(size_t)random() % (sizeof(ALPHABET) - 1)];
		text[(size_t)random() % sizeof(text)] = '\0';
		text[sizeof(text) - 1] = '\0';
		config_defaults(&c);
		ck_assert_int_le(config_parse(&c, text, "f", error), 0);
	}
}
END_TEST

START_TEST(test_load)
{
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	config_defaults(&c);
	ck_assert_int_eq(config_load(&c, "/nonexistent/x", error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error, "/nonexistent/x"));
	ck_assert_int_lt(config_load(&c, "/", error), 0);
	ck_assert_int_lt(config_load(&c, "/proc/self/exe", error), 0);
}
END_TEST

START_TEST(test_distance)
{
	ck_assert_uint_eq(nearest_distance("", ""), 0);
	ck_assert_uint_eq(nearest_distance("abc", ""), 3);
	ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(nearest_distance("sokcet", "socket"), 2);
	ck_assert_uint_eq(nearest_distance("sockt", "socket"), 1);
}
END_TEST

Suite *suite_config(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_values);
	tcase_add_loop_test(tc, test_wrong, 0, (int)ARRAY_LEN(WRONG));
	tcase_add_test(tc, test_long_lines);
	tcase_add_test(tc, test_noise);
	tcase_add_test(tc, test_load);
	tcase_add_test(tc, test_distance);
	suite_add_tcase(suite, tc);
	return suite;
}
