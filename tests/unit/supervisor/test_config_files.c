/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_config_files.c - the file, conf.d, the environment, the command line:
 * which wins, and that a mistake is said of the right one. And what a reload would change.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/log.h"
#include "supervisor/config_change.h"

Suite *suite_config_files(void);

static char dir[64];
static char path[96];
static struct config c;
static struct config_report report;

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/bh-config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/main.conf", dir);
}

static void teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void put_bytes(const char *name, const void *bytes, size_t len)
{
	char file[192];
	int fd;

	(void)snprintf(file, sizeof(file), "%s/conf.d", dir);
	if (strchr(name, '/'))
		(void)mkdir(file, 0755);
	(void)snprintf(file, sizeof(file), "%s/%s", dir, name);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	(void)close(fd);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static int read_with(const char *socket, char *const *environment)
{
	struct config_sources sources = {
		.path = path,
		.socket = socket,
		.environment = environment,
	};

	return config_read(&sources, &c, &report);
}

static void must_read(char *const *environment)
{
	int r = read_with(NULL, environment);

	ck_assert_msg(r == 0, "%s", report.error);
	ck_assert_str_eq(report.error, "");
}

/* @where follows the directory. */
static void must_fail(char *const *environment, const char *where, const char *words)
{
	const char *error = report.error;

	ck_assert_int_eq(read_with(NULL, environment), -EINVAL);
	if (strncmp(error, dir, strlen(dir)) == 0)
		error += strlen(dir);
	ck_assert_msg(strncmp(error, where, strlen(where)) == 0, "%s", report.error);
	ck_assert_msg(strstr(error, words) != NULL, "%s", report.error);
	ck_assert_msg(strstr(error, "; ") != NULL, "nothing said of what is right: %s", error);
}

/* --- files --- */

START_TEST(test_no_file)
{
	must_fail(NULL, "/main.conf: ", "No such file");
	(void)mkdir(path, 0755);
	must_fail(NULL, "/main.conf: ", "Is a directory");
}
END_TEST

START_TEST(test_folder)
{
	char read[512];

	put("main.conf", "[locks]\nscan = 2\nconnect = 2\n[device name:x]\nlinger_ms = 1\n");
	put("conf.d/20-b.conf", "[locks]\nconnect = 4\n[device name:x]\nlinger_ms = 7\n");
	put("conf.d/10-a.conf", "[locks]\nconnect = 3\nper_user = 9\n");
	/* None of these is one of ours. */
	put("conf.d/.30-hidden.conf", "nonsense");
	put("conf.d/30-c.conf~", "nonsense");
	put("conf.d/30-c.conf.dpkg-old", "nonsense");
	put("conf.d/README", "nonsense");
	must_read(NULL);
	ck_assert_uint_eq(c.scan_slots, 2);
	ck_assert_uint_eq(c.connect_slots, 4);
	ck_assert_uint_eq(c.per_user, 9);
	ck_assert_uint_eq(c.devices.n, 1);
	ck_assert_uint_eq(c.devices.list[0].rule.linger_ms, 7);
	(void)snprintf(read, sizeof(read), "%s, %s/conf.d/10-a.conf, %s/conf.d/20-b.conf", path,
		       dir, dir);
	ck_assert_str_eq(report.read, read);
}
END_TEST

START_TEST(test_folder_is_checked)
{
	char folder[96];

	put("main.conf", "[locks]\nscan = 2\n");
	put("conf.d/10-a.conf", "[locks]\n");
	put("conf.d/20-b.conf", "[locks]\n\nscam = 3\n");
	must_fail(NULL, "/conf.d/20-b.conf:3: ", "nearest is scan");
	put("conf.d/20-b.conf", "[locks]\nscan = 3\nscan = 4\n");
	must_fail(NULL, "/conf.d/20-b.conf:3: ", "twice");
	/* Two files that are right, and do not fit together. */
	put("conf.d/10-a.conf", "[workers]\nrestart_max_ms = 1000\n");
	put("conf.d/20-b.conf", "\n[workers]\nrestart_base_ms = 2000\n");
	must_fail(NULL, "/conf.d/20-b.conf:3: ", "above");
	put("conf.d/20-b.conf", "");
	put("conf.d/30-c.conf", "");
	(void)snprintf(folder, sizeof(folder), "%s/conf.d/30-c.conf", dir);
	(void)unlink(folder);
	ck_assert_int_eq(symlink("/nonexistent", folder), 0);
	must_fail(NULL, "/conf.d/30-c.conf: ", "No such file");
}
END_TEST

START_TEST(test_folder_is_a_file)
{
	put("main.conf", "");
	put("conf.d", "");
	must_fail(NULL, "/conf.d: ", "Not a directory");
}
END_TEST

START_TEST(test_zeros)
{
	static const char TEXT[] = "[scan]\n\0mode = active\n";
	static const char WIDE[] = "\xff\xfe[\0d\0a\0";

	put_bytes("main.conf", TEXT, sizeof(TEXT) - 1);
	must_fail(NULL, "/main.conf:2: ", "zero");
	put_bytes("main.conf", WIDE, sizeof(WIDE) - 1);
	must_fail(NULL, "/main.conf:1: ", "UTF-8");
}
END_TEST

START_TEST(test_too_big)
{
	char *text = malloc(CONFIG_FILE_MAX + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', CONFIG_FILE_MAX);
	put_bytes("main.conf", text, CONFIG_FILE_MAX - 1);
	must_read(NULL);
	put_bytes("main.conf", text, CONFIG_FILE_MAX);
	must_fail(NULL, "/main.conf: ", "less than 65536 bytes");
	free(text);
}
END_TEST

/* --- the environment --- */

#define ENVIRONMENT(...) ((char *const[]){ __VA_ARGS__, NULL })

static char *text_of(const char *text)
{
	return (char *)(uintptr_t)text;
}

START_TEST(test_environment)
{
	char *const environment[] = {
		text_of("HOME=/root"),
		text_of("BLEHERD_LOCKS_CONNECT=5"),
		text_of("BLEHERD_DAEMON_LOG_LEVEL=debug"),
		text_of("BLEHERD_WORKAROUNDS_STALE=no"),
		text_of("BLEHERD_DAEMON_SOCKET=/a"),
		text_of("BLEHERD_SOCKET=/b"),
		text_of("BLEHERD_LOCK_DIR=/l"),
		text_of("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/d"),
		/* Not the daemon's. */
		text_of("BLEHERD_BIN=x"),
		text_of("BLEHERD_DAEMON_PID=1"),
		text_of("BLEHERD_LIBEXEC"),
		NULL,
	};

	put("main.conf", "[locks]\nconnect = 2\nscan = 2\n");
	must_read(environment);
	ck_assert_uint_eq(c.connect_slots, 5);
	ck_assert_uint_eq(c.scan_slots, 2);
	ck_assert_uint_eq(c.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(c.socket, "/b");
	ck_assert_str_eq(c.lock_dir, "/l");
	ck_assert_str_eq(c.bus, "unix:path=/d");
	ck_assert_ptr_nonnull(strstr(report.read, "main.conf, environment"));
	ck_assert_int_eq(read_with("/c", environment), 0);
	ck_assert_str_eq(c.socket, "/c");
	/* The file's bus goes before the system's. */
	put("main.conf", "[bluez]\nbus = unix:path=/e\n");
	must_read(environment);
	ck_assert_str_eq(c.bus, "unix:path=/e");
	must_read(NULL);
	ck_assert_str_eq(c.lock_dir, "/run");
	ck_assert_ptr_null(strstr(report.read, "environment"));
}
END_TEST

static const struct {
	const char *variable;
	const char *where;
	const char *words;
} WRONG[] = {
	{ "BLEHERD_LOCKS_CONNECT=9", "BLEHERD_LOCKS_CONNECT: ", "from 1 to 8" },
	{ "BLEHERD_LOCKS_CONECT=1", "BLEHERD_LOCKS_CONECT: ", "nearest is BLEHERD_LOCKS_CONNECT" },
	{ "BLEHERD_DAEMON_LOGLEVEL=1", "BLEHERD_DAEMON_LOGLEVEL: ", "is BLEHERD_DAEMON_LOG_LEVEL" },
	{ "BLEHERD_SOCKET=s", "BLEHERD_SOCKET: ", "absolute" },
	{ "BLEHERD_LOCK_DIR=l", "BLEHERD_LOCK_DIR: ", "absolute" },
	{ "BLEHERD_SCAN_MODE=", "BLEHERD_SCAN_MODE: ", "active, passive" },
	{ "BLEHERD_WORKERS_RESTART_MAX_MS=1", "environment: ", "above" },
};

START_TEST(test_environment_is_checked)
{
	put("main.conf", "");
	must_fail(ENVIRONMENT(text_of(WRONG[_i].variable)), WRONG[_i].where, WRONG[_i].words);
}
END_TEST

/* --- what a reload changes --- */

static struct config now;
static struct config_change change;

static void compare(const char *before, const char *after)
{
	put("main.conf", before);
	must_read(NULL);
	now = c;
	put("main.conf", after);
	must_read(NULL);
	config_compare(&now, &c, &change);
}

START_TEST(test_change)
{
	compare("[retry]\nattempts = 2\n", "# the same\n[retry]\nattempts = 2\n");
	ck_assert_str_eq(change.live, "");
	ck_assert_str_eq(change.fixed, "");
	compare("", "[locks]\nper_user = 2\n[links]\nidle_ms = 5\n[workarounds]\ndead = no\n");
	ck_assert_str_eq(change.live, "locks.per_user, links.idle_ms, workarounds.dead");
	ck_assert(change.has_devices);
	compare("", "[profile battery]\nattempts = 3\n");
	ck_assert_str_eq(change.live, "[profile]");
	ck_assert(!change.has_devices);
	compare("[device name:a]\nfixed = 2a29\n", "[device name:a]\nfixed = 2a29, 2a2a\n");
	ck_assert_str_eq(change.live, "[device]");
	compare("[device name:a]\nfixed = 2a29\n", "[scan]\n[device name:a]\nfixed = 2a29\n");
	ck_assert_str_eq(change.live, "");
	compare("[device name:a]\nfixed = 2a29\n", "[device name:b]\nfixed = 2a29\n");
	ck_assert_str_eq(change.live, "[device]");
}
END_TEST

START_TEST(test_change_that_takes_a_restart)
{
	compare("[daemon]\nsocket = /long/path\n[locks]\ndir = /a\n",
		"[daemon]\nsocket = /b\nlog_level = debug\n[locks]\ndir = /b\n");
	ck_assert_str_eq(change.fixed, "daemon.socket, locks.dir");
	ck_assert_str_eq(change.live, "daemon.log_level");
	/* What holds goes on holding. */
	ck_assert_str_eq(c.socket, "/long/path");
	ck_assert_str_eq(c.lock_dir, "/a");
	ck_assert_uint_eq(c.log_level, LOG_LEVEL_DEBUG);
}
END_TEST

Suite *suite_config_files(void)
{
	Suite *suite = suite_create("config_files");
	TCase *tc = tcase_create("config_files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_no_file);
	tcase_add_test(tc, test_folder);
	tcase_add_test(tc, test_folder_is_checked);
	tcase_add_test(tc, test_folder_is_a_file);
	tcase_add_test(tc, test_zeros);
	tcase_add_test(tc, test_too_big);
	tcase_add_test(tc, test_environment);
	tcase_add_loop_test(tc, test_environment_is_checked, 0, (int)ARRAY_LEN(WRONG));
	tcase_add_test(tc, test_change);
	tcase_add_test(tc, test_change_that_takes_a_restart);
	suite_add_tcase(suite, tc);
	return suite;
}
