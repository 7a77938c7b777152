/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/soak/test_observer.c - who holds the slot files is seen without lockd's word: real
 * locks of real processes. A process of the name bleherd-lockd is what lockd is; what it passes on
 * to others are grants.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contrib/soak/observer.h"
#include "contrib/soak/slotview.h"

Suite *suite_observer(void);

enum { SLOTS = 2, PROCESSES_MAX = 8, SECOND_US = 1000000 };

static char dir[64];
static struct claims *claims;
static struct observer *observer;
static unsigned told;
static char said[256];
static pid_t processes[PROCESSES_MAX];
static size_t n_processes;

static void on_violation(void *ctx, const char *promise, int64_t at_us, const char *text)
{
	(void)ctx;
	(void)at_us;
	ck_assert_str_eq(promise, "holders");
	(void)snprintf(said, sizeof(said), "%s", text);
	told++;
}

static int slot_file(const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/bleak-cm-%s.lock", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void setup(void)
{
	struct observer_settings settings = { .violation = on_violation };

	strcpy(dir, "/tmp/observer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	claims = claims_new();
	ck_assert_ptr_nonnull(claims);
	settings.lock_dir = dir;
	settings.claims = claims;
	told = 0;
	ck_assert_int_eq(observer_new(&observer, &settings), 0);
	(void)close(slot_file("hci0-slot-0"));
	(void)close(slot_file("hci0-slot-1"));
	(void)close(slot_file("hci0-scan"));
}

static void teardown(void)
{
	char command[128];

	for (size_t i = 0; i < n_processes; i++) {
		(void)kill(processes[i], SIGKILL);
		(void)waitpid(processes[i], NULL, 0);
	}
	n_processes = 0;
	observer = observer_free(observer);
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/*
 * A process of that name which locks the files (if @locks; otherwise it has what we have open) and
 * stays. What else this process has open is not its affair.
 */
static pid_t start(const char *name, const char *const *files, const int *fds, bool locks)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, name);
		for (size_t i = 0; files[i] && locks; i++)
			if (flock(slot_file(files[i]), LOCK_EX | LOCK_NB) < 0)
				_exit(1);
		for (size_t i = 0; files[i] && fds; i++)
			if (flock(fds[i], LOCK_EX | LOCK_NB) < 0)
				_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	processes[n_processes++] = pid;
	return pid;
}

static const char *const connect_files[] = { "hci0-slot-0", "hci0-slot-1", NULL };
static const char *const one_slot[] = { "hci0-slot-0", NULL };
static const char *const other_slot[] = { "hci0-slot-1", NULL };
static const char *const scan_file[] = { "hci0-scan", NULL };
static const char *const nothing[] = { NULL };

/* What lockd would have locked and passed to a locker of ours. */
static void grant(const char *who, size_t ring, const char *const *files)
{
	int fds[SLOTS] = { -1, -1 };
	size_t n = 0;

	for (; files[n]; n++)
		fds[n] = slot_file(files[n]);
	(void)start("bleherd-lockd", files, fds, false);
	claims_ring(claims, ring, CLAIM_LIBRARY, who, "connect:hci0")->pid =
		start(who, nothing, NULL, false);
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
}

static void look_for(int64_t seconds)
{
	for (int64_t i = 1; i <= seconds * 10; i++)
		observer_look(observer, i * SECOND_US / 10);
}

START_TEST(one_grant)
{
	grant("locker", 0, connect_files);
	look_for(30);
	ck_assert_msg(told == 0, "said: %s", said);
	ck_assert_uint_eq(observer_checked(observer), 300);
}
END_TEST

/* What nobody would see who asks lockd: a reserve that is not whole. */
START_TEST(one_grant_and_one_outside)
{
	grant("locker", 0, one_slot);
	(void)start("python3", other_slot, NULL, true);
	observer_look(observer, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_nonnull(
		strstr(said, "connect:hci0 is held by 1 of ours and 1 programs outside"));
}
END_TEST

START_TEST(two_grants)
{
	grant("locker", 0, one_slot);
	grant("other", 1, other_slot);
	observer_look(observer, 1);
	ck_assert_uint_eq(told, 1);
}
END_TEST

/* A process that locks both slots past everybody, beside a grant. */
START_TEST(outsiders_among_themselves)
{
	(void)start("python3", connect_files, NULL, true);
	(void)start("python3", scan_file, NULL, true);
	observer_look(observer, 1);
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(connect_and_scan)
{
	grant("locker", 0, connect_files);
	grant("scanner", 1, scan_file);
	observer_look(observer, 1);
	ck_assert_msg(told == 0, "said: %s", said);
}
END_TEST

/* lockd is about to take a set, or gives one back: nobody has it in hands, and it does not last. */
START_TEST(lockd_alone)
{
	char text[160];

	(void)start("bleherd-lockd", one_slot, NULL, true);
	(void)start("python3", other_slot, NULL, true);
	look_for(14);
	ck_assert_uint_eq(told, 0);
	ck_assert(!observer_has_stale(observer, text, sizeof(text)));
	look_for(20);
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_nonnull(strstr(said, "nobody holds it"));
}
END_TEST

/* lockd is killed: what it has locked stays locked by those who hold it. */
START_TEST(lockd_dies)
{
	grant("locker", 0, connect_files);
	(void)kill(processes[0], SIGKILL);
	(void)waitpid(processes[0], NULL, 0);
	look_for(30);
	ck_assert_msg(told == 0, "said: %s", said);
}
END_TEST

static void turn(struct claim_ring *ring, int64_t took_us, int64_t gave_us, bool is_lost)
{
	claim_take(ring, took_us);
	claim_give(ring, took_us - 5000, gave_us, 1, is_lost);
}

START_TEST(claims_overlap)
{
	struct claim_ring *a, *b;

	a = claims_ring(claims, 0, CLAIM_LIBRARY, "locker 1", "device:C0:AA:BB:00:00:F0");
	b = claims_ring(claims, 1, CLAIM_SCRIPT, "locker 2", "device:C0:AA:BB:00:00:F0");
	turn(a, 10000, 20000, false);
	turn(b, 20000, 30000, false);
	/* It was revoked while it did not look, and given to the other. */
	turn(a, 30000, 50000, true);
	turn(b, 40000, 45000, false);
	observer_look(observer, 60000);
	ck_assert_msg(told == 0, "said: %s", said);
	turn(a, 60000, 70000, false);
	turn(b, 69999, 80000, false);
	observer_look(observer, 90000);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(observer_broken(observer), 1);
}
END_TEST

START_TEST(report)
{
	struct claim_ring *a, *b;
	json_t *locks, *row;

	a = claims_ring(claims, 0, CLAIM_LIBRARY, "locker 1", "device:C0:AA:BB:00:00:F0");
	b = claims_ring(claims, 1, CLAIM_LIBRARY, "locker 2", "device:C0:AA:BB:00:00:F0");
	for (int64_t i = 1; i <= 30; i++)
		turn(i % 3 ? a : b, i * 10000, i * 10000 + 5000, false);
	observer_look(observer, SECOND_US);
	locks = observer_report(observer);
	ck_assert_ptr_nonnull(locks);
	ck_assert_int_eq(json_integer_value(json_object_get(locks, "grants")), 30);
	ck_assert_int_eq(json_integer_value(json_object_get(locks, "two_holders")), 0);
	ck_assert(json_real_value(json_object_get(locks, "fairness")) == 2.0);
	row = json_array_get(json_object_get(locks, "clients"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "who")), "locker 1");
	ck_assert_str_eq(json_string_value(json_object_get(row, "kind")), "library");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "grants")), 20);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "wait_p50_ms")), 5);
	json_decref(locks);
}
END_TEST

/* More turns than the ring has, between two looks: the older ones are not seen, no others judged.
 */
START_TEST(a_late_look)
{
	struct claim_ring *a;

	a = claims_ring(claims, 0, CLAIM_LIBRARY, "locker 1", "scan:hci0");
	for (int64_t i = 1; i <= 3 * CLAIMS_RING; i++)
		turn(a, i * 10, i * 10 + 5, false);
	observer_look(observer, SECOND_US);
	ck_assert_uint_eq(told, 0);
	ck_assert_uint_eq(observer_checked(observer), 1 + CLAIMS_RING / 2);
}
END_TEST

START_TEST(names)
{
	struct slotview_file file;

	ck_assert_int_eq(slotview_parse("bleak-cm-hci12-slot-3.lock", &file), 0);
	ck_assert_str_eq(file.adapter, "hci12");
	ck_assert(!file.is_scan);
	ck_assert_int_eq(slotview_parse("bleak-cm-default-scan.lock", &file), 0);
	ck_assert_str_eq(file.adapter, "default");
	ck_assert(file.is_scan);
	ck_assert_int_eq(slotview_parse("bleak-cm-hci0-slot-x.lock", &file), -EINVAL);
	ck_assert_int_eq(slotview_parse("bleak-cm-hci0.lock", &file), -EINVAL);
	ck_assert_int_eq(slotview_parse("other", &file), -EINVAL);
}
END_TEST

Suite *suite_observer(void)
{
	Suite *suite = suite_create("observer");
	TCase *tc = tcase_create("observer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_grant);
	tcase_add_test(tc, one_grant_and_one_outside);
	tcase_add_test(tc, two_grants);
	tcase_add_test(tc, outsiders_among_themselves);
	tcase_add_test(tc, connect_and_scan);
	tcase_add_test(tc, lockd_alone);
	tcase_add_test(tc, lockd_dies);
	tcase_add_test(tc, claims_overlap);
	tcase_add_test(tc, report);
	tcase_add_test(tc, a_late_look);
	tcase_add_test(tc, names);
	suite_add_tcase(suite, tc);
	return suite;
}
