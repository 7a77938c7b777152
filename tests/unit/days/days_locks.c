/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/days/days_locks.c - the arbiter as it is, on a slot directory of its own; workers and
 * the supervisor ask it, and programs, some of which never give back.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "tests/unit/days/days.h"

/* Ids of requests: devices from 1, resets of adapters from ID_RESET. */
enum { ID_RESET = 1000, RESET_LOCK_MS = 75000 };

static struct days *the_days; /* call backs to owners have no context */

static void arm(struct days *days)
{
	uint64_t at_ms = arbiter_next_at_ms(days->arbiter);

	if (at_ms == UINT64_MAX)
		timer_clear(days, &days->lock_timer);
	else
		timer_set(days, &days->lock_timer, at_ms);
}

static void on_tick(struct days *days, struct days_timer *timer)
{
	(void)timer;
	arbiter_tick(days->arbiter, days->now_ms);
	arm(days);
}

static struct days_locker *locker_of(const struct arbiter_owner *owner)
{
	unsigned i;

	for (i = 0; i < DAYS_LOCKERS; i++)
		if (&the_days->lockers[i].owner == owner)
			return &the_days->lockers[i];
	return NULL;
}

static struct days_device *device_of(uint32_t id)
{
	MUST(id >= 1 && id <= DAYS_DEVICES, "a request that nobody made");
	return &the_days->devices[id - 1];
}

static void on_granted(struct arbiter_owner *owner, uint32_t id, uint64_t grant, uint32_t waited_ms,
		       uint32_t lease_ms, const int *fds, size_t n_fds)
{
	struct days_locker *locker = locker_of(owner);

	(void)lease_ms;
	(void)fds;
	MUST(n_fds > 0, "a grant without its lock");
	days_note(the_days, NOTE_LOCK, id, waited_ms);
	if (owner == &the_days->self) {
		adapter_reset_locked(the_days, &the_days->adapters[id - ID_RESET], grant);
	} else if (locker) {
		locker->is_waiting = false;
		locker->grant = grant;
		judge_lock(the_days, locker, waited_ms);
		/* One of twelve forgets to give it back; its lease ends. */
		if (world_below(the_days, 12) > 0)
			timer_in(the_days, &locker->timer, 100 + world_below(the_days, 20000));
	} else {
		path_granted(the_days, device_of(id), grant);
	}
}

static void end_waiting(struct arbiter_owner *owner, uint32_t id)
{
	struct days_locker *locker = locker_of(owner);

	if (owner == &the_days->self) {
		adapter_reset_denied(the_days, &the_days->adapters[id - ID_RESET]);
	} else if (locker) {
		locker->is_waiting = false;
		judge_lock(the_days, locker, UINT32_MAX);
		timer_in(the_days, &locker->timer, 1 + world_below(the_days, 60000));
	} else {
		path_refused(the_days, device_of(id));
	}
}

static void on_refused(struct arbiter_owner *owner, uint32_t id,
		       const struct arbiter_verdict *verdict)
{
	(void)verdict;
	end_waiting(owner, id);
}

static void on_revoked(struct arbiter_owner *owner, uint64_t grant,
		       const struct arbiter_verdict *verdict)
{
	struct days_locker *locker = locker_of(owner);

	if (!locker || locker->grant != grant || verdict->grace_ms > 0)
		return;
	locker->grant = 0;
	timer_in(the_days, &locker->timer, 1000 + world_below(the_days, 60000));
}

static void on_dirty(void *ctx, const struct arbiter_stray *stray)
{
	(void)ctx;
	/* Some Connects are cancelled by the adapter's worker, some when their time is over. */
	days_note(the_days, NOTE_LOCK, 0, stray->adapter);
}

static void on_overdue(void *ctx, const struct arbiter_stray *stray)
{
	(void)ctx;
	(void)stray;
}

static const struct arbiter_ops OPS = {
	on_granted, end_waiting, on_refused, on_revoked, on_dirty, on_overdue,
};

/* --- programs --- */

static void ask_program(struct days *days, struct days_locker *locker)
{
	static const enum slotq_class CLASSES[DAYS_LOCKERS] = {
		SLOTQ_INTERACTIVE, SLOTQ_CONNECT, SLOTQ_SCAN,
		SLOTQ_SCAN,	   SLOTQ_SCAN,	  SLOTQ_BACKGROUND_SCAN
	};
	uint32_t adapter = world_below(days, DAYS_ADAPTERS);
	struct arbiter_request request = { .id = ++locker->last_id, .timeout_ms = 600000 };

	request.class = locker->class = CLASSES[locker->index];
	request.set.n = 1;
	request.set.items[0].kind = request.class >= SLOTQ_SCAN ? RESOURCE_SCAN : RESOURCE_CONNECT;
	/* Three would scan all the time. */
	request.set.items[0].key = request.class >= SLOTQ_SCAN ? 0 : adapter;
	locker->asked_at_ms = days->now_ms;
	locker->timeout_ms = request.timeout_ms;
	locker->is_waiting = true;
	MUST(arbiter_acquire(days->arbiter, &locker->owner, &request, days->now_ms) == 0,
	     "asked twice");
}

static void on_locker(struct days *days, struct days_timer *timer)
{
	struct days_locker *locker = container_of(timer, struct days_locker, timer);
	uint64_t grant = locker->grant;

	if (grant != 0) {
		locker->grant = 0;
		timer_in(days, timer,
			 100 + world_below(days, locker->class == SLOTQ_SCAN ? 1000 : 600000));
		MUST(arbiter_release(days->arbiter, &locker->owner, grant, days->now_ms) == 0,
		     "a grant that is nobody's");
	} else if (!days_are_quiet(days)) {
		ask_program(days, locker);
	}
	arm(days);
}

/* --- what paths and resets ask --- */

void locks_ask(struct days *days, struct days_device *device, uint32_t timeout_ms)
{
	struct arbiter_request request = {
		.id = device->index + 1,
		.class = device->path.wants & WANT_PROGRAM ? SLOTQ_INTERACTIVE : SLOTQ_CONNECT,
		.timeout_ms = timeout_ms,
		.set = { .n = 2,
			 .items = { { RESOURCE_DEVICE, device->address },
				    { RESOURCE_CONNECT, device->path.adapter } } },
	};

	MUST(arbiter_acquire(days->arbiter, &days->adapters[device->path.adapter].owner, &request,
			     days->now_ms) == 0,
	     "asked twice");
	arm(days);
}

void locks_cancel(struct days *days, struct days_device *device)
{
	(void)!arbiter_cancel(days->arbiter, &days->adapters[device->path.adapter].owner,
			      device->index + 1, days->now_ms);
	arm(days);
}

void locks_ask_reset(struct days *days, struct days_adapter *adapter)
{
	const struct arbiter_request request = {
		.id = ID_RESET + adapter->index,
		.class = SLOTQ_RECOVERY,
		.timeout_ms = RESET_LOCK_MS,
		.set = { .n = 1, .items = { { RESOURCE_MAINTENANCE, adapter->index } } },
	};

	MUST(arbiter_acquire(days->arbiter, &days->self, &request, days->now_ms) == 0,
	     "asked twice");
	arm(days);
}

void locks_give(struct days *days, struct arbiter_owner *owner, uint64_t grant)
{
	/* It may have been taken away meanwhile. */
	(void)!arbiter_release(days->arbiter, owner, grant, days->now_ms);
	arm(days);
}

void locks_gone(struct days *days, struct arbiter_owner *owner)
{
	arbiter_owner_gone(days->arbiter, owner, days->now_ms);
	arm(days);
}

/* --- the whole --- */

static void make_owner(struct arbiter_owner *owner, uint32_t pid, bool is_worker)
{
	*owner = (struct arbiter_owner)ARBITER_OWNER_INIT;
	(void)snprintf(owner->label, sizeof(owner->label), "%u", pid);
	owner->pid = owner->uid = pid;
	owner->requests_max = 64;
	owner->is_worker = is_worker;
}

void locks_init(struct days *days)
{
	struct arbiter_config config = {
		.own_dir_fd = -EBADF,
		.counts = { .of = { [RESOURCE_CONNECT] = 1, [RESOURCE_SCAN] = 1 } },
		.foreign_slots = 1,
		.limits.foreign_yield_ms = 300,
		.limits.age_step_ms = 5000,
		.limits.hold_ms = { 60000, 60000, 60000, 30000, 30000 },
		.limits.hold_total_ms = 600000,
		.limits.grace_ms = 2000,
		.limits.dirty_ms = 2000,
		.limits.per_user = 256,
		.first_grant = arbiter_epoch(1),
		.fds_max = ARBITER_FDS_MAX,
		.is_watching = true,
	};
	unsigned i;

	the_days = days;
	(void)snprintf(days->dir, sizeof(days->dir), "/tmp/bleherd-days-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(days->dir));
	days->dir_fd = open(days->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(days->dir_fd, 0);
	config.dir_fd = days->dir_fd;
	MUST(arbiter_new(&days->arbiter, &config, &OPS) == 0, "asked twice");
	days->lock_timer.fire = on_tick;
	make_owner(&days->self, 1, true);
	for (i = 0; i < DAYS_ADAPTERS; i++)
		make_owner(&days->adapters[i].owner, 10 + i, true);
	for (i = 0; i < DAYS_LOCKERS; i++) {
		days->lockers[i].index = i;
		days->lockers[i].timer.fire = on_locker;
		make_owner(&days->lockers[i].owner, 100 + i, false);
		if (days->plan.has_faults)
			timer_in(days, &days->lockers[i].timer, 60000 + i * 1000);
	}
}

void locks_done(struct days *days)
{
	DIR *dir;
	const struct dirent *entry;

	days->arbiter = arbiter_free(days->arbiter);
	dir = fdopendir(days->dir_fd);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(days->dir_fd, entry->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(days->dir);
}
