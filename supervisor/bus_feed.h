/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/bus_feed.h - D-Bus sockets for workers: a sandboxed worker opens nothing, so the
 * supervisor connects and hands over. Once per worker at spawn, again when it asks, at most once a
 * second; while there is no bus it tries every second. connect() to a Unix socket does not block.
 */
#include <systemd/sd-event.h>

#include "ipc/base.h"

struct bus_feed;

struct bus_feed_ops {
	void (*give)(void *ctx, int fd);      /* the fd stays the feed's */
	void (*absent)(void *ctx, int error); /* told once until it is there again */
};

/* @address must outlive it; @ops: static storage. */
must_check int bus_feed_new(struct bus_feed **out, sd_event *event, const char *address,
			    const struct bus_feed_ops *ops, void *ctx);
struct bus_feed *bus_feed_free(struct bus_feed *feed);

/* A new worker: at once. */
void bus_feed_start(struct bus_feed *feed);
/* It wants another one: with pacing. */
void bus_feed_again(struct bus_feed *feed);
/* The worker is gone. */
void bus_feed_stop(struct bus_feed *feed);
