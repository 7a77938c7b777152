/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/cleaner.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "ipc/clock.h"
#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/client.h"
#include "supervisor/events.h"
#include "supervisor/hci_list.h"
#include "supervisor/lockd_child.h"
#include "supervisor/worker_child.h"

enum {
	JOBS_MAX = 512, /* lockd has fewer grants of connect: 8 of each of 64 adapters */
	WHY_LEN = 96,
};

struct job {
	TAILQ_ENTRY(job) entry;
	uint32_t id;
	uint64_t grant;
	uint32_t pid;
	char label[CLIENT_LABEL_LEN];
	char adapter[ADAPTER_NAME_LEN];
	uint16_t index;
	uint64_t until_ms;
	uint64_t named;	    /* the device in the grant's set; 0: the kernel's list was asked */
	size_t n_left;	    /* answers that are awaited; 0: the worker was not asked yet */
	bool has_cancelled; /* one at least */
	bool is_linked;	    /* one of them is up: its Connect is over */
	bool is_unknown;    /* nobody can say what is pending */
	char why[WHY_LEN];  /* one cannot be cancelled */
	size_t n;
	uint64_t addresses[HCI_LIST_MAX];
};

struct cleaner {
	struct sup *sup;
	sd_event_source *timer;
	TAILQ_HEAD(, job) jobs; /* by until_ms: all may take the same time */
	uint32_t n;
	uint32_t last_id;
};

static void arm(struct cleaner *cleaner)
{
	const struct job *first = TAILQ_FIRST(&cleaner->jobs);

	(void)sd_event_source_set_enabled(cleaner->timer, first ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (first)
		(void)sd_event_source_set_time(cleaner->timer, first->until_ms * 1000);
}

static void drop(struct cleaner *cleaner, struct job *job)
{
	TAILQ_REMOVE(&cleaner->jobs, job, entry);
	cleaner->n--;
	free(job);
	arm(cleaner);
}

/* --- the end of a job --- */

static void describe(const struct job *job, char *out, size_t size)
{
	uint32_t left_ms = clock_left_ms(job->until_ms, clock_now_ms());

	if (job->is_unknown)
		(void)snprintf(out, size, "what it connects to is not known; free in %u ms",
			       left_ms);
	else if (job->why[0])
		(void)snprintf(out, size, "its Connect cannot be cancelled (%s); free in %u ms",
			       job->why, left_ms);
	else if (job->has_cancelled)
		(void)snprintf(out, size, "its Connect was cancelled");
	else
		(void)snprintf(out, size, "%s",
			       job->is_linked ? "its link is up" : "nothing was pending");
}

static void finish(struct cleaner *cleaner, struct job *job)
{
	struct sup *sup = cleaner->sup;
	struct event event = { .kind = EVENT_LOCK_DIRTY, .address = job->named };
	char done[WHY_LEN + 64];

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", job->adapter);
	describe(job, done, sizeof(done));
	events_add(sup->events, &event, "%s (pid %u) ended without a word: %s", job->label,
		   job->pid, done);
	if (!job->is_unknown && !job->why[0])
		lockd_child_clean(sup->lockd, job->grant);
	drop(cleaner, job);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cleaner *cleaner = userdata;
	uint64_t now_ms = clock_now_ms();
	struct job *job;

	(void)source;
	(void)usec;
	while ((job = TAILQ_FIRST(&cleaner->jobs)) && job->until_ms <= now_ms) {
		(void)snprintf(job->why, sizeof(job->why), "%s",
			       job->n_left > 0 ? "no answer" : "the adapter has no worker");
		finish(cleaner, job);
	}
	arm(cleaner);
	return 0;
}

/* --- asking --- */

/* Which device it was after is not known: all that the kernel is connecting to. */
static void list_all(const struct sup *sup, struct job *job)
{
	int r = -EAFNOSUPPORT;

	/* A MGMT socket that is not the kernel's is about other adapters than the kernel's list. */
	if (sup->config.mgmt[0] == '\0')
		r = hci_list_connecting(job->index, job->addresses, &job->n);
	if (r == 0)
		return;
	log_debug("adapter=%s connections=unknown error=\"%s\"", job->adapter, strerror(-r));
	job->is_unknown = true;
}

static void ask(struct job *job, struct adapter *adapter)
{
	size_t i;

	job->n_left = job->n;
	for (i = 0; i < job->n; i++)
		worker_child_cancel(adapter, job->id, job->addresses[i]);
}

void cleaner_worker_ready(struct adapter *adapter)
{
	struct job *job;

	TAILQ_FOREACH(job, &adapter->sup->cleaner->jobs, entry)
	if (job->index == adapter->index)
		ask(job, adapter);
}

void cleaner_answer(struct adapter *adapter, uint32_t id, const Bh__Ctl__ConnectCancel *msg)
{
	struct cleaner *cleaner = adapter->sup->cleaner;
	struct job *job;

	TAILQ_FOREACH(job, &cleaner->jobs, entry)
	if (job->id == id && job->index == adapter->index && job->n_left > 0)
		break;
	if (!job)
		return;
	if (!msg->has_outcome || msg->outcome == BH__CTL__CANCEL__CANCEL_FAILED)
		(void)snprintf(job->why, sizeof(job->why), "%s",
			       msg->text && msg->text[0] ? msg->text : "its worker says no reason");
	job->has_cancelled |= msg->outcome == BH__CTL__CANCEL__CANCEL_DONE;
	job->is_linked |= msg->outcome == BH__CTL__CANCEL__CANCEL_LINKED;
	if (--job->n_left == 0)
		finish(cleaner, job);
}

static struct job *add(struct cleaner *cleaner, const struct adapter *adapter,
		       const Bh__Ctl__LockRef *ref)
{
	struct job *job = cleaner->n < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

	if (!job)
		return NULL;
	cleaner->last_id = cleaner->last_id == UINT32_MAX ? 1 : cleaner->last_id + 1;
	job->id = cleaner->last_id;
	job->grant = ref->grant;
	job->pid = ref->pid;
	job->index = adapter->index;
	job->until_ms = clock_now_ms() + cleaner->sup->config.dirty_ms;
	job->named = ref->address >> 48 == 0 ? ref->address : 0;
	(void)snprintf(job->label, sizeof(job->label), "%s",
		       ref->label && ref->label[0] ? ref->label : "a program");
	(void)snprintf(job->adapter, sizeof(job->adapter), "%s", adapter->name);
	TAILQ_INSERT_TAIL(&cleaner->jobs, job, entry);
	cleaner->n++;
	arm(cleaner);
	return job;
}

void cleaner_dirty(struct sup *sup, const Bh__Ctl__LockRef *ref)
{
	struct adapter *adapter;
	struct job *job;

	adapter = ref->adapter ? adapters_find_name(sup->adapters, ref->adapter) : NULL;
	/* Of an adapter that is gone nothing is pending. */
	if (!adapter) {
		lockd_child_clean(sup->lockd, ref->grant);
		return;
	}
	job = add(sup->cleaner, adapter, ref);
	if (!job)
		return;
	if (job->named)
		job->addresses[job->n++] = job->named;
	else
		list_all(sup, job);
	if (job->n == 0)
		finish(sup->cleaner, job);
	else if (child_state(adapter->child) == CHILD_READY)
		ask(job, adapter);
}

int cleaner_new(struct cleaner **out, struct sup *sup)
{
	struct cleaner *cleaner = calloc(1, sizeof(*cleaner));
	int r;

	if (!cleaner)
		return -ENOMEM;
	cleaner->sup = sup;
	TAILQ_INIT(&cleaner->jobs);
	r = sd_event_add_time(sup->event, &cleaner->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000,
			      on_timer, cleaner);
	if (r >= 0)
		r = sd_event_source_set_enabled(cleaner->timer, SD_EVENT_OFF);
	if (r < 0) {
		cleaner_free(cleaner);
		return r;
	}
	*out = cleaner;
	return 0;
}

struct cleaner *cleaner_free(struct cleaner *cleaner)
{
	struct job *job;

	if (!cleaner)
		return NULL;
	while ((job = TAILQ_FIRST(&cleaner->jobs)))
		drop(cleaner, job);
	sd_event_source_disable_unref(cleaner->timer);
	free(cleaner);
	return NULL;
}
