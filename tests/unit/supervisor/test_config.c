/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_config.c - values, and one clear line for each mistake.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/log.h"
#include "supervisor/config.h"
#include "supervisor/lockd_args.h"
#include "supervisor/nearest.h"
#include "tests/unit/supervisor/config_case.h"

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
}
END_TEST

START_TEST(test_values)
{
	static const char TEXT[] = "\xef\xbb\xbf# a comment behind the mark of an editor\r\n"
				   "[daemon]\n"
				   "socket = /tmp/s\n"
				   "\tsocket_mode = 0600\n"
				   "log_level = debug ; a comment\n"
				   "[bluez]\n"
				   "mgmt =\n"
				   "bus = unix:abstract=x\n"
				   "[scan]\n"
				   "mode = passive\n"
				   "[workers]\n"
				   "crash_loop_deaths = 0\n"
				   "[workers]\n"
				   "restart_base_ms = 20\r\n";
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	config_defaults(&c);
	ck_assert_msg(config_parse(&c, TEXT, "x", error) == 0, "%s", error);
	ck_assert_str_eq(c.socket, "/tmp/s");
	ck_assert_uint_eq(c.is_passive, 1);
	ck_assert_uint_eq(c.socket_mode, 0600);
	ck_assert_uint_eq(c.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(c.mgmt, "");
	ck_assert_uint_eq(c.crash_loop_deaths, 0);
	ck_assert_uint_eq(c.restart_base_ms, 20);
	ck_assert_str_eq(c.bus, "unix:abstract=x");
}
END_TEST

/* --- [locks] as lockd's arguments --- */

static const char *argument(const char *const argv[], size_t n, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return "missing";
}

static const struct {
	const char *key; /* NULL: what follows from others */
	const char *value;
	const char *name;
	const char *by_default;
	const char *given;
} ARGS[] = {
	{ "connect", "8", "--connect-slots", "1", "8" },
	{ "scan", "2", "--scan-slots", "1", "2" },
	{ "foreign_slots", "0", "--foreign-slots", "2", "0" },
	{ "foreign_yield_ms", "10000", "--foreign-yield-ms", "300", "10000" },
	{ "age_step_ms", "0", "--age-step-ms", "5000", "0" },
	{ "hold_recovery_ms", "1001", "--hold-ms", "60000,60000,60000,30000,30000",
	  "1001,60000,60000,30000,30000" },
	{ "hold_interactive_ms", "1002", "--hold-ms", "60000,60000,60000,30000,30000",
	  "60000,1002,60000,30000,30000" },
	{ "hold_connect_ms", "1003", "--hold-ms", "60000,60000,60000,30000,30000",
	  "60000,60000,1003,30000,30000" },
	{ "hold_scan_ms", "1004", "--hold-ms", "60000,60000,60000,30000,30000",
	  "60000,60000,60000,1004,30000" },
	{ "hold_background_ms", "3600000", "--hold-ms", "60000,60000,60000,30000,30000",
	  "60000,60000,60000,30000,3600000" },
	{ "hold_total_ms", "3600000", "--hold-total-ms", "600000", "3600000" },
	{ "grace_ms", "0", "--grace-ms", "2000", "0" },
	{ "dirty_ms", "60000", "--dirty-ms", "2000", "60000" },
	{ "per_user", "1024", "--per-user", "256", "1024" },
	{ "dir", "/l", "--dir", "/run", "/l" },
	{ NULL, NULL, "--own-dir", "/run/bleherd/locks", "/run/bleherd/locks" },
	{ NULL, NULL, "--parent", "4711", "4711" },
	{ NULL, NULL, "--settle-ms", "200", "200" },
	{ NULL, NULL, "--log-level", "6", "6" },
};

static void expect_argument(const struct config *c, const char *name, const char *value)
{
	const char *argv[SPAWN_ARGS_MAX];
	char text[512];
	size_t n = lockd_args(c, 4711, 200, argv, text, sizeof(text));

	ck_assert_str_eq(argument(argv, n, name), value);
}

START_TEST(test_lock_args)
{
	char error[CONFIG_ERROR_LEN] = "";
	char line[64];
	struct config c;

	config_defaults(&c);
	expect_argument(&c, ARGS[_i].name, ARGS[_i].by_default);
	if (ARGS[_i].key) {
		(void)snprintf(line, sizeof(line), "[locks]\n%s = %s\n", ARGS[_i].key,
			       ARGS[_i].value);
		ck_assert_msg(config_parse(&c, line, "f", error) == 0, "%s", error);
	}
	expect_argument(&c, ARGS[_i].name, ARGS[_i].given);
}
END_TEST

static const struct config_case WRONG[] = {
	{ "[deamon]\nsocket = /x\n", "f:1: ", "nearest is [daemon]" },
	{ "[prof x]\n", "f:1: ", "nearest is [profile NAME]" },
	{ "[daemon] socket = /x\n", "f:1: ", "follows the section [daemon]" },
	{ "[daemon]\nsocket = /\033x\n", "f:2: ", "control character (0x1b) at byte 11" },
	{ "[daemon]\rsocket = /x\n", "f:1: ", "control character (0x0d) at byte 9" },
	{ "[daemon]\n= /x\n", "f:2: ", "nearest is" },
	{ "[daemon]\nsockt = /x\n", "f:2: ", "nearest is socket" },
	{ "socket = /x\n", "f:1: ", "[daemon]" },
	{ "[daemon]\nsocket = x\n", "f:2: ", "absolute" },
	{ "[daemon]\nsocket =\n", "f:2: ", "empty" },
	{ "[daemon]\nsocket_mode = 0999\n", "f:2: ", "octal" },
	{ "[daemon]\nsocket_mode = 1777\n", "f:2: ", "from 0 to 777" },
	{ "[daemon]\nlog_level = loud\n", "f:2: ", "error, warn, info, debug" },
	{ "[scan]\nmode = lazy\n", "f:2: ", "active, passive" },
	{ "[locks]\nconnect = 0\n", "f:2: ", "from 1 to 8" },
	{ "[locks]\nscan = 9\n", "f:2: ", "from 1 to 8" },
	{ "[locks]\nforeign_slots = 9\n", "f:2: ", "from 0 to 8" },
	{ "[locks]\nforeign_slot = 1\n", "f:2: ", "nearest is foreign_slots" },
	{ "[locks]\nforeign_yield_ms = 10001\n", "f:2: ", "from 0 to 10000" },
	{ "[locks]\nage_step_ms = 3600001\n", "f:2: ", "from 0 to 3600000" },
	{ "[locks]\nhold_recovery_ms = 999\n", "f:2: ", "from 1000 to 3600000" },
	{ "[locks]\nhold_interactive_ms = 0\n", "f:2: ", "from 1000 to 3600000" },
	{ "[locks]\nhold_connect_ms = 60s\n", "f:2: ", "a number" },
	{ "[locks]\nhold_scan_ms = -5\n", "f:2: ", "a number" },
	{ "[locks]\nhold_background_ms = 3600001\n", "f:2: ", "from 1000 to 3600000" },
	{ "[locks]\nhold_total_ms = 1\n", "f:2: ", "from 1000 to 3600000" },
	{ "[locks]\ngrace_ms = 10001\n", "f:2: ", "from 0 to 10000" },
	{ "[locks]\ndirty_ms = 60001\n", "f:2: ", "from 0 to 60000" },
	{ "[locks]\nper_user = 0\n", "f:2: ", "from 1 to 1024" },
	{ "[locks]\nconnect = 2x\n", "f:2: ", "a number" },
	{ "[locks]\nconnect = -1\n", "f:2: ", "a number" },
	{ "[locks]\nconnect = 99999999999\n", "f:2: ", "a number" },
	{ "[locks]\nconnect = 1\nconnect = 2\n", "f:3: ", "twice" },
	{ "[locks]\nconnect = 1\n  2\n", "f:3: ", "key = value" },
	{ "[locks]\n\nnonsense\n", "f:3: ", "key = value" },
	{ "[locks\n", "f:1: ", "[section]" },
	{ "[workers]\nrestart_base_ms = 9000\nrestart_max_ms = 8000\n", "f:3: ", "above" },
	{ "[workers]\nrestart_max_ms = 300\n[scan]\nmode = active\n", "f:2: ", "above" },
	{ "[escalation]\nprofile = none\n[scan]\n", "f:2: ", "add [profile none]" },
	{ "[device C0:AA:BB:00:00:01]\nprofile = none\n[device name:x]\nlinger_ms = 1\n",
	  "f:2: ", "[profile NAME]" },
	{ "[device nobody]\nlinger_ms = 1\nidle_ms = 1\n", "f:2: ", "names no device" },
};

START_TEST(test_wrong)
{
	config_case_refused(&WRONG[_i]);
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

/* Each of them, in order, a line each; what is wrong with a section once. */
START_TEST(test_all_errors)
{
	static const char TEXT[] = "[deamon]\nsocket = /x\nlog_level = info\n"
				   "[locks]\nconnect = 0\nnonsense\nscan = 1\nrubbish\n"
				   "[device nobody]\nlinger_ms = 1\nidle_ms = 1\n"
				   "[retry]\nattemps = 3";
	static const char *const WHERE[] = { "f:1: section", "f:5: connect",  "f:6: cannot",
					     "f:8: cannot",  "f:10: [device", "f:13: key attemps" };
	char error[CONFIG_ERROR_LEN] = "";
	char *rest = error;
	struct config c;
	size_t i;

	config_defaults(&c);
	ck_assert_int_eq(config_parse(&c, TEXT, "f", error), -EINVAL);
	for (i = 0; i < ARRAY_LEN(WHERE); i++) {
		const char *line = strsep(&rest, "\n");

		ck_assert_ptr_nonnull(line);
		ck_assert_msg(strncmp(line, WHERE[i], strlen(WHERE[i])) == 0, "%s", line);
	}
	ck_assert_ptr_null(rest);
}
END_TEST

START_TEST(test_many_errors)
{
	static const char LINE[] = "nonsense\n";
	char text[20000] = "[daemon]\n";
	char error[CONFIG_ERROR_LEN] = "";
	char *end = text + strlen(text);
	struct config c;
	size_t n = 0;
	size_t i;

	for (i = 0; i < 1000; i++, end += strlen(LINE))
		memcpy(end, LINE, sizeof(LINE));
	config_defaults(&c);
	ck_assert_int_eq(config_parse(&c, text, "f", error), -EINVAL);
	for (i = 0; error[i] != '\0'; i++)
		n += error[i] == '\n';
	ck_assert_uint_eq(n, 20);
	ck_assert_ptr_nonnull(strstr(error, "\nand 980 more; mend these first"));
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
	tcase_add_loop_test(tc, test_lock_args, 0, (int)ARRAY_LEN(ARGS));
	tcase_add_loop_test(tc, test_wrong, 0, (int)ARRAY_LEN(WRONG));
	tcase_add_test(tc, test_long_lines);
	tcase_add_test(tc, test_noise);
	tcase_add_test(tc, test_all_errors);
	tcase_add_test(tc, test_many_errors);
	tcase_add_test(tc, test_distance);
	suite_add_tcase(suite, tc);
	return suite;
}
