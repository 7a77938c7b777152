/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_instance.c - what the daemon makes in its runtime directory, and who
 * may use it.
 */
#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "supervisor/instance.h"
#include "supervisor/slot_dir.h"

Suite *suite_instance(void);

enum { NOBODY = 65534, STATUS_BROKEN = 255 };

static struct instance instance;
static struct config config;
static char dir[64];

static void start(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/bhs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* So that the modes of what is in it decide. */
	ck_assert_int_eq(chmod(dir, 0755), 0);
	config_defaults(&config);
	(void)snprintf(config.runtime_dir, CONFIG_PATH_LEN, "%s/run", dir);
	(void)snprintf(config.socket, CONFIG_PATH_LEN, "%s/s", dir);
	instance = (struct instance)INSTANCE_INIT;
}

static void stop(void)
{
	char command[128];

	instance_close(&instance);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* errno of connect() as somebody whom the mode alone lets in or not. */
static int connect_as_other(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", config.socket);
		if (getuid() == 0 &&
		    (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
			_exit(STATUS_BROKEN);
		_exit(connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno
											  : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	(void)close(fd);
	return WEXITSTATUS(status);
}

/* As root it is nobody who comes, else the owner himself: 0 keeps both out. */
static const struct {
	uint32_t mode;
	int error;
} MODES[] = { { 0, EACCES }, { 0666, 0 } };

START_TEST(test_socket_mode)
{
	char why[INSTANCE_WHY_LEN] = "";

	config.socket_mode = MODES[_i].mode;
	ck_assert_msg(instance_open(&instance, &config, why) == 0, "%s", why);
	ck_assert_int_eq(connect_as_other(), MODES[_i].error);
}
END_TEST

/* The default lets in the owner and the group, nobody else. */
START_TEST(test_default_mode)
{
	char why[INSTANCE_WHY_LEN] = "";
	struct stat st;

	ck_assert_msg(instance_open(&instance, &config, why) == 0, "%s", why);
	ck_assert_int_eq(stat(config.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(connect_as_other(), getuid() == 0 ? EACCES : 0);
}
END_TEST

/* What somebody made more open is closed; what is no directory is an error with advice. */
START_TEST(test_own_locks)
{
	char why[INSTANCE_WHY_LEN] = "";
	char path[160];
	struct stat st;

	ck_assert_int_eq(mkdir(config.runtime_dir, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/" INSTANCE_OWN_LOCKS, config.runtime_dir);
	ck_assert_int_eq(symlink(dir, path), 0);
	ck_assert_int_eq(instance_open(&instance, &config, why), INSTANCE_NO_RUNTIME);
	ck_assert_msg(strstr(why, path) && strstr(why, "Not a directory"), "%s", why);
	instance_close(&instance);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_msg(instance_open(&instance, &config, why) == 0, "%s", why);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

/* A daemon, and a child that it has just forked: tells when both are there. */
static pid_t start_daemon_with_child(void)
{
	char why[INSTANCE_WHY_LEN] = "";
	char word;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (instance_open(&instance, &config, why) != 0)
			_exit(STATUS_BROKEN);
		if (fork() == 0)
			(void)!write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ends[0], &word, 1), 1);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return pid;
}

/* What was killed is over, though a child of it has not noticed yet. */
START_TEST(test_killed)
{
	char why[INSTANCE_WHY_LEN] = "";
	pid_t pid = start_daemon_with_child();

	ck_assert_int_eq(instance_open(&instance, &config, why), INSTANCE_RUNNING);
	instance_close(&instance);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	(void)snprintf(config.socket, CONFIG_PATH_LEN, "%s/s2", dir);
	ck_assert_msg(instance_open(&instance, &config, why) == 0, "%s", why);
}
END_TEST

/* Said with the line that mends it; a directory that is there is fine. */
START_TEST(test_slot_dir)
{
	char why[SLOT_DIR_WHY_LEN] = "";
	char path[128];

	ck_assert_int_eq(slot_dir_check(dir, why), 0);
	(void)snprintf(path, sizeof(path), "%s/none", dir);
	ck_assert_int_eq(slot_dir_check(path, why), -ENOENT);
	ck_assert_msg(strstr(why, "No such file") && strstr(why, path), "%s", why);
	ck_assert_msg(strstr(why, "tmpfiles.d: `d /tmp/bhs."), "%s", why);
	ck_assert_int_eq(slot_dir_check("/proc/self/exe", why), -ENOTDIR);
	ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

Suite *suite_instance(void)
{
	Suite *suite = suite_create("instance");
	TCase *tc = tcase_create("instance");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, test_socket_mode, 0, (int)ARRAY_LEN(MODES));
	tcase_add_test(tc, test_default_mode);
	tcase_add_test(tc, test_own_locks);
	tcase_add_test(tc, test_killed);
	tcase_add_test(tc, test_slot_dir);
	suite_add_tcase(suite, tc);
	return suite;
}
