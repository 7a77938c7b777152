/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/control.h"

#include "ipc/build_id.h"
#include "ipc/clock.h"
#include "ipc/log.h"
#include "worker/control_rules.h"
#include "worker/link.h"
#include "worker/notify.h"
#include "worker/recall.h"
#include "worker/resume.h"
#include "worker/scan.h"
#include "worker/seat.h"
#include "worker/sight.h"

#include <string.h>

enum {
	NO_BUS_MS = 2000,
	/* bluetoothd hangs: READY all the same, or the supervisor would take us for what hangs. It
	 * waits 10 s (child.c). */
	NO_ANSWER_MS = 5000,
};

static void send_empty(struct worker *w, uint16_t type)
{
	Bh__Ctl__Empty empty = BH__CTL__EMPTY__INIT;

	port_send(w->up, type, 0, 0, &empty.base);
}

/* --- what the bus tells --- */

static void on_bus_leaving(void *ctx)
{
	const struct worker *w = ctx;

	links_bus_leaving(w->links);
}

static void on_bus_up(void *ctx, sd_bus *conn)
{
	struct worker *w = ctx;

	mirror_attach(w->mirror, conn);
	scan_bus(w->scan, conn);
	scan_gone(w->scan);
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
	.leaving = on_bus_leaving,
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
	if (w->was_bluez_gone)
		links_each(w->links, resume_anew, NULL);
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
	recall_device(w, device, changes);
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

static void on_value(void *ctx, uint64_t addr, uint16_t chrc, const void *data, size_t len,
		     bool is_left)
{
	struct worker *w = ctx;

	notify_value(w->links, addr, chrc, data, len, is_left);
}

static void on_notifying(void *ctx, uint64_t addr, uint16_t chrc, bool is_on, bool is_left)
{
	struct worker *w = ctx;

	notify_notifying(w->links, addr, chrc, is_on, is_left);
}

static void on_load_begin(void *ctx)
{
	struct worker *w = ctx;

	wpage_crumb(w->page, clock_now_ms(), "reads BlueZ's objects");
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
	.notifying = on_notifying,
	.load_begin = on_load_begin,
	.load_end = on_load_end,
};

/* --- the channel --- */

static void on_closed(struct port *port, void *ctx, int error)
{
	struct worker *w = ctx;

	(void)port;
	wpage_crumb(w->page, clock_now_ms(), "the supervisor is gone");
	log_info("event=supervisor-gone error=%s", strerror(-error));
	(void)sd_event_exit(w->event, error == 0 ? 0 : 1);
}

static const struct port_ops PORT = {
	.rules = CONTROL_RULES,
	.n_rules = CONTROL_RULES_LEN,
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
static bool is_waiting_in_vain(const struct worker *w)
{
	return clock_now_ms() - w->began_ms > (bus_is_up(w->bus) ? NO_ANSWER_MS : NO_BUS_MS);
}

void control_tick(struct worker *w)
{
	if (!w->is_ready && is_waiting_in_vain(w))
		worker_state_due(w);
}

void control_settle(struct worker *w)
{
	if (w->is_stopping && links_are_down(w->links))
		(void)sd_event_exit(w->event, 0);
	if (!mirror_is_settled(w->mirror) && !is_waiting_in_vain(w))
		return;
	send_state(w);
	if (w->is_ready)
		return;
	/* What is known goes first: whoever is told READY may ask for the best adapter at once. */
	sight_flush(w->sight);
	w->is_ready = true;
	send_empty(w, BH__CTL__TYPE__READY);
}
