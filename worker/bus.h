/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/bus.h - the connection to the system bus: asynchronous calls to org.bluez with our own
 * deadline, and the change to a new connection when too many calls were never answered.
 *
 * dbus-daemon allows a sender 128 unanswered calls, and one that is given up keeps its place until
 * its sender leaves the bus (reference/lab-facts.md): at most 96 are in flight, the rest queues
 * here, and at 64 abandoned ones a new socket is asked for. Calls already under way finish on the
 * old connection, which is closed when none is left or after BUS_DRAIN_MS.
 *
 * The sockets come connected from the supervisor. Nothing here ever blocks. Single threaded.
 */
#include "ipc/errors.h"
#include "worker/deadline.h"

#include <systemd/sd-bus.h>

enum {
	BUS_IN_FLIGHT_MAX = 96,
	BUS_ABANDONED_MAX = 64,
	BUS_QUEUE_MAX = 2048,
	BUS_DRAIN_MS = 30000,
};

struct bus;
struct bus_call;

struct bus_result {
	enum err_class class;  /* CLASS_NONE: @reply is the answer */
	const char *text;      /* one line; "" when done */
	bool is_unknown;       /* there is no such object: nothing was done */
	bool is_busy;	       /* InProgress: it was not done, and may work in a moment */
	bool is_timeout;       /* our deadline, not an answer */
	bool is_lost;	       /* the bus or BlueZ went with it: nobody knows whether it was done */
	sd_bus_message *reply; /* valid in the callback only; NULL unless done */
};

typedef void (*bus_done)(void *ctx, const struct bus_result *result);

struct bus_ops {
	void (*leaving)(
		void *ctx); /* there is a new one: what is called now is the old one's last */
	void (*up)(void *ctx, sd_bus *conn); /* a new connection: add matches, load */
	void (*down)(void *ctx);	     /* it went, there is no other */
	void (*wanted)(void *ctx);	     /* a new socket, please */
	bool (*is_gathering)(void *ctx);     /* signals are kept, to be passed on together */
	void (*handled)(void *ctx);	     /* pass them on: a reply comes, or there are no more */
	bool (*is_discovering)(void *ctx);   /* BlueZ, to tell its errors apart */
};

must_check int bus_new(struct bus **out, sd_event *event, struct deadlines *deadlines,
		       const struct bus_ops *ops, void *ctx);
struct bus *bus_free(struct bus *bus);

/**
 * bus_adopt() - go on with a new connection
 * @fd: connected to the bus; taken over on success. Else (it may have died since) another one is
 *      asked for.
 */
must_check int bus_adopt(struct bus *bus, int fd);

/* Asks for a new connection: BlueZ has lost track of what this one began. */
void bus_renew(struct bus *bus);

/**
 * bus_message() - begin a call to org.bluez
 * @out: unref it after bus_call()
 *
 * Errors: -ENOTCONN no bus; -ENOMEM.
 */
must_check int bus_message(struct bus *bus, sd_bus_message **out, const char *path,
			   const char *interface, const char *member);

/**
 * bus_call() - send it, or queue it behind others
 * @m:          from bus_message()
 * @call:       what it is, for the classes of its errors
 * @timeout_ms: from now
 * @done:       called once, from the loop, never from within bus_call()
 * @out:        for bus_abandon(); may be NULL
 *
 * Errors: -ENOTCONN, -ENOMEM, -ENOBUFS the queue is full: @done is not called.
 */
must_check int bus_call(struct bus *bus, sd_bus_message *m, enum errors_call call,
			uint32_t timeout_ms, bus_done done, void *ctx, struct bus_call **out);

/* Its answer is no longer wanted: @done will not be called. The place stays taken until it comes.
 */
void bus_abandon(struct bus_call *call);

/* Hands the answer to somebody else. */
void bus_call_redirect(struct bus_call *call, void *ctx);
/* The same, who asks something else of it. */
void bus_call_leave(struct bus_call *call, bus_done done, void *ctx);

bool bus_is_up(const struct bus *bus);
