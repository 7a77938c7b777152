/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/reader.h"

#include "tests/fuzz/feed.h"

#include <string.h>

void reader_advert(void *ctx, const struct bh_advert *advert)
{
	(void)ctx;
	feed_touch(advert->name, strlen(advert->name));
	feed_touch(advert->adapter, strlen(advert->adapter));
	feed_touch(advert->uuids, advert->n_uuids * sizeof(advert->uuids[0]));
	feed_touch(advert->manufacturer_data, advert->manufacturer_len);
}

void reader_service(void *ctx, const struct bh_service *service)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < service->n_characteristics; i++) {
		const char *const *flag = service->characteristics[i].flags;

		for (; *flag; flag++)
			feed_touch(*flag, strlen(*flag));
	}
}

void reader_device(void *ctx, const struct bh_device *device)
{
	size_t i;

	(void)ctx;
	feed_touch(device->name, strlen(device->name));
	feed_touch(device->health, strlen(device->health));
	feed_touch(device->state, strlen(device->state));
	feed_touch(device->keeper, strlen(device->keeper));
	for (i = 0; i < device->n_sightings; i++)
		feed_touch(device->sightings[i].adapter, strlen(device->sightings[i].adapter));
}

void reader_adapter(void *ctx, const struct bh_adapter *adapter)
{
	size_t i;

	(void)ctx;
	feed_touch(adapter->name, strlen(adapter->name));
	feed_touch(adapter->state, strlen(adapter->state));
	feed_touch(adapter->trouble_text, strlen(adapter->trouble_text));
	for (i = 0; i < adapter->n_timings; i++)
		feed_touch(adapter->timings[i].part, strlen(adapter->timings[i].part));
}

void reader_event(void *ctx, const struct bh_event *event)
{
	(void)ctx;
	feed_touch(event->kind, strlen(event->kind));
	feed_touch(event->adapter, strlen(event->adapter));
	feed_touch(event->text, strlen(event->text));
}

void reader_status(void *ctx, const struct bh_status *status)
{
	(void)ctx;
	feed_touch(status->version, strlen(status->version));
	feed_touch(status->arbiter_trouble, strlen(status->arbiter_trouble));
}

void reader_reset(void *ctx, const struct bh_reset_news *news)
{
	(void)ctx;
	feed_touch(news->adapter, strlen(news->adapter));
	feed_touch(news->level, news->level ? strlen(news->level) : 0);
	feed_touch(news->text, strlen(news->text));
}

void reader_row(void *ctx, const struct bh_session_row *row)
{
	(void)ctx;
	feed_touch(row->adapter, strlen(row->adapter));
	feed_touch(row->label, strlen(row->label));
	feed_touch(row->state, strlen(row->state));
	feed_touch(row->text, strlen(row->text));
}

void reader_transition(void *ctx, const struct bh_transition *transition)
{
	(void)ctx;
	feed_touch(transition->state, strlen(transition->state));
	feed_touch(transition->adapter, strlen(transition->adapter));
	feed_touch(transition->text, strlen(transition->text));
}

void reader_timing(void *ctx, const struct bh_distribution *timing)
{
	(void)ctx;
	feed_touch(timing->part, strlen(timing->part));
}

void reader_fd(void *ctx, int fd)
{
	(void)ctx;
	(void)close_fd(fd);
}

void reader_lock(void *ctx, struct bh_lock *lock, const struct bh_lock_news *news)
{
	(void)ctx;
	(void)bh_lock_grant(lock);
	feed_touch(news->text, news->text ? strlen(news->text) : 0);
}

void reader_daemon(void *ctx, struct bh_client *client, const struct bh_daemon_news *news)
{
	(void)ctx;
	(void)client;
	feed_touch(news->text, strlen(news->text));
}
