/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/bus_feed.h"

#include "ipc/clock.h"
#include "supervisor/dbus_addr.h"

enum { PACE_MS = 1000 };

struct bus_feed {
	const char *address;
	const struct bus_feed_ops *ops;
	void *ctx;
	sd_event_source *timer;
	uint64_t tried_at_ms;
	bool is_told_absent;
};

static int connect_bus(const char *list)
{
	struct sockaddr_un address;
	socklen_t len;
	int error = -EADDRNOTAVAIL;

	while (dbus_addr_next(&list, &address, &len) == DBUS_ADDR_OK) {
		_cleanup_close_ int fd = -EBADF;

		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return -errno;
		if (connect(fd, (const struct sockaddr *)&address, len) == 0)
			return take_fd(&fd);
		error = -errno;
	}
	return error;
}

static void plan(struct bus_feed *feed, uint32_t delay_ms)
{
	(void)sd_event_source_set_time_relative(feed->timer, (uint64_t)delay_ms * 1000);
	(void)sd_event_source_set_enabled(feed->timer, SD_EVENT_ONESHOT);
}

static void try_now(struct bus_feed *feed)
{
	_cleanup_close_ int fd = connect_bus(feed->address);

	feed->tried_at_ms = clock_now_ms();
	if (fd >= 0) {
		feed->is_told_absent = false;
		feed->ops->give(feed->ctx, fd);
		return;
	}
	if (!feed->is_told_absent)
		feed->ops->absent(feed->ctx, fd);
	feed->is_told_absent = true;
	plan(feed, PACE_MS);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	try_now(userdata);
	return 0;
}

int bus_feed_new(struct bus_feed **out, sd_event *event, const char *address,
		 const struct bus_feed_ops *ops, void *ctx)
{
	struct bus_feed *feed = calloc(1, sizeof(*feed));
	int r;

	if (!feed)
		return -ENOMEM;
	feed->address = address;
	feed->ops = ops;
	feed->ctx = ctx;
	r = sd_event_add_time(event, &feed->timer, CLOCK_MONOTONIC, 0, 10000, on_timer, feed);
	if (r >= 0)
		r = sd_event_source_set_enabled(feed->timer, SD_EVENT_OFF);
	if (r < 0) {
		bus_feed_free(feed);
		return r;
	}
	*out = feed;
	return 0;
}

struct bus_feed *bus_feed_free(struct bus_feed *feed)
{
	if (!feed)
		return NULL;
	sd_event_source_disable_unref(feed->timer);
	free(feed);
	return NULL;
}

void bus_feed_start(struct bus_feed *feed)
{
	bus_feed_stop(feed);
	try_now(feed);
}

void bus_feed_again(struct bus_feed *feed)
{
	uint64_t next_ms = feed->tried_at_ms + PACE_MS;

	if (sd_event_source_get_enabled(feed->timer, NULL) > 0)
		return;
	plan(feed, clock_left_ms(next_ms, clock_now_ms()));
}

void bus_feed_stop(struct bus_feed *feed)
{
	(void)sd_event_source_set_enabled(feed->timer, SD_EVENT_OFF);
}
