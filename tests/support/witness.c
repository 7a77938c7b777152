/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/witness.h"

#include "ipc/bleherd.h"
#include "ipc/bleherd_lock.h"
#include "tests/support/churn.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WAIT_MS = 15000, HOLD_US = 2000, REST_US = 3000, READ_REST_US = 2000 };

struct locker {
	struct witness_lock *shared;
	int me; /* number + 1 */
	bool is_answered, has_it, is_lost;
};

static void wait_for_us(struct bh_client *bh, int64_t us)
{
	int64_t end_us = churn_now_us() + us;

	while (churn_now_us() < end_us)
		(void)bh_wait(bh, 1);
}

/* --- the lock --- */

static void let_go(struct locker *locker)
{
	int me = locker->me;

	locker->has_it = false;
	(void)atomic_compare_exchange_strong(&locker->shared->holder, &me, 0);
}

static void on_lock_news(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	struct locker *locker = ctx;

	(void)lock;
	if (news->event != BH_LOCK_LOST || !locker->has_it)
		return;
	locker->is_lost = true;
	locker->shared->lost++;
	let_go(locker);
}

static void on_lock(void *ctx, const struct bh_result *result)
{
	struct locker *locker = ctx;

	locker->is_answered = true;
	locker->has_it = result->error == BH_CLASS_NONE;
	if ((size_t)result->error < WITNESS_CLASSES)
		locker->shared->classes[result->error]++;
}

static void take_turn(struct locker *locker, struct bh_lock *lock)
{
	struct witness_lock *shared = locker->shared;
	uint64_t grant = bh_lock_grant(lock);
	struct witness_clash clash = { .at_us = churn_now_us(), .grant = grant };
	uint32_t n;

	/* It is this one's again: nobody can have taken it from the one before by now. */
	shared->doomed[locker->me - 1] = 0;
	clash.since_us = atomic_exchange(&shared->since_us, clash.at_us);
	clash.holder = atomic_exchange(&shared->holder, locker->me) - 1;
	clash.other_grant = atomic_exchange(&shared->grant, grant);
	clash.other = locker->me - 1;
	if (clash.other_grant >= grant)
		shared->old++;
	if (clash.holder >= 0 && !shared->doomed[clash.holder]) {
		n = shared->two++;
		if (n < WITNESS_CLASHES_MAX)
			shared->clashes[n] = clash;
	}
	shared->turns[locker->me - 1]++;
}

static void lock_for_ever(struct witness_lock *shared, uint32_t number)
{
	static const char *const resources[] = { "device:C0:AA:BB:00:00:F0" };
	const struct bh_lock_request request = { .resources = resources,
						 .n_resources = 1,
						 .timeout_ms = WAIT_MS };
	struct locker locker = { .shared = shared, .me = (int)number + 1 };
	struct bh_client *bh;
	struct bh_lock *lock;

	if (bh_new(&bh, NULL, "locker") < 0)
		_exit(1);
	bh_stay(bh, NULL, NULL);
	while (!shared->is_over) {
		locker.is_answered = locker.is_lost = false;
		if (bh_lock_acquire(&lock, bh, &request, on_lock_news, on_lock, &locker) < 0)
			_exit(2);
		while (!locker.is_answered)
			if (bh_wait(bh, -1) < 0)
				_exit(3);
		if (locker.has_it)
			take_turn(&locker, lock);
		wait_for_us(bh, HOLD_US);
		let_go(&locker);
		lock = bh_lock_release(lock);
		wait_for_us(bh, REST_US);
	}
	(void)bh_free(bh);
}

/* --- reads --- */

struct reader {
	struct witness_reads *shared;
	bool is_open;
};

static void on_read(void *ctx, const struct bh_result *result)
{
	struct reader *reader = ctx;
	uint32_t n = reader->shared->n;

	reader->is_open = false;
	if (n == WITNESS_READS_MAX)
		return;
	reader->shared->reads[n].ended_us = churn_now_us();
	reader->shared->reads[n].error = (uint8_t)result->error;
	reader->shared->n = n + 1;
}

static void read_for_ever(struct witness_reads *shared, uint64_t address, const char *adapter)
{
	struct reader reader = { .shared = shared };
	struct bh_session *session;
	struct bh_uuid name;
	struct bh_client *bh;

	if (bh_parse_uuid("2a29", &name) < 0 || bh_new(&bh, NULL, "reader") < 0)
		_exit(1);
	bh_stay(bh, NULL, NULL);
	if (bh_session_open(&session, bh, address, adapter, WAIT_MS, NULL, NULL, NULL) < 0)
		_exit(1);
	/* Held: the link is not what is measured. */
	(void)bh_connect(session, WAIT_MS, NULL, NULL);
	while (!shared->is_over && shared->n < WITNESS_READS_MAX) {
		shared->reads[shared->n].began_us = churn_now_us();
		reader.is_open = true;
		if (bh_read(session, &name, WAIT_MS, on_read, &reader) < 0)
			_exit(2);
		while (reader.is_open)
			if (bh_wait(bh, -1) < 0)
				_exit(3);
		wait_for_us(bh, READ_REST_US);
	}
	(void)bh_free(bh);
}

/* --- both --- */

void *witness_memory(size_t len_bytes)
{
	void *at = mmap(NULL, len_bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	churn_need(at != MAP_FAILED, "no memory for witnesses");
	return at;
}

/* 0 in the child, which dies with us. */
static pid_t fork_child(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	churn_need(pid >= 0, "no process");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

pid_t witness_lock_start(struct witness_lock *lock, uint32_t number)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		lock_for_ever(lock, number);
		_exit(0);
	}
	return pid;
}

pid_t witness_read_start(struct witness_reads *reads, uint64_t address, const char *adapter)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		read_for_ever(reads, address, adapter);
		_exit(0);
	}
	return pid;
}
