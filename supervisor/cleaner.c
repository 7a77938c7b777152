/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/cleaner.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "ipc/log.h"
#include "supervisor/adapters.h"
#include "supervisor/client.h"
#include "supervisor/devices.h"
#include "supervisor/dirty.h"
#include "supervisor/events.h"
#include "supervisor/hci_list.h"
#include "supervisor/lockd_child.h"
#include "supervisor/mgmt.h"

enum { JOBS_MAX = 512 }; /* lockd has fewer grants of connect: 8 of each of 64 adapters */

struct job {
	TAILQ_ENTRY(job) entry;
	uint32_t id;
	uint64_t grant;
	uint32_t pid;
	char label[CLIENT_LABEL_LEN];
	char adapter[ADAPTER_NAME_LEN];
	uint16_t index;
	uint64_t address; /* 0: the kernel's list was asked */
	bool is_up;	  /* the link is there: its Connect is over */
	bool is_unknown;  /* nobody can say what is pending */
	struct dirty dirty;
};

struct cleaner {
	struct sup *sup;
	TAILQ_HEAD(, job) jobs;
	uint32_t n;
	uint32_t last_id;
};

static void drop(struct cleaner *cleaner, struct job *job)
{
	TAILQ_REMOVE(&cleaner->jobs, job, entry);
	cleaner->n--;
	free(job);
}

/* --- what to ask --- */

static void plan_device(struct sup *sup, struct job *job, uint64_t address)
{
	const struct device *device = devices_find(sup->devices, address);
	const struct sighting *sighting = device_sighting(device, job->index);
	enum dirty_type type = DIRTY_TYPE_UNKNOWN;

	/*
	 * bluetoothd made it in the end. Perhaps its next user has it by now: to end it would not
	 * cancel anything, but break what works.
	 */
	if (sighting && sighting->is_connected) {
		job->is_up = true;
		return;
	}
	if (device)
		type = device->is_random ? DIRTY_RANDOM : DIRTY_PUBLIC;
	dirty_add(&job->dirty, address, type);
}

/* Which device it was after is not known: all that the kernel is connecting to. */
static void plan_all(struct sup *sup, struct job *job)
{
	uint64_t found[HCI_LIST_MAX];
	size_t n = 0;
	size_t i;
	int r = -EAFNOSUPPORT;

	/* A MGMT socket that is not the kernel's is about other adapters than the kernel's list. */
	if (sup->config.mgmt[0] == '\0')
		r = hci_list_connecting(job->index, found, &n);
	if (r < 0) {
		log_debug("adapter=%s connections=unknown error=\"%s\"", job->adapter,
			  strerror(-r));
		job->is_unknown = true;
	}
	for (i = 0; i < n; i++)
		plan_device(sup, job, found[i]);
}

/* --- doing it --- */

static void describe(const struct sup *sup, const struct job *job, char *out, size_t size)
{
	uint32_t free_ms = sup->config.dirty_ms;

	if (job->is_unknown)
		(void)snprintf(out, size, "what it connects to is not known; free in %u ms",
			       free_ms);
	else if (job->dirty.has_failed)
		(void)snprintf(out, size, "its Connect cannot be cancelled (%s); free in %u ms",
			       mgmt_codec_status_text(job->dirty.status), free_ms);
	else if (job->dirty.n_cancelled > 0)
		(void)snprintf(out, size, "its Connect was cancelled");
	else
		(void)snprintf(out, size, "%s",
			       job->is_up ? "its link is up" : "nothing was pending");
}

static void finish(struct cleaner *cleaner, struct job *job, bool is_clean)
{
	struct sup *sup = cleaner->sup;
	struct event event = { .kind = EVENT_LOCK_DIRTY, .address = job->address };
	char done[80];

	(void)snprintf(event.adapter, sizeof(event.adapter), "%s", job->adapter);
	describe(sup, job, done, sizeof(done));
	events_add(sup->events, &event, "%s (pid %u) ended without a word: %s", job->label,
		   job->pid, done);
	if (is_clean)
		lockd_child_clean(sup->lockd, job->grant);
	drop(cleaner, job);
}

static void on_answer(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		      struct mgmt_token token);

static void advance(struct cleaner *cleaner, struct job *job)
{
	struct mgmt_token token = { .id = job->id };
	enum dirty_verdict verdict;

	while ((verdict = dirty_next(&job->dirty)) == DIRTY_ASK) {
		const struct dirty_step *step = &job->dirty.steps[job->dirty.at];

		if (mgmt_disconnect(cleaner->sup->mgmt, job->index, step->address, step->is_random,
				    on_answer, token) == 0)
			return;
		dirty_answer(&job->dirty, MGMT_STATUS_NO_ANSWER);
	}
	finish(cleaner, job, verdict == DIRTY_CLEAN && !job->is_unknown);
}

static void on_answer(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		      struct mgmt_token token)
{
	struct cleaner *cleaner = ((struct sup *)ctx)->cleaner;
	struct job *job;

	(void)index;
	(void)data;
	(void)len;
	TAILQ_FOREACH(job, &cleaner->jobs, entry)
	if (job->id == token.id)
		break;
	if (!job)
		return;
	dirty_answer(&job->dirty, status);
	advance(cleaner, job);
}

void cleaner_dirty(struct sup *sup, const Bh__Ctl__LockRef *ref)
{
	struct cleaner *cleaner = sup->cleaner;
	const struct adapter *adapter;
	struct job *job;

	adapter = ref->adapter ? adapters_find_name(sup->adapters, ref->adapter) : NULL;
	/* Of an adapter that is gone nothing is pending. */
	if (!adapter) {
		lockd_child_clean(sup->lockd, ref->grant);
		return;
	}
	job = cleaner->n < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;
	if (!job)
		return;
	job->id = ++cleaner->last_id;
	job->grant = ref->grant;
	job->pid = ref->pid;
	job->index = adapter->index;
	job->address = ref->address >> 48 == 0 ? ref->address : 0;
	(void)snprintf(job->label, sizeof(job->label), "%s",
		       ref->label && ref->label[0] ? ref->label : "a program");
	(void)snprintf(job->adapter, sizeof(job->adapter), "%s", adapter->name);
	TAILQ_INSERT_TAIL(&cleaner->jobs, job, entry);
	cleaner->n++;
	if (job->address)
		plan_device(sup, job, job->address);
	else
		plan_all(sup, job);
	advance(cleaner, job);
}

int cleaner_new(struct cleaner **out, struct sup *sup)
{
	struct cleaner *cleaner = calloc(1, sizeof(*cleaner));

	if (!cleaner)
		return -ENOMEM;
	cleaner->sup = sup;
	TAILQ_INIT(&cleaner->jobs);
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
	free(cleaner);
	return NULL;
}
