/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/loop/port.h"

#include <sys/epoll.h>

enum { DRAIN_FRAMES = 4096 }; /* more than a socket's buffer holds */

struct port {
	struct chan *chan;
	sd_event_source *io;
	sd_event_source *obituary; /* calls closed() from the loop */
	const struct port_ops *ops;
	void *ctx;
	bool is_reading; /* a handler or drained() may be running */
	bool is_freed;	 /* by its own handler: on_io() does it afterwards */
	int error;
	uint32_t events;
};

static int on_obituary(sd_event_source *source, void *userdata)
{
	struct port *port = userdata;

	(void)source;
	port->ops->closed(port, port->ctx, port->error);
	return 0;
}

static void die(struct port *port, int error)
{
	if (sd_event_source_get_enabled(port->obituary, NULL) > 0)
		return;
	port->error = error;
	(void)sd_event_source_set_enabled(port->io, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(port->obituary, SD_EVENT_ONESHOT);
}

static void update_events(struct port *port)
{
	uint32_t events = EPOLLIN;

	if (chan_wants_write(port->chan))
		events |= EPOLLOUT;
	if (events == port->events)
		return;
	port->events = events;
	(void)sd_event_source_set_io_events(port->io, events);
}

/* Reads and dispatches. 0, or why the port ends (1 for end of file). */
static int read_some(struct port *port, unsigned frames_max)
{
	struct chan_frame frame;
	unsigned i;
	int r;

	for (i = 0; i < frames_max; i++) {
		r = chan_recv(port->chan, &frame);
		if (r != CHAN_FRAME)
			return r == CHAN_EOF ? 1 : r;
		r = chan_dispatch(port->chan, &frame, port->ops->rules, port->ops->n_rules,
				  port->ctx);
		chan_frame_done(&frame);
		if (port->is_freed || r < 0)
			return r;
	}
	return 0;
}

/* Writes what waits. 0, or why the port ends. */
static int write_some(struct port *port)
{
	bool has_waited = chan_queued(port->chan) > 0;
	int r = chan_flush(port->chan);

	if (r == 0 && has_waited && chan_queued(port->chan) == 0 && port->ops->drained)
		port->ops->drained(port, port->ctx);
	return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct port *port = userdata;
	int r = 0;

	(void)source;
	(void)fd;
	port->is_reading = true;
	/*
	 * Read first: a peer that has gone may have left frames that matter. One frame, since
	 * nearly always there is one: to ask for a second costs what epoll_wait() does, which tells
	 * anyway.
	 */
	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = read_some(port, 1);
	if (r == 0 && !port->is_freed && (revents & EPOLLOUT))
		r = write_some(port);
	port->is_reading = false;
	if (port->is_freed) {
		port_free(port);
		return 0;
	}
	if (r != 0)
		die(port, r < 0 ? r : 0);
	else
		update_events(port);
	return 0;
}

int port_new(struct port **out, sd_event *event, int fd, struct chan_buf *buf, size_t body_max,
	     const struct port_ops *ops, void *ctx, int64_t priority)
{
	struct port *port;
	int r;

	port = calloc(1, sizeof(*port));
	if (!port)
		return -ENOMEM;
	port->ops = ops;
	port->ctx = ctx;
	port->events = EPOLLIN;
	r = sd_event_add_io(event, &port->io, fd, EPOLLIN, on_io, port);
	if (r >= 0)
		r = sd_event_source_set_priority(port->io, priority);
	if (r >= 0)
		r = sd_event_add_defer(event, &port->obituary, on_obituary, port);
	if (r >= 0)
		r = sd_event_source_set_enabled(port->obituary, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(port->obituary, priority);
	if (r >= 0)
		r = chan_new(&port->chan, fd, buf, body_max);
	if (r < 0) {
		port_free(port);
		return r;
	}
	*out = port;
	return 0;
}

struct port *port_free(struct port *port)
{
	if (!port)
		return NULL;
	port->is_freed = true;
	if (port->is_reading)
		return NULL;
	sd_event_source_disable_unref(port->obituary);
	sd_event_source_disable_unref(port->io);
	chan_free(port->chan);
	free(port);
	return NULL;
}

void port_send_fds(struct port *port, uint16_t type, uint32_t id, uint32_t epoch,
		   const ProtobufCMessage *msg, const int *fds, size_t n_fds)
{
	int r;

	if (!port)
		return;
	r = chan_send(port->chan, type, id, epoch, msg, fds, n_fds);
	/*
	 * A peer that has gone is learned of by reading to the end: it may have sent what still
	 * matters (the last answers of a worker that was killed).
	 */
	if (r == -EPIPE || r == -ECONNRESET)
		return;
	if (r < 0)
		die(port, r);
	else
		update_events(port);
}

void port_send(struct port *port, uint16_t type, uint32_t id, uint32_t epoch,
	       const ProtobufCMessage *msg)
{
	port_send_fds(port, type, id, epoch, msg, NULL, 0);
}

void port_drain(struct port *port)
{
	int r;

	if (!port || port->is_reading)
		return;
	port->is_reading = true;
	r = read_some(port, DRAIN_FRAMES);
	port->is_reading = false;
	if (port->is_freed)
		port_free(port);
	else if (r != 0)
		die(port, r < 0 ? r : 0);
}

size_t port_queued(const struct port *port)
{
	return port ? chan_queued(port->chan) : 0;
}

int port_fd(const struct port *port)
{
	return chan_fd(port->chan);
}
