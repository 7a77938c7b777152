/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * contrib/sim/fake.c - the fake bluetoothd as a process: its bus connection, its name, its timers,
 * and how it stops, hangs and comes back. What it does there is in the other fake_*.c files.
 */
#include "contrib/sim/fake_state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const struct fake_options fake_options_fast = {
	.connect_timeout_ms = 40000,
	.disconnect_ms = 2000,
	.mgmt_lag_ms = 27,
	.att_timeout_ms = 30000,
	.temporary_ms = 30000,
	.rescan_ms = 10240,
	.advert_ms = 100,
	.start_ms = 20,
	.start_race = true,
};

/* lab-facts.md, "Speed" and "Discovery"; an ATT request takes about a connection interval. */
const struct fake_options fake_options_real = {
	.connect_ms = 380,
	.connect_while_scanning_ms = 8300,
	.connect_timeout_ms = 40000,
	.resolve_ms = 1400,
	.disconnect_ms = 2000,
	.mgmt_lag_ms = 27,
	.gatt_ms = 30,
	.att_timeout_ms = 30000,
	.temporary_ms = 30000,
	.rescan_ms = 10240,
	.advert_ms = 100,
	.start_ms = 20,
	.start_race = true,
};

uint64_t fake_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void fake_arm(struct fake *fake, sd_event_source **source, uint64_t delay_ms,
	      sd_event_time_handler_t handler, void *userdata)
{
	int r;

	fake_disarm(source);
	r = sd_event_add_time_relative(fake->event, source, CLOCK_MONOTONIC, delay_ms * 1000, 1,
				       handler, userdata);
	if (r < 0)
		(void)sd_event_exit(fake->event, r);
}

void fake_disarm(sd_event_source **source)
{
	*source = sd_event_source_disable_unref(*source);
}

void fake_send(struct fake *fake, sd_bus_message *m)
{
	if (!m)
		return;
	if (fake->hung)
		fake_calls_add(&fake->queue, m);
	else if (fake->bus)
		(void)sd_bus_send(fake->bus, m, NULL);
	sd_bus_message_unref(m);
}

static int on_sender_gone(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_)
{
	struct fake *fake = userdata;
	const char *name;

	if (sd_bus_message_read(m, "s", &name) < 0 || name[0] != ':')
		return 0;
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		fake_scan_sender_gone(&fake->adapters[i], name);
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		fake_monitors_sender_gone(&fake->adapters[i], name);
	fake_gatt_sender_gone(fake, name);
	return 0;
}

static void bus_leave(struct fake *fake)
{
	fake->lost = sd_bus_slot_unref(fake->lost);
	fake->filter = sd_bus_slot_unref(fake->filter);
	fake->watch = sd_bus_slot_unref(fake->watch);
	fake->bus = sd_bus_flush_close_unref(fake->bus);
}

/*
 * The bus has ended. bluetoothd leaves its loop then, and whoever started it starts it again; its
 * links are left to the kernel, as where it is killed.
 */
static int on_bus_lost(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_)
{
	struct fake *fake = userdata;

	fake->bus_until_ms = fake_now_ms() + FAKE_BUS_ABSENT_MS;
	fake_restart(fake, FAKE_BUS_PACE_MS, true);
	return 0;
}

static int bus_join(struct fake *fake)
{
	sd_bus *bus;
	int r;

	r = sd_bus_new(&bus);
	if (r < 0)
		return r;
	fake->bus = bus;
	r = sd_bus_set_address(bus, fake->options.bus_address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, true);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_add_match(bus, &fake->lost,
				     "type='signal',sender='org.freedesktop.DBus.Local',"
				     "interface='org.freedesktop.DBus.Local',"
				     "member='Disconnected'",
				     on_bus_lost, fake);
	if (r >= 0)
		r = sd_bus_add_filter(bus, &fake->filter, fake_on_message, fake);
	/* One rule for all senders: whoever leaves, its sessions end. */
	if (r >= 0)
		r = sd_bus_add_match(bus, &fake->watch,
				     "type='signal',sender='org.freedesktop.DBus',"
				     "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
				     "arg2=''",
				     on_sender_gone, fake);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.bluez", 0);
	if (r >= 0)
		r = sd_bus_attach_event(bus, fake->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		bus_leave(fake);
	return r < 0 ? r : 0;
}

static int on_power(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake *fake = userdata;

	fake_disarm(&fake->start_timer);
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		if (fake->adapters[i].exported)
			(void)fake_adapter_power(&fake->adapters[i], true, NULL, NULL);
	return 0;
}

static int on_adapters(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake *fake = userdata;

	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		if (fake->adapters[i].model->plugged && !fake->adapters[i].exported)
			fake_adapter_export(&fake->adapters[i]);
	fake_arm(fake, &fake->start_timer, FAKE_START_MS, on_power, fake);
	return 0;
}

/* As in the lab: first the name, then the adapters. AutoEnable powers them when they are there. */
static int on_return(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake *fake = userdata;
	int r;

	fake_disarm(&fake->absent_timer);
	r = bus_join(fake);
	if (r < 0 && fake_now_ms() < fake->bus_until_ms) {
		fake_arm(fake, &fake->absent_timer, FAKE_BUS_PACE_MS, on_return, fake);
		return 0;
	}
	if (r < 0) {
		(void)fprintf(stderr, "bleherd-sim: cannot return to the bus: %s\n", strerror(-r));
		return sd_event_exit(fake->event, r);
	}
	fake_arm(fake, &fake->start_timer, FAKE_START_MS, on_adapters, fake);
	return 0;
}

/*
 * Killed, bluetoothd leaves its links to the kernel, which drops them after two seconds: who asks
 * in between sees links that nobody serves. On SIGTERM it takes them down and powers off.
 */
static void stop_device(struct fake_device *device, bool killed)
{
	const bool known = device->exported && (device->connected || device->trusted);

	/* Their senders wait for nobody: the bus has told them. */
	fake_link_fail(device, NULL, MGMT_OK);
	fake_calls_clear(&device->disconnects);
	if (device->kernel_link && killed)
		fake_link_drop_later(device, FAKE_KERNEL_DROP_MS);
	else if (device->connected || device->kernel_link)
		fake_link_drop(device, MGMT_REASON_LOCAL);
	device->connected = device->resolved = device->battery = false;
	fake_gatt_down(device);
	fake_scan_remove(device, known);
}

static void stop_adapter(struct fake_adapter *adapter, bool killed)
{
	fake_scan_clear(adapter);
	fake_monitors_clear(adapter, false);
	adapter->exported = false;
	for (unsigned i = 0; i < model_device_count(adapter->fake->model); i++)
		stop_device(&adapter->devices[i], killed);
	if (!killed)
		(void)fake_adapter_power(adapter, false, NULL, NULL);
	fake_disarm(&adapter->scan_timer);
}

void fake_restart(struct fake *fake, uint64_t ms, bool killed)
{
	if (!fake->bus)
		return;
	fake->hung = false;
	fake_disarm(&fake->start_timer);
	fake_calls_clear(&fake->queue);
	fake_calls_clear(&fake->unanswered);
	bus_leave(fake);
	for (unsigned i = 0; i < model_adapter_count(fake->model); i++)
		stop_adapter(&fake->adapters[i], killed);
	fake_arm(fake, &fake->absent_timer, ms, on_return, fake);
}

static int on_continue(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
	struct fake *fake = userdata;

	fake_disarm(&fake->absent_timer);
	fake->hung = false;
	for (size_t i = 0; i < fake->queue.count; i++)
		(void)sd_bus_send(fake->bus, fake->queue.messages[i], NULL);
	fake_calls_clear(&fake->queue);
	fake_gatt_continue(fake);
	return sd_bus_attach_event(fake->bus, fake->event, SD_EVENT_PRIORITY_NORMAL);
}

void fake_hang(struct fake *fake, uint64_t ms)
{
	if (!fake->bus)
		return;
	/* Not read from, the socket keeps the calls: they are carried out afterwards. */
	if (!fake->hung)
		(void)sd_bus_detach_event(fake->bus);
	fake->hung = true;
	fake_arm(fake, &fake->absent_timer, ms, on_continue, fake);
}

int fake_new(struct fake **out, struct model *model, sd_event *event,
	     const struct fake_options *options)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	int r;

	if (!fake)
		return -ENOMEM;
	fake->model = model;
	fake->event = sd_event_ref(event);
	fake->options = *options;
	r = fake_adapters_new(fake);
	if (r == 0)
		r = bus_join(fake);
	/* Last, since its socket is what scripts wait for. */
	if (r == 0 && options->mgmt_path)
		r = fake_mgmt_new(fake);
	if (r < 0) {
		fake_free(fake);
		return r;
	}
	*out = fake;
	return 0;
}

struct fake *fake_free(struct fake *fake)
{
	if (!fake)
		return NULL;
	/* First: what the adapters send while they go is nobody's business any more. */
	bus_leave(fake);
	fake_adapters_free(fake);
	fake_mgmt_free(fake);
	fake_disarm(&fake->start_timer);
	fake_disarm(&fake->absent_timer);
	fake_calls_clear(&fake->queue);
	fake_calls_clear(&fake->unanswered);
	while (fake->swallows) {
		struct fake_swallow *swallow = fake->swallows;

		fake->swallows = swallow->next;
		free(swallow);
	}
	sd_event_unref(fake->event);
	free(fake);
	return NULL;
}
