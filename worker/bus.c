/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/bus.h"

#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/bus_io.h"

#include <stdio.h>
#include <string.h>

TAILQ_HEAD(call_list, bus_call);
TAILQ_HEAD(conn_list, conn);

/* A connection: the one in use, or an old one that finishes what it began. */
struct conn {
	TAILQ_ENTRY(conn) entry;
	struct bus *bus;
	struct bus_io *io;
	sd_bus *sd; /* of @io */
	sd_bus_slot *disconnected;
	struct call_list flying;
	struct call_list queue;
	size_t n_flying;
	size_t n_queued;
	size_t n_abandoned;
	struct deadline drain;
};

struct bus_call {
	TAILQ_ENTRY(bus_call) entry;
	struct conn *conn;
	sd_bus_message *m; /* while it queues */
	sd_bus_slot *slot; /* while it flies */
	enum errors_call kind;
	struct deadline deadline;
	bus_done done; /* NULL: abandoned */
	void *ctx;
};

struct bus {
	sd_event *event;
	struct deadlines *deadlines;
	const struct bus_ops *ops;
	void *ctx;
	struct conn *conn;	/* NULL: none */
	struct conn_list drain; /* old ones */
	bool is_wanted;		/* a new socket was asked for */
};

/* --- calls --- */

static void call_free(struct bus_call *call)
{
	struct conn *conn = call->conn;

	deadline_clear(conn->bus->deadlines, &call->deadline);
	if (call->slot) {
		TAILQ_REMOVE(&conn->flying, call, entry);
		conn->n_flying--;
		conn->n_abandoned -= call->done ? 0 : 1;
		sd_bus_slot_unref(call->slot);
	} else {
		TAILQ_REMOVE(&conn->queue, call, entry);
		conn->n_queued--;
		sd_bus_message_unref(call->m);
	}
	free(call);
}

static void finish(struct bus_call *call, const struct bus_result *result)
{
	bus_done done = call->done;
	void *ctx = call->ctx;

	call_free(call);
	if (done)
		done(ctx, result);
}

static void conn_free(struct conn *conn)
{
	struct bus_call *call;

	deadline_clear(conn->bus->deadlines, &conn->drain);
	while ((call = TAILQ_FIRST(&conn->flying)) || (call = TAILQ_FIRST(&conn->queue)))
		call_free(call);
	sd_bus_slot_unref(conn->disconnected);
	bus_io_free(conn->io);
	free(conn);
}

/* Tells everybody who waits on it, then frees it. */
static void conn_end(struct conn *conn)
{
	struct bus_result gone = { .class = CLASS_BLUEZ_GONE,
				   .text = "the connection to the bus was lost" };
	struct bus_call *call;

	while ((call = TAILQ_FIRST(&conn->flying)) || (call = TAILQ_FIRST(&conn->queue))) {
		gone.is_lost = call->slot != NULL;
		finish(call, &gone);
	}
	conn_free(conn);
}

static void drop_drained(struct bus *bus, struct conn *conn)
{
	if (conn == bus->conn || conn->n_queued > 0 || conn->n_flying > conn->n_abandoned)
		return;
	TAILQ_REMOVE(&bus->drain, conn, entry);
	conn_free(conn);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *unused);

static int fly(struct bus_call *call)
{
	struct conn *conn = call->conn;
	int r;

	/* UINT64_MAX: no timeout of sd-bus's own; ours is on the one timer. */
	r = sd_bus_call_async(conn->sd, &call->slot, call->m, on_reply, call, UINT64_MAX);
	if (r < 0)
		return r;
	sd_bus_message_unref(call->m);
	call->m = NULL;
	TAILQ_REMOVE(&conn->queue, call, entry);
	conn->n_queued--;
	TAILQ_INSERT_TAIL(&conn->flying, call, entry);
	conn->n_flying++;
	return 0;
}

static void fly_queued(struct conn *conn)
{
	const struct bus_result failed = { .class = CLASS_INTERNAL,
					   .text = "the call could not be sent" };
	struct bus_call *call;

	while (conn->n_flying < BUS_IN_FLIGHT_MAX && (call = TAILQ_FIRST(&conn->queue)))
		if (fly(call) < 0)
			finish(call, &failed);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *unused)
{
	struct bus_call *call = userdata;
	struct conn *conn = call->conn;
	struct bus *bus = conn->bus;
	const sd_bus_error *e = sd_bus_message_get_error(reply);
	const struct errors_context context = {
		.call = call->kind,
		.is_discovering = bus->ops->is_discovering(bus->ctx),
	};
	struct bus_result result = { .text = "" };
	char text[256];

	(void)unused;
	bus->ops->handled(bus->ctx);
	if (e) {
		result.class = errors_from_dbus(e->name, e->message, &context);
		result.is_busy = errors_is_busy(e->name, e->message);
		/* Which of them depends on what else bluetoothd has below that path. */
		result.is_unknown = sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
				    sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD);
		/* dbus-daemon's word for a bluetoothd that had the call and died. */
		result.is_lost = sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY);
		(void)snprintf(text, sizeof(text), "%s: %s", e->name ? e->name : "?",
			       e->message ? e->message : "");
		result.text = text;
	} else {
		result.reply = reply;
	}
	finish(call, &result);
	/* Whoever was told may have adopted a new connection, never freed this one. */
	fly_queued(conn);
	drop_drained(bus, conn);
	return 0;
}

static void want_new(struct bus *bus)
{
	if (bus->is_wanted)
		return;
	bus->is_wanted = true;
	bus->ops->wanted(bus->ctx);
}

void bus_renew(struct bus *bus)
{
	if (bus->conn)
		want_new(bus);
}

static void note_abandoned(struct bus_call *call)
{
	struct conn *conn = call->conn;

	call->done = NULL;
	conn->n_abandoned++;
	if (conn == conn->bus->conn && conn->n_abandoned >= BUS_ABANDONED_MAX)
		want_new(conn->bus);
}

static void on_deadline(struct deadline *deadline)
{
	const struct bus_result late = { .class = CLASS_NO_REPLY,
					 .text = "bluetoothd did not answer in time",
					 .is_timeout = true };
	struct bus_call *call = container_of(deadline, struct bus_call, deadline);
	bus_done done = call->done;
	void *ctx = call->ctx;

	if (!call->slot) {
		finish(call, &late);
		return;
	}
	note_abandoned(call);
	if (done)
		done(ctx, &late);
}

void bus_abandon(struct bus_call *call)
{
	struct conn *conn = call->conn;

	deadline_clear(conn->bus->deadlines, &call->deadline);
	if (call->slot)
		note_abandoned(call);
	else
		call_free(call);
}

void bus_call_redirect(struct bus_call *call, void *ctx)
{
	call->ctx = ctx;
}

void bus_call_leave(struct bus_call *call, bus_done done, void *ctx)
{
	call->done = done;
	call->ctx = ctx;
}

int bus_message(struct bus *bus, sd_bus_message **out, const char *path, const char *interface,
		const char *member)
{
	sd_bus_message *m = NULL;
	int r;

	if (!bus->conn)
		return -ENOTCONN;
	r = sd_bus_message_new_method_call(bus->conn->sd, &m, "org.bluez", path, interface, member);
	if (r < 0)
		return r;
	/* Starting bluetoothd is somebody else's decision. */
	r = sd_bus_message_set_auto_start(m, 0);
	if (r < 0) {
		sd_bus_message_unref(m);
		return r;
	}
	*out = m;
	return 0;
}

int bus_call(struct bus *bus, sd_bus_message *m, enum errors_call kind, uint32_t timeout_ms,
	     bus_done done, void *ctx, struct bus_call **out)
{
	struct conn *conn = bus->conn;
	struct bus_call *call;
	int r = 0;

	if (!conn)
		return -ENOTCONN;
	if (conn->n_queued >= BUS_QUEUE_MAX)
		return -ENOBUFS;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->conn = conn;
	call->m = sd_bus_message_ref(m);
	call->kind = kind;
	call->done = done;
	call->ctx = ctx;
	call->deadline.fire = on_deadline;
	TAILQ_INSERT_TAIL(&conn->queue, call, entry);
	conn->n_queued++;
	if (conn->n_flying < BUS_IN_FLIGHT_MAX)
		r = fly(call);
	if (r < 0) {
		call_free(call);
		return r;
	}
	deadline_set(bus->deadlines, &call->deadline, clock_now_ms() + timeout_ms);
	if (out)
		*out = call;
	return 0;
}

bool bus_is_up(const struct bus *bus)
{
	/* One that ends answers all calls itself before it says so: no time to make new ones. */
	return bus->conn && sd_bus_is_open(bus->conn->sd) > 0;
}

/* --- connections --- */

static void conn_lost(struct conn *conn)
{
	struct bus *bus = conn->bus;
	bool is_current = conn == bus->conn;

	bus->ops->handled(bus->ctx);
	if (is_current)
		bus->conn = NULL;
	else
		TAILQ_REMOVE(&bus->drain, conn, entry);
	if (is_current)
		log_warn("event=bus-lost");
	conn_end(conn);
	if (!is_current)
		return;
	bus->is_wanted = false;
	bus->ops->down(bus->ctx);
	want_new(bus);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	(void)m;
	(void)unused;
	conn_lost(userdata);
	return 0;
}

static void on_failed(void *ctx)
{
	conn_lost(ctx);
}

static bool on_is_gathering(void *ctx)
{
	const struct bus *bus = ((struct conn *)ctx)->bus;

	return bus->ops->is_gathering(bus->ctx);
}

static void on_handled(void *ctx)
{
	const struct bus *bus = ((struct conn *)ctx)->bus;

	bus->ops->handled(bus->ctx);
}

static const struct bus_io_ops IO_OPS = {
	.is_gathering = on_is_gathering,
	.handled = on_handled,
	.failed = on_failed,
};

static void on_drain(struct deadline *deadline)
{
	struct conn *conn = container_of(deadline, struct conn, drain);

	TAILQ_REMOVE(&conn->bus->drain, conn, entry);
	conn_end(conn);
}

static int conn_start(struct conn *conn, int fd)
{
	int r = bus_io_new(&conn->io, conn->bus->event, fd, &IO_OPS, conn);

	if (r < 0)
		return r;
	conn->sd = bus_io_bus(conn->io);
	/* A local match: sd-bus sends nothing for it, so it cannot block. */
	r = sd_bus_add_match(conn->sd, &conn->disconnected,
			     "type='signal',sender='org.freedesktop.DBus.Local',"
			     "path='/org/freedesktop/DBus/Local',"
			     "interface='org.freedesktop.DBus.Local',"
			     "member='Disconnected'",
			     on_disconnected, conn);
	return r < 0 ? r : 0;
}

/* The old one finishes what it began. */
static void retire(struct bus *bus, struct conn *old)
{
	if (!old)
		return;
	TAILQ_INSERT_TAIL(&bus->drain, old, entry);
	deadline_set(bus->deadlines, &old->drain, clock_now_ms() + BUS_DRAIN_MS);
	drop_drained(bus, old);
}

int bus_adopt(struct bus *bus, int fd)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct conn *old = bus->conn;
	int r;

	bus->is_wanted = false;
	if (!conn)
		return -ENOMEM;
	conn->bus = bus;
	TAILQ_INIT(&conn->flying);
	TAILQ_INIT(&conn->queue);
	conn->drain.fire = on_drain;
	r = conn_start(conn, fd);
	if (r < 0) {
		sd_bus_slot_unref(conn->disconnected);
		bus_io_free(conn->io);
		free(conn);
		want_new(bus);
		return r;
	}
	if (old)
		bus->ops->leaving(bus->ctx);
	bus->conn = conn;
	bus->ops->up(bus->ctx, conn->sd);
	retire(bus, old);
	return 0;
}

int bus_new(struct bus **out, sd_event *event, struct deadlines *deadlines,
	    const struct bus_ops *ops, void *ctx)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return -ENOMEM;
	bus->event = event;
	bus->deadlines = deadlines;
	bus->ops = ops;
	bus->ctx = ctx;
	TAILQ_INIT(&bus->drain);
	*out = bus;
	return 0;
}

struct bus *bus_free(struct bus *bus)
{
	struct conn *conn;

	if (!bus)
		return NULL;
	while ((conn = TAILQ_FIRST(&bus->drain))) {
		TAILQ_REMOVE(&bus->drain, conn, entry);
		conn_free(conn);
	}
	if (bus->conn)
		conn_free(bus->conn);
	free(bus);
	return NULL;
}
