/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/guard/test_confine.c - children that confine themselves and then look, or try. Each
 * runs in a process of its own, whose status says how it went.
 */
#include "ipc/guard/confine.h"
#include "tests/support/breakout.h"

#include <check.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { OK = 0, NOT_CONFINED = 100, FDS_MAX = 256, NOBODY = 65534, EXIT_CONFIG = 78 };

/* The number of the check that failed. */
#define DEMAND(number, condition)                                                                  \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return (number);                                                           \
	} while (0)

static int status_of(int (*body)(pid_t parent))
{
	pid_t parent = getpid();
	int status = 0;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(body(parent));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static bool begin(pid_t parent)
{
	char why[CONFINE_WHY_LEN];

	if (confine_begin(parent, FDS_MAX, why) == 0)
		return true;
	(void)fprintf(stderr, "%s\n", why);
	return false;
}

static bool seal(const struct filter *filter)
{
	char why[CONFINE_WHY_LEN];

	if (confine_seal(filter, why) == 0)
		return true;
	(void)fprintf(stderr, "%s\n", why);
	return false;
}

/* A line of /proc/self/status, as a hexadecimal number. */
static unsigned long long status_line(const char *name)
{
	unsigned long long value = ~0ull;
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 16);
	if (f)
		(void)fclose(f);
	return value;
}

static int all_sets_are_empty(void)
{
	DEMAND(1, status_line("CapInh:") == 0);
	DEMAND(2, status_line("CapPrm:") == 0);
	DEMAND(3, status_line("CapEff:") == 0);
	DEMAND(4, status_line("CapAmb:") == 0);
	DEMAND(5, status_line("NoNewPrivs:") == 1);
	return OK;
}

static int look_at_capabilities(pid_t parent)
{
	bool is_root = geteuid() == 0 && cap_get_bound(CAP_SETPCAP) == 1;

	if (!begin(parent))
		return NOT_CONFINED;
	DEMAND(10, !is_root || status_line("CapBnd:") == 0);
	return all_sets_are_empty();
}

START_TEST(no_capability_is_left)
{
	ck_assert_int_eq(status_of(look_at_capabilities), OK);
}
END_TEST

/* As below bleherd.service: another user, to whom one capability is ambient. Root plays the unit.
 */
static bool become_service(void)
{
	static const cap_value_t cap = CAP_NET_RAW;
	cap_t caps = cap_init();
	bool is_done;

	is_done = prctl(PR_SET_KEEPCAPS, 1) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		  setresuid(NOBODY, NOBODY, NOBODY) == 0 &&
		  cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_SET) == 0 &&
		  cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET) == 0 &&
		  cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_SET) == 0 &&
		  cap_set_proc(caps) == 0 && cap_set_ambient(cap, CAP_SET) == 0;
	(void)cap_free(caps);
	return is_done;
}

static int look_as_service(pid_t parent)
{
	if (geteuid() == 0 && !become_service())
		return 20;
	if (!begin(parent))
		return NOT_CONFINED;
	return all_sets_are_empty();
}

START_TEST(no_ambient_capability_is_left)
{
	ck_assert_int_eq(status_of(look_as_service), OK);
}
END_TEST

static int look_at_limits(pid_t parent)
{
	struct rlimit core;
	struct rlimit fds;
	struct rlimit processes;
	int signal = 0;

	if (!begin(parent))
		return NOT_CONFINED;
	DEMAND(1, getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	DEMAND(2, getrlimit(RLIMIT_NOFILE, &fds) == 0 && fds.rlim_max <= FDS_MAX);
	DEMAND(3, getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_max == 0);
	DEMAND(4, prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL);
	DEMAND(5, !confine_has_filter() || prctl(PR_GET_DUMPABLE) == 0);
	return OK;
}

START_TEST(limits_are_set)
{
	ck_assert_int_eq(status_of(look_at_limits), OK);
}
END_TEST

static int have_another_parent(pid_t parent)
{
	char why[CONFINE_WHY_LEN];

	(void)parent;
	return confine_begin(1, FDS_MAX, why) == -ESRCH ? OK : 1;
}

START_TEST(without_its_parent_it_ends)
{
	ck_assert_int_eq(status_of(have_another_parent), OK);
}
END_TEST

/* --- the filter --- */

/* Names of those that are let through, where nothing should be but @but. */
static int try_all(pid_t parent, const struct filter *filter, const char *but)
{
	struct breakout_target target = { .victim = parent };
	int pair[2];
	int n = 0;
	size_t i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0 || !begin(parent) ||
	    !seal(filter))
		return NOT_CONFINED;
	target.socket = pair[0];
	for (i = 0; i < N_BREAKOUTS; i++) {
		if (!breakout_works(&BREAKOUTS[i], &target) || strcmp(BREAKOUTS[i].name, but) == 0)
			continue;
		(void)fprintf(stderr, "let through: %s\n", BREAKOUTS[i].name);
		n++;
	}
	return n;
}

static int try_as_worker(pid_t parent)
{
	return try_all(parent, NULL, "");
}

static int try_as_lockd(pid_t parent)
{
	return try_all(parent, &FILTER_LOCKD, "open_file");
}

START_TEST(a_worker_breaks_nothing_open)
{
	ck_assert_int_eq(status_of(try_as_worker), OK);
}
END_TEST

START_TEST(lockd_opens_files_for_reading_and_breaks_nothing_open)
{
	ck_assert_int_eq(status_of(try_as_lockd), OK);
}
END_TEST

static int work(pid_t parent)
{
	struct timespec moment = { .tv_nsec = 1 };
	int pair[2];
	void *memory;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0 || !begin(parent) ||
	    !seal(NULL))
		return NOT_CONFINED;
	DEMAND(1, write(pair[0], "x", 1) == 1 && read(pair[1], &byte, 1) == 1);
	memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	DEMAND(2, memory != MAP_FAILED && munmap(memory, 65536) == 0);
	DEMAND(3, fcntl(pair[0], F_GETFL) >= 0 && fcntl(pair[0], F_DUPFD_CLOEXEC, 50) == 50);
	DEMAND(4, nanosleep(&moment, NULL) == 0);
	DEMAND(5, kill(getpid(), 0) == 0);
	DEMAND(6, close(pair[0]) == 0 && close(50) == 0 && read(pair[1], &byte, 1) == 0);
	return OK;
}

START_TEST(it_can_work)
{
	ck_assert_int_eq(status_of(work), OK);
}
END_TEST

/* The out-of-band alarm of a child that is stuck: a timer that aborts it. */
static int be_aborted(pid_t parent)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGABRT };
	struct itimerspec at = { .it_value = { .tv_nsec = 1000000 } };
	timer_t timer;

	if (!begin(parent) || !seal(NULL))
		return NOT_CONFINED;
	DEMAND(1, timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	DEMAND(2, timer_settime(timer, 0, &at, NULL) == 0);
	for (;;)
		continue;
}

static int abort_itself(pid_t parent)
{
	if (!begin(parent) || !seal(NULL))
		return NOT_CONFINED;
	abort();
}

START_TEST(it_can_be_aborted)
{
	ck_assert_int_eq(status_of(be_aborted), 256 + SIGABRT);
	ck_assert_int_eq(status_of(abort_itself), 256 + SIGABRT);
}
END_TEST

/* --- roles where the kernel has no filters --- */

static bool forbid_filters(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool is_done = ctx && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		       seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) == 0 &&
		       seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
					SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP)) == 0 &&
		       seccomp_load(ctx) == 0;

	seccomp_release(ctx);
	return is_done;
}

/* Its channel is descriptor 3, and nobody is at the other end of it. */
static int be_role(const char *name, const char *option, const char *value)
{
	const char *bin = getenv("BLEHERD_BIN");
	char path[256];
	int pair[2];

	(void)snprintf(path, sizeof(path), "%s/%s", bin ? bin : "build/bin", name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0 ||
	    dup2(pair[1], 50) != 50 || dup2(pair[0], 3) != 3 || !forbid_filters())
		return NOT_CONFINED;
	(void)close(4); /* no status page */
	(void)execl(path, name, option, value, NULL);
	return NOT_CONFINED;
}

static int be_worker(pid_t parent)
{
	(void)parent;
	return be_role("bleherd-worker", "--adapter", "hci0");
}

static int be_lockd(pid_t parent)
{
	(void)parent;
	return be_role("bleherd-lockd", "--dir", "/tmp");
}

/* A later start would be in vain, and the supervisor reads that in the status. */
START_TEST(roles_that_cannot_seal_themselves_are_not_started_again)
{
	ck_assert_int_eq(status_of(be_worker), EXIT_CONFIG);
	ck_assert_int_eq(status_of(be_lockd), EXIT_CONFIG);
}
END_TEST

Suite *suite_confine(void);

Suite *suite_confine(void)
{
	Suite *suite = suite_create("confine");
	TCase *given_up = tcase_create("given up");
	TCase *filter = tcase_create("filter");

	tcase_add_test(given_up, no_capability_is_left);
	tcase_add_test(given_up, no_ambient_capability_is_left);
	tcase_add_test(given_up, limits_are_set);
	tcase_add_test(given_up, without_its_parent_it_ends);
	suite_add_tcase(suite, given_up);
	tcase_add_test(filter, it_can_work);
	tcase_add_test(filter, it_can_be_aborted);
	/* What instruments a build needs calls of its own: there is no filter in it. */
	if (confine_has_filter()) {
		tcase_add_test(filter, a_worker_breaks_nothing_open);
		tcase_add_test(filter, lockd_opens_files_for_reading_and_breaks_nothing_open);
		tcase_add_test(filter, roles_that_cannot_seal_themselves_are_not_started_again);
	}
	suite_add_tcase(suite, filter);
	return suite;
}
