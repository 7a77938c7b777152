/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/bus_io.h - an sd_bus on the worker's loop, for bus.c.
 *
 * sd_bus_attach_event() handles one message a turn. So does this, so that the supervisor's word, on
 * a channel of a higher priority, is not overtaken by D-Bus's; but it goes on while its owner
 * gathers signals of which many come at once, and says when that is over. Single threaded.
 */
#include "ipc/base.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct bus_io;

struct bus_io_ops {
	bool (*is_gathering)(void *ctx); /* signals are kept that were not passed on yet */
	void (*handled)(void *ctx);	 /* that was all for now */
	void (*failed)(void *ctx);	 /* the connection is of no use any more; free it */
};

/**
 * bus_io_new() - begin with a connected socket
 * @out: release with bus_io_free(), also from within handlers of its messages
 * @fd:  connected; taken over once there is memory
 * @ops: static storage
 *
 * Errors: of sd-bus.  Blocks: never.
 */
must_check int bus_io_new(struct bus_io **out, sd_event *event, int fd,
			  const struct bus_io_ops *ops, void *ctx);
struct bus_io *bus_io_free(struct bus_io *io);

sd_bus *bus_io_bus(const struct bus_io *io);
