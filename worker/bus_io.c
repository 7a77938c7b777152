/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/bus_io.h"

#include <sys/epoll.h>

/* Gathered in one turn at most: the tick and the supervisor must have theirs. */
enum { MESSAGES_PER_TURN = 32 };

struct bus_io {
	sd_bus *bus;
	sd_event_source *io;
	sd_event_source *timer; /* sd-bus's own: for its handshake and the matches */
	uint64_t until_us;	/* when that fires; UINT64_MAX: it is off */
	const struct bus_io_ops *ops;
	void *ctx;
	bool is_processing;
	bool is_freed; /* by a handler: process() does it afterwards */
};

static void process(struct bus_io *io)
{
	unsigned n = 0;
	int r;

	io->is_processing = true;
	do {
		r = sd_bus_process(io->bus, NULL);
	} while (r > 0 && !io->is_freed && ++n < MESSAGES_PER_TURN &&
		 io->ops->is_gathering(io->ctx));
	io->is_processing = false;
	if (io->is_freed)
		bus_io_free(io);
	else if (r < 0)
		io->ops->failed(io->ctx);
	else
		io->ops->handled(io->ctx);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	process(userdata);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bus_io *io = userdata;

	(void)source;
	(void)usec;
	io->until_us = UINT64_MAX;
	process(io);
	return 0;
}

static int set_timer(struct bus_io *io)
{
	uint64_t until_us = UINT64_MAX;
	int r = sd_bus_get_timeout(io->bus, &until_us);

	if (r < 0 || until_us == io->until_us)
		return r;
	io->until_us = until_us;
	if (until_us == UINT64_MAX)
		return sd_event_source_set_enabled(io->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time(io->timer, until_us);
	return r < 0 ? r : sd_event_source_set_enabled(io->timer, SD_EVENT_ONESHOT);
}

/* Before each sleep: what sd-bus waits for. One that closes wants no events, but its turn. */
static int on_prepare(sd_event_source *source, void *userdata)
{
	struct bus_io *io = userdata;
	int events = sd_bus_get_events(io->bus);
	int r = sd_event_source_set_io_events(source, events > 0 ? (uint32_t)events : 0);

	return r < 0 ? r : set_timer(io);
}

static int watch(struct bus_io *io, sd_event *event, int fd)
{
	int r;

	io->until_us = UINT64_MAX;
	r = sd_event_add_io(event, &io->io, fd, EPOLLIN, on_io, io);
	if (r >= 0)
		r = sd_event_source_set_prepare(io->io, on_prepare);
	if (r >= 0)
		r = sd_event_add_time(event, &io->timer, CLOCK_MONOTONIC, UINT64_MAX, 0, on_timer,
				      io);
	if (r >= 0)
		r = sd_event_source_set_enabled(io->timer, SD_EVENT_OFF);
	return r;
}

static int start(struct bus_io *io, sd_event *event, int fd)
{
	int r;

	r = sd_bus_new(&io->bus);
	if (r >= 0)
		r = sd_bus_set_fd(io->bus, fd, fd);
	if (r < 0)
		return r;
	r = sd_bus_set_bus_client(io->bus, 1);
	if (r >= 0)
		r = sd_bus_set_anonymous(io->bus, 0);
	if (r >= 0)
		r = sd_bus_negotiate_fds(io->bus, 1);
	if (r >= 0)
		r = sd_bus_start(io->bus);
	return r < 0 ? r : watch(io, event, fd);
}

int bus_io_new(struct bus_io **out, sd_event *event, int fd, const struct bus_io_ops *ops,
	       void *ctx)
{
	struct bus_io *io = calloc(1, sizeof(*io));
	int r;

	if (!io)
		return -ENOMEM;
	io->ops = ops;
	io->ctx = ctx;
	r = start(io, event, fd);
	if (r < 0) {
		bus_io_free(io);
		return r;
	}
	*out = io;
	return 0;
}

struct bus_io *bus_io_free(struct bus_io *io)
{
	if (!io)
		return NULL;
	io->is_freed = true;
	if (io->is_processing)
		return NULL;
	sd_event_source_disable_unref(io->io);
	sd_event_source_disable_unref(io->timer);
	sd_bus_close(io->bus);
	sd_bus_unref(io->bus);
	free(io);
	return NULL;
}

sd_bus *bus_io_bus(const struct bus_io *io)
{
	return io->bus;
}
