/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/worker/stranger.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char ADAPTER[] = "/org/bluez/hci0";
static const char DEVICE[] = "/org/bluez/hci0/dev_C0_AA_BB_00_00_00";

static sd_bus *open_as(const struct harness *h, bool is_monitor)
{
	char address[128];
	sd_bus *bus = NULL;

	(void)snprintf(address, sizeof(address), "unix:path=%s", h->bus_path);
	ck_assert_int_ge(sd_bus_new(&bus), 0);
	ck_assert_int_ge(sd_bus_set_address(bus, address), 0);
	ck_assert_int_ge(sd_bus_set_bus_client(bus, 1), 0);
	ck_assert_int_ge(sd_bus_set_monitor(bus, is_monitor), 0);
	ck_assert_int_ge(sd_bus_start(bus), 0);
	return bus;
}

sd_bus *stranger_open(const struct harness *h)
{
	return open_as(h, false);
}

void stranger_removes(const struct harness *h)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = stranger_open(h);

	ck_assert_msg(sd_bus_call_method(bus, "org.bluez", ADAPTER, "org.bluez.Adapter1",
					 "RemoveDevice", &error, NULL, "o", DEVICE) >= 0,
		      "RemoveDevice: %s", error.message);
	sd_bus_flush_close_unref(bus);
}

void stranger_connects(const struct harness *h)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = stranger_open(h);

	ck_assert_msg(sd_bus_call_method(bus, "org.bluez", DEVICE, "org.bluez.Device1", "Connect",
					 &error, NULL, "") >= 0,
		      "Connect: %s", error.message);
	sd_bus_flush_close_unref(bus);
}

void stranger_trusts(const struct harness *h)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = stranger_open(h);

	ck_assert_msg(sd_bus_set_property(bus, "org.bluez", DEVICE, "org.bluez.Device1", "Trusted",
					  &error, "b", 1) >= 0,
		      "Trusted: %s", error.message);
	sd_bus_flush_close_unref(bus);
}

static const char CHRC[] = "org.bluez.GattCharacteristic1";

static void path_of_chrc(char out[96])
{
	(void)snprintf(out, 96, "%s/service0010/char0014", DEVICE);
}

void stranger_notifies(sd_bus *bus, bool is_on)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char path[96];

	path_of_chrc(path);
	ck_assert_msg(sd_bus_call_method(bus, "org.bluez", path, CHRC,
					 is_on ? "StartNotify" : "StopNotify", &error, NULL,
					 "") >= 0,
		      "StartNotify, StopNotify: %s", error.message);
}

void stranger_leaves_behind(const struct harness *h)
{
	sd_bus *bus = stranger_open(h);
	char path[96];
	int is_on = 0;

	path_of_chrc(path);
	ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, "org.bluez", path, CHRC, "StartNotify",
						  NULL, NULL, ""),
			 0);
	stranger_pings(bus);
	sd_bus_flush_close_unref(bus);
	bus = stranger_open(h);
	while (!is_on)
		ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.bluez", path, CHRC,
							     "Notifying", NULL, 'b', &is_on),
				 0);
	sd_bus_flush_close_unref(bus);
}

void stranger_pings(sd_bus *bus)
{
	ck_assert_int_ge(sd_bus_call_method(bus, "org.bluez", "/", "org.freedesktop.DBus.Peer",
					    "Ping", NULL, NULL, ""),
			 0);
}

void stranger_shown(struct harness *h, bool is_connected)
{
	const struct harness_frame *f;
	Bh__Ctl__Sightings *said;
	bool is_told = false;
	size_t i;

	while (!is_told) {
		f = harness_wait(h, &h->up, BH__CTL__TYPE__SIGHTINGS, 0);
		said = bh__ctl__sightings__unpack(NULL, f->len, f->body);
		for (i = 0; i < said->n_seen; i++)
			is_told |= said->seen[i]->address == HARNESS_DEVICE(0) &&
				   (bool)said->seen[i]->connected == is_connected;
		bh__ctl__sightings__free_unpacked(said, NULL);
	}
}

sd_bus *stranger_listen(const struct harness *h)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = open_as(h, true);

	ck_assert_msg(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					 "org.freedesktop.DBus.Monitoring", "BecomeMonitor", &error,
					 NULL, "asu", 1, "type='method_call'", 0) >= 0,
		      "BecomeMonitor: %s", error.message);
	return bus;
}

/* The next message that is a call of bluetoothd; its member. */
static const char *next_call(sd_bus *listener, sd_bus_message **m)
{
	const char *to;
	int r;

	for (;;) {
		*m = sd_bus_message_unref(*m);
		r = sd_bus_process(listener, m);
		ck_assert_int_ge(r, 0);
		if (r == 0)
			ck_assert_int_ge(sd_bus_wait(listener, UINT64_MAX), 0);
		to = *m ? sd_bus_message_get_destination(*m) : NULL;
		if (to && strcmp(to, "org.bluez") == 0)
			return sd_bus_message_get_member(*m);
	}
}

void stranger_calls(const struct harness *h, sd_bus *listener, char out[STRANGER_CALLS_LEN])
{
	sd_bus *bus = stranger_open(h);
	sd_bus_message *m = NULL;
	const char *member;
	size_t len = 0;

	/* The bus hands on in order: what came before this ping has been heard when it has. */
	stranger_pings(bus);
	sd_bus_flush_close_unref(bus);
	out[0] = '\0';
	while (strcmp(member = next_call(listener, &m), "Ping") != 0) {
		len += (size_t)snprintf(out + len, STRANGER_CALLS_LEN - len, "%s ", member);
		ck_assert_uint_lt(len, STRANGER_CALLS_LEN);
	}
	sd_bus_message_unref(m);
}
