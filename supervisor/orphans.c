/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/orphans.h"

#include <sys/queue.h>

#include "ipc/clock.h"
#include "supervisor/devices.h"
#include "supervisor/events.h"
#include "supervisor/mgmt.h"
#include "supervisor/worker_rules.h"

/*
 * GRACE_MS: an adoption takes milliseconds; up to two seconds where the kernel does not answer
 * (worker/link_table.c, checking). LEFT_MAX: no controller has so many.
 */
enum { GRACE_MS = 2500, LEFT_MAX = 256 };

struct orphan {
	TAILQ_ENTRY(orphan) entry;
	uint16_t adapter;
	uint64_t address;
};

struct orphans {
	struct sup *sup;
	TAILQ_HEAD(, orphan) list;
	size_t n;
	sd_event_source *timer;
};

static void drop(struct orphans *orphans, struct orphan *orphan)
{
	TAILQ_REMOVE(&orphans->list, orphan, entry);
	orphans->n--;
	free(orphan);
}

static void on_ended(void *ctx, uint16_t index, uint8_t status, const uint8_t *data, size_t len,
		     struct mgmt_token token)
{
	struct sup *sup = ctx;
	const struct adapter *adapter = adapters_find(sup->adapters, index);
	struct event event;

	(void)data;
	(void)len;
	if (status == MGMT_STATUS_SUCCESS || status == MGMT_STATUS_NOT_CONNECTED)
		devices_link(sup->devices, token.address, index, false);
	/* It may have gone by itself, as with a reset. */
	if (!adapter || status != MGMT_STATUS_SUCCESS)
		return;
	event = worker_event(adapter, EVENT_LINK_CUT);
	event.address = token.address;
	events_add(sup->events, &event, "its worker died, and nobody wants it any more");
}

static void end(struct orphans *orphans, const struct orphan *orphan)
{
	struct sup *sup = orphans->sup;
	const struct adapter *adapter = adapters_find(sup->adapters, orphan->adapter);
	const struct device *device = devices_find(sup->devices, orphan->address);
	struct mgmt_token token = { .address = orphan->address };

	if (!adapter || !adapter->is_present)
		return;
	/* Where MGMT is away there is no harm but the place that it takes. */
	(void)!mgmt_disconnect(sup->mgmt, orphan->adapter, orphan->address,
			       device && device->is_random, on_ended, token);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct orphans *orphans = userdata;
	struct orphan *orphan;

	(void)source;
	(void)usec;
	while ((orphan = TAILQ_FIRST(&orphans->list))) {
		end(orphans, orphan);
		drop(orphans, orphan);
	}
	return 0;
}

int orphans_new(struct orphans **out, struct sup *sup)
{
	struct orphans *orphans = calloc(1, sizeof(*orphans));
	int r;

	if (!orphans)
		return -ENOMEM;
	orphans->sup = sup;
	TAILQ_INIT(&orphans->list);
	r = sd_event_add_time(sup->event, &orphans->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000,
			      on_timer, orphans);
	if (r >= 0)
		r = sd_event_source_set_enabled(orphans->timer, SD_EVENT_OFF);
	if (r < 0) {
		orphans_free(orphans);
		return r;
	}
	*out = orphans;
	return 0;
}

struct orphans *orphans_free(struct orphans *orphans)
{
	if (!orphans)
		return NULL;
	while (!TAILQ_EMPTY(&orphans->list))
		drop(orphans, TAILQ_FIRST(&orphans->list));
	sd_event_source_disable_unref(orphans->timer);
	free(orphans);
	return NULL;
}

void orphans_settled(struct orphans *orphans, const struct adapter *adapter, uint64_t address)
{
	struct orphan *orphan;

	TAILQ_FOREACH(orphan, &orphans->list, entry)
	if (orphan->adapter == adapter->index && orphan->address == address)
		break;
	if (orphan)
		drop(orphans, orphan);
}

void orphans_left(struct orphans *orphans, const struct adapter *adapter, uint64_t address)
{
	struct orphan *orphan;

	orphans_settled(orphans, adapter, address);
	orphan = orphans->n < LEFT_MAX ? calloc(1, sizeof(*orphan)) : NULL;
	if (!orphan)
		return;
	orphan->adapter = adapter->index;
	orphan->address = address;
	TAILQ_INSERT_TAIL(&orphans->list, orphan, entry);
	orphans->n++;
	/* Nobody to adopt it yet: the time begins with the next worker. */
	(void)sd_event_source_set_enabled(orphans->timer, SD_EVENT_OFF);
}

void orphans_worker_ready(struct orphans *orphans)
{
	if (TAILQ_EMPTY(&orphans->list))
		return;
	(void)sd_event_source_set_time(orphans->timer, (clock_now_ms() + GRACE_MS) * 1000);
	(void)sd_event_source_set_enabled(orphans->timer, SD_EVENT_ONESHOT);
}
