/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/loop/port.h - a channel on an sd-event loop: what supervisor, worker and lockd each have
 * several of. Reads a frame a turn, so that peers take turns, hands it to a table of rules,
 * writes what waits, and says once when it is over. The only part of ipc/ that knows sd-event; the
 * client library does without it.
 */
#include "ipc/chan.h"

#include <systemd/sd-event.h>

struct port;

struct port_ops {
	const struct chan_rule *rules;
	size_t n_rules;
	/*
	 * The peer closed (@error 0), broke the form (-EBADMSG), a handler failed or sending did
	 * (negative errno). Called once, from the loop, never from within port_send(). The owner
	 * calls port_free() here or soon: nothing more will be read.
	 */
	void (*closed)(struct port *port, void *ctx, int error);
	/* What had to wait has been sent: port_queued() is 0 again. NULL: nobody cares. */
	void (*drained)(struct port *port, void *ctx);
};

/**
 * port_new() - watch a socket
 * @out:      release with port_free(), also from within its own handlers
 * @event:    the loop; referenced
 * @fd:       taken over on success
 * @buf:      see chan_new()
 * @body_max: see chan_new()
 * @ops:      static storage
 * @ctx:      handed to rules and closed()
 * @priority: sd-event priority
 */
must_check int port_new(struct port **out, sd_event *event, int fd, struct chan_buf *buf,
			size_t body_max, const struct port_ops *ops, void *ctx, int64_t priority);
struct port *port_free(struct port *port);

/**
 * port_send() - chan_send() that never fails towards its caller: if it cannot be sent the port is
 * dead, and closed() will say so from the loop. NULL port: nothing happens.
 */
void port_send(struct port *port, uint16_t type, uint32_t id, uint32_t epoch,
	       const ProtobufCMessage *msg);

/* The same with descriptors, which stay the caller's. */
void port_send_fds(struct port *port, uint16_t type, uint32_t id, uint32_t epoch,
		   const ProtobufCMessage *msg, const int *fds, size_t n_fds);

/*
 * Reads and handles now all that the peer has sent, for an owner that is about to port_free(): what
 * it said before it went still counts. closed() may follow from the loop.
 */
void port_drain(struct port *port);

/* Frames that wait for the socket to become writable: 0 when the peer has got all of them. */
size_t port_queued(const struct port *port);

/* For SO_PEERCRED and the like. */
int port_fd(const struct port *port);
