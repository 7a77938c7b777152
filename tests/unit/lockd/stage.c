/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lockd/stage.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { SAID_MAX = 4096 };

struct arbiter *stage_arbiter;
struct arbiter_owner stage_alice, stage_bob, stage_worker;
int stage_dir_fd;
int stage_own_fd;
uint64_t stage_now_ms;
struct arbiter_config stage_config;

static char dir[32];
static char own_dir[32];
static struct stage_said log_of[SAID_MAX];
static size_t n_said;
static size_t n_looked_at;
static uint32_t last_id;

static struct stage_said *say(enum stage_what what, const struct arbiter_owner *owner)
{
	struct stage_said *said = &log_of[n_said];

	ck_assert_uint_lt(n_said, SAID_MAX);
	n_said++;
	*said = (struct stage_said){ .what = what, .owner = owner };
	return said;
}

static void on_granted(struct arbiter_owner *owner, uint32_t id, uint64_t grant, uint32_t waited_ms,
		       uint32_t lease_ms, const int *fds, size_t n_fds)
{
	struct stage_said *said = say(SAID_GRANTED, owner);

	(void)waited_ms;
	(void)fds;
	said->id = id;
	said->grant = grant;
	said->lease_ms = lease_ms;
	said->n_fds = n_fds;
}

static void on_timed_out(struct arbiter_owner *owner, uint32_t id)
{
	say(SAID_TIMED_OUT, owner)->id = id;
}

static void note_verdict(struct stage_said *said, const struct arbiter_verdict *verdict)
{
	said->reason = verdict->reason;
	said->grace_ms = verdict->grace_ms;
	said->adapter = verdict->adapter;
	(void)snprintf(said->text, sizeof(said->text), "%s", verdict->text);
}

static void on_refused(struct arbiter_owner *owner, uint32_t id,
		       const struct arbiter_verdict *verdict)
{
	struct stage_said *said = say(SAID_REFUSED, owner);

	said->id = id;
	note_verdict(said, verdict);
}

static void on_revoked(struct arbiter_owner *owner, uint64_t grant,
		       const struct arbiter_verdict *verdict)
{
	struct stage_said *said = say(SAID_REVOKED, owner);

	said->grant = grant;
	note_verdict(said, verdict);
}

static void note_stray(enum stage_what what, const struct arbiter_stray *stray)
{
	struct stage_said *said = say(what, NULL);

	said->grant = stray->grant;
	said->adapter = stray->adapter;
	said->address = stray->address;
}

static void on_dirty(void *ctx, const struct arbiter_stray *stray)
{
	(void)ctx;
	note_stray(SAID_DIRTY, stray);
}

static void on_overdue(void *ctx, const struct arbiter_stray *stray)
{
	(void)ctx;
	note_stray(SAID_OVERDUE, stray);
}

static const struct arbiter_ops OPS = {
	on_granted, on_timed_out, on_refused, on_revoked, on_dirty, on_overdue,
};

void stage_reset(void)
{
	stage_config = (struct arbiter_config){
		.own_dir_fd = -EBADF,
		.counts = { .of = { [RESOURCE_CONNECT] = 1, [RESOURCE_SCAN] = 1 } },
		.foreign_slots = 2,
		.limits.foreign_yield_ms = 200,
		.limits.age_step_ms = 5000,
		.limits.hold_ms = { 5000, 10000, 10000, 10000, 10000 },
		.limits.hold_total_ms = 60000,
		.limits.grace_ms = 500,
		.limits.dirty_ms = 2000,
		.limits.per_user = 8,
		.first_grant = arbiter_epoch(5),
		.fds_max = 4,
		.is_watching = true,
	};
	stage_own_fd = -EBADF;
	own_dir[0] = '\0';
	(void)snprintf(dir, sizeof(dir), "/tmp/bh-stage-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	stage_dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stage_config.dir_fd = stage_dir_fd;
	stage_now_ms = 1000;
	n_said = n_looked_at = 0;
	last_id = 0;
}

void stage_make_own_dir(void)
{
	(void)snprintf(own_dir, sizeof(own_dir), "/tmp/bh-stage-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(own_dir));
	stage_own_fd = open(own_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stage_config.own_dir_fd = stage_own_fd;
}

static struct arbiter_owner owner(const char *label, uint32_t uid, bool is_worker)
{
	struct arbiter_owner o = {
		.uid = uid, .requests_max = 64, .is_worker = is_worker, .first = SLOTQ_NONE
	};

	(void)snprintf(o.label, sizeof(o.label), "%s", label);
	return o;
}

void stage_start(void)
{
	ck_assert_int_eq(arbiter_new(&stage_arbiter, &stage_config, &OPS), 0);
	stage_alice = owner("alice", 1001, false);
	stage_bob = owner("bob", 1002, false);
	stage_worker = owner("worker hci0", 0, true);
}

static void remove_dir(const char *path, int fd)
{
	DIR *entries = opendir(path);
	struct dirent *entry;

	while ((entry = readdir(entries)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(fd, entry->d_name, 0);
	(void)closedir(entries);
	(void)close(fd);
	ck_assert_int_eq(rmdir(path), 0);
}

void stage_set_up(void)
{
	stage_reset();
	stage_start();
}

void stage_end(void)
{
	stage_arbiter = arbiter_free(stage_arbiter);
	(void)fchmod(stage_dir_fd, 0700);
	remove_dir(dir, stage_dir_fd);
	if (own_dir[0] != '\0')
		remove_dir(own_dir, stage_own_fd);
}

static void parse_names(const char *names, struct resource_set *out)
{
	char *list[RESOURCE_SET_MAX];
	char copy[128];
	char *rest = copy;
	size_t n = 0;

	(void)snprintf(copy, sizeof(copy), "%s", names);
	while (rest && n < RESOURCE_SET_MAX)
		list[n++] = strsep(&rest, " ");
	ck_assert_int_eq(resource_set_parse(list, n, out), 0);
}

uint32_t stage_ask(struct arbiter_owner *who, const char *names, enum slotq_class class,
		   uint32_t timeout_ms, uint64_t under)
{
	struct arbiter_request request = {
		.id = ++last_id, .class = class, .timeout_ms = timeout_ms, .under = under
	};

	parse_names(names, &request.set);
	ck_assert_int_eq(arbiter_acquire(stage_arbiter, who, &request, stage_now_ms), 0);
	return request.id;
}

uint32_t stage_wait_for(struct arbiter_owner *owner, const char *names)
{
	return stage_ask(owner, names, SLOTQ_CONNECT, LONG_MS, 0);
}

uint64_t stage_get(struct arbiter_owner *who, const char *names)
{
	(void)stage_ask(who, names, SLOTQ_CONNECT, 0, 0);
	return stage_expect(SAID_GRANTED).grant;
}

void stage_release(struct arbiter_owner *who, uint64_t grant)
{
	ck_assert_int_eq(arbiter_release(stage_arbiter, who, grant, stage_now_ms), 0);
}

void stage_pass(uint64_t ms)
{
	uint64_t until_ms = stage_now_ms + ms;
	uint64_t next_ms;

	for (;;) {
		next_ms = arbiter_next_at_ms(stage_arbiter);
		if (next_ms > until_ms)
			break;
		if (next_ms > stage_now_ms)
			stage_now_ms = next_ms;
		arbiter_tick(stage_arbiter, stage_now_ms);
	}
	stage_now_ms = until_ms;
}

struct stage_said stage_said(void)
{
	if (n_looked_at == n_said)
		return (struct stage_said){ .what = SAID_NOTHING };
	return log_of[n_looked_at++];
}

struct stage_said stage_expect(enum stage_what what)
{
	struct stage_said said = stage_said();

	ck_assert_msg(said.what == what, "said %d (%s), expected %d", (int)said.what, said.text,
		      (int)what);
	return said;
}

void stage_expect_nothing(void)
{
	(void)stage_expect(SAID_NOTHING);
}

int stage_outsider_try(const char *name)
{
	int fd = openat(stage_dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	ck_assert_int_ge(fd, 0);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	stage_outsider_close(fd, name);
	return -EBADF;
}

void stage_outsider_close(int fd, const char *name)
{
	(void)close(fd);
	arbiter_outside(stage_arbiter, name, ARBITER_FILE_CLOSED, stage_now_ms);
}

bool stage_is_free(const char *name)
{
	int fd = openat(stage_dir_fd, name, O_RDONLY | O_CLOEXEC);
	bool is_free = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;

	(void)close_fd(fd);
	return is_free;
}
