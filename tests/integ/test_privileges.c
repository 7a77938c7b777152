/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/integ/test_privileges.c - what the processes of a running bleherdd have, seen from outside:
 * capabilities, filters, descriptors.
 */
#include "ipc/guard/confine.h"
#include "tests/support/world.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHILDREN_MAX = 8, PATH_LEN = 320 };

static struct world *world;

static void start(void)
{
	static const char *const options[] = { NULL };
	struct run run;

	world = world_start(options);
	/* A link, a grant and a session: what a worker at work has open. */
	run = run_command("bleherd connect C0:AA:BB:00:00:00");
	ck_assert_int_eq(run.status, 0);
	run_done(&run);
}

static void stop(void)
{
	world = world_stop(world);
}

/* A line of /proc/PID/status; @base 16 for sets. */
static unsigned long long status_of(pid_t pid, const char *name, int base)
{
	unsigned long long value = ~0ull;
	char path[PATH_LEN];
	char line[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, base);
	(void)fclose(f);
	return value;
}

static size_t children(pid_t out[CHILDREN_MAX])
{
	char path[PATH_LEN];
	size_t n = 0;
	int pid;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		       (int)world_daemon_pid(world), (int)world_daemon_pid(world));
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (n < CHILDREN_MAX && fscanf(f, "%d", &pid) == 1)
		out[n++] = pid;
	(void)fclose(f);
	return n;
}

START_TEST(who_has_which_capability)
{
	static const char *const SETS[] = { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" };
	const unsigned long long kept = 1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW;
	pid_t pids[CHILDREN_MAX];
	size_t n = children(pids);
	size_t i;
	size_t k;

	/* lockd and a worker for each of the two adapters. */
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(status_of(world_daemon_pid(world), "CapPrm:", 16) & ~kept, 0);
	ck_assert_uint_eq(status_of(world_daemon_pid(world), "CapEff:", 16) & ~kept, 0);
	for (i = 0; i < n; i++) {
		for (k = 0; k < ARRAY_LEN(SETS); k++)
			ck_assert_uint_eq(status_of(pids[i], SETS[k], 16), 0);
		ck_assert_uint_eq(status_of(pids[i], "NoNewPrivs:", 10), 1);
		ck_assert_uint_eq(status_of(pids[i], "Seccomp:", 10), confine_has_filter() ? 2 : 0);
		/* A group of its own: what a terminal sends to ours does not reach it. */
		ck_assert_int_eq(getpgid(pids[i]), pids[i]);
	}
}
END_TEST

/* Sockets: local ones, none of them to the MGMT socket. */
static void check_socket(int pidfd, int number, const char *mgmt)
{
	struct sockaddr_un peer = { 0 };
	socklen_t len = sizeof(int);
	int domain = 0;
	int fd;

	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
	ck_assert_int_eq(domain, AF_UNIX);
	len = sizeof(peer) - 1;
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		ck_assert_str_ne(peer.sun_path, mgmt);
	(void)close(fd);
}

/* @what: the target of its link in /proc. A worker has no file, lockd has slot files. */
static bool is_expected(const char *what, bool is_lockd)
{
	static const char *const KINDS[] = { "socket:", "anon_inode:", "/memfd:bleherd",
					     "/dev/null" };
	const char *dir = getenv("BLEHERD_WORLD");
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		if (strncmp(what, KINDS[i], strlen(KINDS[i])) == 0)
			return true;
	/* Grants are duplicates of slot files. */
	if (strstr(what, ".lock") && strncmp(what, dir, strlen(dir)) == 0)
		return true;
	return is_lockd && strncmp(what, dir, strlen(dir)) == 0;
}

static void check_descriptors(pid_t pid, bool is_lockd)
{
	char path[PATH_LEN];
	char what[PATH_LEN];
	char mgmt[PATH_LEN];
	struct dirent *entry;
	ssize_t len;
	int pidfd;
	DIR *dir;

	(void)snprintf(mgmt, sizeof(mgmt), "%s/mgmt", getenv("BLEHERD_WORLD"));
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	ck_assert_int_ge(pidfd, 0);
	dir = opendir(path);
	/* Not even their own user may look: they are not dumpable. */
	if (!dir && geteuid() != 0) {
		(void)close(pidfd);
		return;
	}
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, what, sizeof(what) - 1);
		if (len < 0)
			continue;
		what[len] = '\0';
		/* stdout and stderr are the log's. */
		if (atoi(entry->d_name) == STDOUT_FILENO || atoi(entry->d_name) == STDERR_FILENO)
			continue;
		ck_assert_msg(is_expected(what, is_lockd), "pid %d has %s open", (int)pid, what);
		if (strncmp(what, "socket:", 7) == 0)
			check_socket(pidfd, atoi(entry->d_name), mgmt);
	}
	(void)closedir(dir);
	(void)close(pidfd);
}

START_TEST(who_has_which_descriptor)
{
	pid_t pids[CHILDREN_MAX];
	size_t n = children(pids);
	char path[PATH_LEN];
	char name[32] = "";
	size_t i;
	FILE *f;

	ck_assert_uint_eq(n, 3);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pids[i]);
		f = fopen(path, "re");
		ck_assert_ptr_nonnull(f);
		ck_assert_ptr_nonnull(fgets(name, sizeof(name), f));
		(void)fclose(f);
		check_descriptors(pids[i], strncmp(name, "bleherd-lockd", 13) == 0);
	}
}
END_TEST

Suite *suite_privileges(void);

Suite *suite_privileges(void)
{
	Suite *suite = suite_create("privileges");
	TCase *tc = tcase_create("running");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, who_has_which_capability);
	tcase_add_test(tc, who_has_which_descriptor);
	suite_add_tcase(suite, tc);
	return suite;
}
