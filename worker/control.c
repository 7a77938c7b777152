/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/control.h"

#include "ipc/build_id.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/cancel.h"
#include "worker/keeper.h"
#include "worker/link.h"
#include "worker/notify.h"
#include "worker/scan.h"
#include "worker/seat.h"
#include "worker/sight.h"

#include <string.h>

enum { NO_BUS_MS = 2000 };

static void send_empty(struct worker *w, uint16_t type)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send(w->up, type, 0, 0, &empty.base);
}

/* --- what the bus tells --- */

static void on_bus_up(void *ctx, sd_bus *conn)
{
	struct worker *w = ctx;

	mirror_attach(w->mirror, conn);
	scan_bus(w->scan, conn);
	scan_gone(w->scan);
	links_bus_changed(w->links);
	worker_state_due(w);
}

static void on_bus_down(void *ctx)
{
	struct worker *w = ctx;

	scan_bus(w->scan, NULL);
	mirror_detach(w->mirror);
	worker_state_due(w);
}

static void on_bus_wanted(void *ctx)
{
	send_empty(ctx, BH__CTL__TYPE__BUS_WANTED);
}

static bool on_bus_gathering(void *ctx)
{
	const struct worker *w = ctx;

	return w->links->due != NULL;
}

static void on_bus_handled(void *ctx)
{
	struct worker *w = ctx;

	notify_flush(w->links);
}

static bool on_bus_asks(void *ctx)
{
	const struct worker *w = ctx;

	return mirror_is_discovering(w->mirror);
}

const struct bus_ops CONTROL_BUS_OPS = {
	.up = on_bus_up,
	.down = on_bus_down,
	.wanted = on_bus_wanted,
	.is_gathering = on_bus_gathering,
	.handled = on_bus_handled,
	.is_discovering = on_bus_asks,
};

/* --- what the mirror tells --- */

/*
 * bluetoothd has its name before it has its adapters, and may power them later still. Who waited
 * for it must not be told that the adapter is gone, or off. Its whole start takes 1.1 s in the lab
 * (contrib/lab/README.md); one that takes much longer has something wrong with it.
 */
enum { STARTING_MS = 5000 };

static bool is_usable(struct worker *w)
{
	const char *text;

	w->is_bluez_starting = false;
	return worker_trouble(w, &text) == CLASS_NONE;
}

static void on_bluez_came(struct worker *w)
{
	w->is_bluez_starting = !is_usable(w) && w->was_bluez_gone;
	w->was_bluez_gone = false;
	if (w->is_bluez_starting)
		deadline_set(w->deadlines, &w->starting, clock_now_ms() + STARTING_MS);
}

void control_starting_over(struct deadline *deadline)
{
	struct worker *w = container_of(deadline, struct worker, starting);

	w->is_bluez_starting = false;
	worker_state_due(w);
	links_loaded(w->links);
}

static void on_loaded(void *ctx)
{
	struct worker *w = ctx;

	on_bluez_came(w);
	worker_state_due(w);
	scan_adapter(w->scan);
	links_loaded(w->links);
}

static void on_gone(void *ctx)
{
	struct worker *w = ctx;
	const char *text;
	enum err_class trouble = worker_trouble(w, &text);

	if (trouble == CLASS_NONE || trouble == CLASS_NOT_POWERED) {
		trouble = CLASS_ADAPTER_GONE;
		text = "the adapter went";
	}
	notify_flush(w->links);
	worker_state_due(w);
	scan_gone(w->scan);
	links_gone(w->links, trouble, text);
}

static void on_adapter(void *ctx)
{
	struct worker *w = ctx;
	bool was_starting = w->is_bluez_starting;

	w->is_bluez_starting = !is_usable(w) && was_starting;
	worker_state_due(w);
	scan_adapter(w->scan);
	if (was_starting && !w->is_bluez_starting)
		links_loaded(w->links);
}

/* The controller's slots are taken by all programs' links. */
static void count_link(struct worker *w, struct device *device, bool is_there)
{
	if (device->is_counted == is_there)
		return;
	device->is_counted = is_there;
	w->n_links += is_there ? 1 : (size_t)-1;
	links_tell_soon(w->links);
	links_room_changed(w->links);
}

static void on_device(void *ctx, struct device *device, unsigned changes)
{
	struct worker *w = ctx;

	notify_flush(w->links);
	count_link(w, device, device->is_connected);
	sight_device(w->sight, device, changes);
	if (changes & (1u << DEVICE_ADVERT | 1u << DEVICE_NEW | 1u << DEVICE_CONNECTED))
		scan_heard(w->scan, device, changes);
	if ((changes & 1u << DEVICE_ADVERT) && device->has_rssi)
		scan_advert(w->scan, device);
	links_device(w->links, device, changes);
}

static void on_device_gone(void *ctx, struct device *device)
{
	struct worker *w = ctx;

	notify_flush(w->links);
	count_link(w, device, false);
	sight_device_gone(w->sight, device);
	links_device_gone(w->links, device);
}

static void on_value(void *ctx, uint64_t addr, uint16_t chrc, const void *data, size_t len)
{
	struct worker *w = ctx;

	notify_value(w->links, addr, chrc, data, len);
}

static void on_load_begin(void *ctx)
{
	struct worker *w = ctx;

	worker_op_begin(w, &w->load_op, WPAGE_OP_LOAD, MIRROR_LOAD_TIMEOUT_MS);
}

static void on_load_end(void *ctx)
{
	struct worker *w = ctx;

	worker_op_end(w, &w->load_op);
}

const struct mirror_ops CONTROL_MIRROR_OPS = {
	.loaded = on_loaded,
	.gone = on_gone,
	.adapter = on_adapter,
	.device = on_device,
	.device_gone = on_device_gone,
	.value = on_value,
	.load_begin = on_load_begin,
	.load_end = on_load_end,
};

/* --- what the supervisor says --- */

/*
 * bluetoothd 5.66 was seen to crash when a client left the bus in the moment in which MGMT ended a
 * link of which it had notifications (contrib/lab/README.md): the links come first. MGMT needs
 * 30 ms for that, Device1.Disconnect 2 s, which it does without us. supervisor/child.c waits
 * longer.
 */
enum { STOP_LIMIT_MS = 1500 };

static int on_stop(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	(void)msg;
	w->is_stopping = true;
	deadline_set(w->deadlines, &w->stopping, clock_now_ms() + STOP_LIMIT_MS);
	seats_close(w->seats);
	links_stop(w->links);
	worker_state_due(w);
	return 0;
}

void control_stop_over(struct deadline *deadline)
{
	const struct worker *w = container_of(deadline, struct worker, stopping);

	log_warn("event=stop-late text=\"a link did not end in time\"");
	(void)sd_event_exit(w->event, 0);
}

static int on_bus(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	int fd = take_fd(&frame->fds[0]);
	int r = bus_adopt(w->bus, fd);

	(void)msg;
	if (r < 0)
		log_error("event=bus-failed error=%s", strerror(-r));
	return 0;
}

static int on_arbiter(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	int r = lockc_adopt(w->lockc, frame->fds[0]);

	(void)msg;
	if (r < 0)
		return r;
	(void)take_fd(&frame->fds[0]);
	return 0;
}

static int on_arbiter_gone(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	(void)msg;
	lockc_orphan(w->lockc);
	return 0;
}

static int on_attach(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	int fd = take_fd(&frame->fds[0]);
	int r = w->is_stopping ? -ESHUTDOWN : seats_attach(w->seats, msg, fd);

	if (r < 0 && r != -ESHUTDOWN)
		log_error("event=attach-failed error=%s", strerror(-r));
	if (r < 0 && r != -ESTALE)
		(void)close_fd(fd);
	if (r < 0)
		seats_detach(w->seats, ((const Bh__Ctl__SessionAttach *)msg)->session, false);
	return 0;
}

static int on_detach(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__SessionRef *ref = msg;
	struct worker *w = ctx;

	(void)frame;
	seats_detach(w->seats, ref->session, ref->class_ == BH__CLASS__CLASS_CANCELLED);
	return 0;
}

static int on_next_step(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_next_step(w->links, frame->id, msg);
	return 0;
}

static int on_link_ended(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_ended(w->links, frame->id, msg);
	return 0;
}

static int on_kernel_link(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_kernel(w->links, frame->id, msg);
	return 0;
}

static int on_link_cause(void *ctx, struct chan_frame *frame, const void *msg)
{
	const Bh__Ctl__LinkCause *said = msg;
	const struct errors_cause cause = {
		.is_disconnect = said->is_disconnect,
		.status = (uint8_t)said->status,
	};
	struct worker *w = ctx;

	(void)frame;
	links_cause(w->links, said->address, &cause);
	return 0;
}

static int on_link_cut(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	links_cut(w->links, ((const Bh__Ctl__Link *)msg)->address);
	return 0;
}

static int on_locks_wanted(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	(void)msg;
	lockc_ask(w->lockc);
	return 0;
}

static int on_find(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;
	const Bh__Ctl__Find *find = msg;

	(void)frame;
	if (find->stop)
		scan_find_stop(w->scan, find->address);
	else
		scan_find(w->scan, find->address, find->under, find->watch);
	return 0;
}

static int on_rules(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	links_rules(w->links, msg);
	return 0;
}

static int on_room(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	links_room(w->links, frame->id, msg);
	return 0;
}

static int on_keep(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	(void)frame;
	keeper_keep(w->seats, msg);
	return 0;
}

static int on_check(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	keeper_check(w->seats, frame->id, msg);
	return 0;
}

static int on_connect_cancel(void *ctx, struct chan_frame *frame, const void *msg)
{
	struct worker *w = ctx;

	cancels_begin(w->cancels, frame->id, ((const Bh__Ctl__ConnectCancel *)msg)->address);
	return 0;
}

static const struct chan_rule RULES[] = {
	{ BH__CTL__TYPE__STOP, 0, 0, &bh__ctl__empty__descriptor, on_stop },
	{ BH__CTL__TYPE__BUS, 1, 1, &bh__ctl__empty__descriptor, on_bus },
	{ BH__CTL__TYPE__ARBITER, 1, 1, &bh__ctl__empty__descriptor, on_arbiter },
	{ BH__CTL__TYPE__ARBITER_GONE, 0, 0, &bh__ctl__empty__descriptor, on_arbiter_gone },
	{ BH__CTL__TYPE__SESSION_ATTACH, 1, 1, &bh__ctl__session_attach__descriptor, on_attach },
	{ BH__CTL__TYPE__SESSION_DETACH, 0, 0, &bh__ctl__session_ref__descriptor, on_detach },
	{ BH__CTL__TYPE__NEXT_STEP, 0, 0, &bh__ctl__next_step__descriptor, on_next_step },
	{ BH__CTL__TYPE__LINK_ENDED, 0, 0, &bh__ctl__link_ended__descriptor, on_link_ended },
	{ BH__CTL__TYPE__KERNEL_LINK_IS, 0, 0, &bh__ctl__kernel_link__descriptor, on_kernel_link },
	{ BH__CTL__TYPE__LINK_CUT, 0, 0, &bh__ctl__link__descriptor, on_link_cut },
	{ BH__CTL__TYPE__LINK_CAUSE, 0, 0, &bh__ctl__link_cause__descriptor, on_link_cause },
	{ BH__CTL__TYPE__LOCKS_WANTED, 0, 0, &bh__ctl__empty__descriptor, on_locks_wanted },
	{ BH__CTL__TYPE__FIND, 0, 0, &bh__ctl__find__descriptor, on_find },
	{ BH__CTL__TYPE__DEVICE_RULES, 0, 0, &bh__ctl__device_rules__descriptor, on_rules },
	{ BH__CTL__TYPE__KEEP, 0, 0, &bh__ctl__keep__descriptor, on_keep },
	{ BH__CTL__TYPE__CHECK, 0, 0, &bh__ctl__check__descriptor, on_check },
	{ BH__CTL__TYPE__ROOM, 0, 0, &bh__ctl__room__descriptor, on_room },
	{ BH__CTL__TYPE__CONNECT_CANCEL, 0, 0, &bh__ctl__connect_cancel__descriptor,
	  on_connect_cancel },
};

static void on_closed(struct port *port, void *ctx, int error)
{
	struct worker *w = ctx;

	(void)port;
	log_info("event=supervisor-gone error=%s", strerror(-error));
	(void)sd_event_exit(w->event, error == 0 ? 0 : 1);
}

static const struct port_ops PORT = {
	.rules = RULES,
	.n_rules = ARRAY_LEN(RULES),
	.closed = on_closed,
};

int control_open(struct worker *w, int fd)
{
	Bh__Ctl__Hello hello = BH__CTL__HELLO__INIT;
	int r = port_new(&w->up, w->event, fd, w->buf, CHAN_BODY_CONTROL, &PORT, w,
			 SD_EVENT_PRIORITY_NORMAL - 5);

	if (r < 0)
		return r;
	hello.build_id = (char *)(uintptr_t)BUILD_ID;
	hello.has_pid = hello.has_incarnation = 1;
	hello.pid = (uint32_t)getpid();
	hello.incarnation = w->incarnation;
	port_send(w->up, BH__CTL__TYPE__HELLO, 0, 0, &hello.base);
	return 0;
}

static void send_state(struct worker *w)
{
	Bh__Ctl__AdapterState state = BH__CTL__ADAPTER_STATE__INIT;
	const char *text;
	enum err_class trouble = worker_trouble(w, &text);

	state.has_bluez = state.has_powered = state.has_discovering = 1;
	state.has_links = state.has_attempts = state.has_trouble = 1;
	w->was_bluez_gone |= !mirror_has_bluez(w->mirror);
	state.bluez = mirror_has_adapter(w->mirror);
	state.powered = mirror_is_powered(w->mirror);
	state.discovering = mirror_is_discovering(w->mirror);
	state.links = (uint32_t)w->n_links;
	w->told_links = w->n_links;
	state.attempts = (uint32_t)w->n_attempts;
	w->told_attempts = w->n_attempts;
	state.trouble = (Bh__Class)trouble;
	state.trouble_text = (char *)(uintptr_t)text;
	port_send(w->up, BH__CTL__TYPE__ADAPTER_STATE, 0, 0, &state.base);
}

/* Then there is nothing to wait for either. */
static bool is_without_bus(const struct worker *w)
{
	return !bus_is_up(w->bus) && clock_now_ms() - w->began_ms > NO_BUS_MS;
}

void control_tick(struct worker *w)
{
	if (!w->is_ready && is_without_bus(w))
		worker_state_due(w);
}

void control_settle(struct worker *w)
{
	if (w->is_stopping && links_are_down(w->links))
		(void)sd_event_exit(w->event, 0);
	if (!mirror_is_settled(w->mirror) && !is_without_bus(w))
		return;
	send_state(w);
	if (w->is_ready)
		return;
	/* What is known goes first: whoever is told READY may ask for the best adapter at once. */
	sight_flush(w->sight);
	w->is_ready = true;
	send_empty(w, BH__CTL__TYPE__READY);
}
