/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/caches.h"

#include <stdio.h>
#include <sys/queue.h>

#include "supervisor/client.h"
#include "supervisor/server.h"
#include "supervisor/worker_child.h"

enum { JOBS_MAX = 64, TEXT_LEN = 160 };

struct job {
	TAILQ_ENTRY(job) entry;
	uint32_t token;
	uint64_t client; /* its serial: it may be gone by then */
	uint32_t id;	 /* of its request */
	uint32_t n_removed;
	enum err_class class; /* the first that went wrong */
	char text[TEXT_LEN];
	size_t n_left;
	uint16_t left[ADAPTERS_MAX]; /* adapters whose workers have not answered */
};

struct caches {
	struct sup *sup;
	TAILQ_HEAD(, job) jobs;
	size_t n;
	uint32_t last_token;
};

int caches_new(struct sup *sup)
{
	sup->caches = calloc(1, sizeof(*sup->caches));
	if (!sup->caches)
		return -ENOMEM;
	sup->caches->sup = sup;
	TAILQ_INIT(&sup->caches->jobs);
	return 0;
}

static void drop(struct caches *caches, struct job *job)
{
	TAILQ_REMOVE(&caches->jobs, job, entry);
	caches->n--;
	free(job);
}

struct caches *caches_free(struct caches *caches)
{
	if (!caches)
		return NULL;
	while (!TAILQ_EMPTY(&caches->jobs))
		drop(caches, TAILQ_FIRST(&caches->jobs));
	free(caches);
	return NULL;
}

static bool is_serving(const struct adapter *adapter)
{
	return child_state(adapter->child) == CHILD_READY;
}

void caches_forget(struct sup *sup, uint64_t address, const struct adapter *except)
{
	Bh__Ctl__CacheClear clear = BH__CTL__CACHE_CLEAR__INIT;
	size_t i;

	clear.has_address = 1;
	clear.address = address;
	for (i = 0; i < sup->adapters->n; i++)
		if (sup->adapters->list[i] != except && is_serving(sup->adapters->list[i]))
			worker_child_cache_clear(sup->adapters->list[i], 0, &clear);
}

/* --- what programs ask --- */

bool caches_is_asked(const struct client *client, uint32_t id)
{
	const struct job *job;

	TAILQ_FOREACH(job, &client->sup->caches->jobs, entry)
	if (job->client == client->serial && job->id == id)
		return true;
	return false;
}

static void finish(struct caches *caches, struct job *job)
{
	struct client *client = server_find(caches->sup->server, job->client);

	if (client && job->class != CLASS_NONE)
		client_error(client, job->id, job->class, job->text);
	else if (client)
		client_done(client, job->id, job->n_removed);
	drop(caches, job);
}

static struct job *add(struct caches *caches, const struct client *client, uint32_t id)
{
	struct job *job = caches->n < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

	if (!job)
		return NULL;
	if (++caches->last_token == 0)
		caches->last_token = 1;
	job->token = caches->last_token;
	job->client = client->serial;
	job->id = id;
	TAILQ_INSERT_TAIL(&caches->jobs, job, entry);
	caches->n++;
	return job;
}

/* NULL, or what is wrong. */
static const char *refusal(const Bh__CacheClear *msg)
{
	if (msg->address == 0 || msg->address >> 48 != 0)
		return "that is no device address";
	if (msg->bond && !msg->bluez)
		return "a bond is BlueZ's: it goes only with what that remembers";
	return NULL;
}

void caches_ask(struct client *client, uint32_t id, const Bh__CacheClear *msg)
{
	struct adapters *adapters = client->sup->adapters;
	struct caches *caches = client->sup->caches;
	Bh__Ctl__CacheClear clear = BH__CTL__CACHE_CLEAR__INIT;
	const char *text = refusal(msg);
	struct job *job;
	size_t i;

	if (text) {
		client_error(client, id, CLASS_INVALID, text);
		return;
	}
	job = add(caches, client, id);
	if (!job) {
		client_error(client, id, CLASS_LIMIT, "too many caches are being cleared");
		return;
	}
	clear.has_address = clear.has_bluez = clear.has_bond = 1;
	clear.address = msg->address;
	clear.bluez = msg->bluez;
	clear.bond = msg->bond;
	for (i = 0; i < adapters->n; i++) {
		if (!is_serving(adapters->list[i]))
			continue;
		job->left[job->n_left++] = adapters->list[i]->index;
		worker_child_cache_clear(adapters->list[i], job->token, &clear);
	}
	if (job->n_left > 0)
		return;
	if (msg->bluez) {
		job->class = CLASS_BLUEZ_GONE;
		(void)snprintf(job->text, sizeof(job->text), "no adapter is served at the moment");
	}
	finish(caches, job);
}

/* --- what workers say --- */

/* true: it was waited for. */
static bool take_off(struct job *job, const struct adapter *adapter)
{
	size_t i;

	for (i = 0; i < job->n_left; i++)
		if (job->left[i] == adapter->index)
			break;
	if (i == job->n_left)
		return false;
	job->left[i] = job->left[--job->n_left];
	return true;
}

static void note(struct job *job, const struct adapter *adapter, const Bh__Ctl__CacheCleared *msg)
{
	enum err_class class = class_from_wire((int)msg->class_);

	job->n_removed += msg->removed ? 1 : 0;
	if (class == CLASS_NONE || job->class != CLASS_NONE)
		return;
	job->class = class;
	(void)snprintf(job->text, sizeof(job->text), "%s: %s", adapter->name,
		       msg->text && msg->text[0] ? msg->text : class_name(class));
}

void caches_cleared(struct adapter *adapter, uint32_t id, const Bh__Ctl__CacheCleared *msg)
{
	struct caches *caches = adapter->sup->caches;
	struct job *job;

	TAILQ_FOREACH(job, &caches->jobs, entry)
	if (job->token == id)
		break;
	if (!job || !take_off(job, adapter))
		return;
	note(job, adapter, msg);
	if (job->n_left == 0)
		finish(caches, job);
}

void caches_worker_died(struct adapter *adapter)
{
	struct caches *caches = adapter->sup->caches;
	struct job *job = TAILQ_FIRST(&caches->jobs);
	struct job *next;

	for (; job; job = next) {
		next = TAILQ_NEXT(job, entry);
		if (take_off(job, adapter) && job->n_left == 0)
			finish(caches, job);
	}
}
