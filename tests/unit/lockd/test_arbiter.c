/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arbiter by itself: time is the test's, the files are real, answers are noted down. */
#include "lockd/arbiter.h"
#include "lockd/slotfile.h"
#include "tests/support/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

#define SLOT0	  "bleak-cm-hci0-slot-0.lock"
#define SCAN_FILE "bleak-cm-hci0-scan.lock"

enum { FDS_MAX = 4 };
enum { NOTHING, GRANTED, TIMED_OUT, REFUSED, REVOKED };

static struct {
	int what;
	uint32_t id;
	uint64_t grant;
	uint32_t waited_ms;
	uint32_t lease_ms;
	size_t n_fds;
	enum arbiter_reason reason;
	char text[128];
	unsigned count;
} said;

static char dir[32];
static int dir_fd;
static struct arbiter *arbiter;
static struct arbiter_owner alice;
static struct arbiter_owner bob;

/* --- what the arbiter says --- */

static void say(int what, uint32_t id, uint64_t grant)
{
	said.what = what;
	said.id = id;
	said.grant = grant;
	said.count++;
}

static void on_granted(struct arbiter_owner *owner, uint32_t id, uint64_t grant, uint32_t waited_ms,
		       uint32_t lease_ms, const int *fds, size_t n_fds)
{
	size_t i;

	said.lease_ms = lease_ms;
	(void)owner;
	say(GRANTED, id, grant);
	said.waited_ms = waited_ms;
	said.n_fds = n_fds;
	for (i = 0; i < n_fds; i++)
		ck_assert_int_ge(fcntl(fds[i], F_GETFD), 0);
}

static void on_timed_out(struct arbiter_owner *owner, uint32_t id)
{
	(void)owner;
	say(TIMED_OUT, id, 0);
}

static void on_refused(struct arbiter_owner *owner, uint32_t id,
		       const struct arbiter_verdict *verdict)
{
	(void)owner;
	say(REFUSED, id, 0);
	said.reason = verdict->reason;
	(void)snprintf(said.text, sizeof(said.text), "%s", verdict->text);
}

static void on_revoked(struct arbiter_owner *owner, uint64_t grant,
		       const struct arbiter_verdict *verdict)
{
	(void)owner;
	say(REVOKED, 0, grant);
	said.reason = verdict->reason;
	(void)snprintf(said.text, sizeof(said.text), "%s", verdict->text);
}

static void on_dirty(void *ctx, const struct arbiter_stray *stray)
{
	(void)ctx;
	(void)stray;
}

static const struct arbiter_ops OPS = {
	on_granted, on_timed_out, on_refused, on_revoked, on_dirty, on_dirty,
};

/* --- the stage --- */

static void start(uint32_t connect, uint32_t scan)
{
	struct arbiter_config config = {
		.counts = { .of = { [RESOURCE_CONNECT] = connect, [RESOURCE_SCAN] = scan } },
		.own_dir_fd = -EBADF,
		.first_grant = arbiter_epoch(5),
		.fds_max = FDS_MAX,
	};

	(void)snprintf(dir, sizeof(dir), "/tmp/bh-arbiter-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	config.dir_fd = dir_fd;
	ck_assert_int_eq(arbiter_new(&arbiter, &config, &OPS), 0);
	alice = (struct arbiter_owner){ .label = "alice",
					.requests_max = 2000,
					.first = SLOTQ_NONE };
	bob = (struct arbiter_owner){ .label = "bob", .requests_max = 2000, .first = SLOTQ_NONE };
	memset(&said, 0, sizeof(said));
}

static void setup(void)
{
	start(1, 2);
}

static void setup_eight(void)
{
	start(8, 1);
}

static void teardown(void)
{
	char name[SLOTFILE_NAME_LEN];
	uint32_t i;

	arbiter = arbiter_free(arbiter);
	for (i = 0; i < RESOURCE_COUNT_MAX; i++) {
		slotfile_name(RESOURCE_CONNECT, 0, i, name);
		(void)unlinkat(dir_fd, name, 0);
	}
	(void)unlinkat(dir_fd, SCAN_FILE, 0);
	(void)close(dir_fd);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void acquire(struct arbiter_owner *owner, uint32_t id, enum resource_kind kind,
		    uint32_t timeout_ms, uint64_t now_ms)
{
	const struct arbiter_request request = {
		.id = id,
		.set = { 1, { { kind, 0 } } },
		.class = SLOTQ_CONNECT,
		.timeout_ms = timeout_ms,
		.max_hold_ms = 700,
	};

	said.what = NOTHING;
	ck_assert_int_eq(arbiter_acquire(arbiter, owner, &request, now_ms), 0);
}

/* A description outside, as another program would have it. */
static int lock_outside(const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CREAT | O_CLOEXEC, 0660);

	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static bool is_lockable(const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	bool is_ok = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

	(void)close_fd(fd);
	return is_ok;
}

START_TEST(looks_again_only_while_somebody_waits)
{
	uint64_t now_ms = 1000;
	uint64_t next_ms;
	int fd = lock_outside(SLOT0);
	int i;

	ck_assert_uint_eq(arbiter_next_at_ms(arbiter), UINT64_MAX);
	acquire(&alice, 1, RESOURCE_CONNECT, 10000, now_ms);
	for (i = 0; i < 20; i++) {
		next_ms = arbiter_next_at_ms(arbiter);
		ck_assert_uint_ge(next_ms - now_ms, ARBITER_RETRY_MS * 3 / 4);
		ck_assert_uint_le(next_ms - now_ms, ARBITER_RETRY_MS * 5 / 4);
		now_ms = next_ms;
		arbiter_tick(arbiter, now_ms);
		ck_assert_int_eq(said.what, NOTHING);
	}
	arbiter_tick(arbiter, 11000);
	ck_assert_int_eq(said.what, TIMED_OUT);
	ck_assert_uint_eq(arbiter_next_at_ms(arbiter), UINT64_MAX);
	acquire(&alice, 2, RESOURCE_CONNECT, 10000, 20000);
	(void)close(fd);
	now_ms = arbiter_next_at_ms(arbiter);
	arbiter_tick(arbiter, now_ms);
	ck_assert_int_eq(said.what, GRANTED);
	ck_assert_uint_eq(said.waited_ms, now_ms - 20000);
	ck_assert_int_eq(arbiter_release(arbiter, &alice, said.grant, now_ms), 0);
	arbiter_tick(arbiter, arbiter_next_at_ms(arbiter));
	ck_assert_uint_eq(arbiter_next_at_ms(arbiter), UINT64_MAX);
}
END_TEST

START_TEST(a_set_takes_all_files_or_none)
{
	const struct arbiter_request request = {
		.id = 1,
		.set = { 2, { { RESOURCE_CONNECT, 0 }, { RESOURCE_SCAN, 0 } } },
		.class = SLOTQ_CONNECT,
		.timeout_ms = 1000,
	};
	int fd = lock_outside(SCAN_FILE);

	ck_assert_int_eq(arbiter_acquire(arbiter, &alice, &request, 0), 0);
	ck_assert_uint_eq(said.count, 0);
	ck_assert(is_lockable(SLOT0));
	(void)close(fd);
	arbiter_tick(arbiter, 500);
	ck_assert_int_eq(said.what, GRANTED);
	ck_assert_uint_eq(said.n_fds, 2);
	ck_assert(!is_lockable(SLOT0));
}
END_TEST

START_TEST(several_scans_share_the_one_file)
{
	uint64_t first;
	uint64_t second;

	acquire(&alice, 1, RESOURCE_SCAN, 0, 0);
	first = said.grant;
	acquire(&bob, 1, RESOURCE_SCAN, 0, 0);
	ck_assert_int_eq(said.what, GRANTED);
	second = said.grant;
	acquire(&bob, 2, RESOURCE_SCAN, 0, 0);
	ck_assert_int_eq(said.what, TIMED_OUT);
	ck_assert_int_eq(arbiter_release(arbiter, &alice, first, 1), 0);
	ck_assert(!is_lockable(SCAN_FILE));
	ck_assert_int_eq(arbiter_release(arbiter, &bob, second, 1), 0);
	ck_assert(is_lockable(SCAN_FILE));
}
END_TEST

START_TEST(a_grant_belongs_to_its_owner)
{
	uint64_t grant;

	acquire(&alice, 1, RESOURCE_CONNECT, 0, 0);
	grant = said.grant;
	ck_assert_int_eq(arbiter_release(arbiter, &bob, grant, 1), ARBITER_UNKNOWN);
	ck_assert_int_eq(arbiter_release(arbiter, &alice, 0, 1), ARBITER_UNKNOWN);
	ck_assert_int_eq(arbiter_cancel(arbiter, &alice, 1, 1), ARBITER_UNKNOWN);
	ck_assert(!is_lockable(SLOT0));
	ck_assert_int_eq(arbiter_release(arbiter, &alice, grant, 1), 0);
	ck_assert_int_eq(arbiter_release(arbiter, &alice, grant, 1), ARBITER_UNKNOWN);
}
END_TEST

START_TEST(out_of_descriptors_is_no_refusal)
{
	struct rlimit old;
	struct rlimit low;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ 0, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	acquire(&alice, 1, RESOURCE_CONNECT, 10000, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(said.what, NOTHING);
	arbiter_tick(arbiter, arbiter_next_at_ms(arbiter));
	ck_assert_int_eq(said.what, GRANTED);
}
END_TEST

START_TEST(a_full_queue_is_said)
{
	uint32_t id;

	acquire(&alice, 1, RESOURCE_CONNECT, 0, 0);
	for (id = 2; id <= ARBITER_ENTRIES_MAX; id++) {
		acquire(&alice, id, RESOURCE_CONNECT, 100000, 0);
		ck_assert_int_eq(said.what, NOTHING);
	}
	acquire(&bob, 1, RESOURCE_CONNECT, 100000, 0);
	ck_assert_int_eq(said.what, REFUSED);
	ck_assert_ptr_nonnull(strstr(said.text, "full"));
	arbiter_owner_gone(arbiter, &alice, 1);
	arbiter_tick(arbiter, 2); /* what it held was dirty */
	acquire(&bob, 2, RESOURCE_CONNECT, 0, 2);
	ck_assert_int_eq(said.what, GRANTED);
}
END_TEST

START_TEST(numbers_grow_over_restarts)
{
	ck_assert_uint_gt(arbiter_epoch(0), 0);
	acquire(&alice, 1, RESOURCE_CONNECT, 0, 0);
	ck_assert_uint_ge(said.grant, arbiter_epoch(5));
	/* The next lockd cannot start before the process was made: 10 us are no time for that. */
	ck_assert_uint_gt(arbiter_epoch(15), said.grant);
}
END_TEST

static struct locktab_row rows[8];
static size_t n_rows;

static void on_row(void *ctx, const struct locktab_row *row)
{
	(void)ctx;
	ck_assert_uint_lt(n_rows, ARRAY_LEN(rows));
	rows[n_rows++] = *row;
}

START_TEST(the_list)
{
	uint64_t changes = arbiter_changes(arbiter);

	acquire(&alice, 1, RESOURCE_CONNECT, 0, 1000);
	acquire(&bob, 1, RESOURCE_MAINTENANCE, 5000, 2000);
	acquire(&alice, 2, RESOURCE_CONNECT, 6000, 3000);
	ck_assert_uint_gt(arbiter_changes(arbiter), changes);
	n_rows = 0;
	arbiter_list(arbiter, 3000, on_row, NULL);
	ck_assert_uint_eq(n_rows, 3);
	ck_assert_uint_eq(rows[0].since_ms, 1000);
	ck_assert_uint_eq(rows[0].until_ms, 1700);
	ck_assert_str_eq(rows[1].resource, "maintenance:hci0");
	ck_assert_uint_eq(rows[1].place, 1);
	ck_assert_uint_eq(rows[1].until_ms, 7000);
	/* Behind the maintenance, which wants this adapter's connect as well. */
	ck_assert_uint_eq(rows[2].place, 2);
	ck_assert_str_eq(rows[2].label, "alice");
}
END_TEST

/* For ever is no number of milliseconds that runs down. */
START_TEST(no_limit_is_no_deadline)
{
	acquire(&alice, 1, RESOURCE_CONNECT, 0, 1000);
	acquire(&bob, 1, RESOURCE_CONNECT, ARBITER_FOR_EVER, 2000);
	n_rows = 0;
	arbiter_list(arbiter, 3000, on_row, NULL);
	ck_assert_uint_eq(n_rows, 2);
	ck_assert_str_eq(rows[1].label, "bob");
	ck_assert_uint_eq(rows[1].until_ms, 0);
}
END_TEST

START_TEST(maintenance_takes_all_slots)
{
	char name[SLOTFILE_NAME_LEN];
	uint32_t i;

	acquire(&alice, 1, RESOURCE_MAINTENANCE, 0, 0);
	ck_assert_int_eq(said.what, GRANTED);
	ck_assert_uint_eq(said.n_fds, FDS_MAX); /* as many as one frame carries */
	for (i = 0; i < 8; i++) {
		slotfile_name(RESOURCE_CONNECT, 0, i, name);
		ck_assert(!is_lockable(name));
	}
	ck_assert(!is_lockable(SCAN_FILE));
	arbiter_owner_gone(arbiter, &alice, 1);
	ck_assert(is_lockable(SCAN_FILE));
	for (i = 1; i <= 8; i++) {
		acquire(&bob, i, RESOURCE_CONNECT, 0, 1);
		ck_assert_int_eq(said.what, GRANTED);
	}
	acquire(&bob, 9, RESOURCE_CONNECT, 0, 1);
	ck_assert_int_eq(said.what, TIMED_OUT);
}
END_TEST

Suite *suite_arbiter(void);
Suite *suite_arbiter(void)
{
	Suite *suite = suite_create("arbiter");
	TCase *tc = tcase_create("arbiter");
	TCase *eight = tcase_create("eight");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, looks_again_only_while_somebody_waits);
	tcase_add_test(tc, a_set_takes_all_files_or_none);
	tcase_add_test(tc, several_scans_share_the_one_file);
	tcase_add_test(tc, a_grant_belongs_to_its_owner);
	tcase_add_test(tc, out_of_descriptors_is_no_refusal);
	tcase_add_test(tc, a_full_queue_is_said);
	tcase_add_test(tc, numbers_grow_over_restarts);
	tcase_add_test(tc, the_list);
	tcase_add_test(tc, no_limit_is_no_deadline);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(eight, setup_eight, teardown);
	tcase_add_test(eight, maintenance_takes_all_slots);
	suite_add_tcase(suite, eight);
	return suite;
}
