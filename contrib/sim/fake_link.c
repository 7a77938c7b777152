/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake_link.c - how links come and go in the fake, in bluetoothd's order and with its
 * answers.
 *
 *   Connect: (delay) Connected=true, the answer, (delay) GATT objects, ServicesResolved=true
 *   Disconnect: Battery1 goes, (2 s) the kernel's event, the answer, Connected=false, sockets
 *   MGMT Disconnect: the kernel's event at once, (27 ms) Connected=false; of a pending Connect:
 * when that has ended by itself, at once only while the peripheral is not heard
 *
 * While a link is on its way down, Connect still finds it up and says OK: a lie that the real one
 * tells too, and that clients must survive.
 */
#include "contrib/sim/fake_state.h"

#include <inttypes.h>
#include <string.h>

/* Measured: from the answer to Pair to the link's end. */
#define UNPAIRED_DROP_MS 60

static const char *const aborted = "le-connection-abort-by-local";

static void attempt(struct fake_device *device);

static struct fake *fake_of(const struct fake_device *device)
{
	return device->adapter->fake;
}

/* The connect is no longer pending; returns its call, which the caller answers or drops. */
static sd_bus_message *take_connect(struct fake_device *device)
{
	fake_disarm(&device->connect_timer);
	device->attempted = false;
	model_connecting(device->adapter->model, -1);
	return TAKE_PTR(device->connect);
}

void fake_link_fail(struct fake_device *device, const char *text, int mgmt_status)
{
	sd_bus_message *call;

	if (!device->connect)
		return;
	call = take_connect(device);
	if (mgmt_status != MGMT_OK)
		fake_mgmt_connect_failed(device, mgmt_status);
	if (text)
		(void)fake_fail(fake_of(device), call, "Failed", text);
	sd_bus_message_unref(call);
	fake_mgmt_connect_ended(device);
}

/* What bluetoothd does to a device that it thinks little of when its connect has failed. */
static void forget(struct fake_device *device)
{
	if (device->temporary)
		fake_scan_remove(device, false);
}

static void export_gatt(const struct fake_object *object, void *data _unused_)
{
	fake_added(object, NULL);
}

static void resolve(struct fake_device *device)
{
	struct fake_object object = fake_device_object(device);
	const bool first = !device->has_cache;

	/* A mute peripheral: bluetoothd gives up and says "resolved" with nothing behind it. */
	if (device->model->mute != MODEL_MUTE_OFF) {
		device->resolved = true;
		FAKE_CHANGED(&object, &fake_device1, "ServicesResolved");
		return;
	}
	if (fake_gatt_ready(device) < 0)
		return;
	device->has_cache = true;
	/* Its signals go out in the order in which the objects changed, the device's own first. */
	if (device->resolved_first) {
		device->resolved = true;
		FAKE_CHANGED(&object, &fake_device1, "ServicesResolved");
	}
	if (!device->cached) {
		device->cached = true;
		fake_gatt_objects(device, false, export_gatt, NULL);
	}
	device->resolved = device->battery = true;
	if (!first) {
		fake_gatt_resolved(device);
		fake_added(&object, &fake_battery1);
	}
	if (first)
		FAKE_CHANGED(&object, &fake_device1, "UUIDs", "ServicesResolved");
	else
		FAKE_CHANGED(&object, &fake_device1, "ServicesResolved");
	if (!first)
		return;
	fake_added(&object, &fake_battery1);
	fake_gatt_resolved(device);
}

static int on_resolve(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake_device *device = userdata;

	fake_disarm(&device->resolve_timer);
	resolve(device);
	return 0;
}

static void up(struct fake_device *device)
{
	struct fake_object object = fake_device_object(device);
	struct fake *fake = fake_of(device);
	sd_bus_message *call = take_connect(device);
	uint64_t delay_ms = fake->options.resolve_ms / (device->has_cache ? 3 : 1);

	device->kernel_link = device->connected = true;
	device->temporary = false;
	device->dead = FAKE_ALIVE;
	fake_mgmt_connected(device);
	FAKE_CHANGED(&object, &fake_device1, "Connected");
	(void)fake_ok(fake, call);
	sd_bus_message_unref(call);
	if (device->model->mute != MODEL_MUTE_OFF)
		delay_ms = fake->options.att_timeout_ms;
	if (delay_ms)
		fake_arm(fake, &device->resolve_timer, delay_ms, on_resolve, device);
	else if (!device->early_drop)
		resolve(device);
	fake_mgmt_connect_ended(device);
	if (!device->early_drop)
		return;
	device->early_drop--;
	fake_link_drop(device, device->early_reason);
}

static bool is_full(const struct fake_adapter *adapter)
{
	const unsigned limit = adapter->fake->options.links;

	return limit && adapter->model->links >= limit;
}

/* Of a full controller the kernel hears nothing: there is no MGMT event then. */
static int on_connect_timeout(sd_event_source *source _unused_, uint64_t usec _unused_,
			      void *userdata)
{
	struct fake_device *device = userdata;

	fake_link_fail(device, aborted, is_full(device->adapter) ? MGMT_OK : MGMT_TIMEOUT);
	forget(device);
	return 0;
}

static void refuse(struct fake_device *device)
{
	device->model->refuse--;
	device->model->counters.refused++;
	if (device->answer) {
		fake_link_fail(device, aborted, device->refuse_status);
		return;
	}
	/* The kernel's event removes a temporary device before the answer can be given. */
	fake_link_fail(device, device->temporary ? NULL : aborted, device->refuse_status);
	forget(device);
}

static void attempt(struct fake_device *device)
{
	struct fake *fake = fake_of(device);

	if (device->adapter->hung)
		return;
	if (device->adapter->refuse) {
		device->adapter->refuse--;
		fake_link_fail(device, device->adapter->refusal, MGMT_FAILED);
		return;
	}
	if (device->model->refuse) {
		refuse(device);
		return;
	}
	if (!is_full(device->adapter) && !device->deaf && !device->adapter->connect_hang &&
	    model_link_up(device->model, device->adapter->model->index) == 0) {
		up(device);
		return;
	}
	/* Silent, deaf, in somebody else's hands, or no room: it waits. */
	if (!device->attempted)
		fake_arm(fake, &device->connect_timer, fake->options.connect_timeout_ms,
			 on_connect_timeout, device);
	device->attempted = true;
}

static int on_connect_delay(sd_event_source *source _unused_, uint64_t usec _unused_,
			    void *userdata)
{
	struct fake_device *device = userdata;

	fake_disarm(&device->connect_timer);
	attempt(device);
	return 0;
}

int fake_connect(struct fake_device *device, sd_bus_message *m)
{
	struct fake *fake = fake_of(device);
	uint64_t delay_ms = fake->options.connect_ms;

	if (!device->adapter->powered)
		return fake_fail(fake, m, "Failed", "Input/output error");
	if (device->connected)
		return fake_ok(fake, m);
	if (device->connect)
		return fake_fail(fake, m, "Failed", "Operation already in progress");

	device->connect = sd_bus_message_ref(m);
	model_connecting(device->adapter->model, +1);
	if (device->model->connect_ms >= 0)
		delay_ms = (uint64_t)device->model->connect_ms;
	if (device->adapter->discovering)
		delay_ms += fake->options.connect_while_scanning_ms;
	if (delay_ms)
		fake_arm(fake, &device->connect_timer, delay_ms, on_connect_delay, device);
	else
		attempt(device);
	return 0;
}

void fake_link_available(struct fake *fake, struct model_device *model)
{
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++) {
		struct fake_device *device = &fake->adapters[i].devices[model->index];

		if (device->connect && device->attempted && model_is_advertising(model))
			attempt(device);
	}
}

void fake_link_kernel_down(struct fake_device *device, int mgmt_reason,
			   struct seqpacket_peer *issuer)
{
	const bool has_peer = (device->dead == FAKE_ALIVE || device->dead == FAKE_ORPHAN) &&
			      device->model->link == (int)device->adapter->model->index;

	if (!device->kernel_link)
		return;
	device->kernel_link = false;
	fake_mgmt_disconnected(device, mgmt_reason, issuer);
	if (!has_peer)
		return;
	model_link_down(device->model);
	fake_link_available(fake_of(device), device->model);
}

void fake_link_remove_battery(struct fake_device *device)
{
	struct fake_object object = fake_device_object(device);

	if (!device->battery)
		return;
	device->battery = false;
	fake_removed(&object, &fake_battery1);
}

/*
 * Somebody waits for the end: the answer comes before "Connected: false", and a client that waits
 * for both must not rely on it. Nobody does: one signal for both properties.
 */
static void announce_down(struct fake_device *device, bool resolved)
{
	struct fake_object object = fake_device_object(device);
	const bool awaited = device->disconnects.count;

	if (awaited && resolved)
		FAKE_CHANGED(&object, &fake_device1, "ServicesResolved");
	fake_all_ok(fake_of(device), &device->disconnects);
	if (awaited || !resolved)
		FAKE_CHANGED(&object, &fake_device1, "Connected");
	else
		FAKE_CHANGED(&object, &fake_device1, "ServicesResolved", "Connected");
	fake_link_remove_battery(device);
}

/* bluetoothd has learnt that the link is gone. */
static void dbus_down(struct fake_device *device)
{
	const bool resolved = device->resolved;

	fake_disarm(&device->resolve_timer);
	fake_disarm(&device->down_timer);
	device->connected = device->resolved = false;
	device->dead = FAKE_ALIVE;
	if (device->exported)
		announce_down(device, resolved);
	fake_gatt_down(device);
	if (!device->exported)
		return;
	if (device->removing) {
		fake_scan_remove(device, false);
		return;
	}
	/* Neither bonded nor trusted: without a link it is a stranger again, for 30 s. */
	device->temporary = !device->trusted && !device->bonded;
	fake_scan_age(device);
}

void fake_link_drop(struct fake_device *device, int mgmt_reason)
{
	fake_link_kernel_down(device, mgmt_reason, NULL);
	dbus_down(device);
}

static int on_down(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	fake_link_drop(userdata, MGMT_REASON_LOCAL);
	return 0;
}

void fake_link_drop_later(struct fake_device *device, uint64_t delay_ms)
{
	if (!device->down_timer)
		fake_arm(fake_of(device), &device->down_timer, delay_ms, on_down, device);
}

int fake_disconnect(struct fake_device *device, sd_bus_message *m)
{
	struct fake *fake = fake_of(device);
	const bool pending = device->connect;

	fake_link_fail(device, "br-connection-canceled", MGMT_DISCONNECTED);
	if (!device->connected) {
		(void)fake_ok(fake, m);
		if (pending)
			forget(device);
		return 0;
	}
	/* Its profiles are disconnected at once, the link follows. */
	fake_link_remove_battery(device);
	fake_calls_add(&device->disconnects, m);
	if (device->adapter->lost_disconnect && device->dead == FAKE_ALIVE)
		fake_link_lose(device, FAKE_STUCK);
	/* The controller never says that the link is down: nor does bluetoothd. */
	if (device->adapter->hung || device->dead == FAKE_STUCK)
		return 0;
	if (fake->options.disconnect_ms)
		fake_link_drop_later(device, fake->options.disconnect_ms);
	else
		fake_link_drop(device, MGMT_REASON_LOCAL);
	return 0;
}

/*
 * Of a Connect that is pending: while the kernel waits for the peripheral's advert it gives up, but
 * once the controller is connecting the command queues behind that.
 */
static int mgmt_cancel(struct fake_device *device)
{
	if (model_is_advertising(device->model))
		return device->mgmt_waiter ? MGMT_BUSY : MGMT_LATER;
	fake_link_fail(device, aborted, MGMT_DISCONNECTED);
	forget(device);
	return MGMT_OK;
}

int fake_link_mgmt_disconnect(struct fake_device *device, struct seqpacket_peer *issuer)
{
	struct fake *fake = fake_of(device);

	if (!device->kernel_link && !device->connect)
		return MGMT_NOT_CONNECTED;
	if (device->adapter->hung)
		return MGMT_TIMEOUT;
	if (device->connect)
		return mgmt_cancel(device);
	if (device->adapter->lost_disconnect && device->dead == FAKE_ALIVE)
		fake_link_lose(device, FAKE_STUCK);
	if (device->dead == FAKE_STUCK)
		return MGMT_BUSY;
	fake_link_kernel_down(device, MGMT_REASON_LOCAL, issuer);
	if (!device->connected)
		return MGMT_OK;
	/* Sooner than a D-Bus Disconnect that may be under way. */
	fake_arm(fake, &device->down_timer, fake->options.mgmt_lag_ms, on_down, device);
	return MGMT_OK;
}

void fake_link_unpaired(struct fake_device *device)
{
	if (device->connected)
		fake_link_drop_later(device, UNPAIRED_DROP_MS);
}

void fake_link_lose(struct fake_device *device, enum fake_dead how)
{
	device->dead = how;
	if (how == FAKE_ORPHAN) {
		dbus_down(device);
		device->dead = how;
		return;
	}
	if (how == FAKE_PHANTOM)
		device->kernel_link = false;
	model_link_down(device->model);
	fake_link_available(fake_of(device), device->model);
}
