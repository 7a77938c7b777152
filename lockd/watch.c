/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/watch.h"

#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

enum { MASK = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR, BUFFER = 4096 };

static_assert((int)BUFFER >= (int)(sizeof(struct inotify_event) + NAME_MAX + 1), "one event fits");

struct watch {
	int fd;
	sd_event_source *source;
	const char *dir;
	watch_cb seen;
	void *ctx;
	bool has_readers;
};

static void tell(const struct watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		watch->seen(watch->ctx, NULL, WATCH_LOST);
	else if (event->len > 0 && event->mask & (IN_CREATE | IN_MOVED_TO))
		watch->seen(watch->ctx, event->name, WATCH_MADE);
	else if (event->len > 0 && event->mask & IN_CLOSE)
		watch->seen(watch->ctx, event->name, WATCH_CLOSED);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	_Alignas(struct inotify_event) char buffer[BUFFER];
	const struct watch *watch = userdata;
	const struct inotify_event *event;
	ssize_t n;
	ssize_t at;

	(void)source;
	(void)revents;
	n = read(fd, buffer, sizeof(buffer));
	for (at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const void *)(buffer + at);
		tell(watch, event);
	}
	return 0;
}

static int set_mask(const struct watch *watch)
{
	uint32_t mask = MASK | (watch->has_readers ? (uint32_t)IN_CLOSE_NOWRITE : 0);

	return inotify_add_watch(watch->fd, watch->dir, mask) < 0 ? -errno : 0;
}

int watch_new(struct watch **out, sd_event *event, const char *dir, int64_t priority, watch_cb seen,
	      void *ctx)
{
	struct watch *watch;
	int r;

	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->dir = dir;
	watch->seen = seen;
	watch->ctx = ctx;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	r = watch->fd < 0 ? -errno : set_mask(watch);
	if (r >= 0)
		r = sd_event_add_io(event, &watch->source, watch->fd, EPOLLIN, on_readable, watch);
	if (r >= 0)
		r = sd_event_source_set_priority(watch->source, priority);
	if (r < 0) {
		watch_free(watch);
		return r;
	}
	*out = watch;
	return 0;
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	sd_event_source_disable_unref(watch->source);
	(void)close_fd(watch->fd);
	free(watch);
	return NULL;
}

void watch_readers(struct watch *watch, bool is_on)
{
	if (!watch || watch->has_readers == is_on)
		return;
	watch->has_readers = is_on;
	(void)set_mask(watch);
}
