/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/bluez.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char OBJECT_MANAGER[] = "org.freedesktop.DBus.ObjectManager";
static const char PROPERTIES[] = "org.freedesktop.DBus.Properties";

static const struct {
	const char *name;
	const char *text;
} ERRORS[] = {
	{ "org.bluez.Error.Failed", "le-connection-abort-by-local" },
	{ "org.bluez.Error.InProgress", "In Progress" },
	{ "org.bluez.Error.NotConnected", "Not Connected" },
	{ "org.bluez.Error.Failed", "Operation failed with ATT error: 0x0e" },
	{ "org.bluez.Error.NotReady", "Resource Not Ready" },
	{ "org.bluez.Error.DoesNotExist", "Does Not Exist" },
	{ "org.bluez.Error.NotPermitted", "Notify acquired" },
	{ "org.freedesktop.DBus.Error.UnknownObject", "Method \"x\" doesn't exist" },
	{ "org.freedesktop.DBus.Error.ServiceUnknown", "" },
	{ "org.freedesktop.DBus.Error.NoReply", "" },
	{ "org.example.Odd", "%s%n" },
};

/* --- sending --- */

static void send_off(struct bluez *bluez, sd_bus_message *m, const char *sender)
{
	if (sd_bus_message_set_sender(m, sender) >= 0)
		(void)sd_bus_send(bluez->bus, m, NULL);
	sd_bus_message_unref(m);
}

static sd_bus_message *answer_to(sd_bus_message *call)
{
	sd_bus_message *m = NULL;

	MUST(sd_bus_message_new_method_return(call, &m) >= 0);
	return m;
}

static void put_socket(struct bluez *bluez, sd_bus_message *m)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	(void)sd_bus_message_append(m, "hq", ends[1], 512);
	(void)close_fd(ends[1]);
	(void)close_fd(bluez->notify_fd);
	bluez->notify_fd = ends[0];
}

/* As it should be. */
static void answer_well(struct bluez *bluez, sd_bus_message *call)
{
	sd_bus_message *m = answer_to(call);
	const char *sender = "org.bluez";

	if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", NULL))
		sender = "org.freedesktop.DBus";
	if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", "Hello"))
		(void)sd_bus_message_append(m, "s", ":1.7");
	else if (sd_bus_message_is_method_call(call, NULL, "GetManagedObjects"))
		bluez_put_world(m);
	else if (sd_bus_message_is_method_call(call, NULL, "ReadValue"))
		(void)sd_bus_message_append(m, "ay", 2, 1, 2);
	else if (sd_bus_message_is_method_call(call, NULL, "AcquireNotify"))
		put_socket(bluez, m);
	send_off(bluez, m, sender);
}

static void answer(struct bluez *bluez, struct feed *feed)
{
	sd_bus_message **at = &bluez->calls[feed_below(feed, BLUEZ_CALLS)];
	uint8_t choice = feed_u8(feed);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	size_t i;

	for (i = 0; !*at && i < BLUEZ_CALLS; i++)
		at = &bluez->calls[i];
	if (!*at)
		return;
	if (choice < 128) {
		answer_well(bluez, *at);
	} else if (choice < 208) {
		i = choice % ARRAY_LEN(ERRORS);
		error = SD_BUS_ERROR_MAKE_CONST(ERRORS[i].name, ERRORS[i].text);
		MUST(sd_bus_message_new_method_error(*at, &m, &error) >= 0);
		send_off(bluez, m, "org.bluez");
	} else {
		m = answer_to(*at);
		if (sd_bus_message_is_method_call(*at, NULL, "GetManagedObjects"))
			bluez_put_objects(m, feed);
		else
			bluez_put_any(m, feed);
		send_off(bluez, m, "org.bluez");
	}
	*at = sd_bus_message_unref(*at);
}

static sd_bus_message *signal_of(struct bluez *bluez, const char *path, const char *interface,
				 const char *member)
{
	sd_bus_message *m = NULL;

	return sd_bus_message_new_signal(bluez->bus, &m, path, interface, member) >= 0 ? m : NULL;
}

/* A device's switch: what links live by. */
static void flip(struct bluez *bluez, struct feed *feed)
{
	static const char *const NAMES[] = { "Connected", "ServicesResolved" };
	uint8_t choice = feed_u8(feed);
	char path[64];
	sd_bus_message *m;

	(void)snprintf(path, sizeof(path), "/org/bluez/hci0/dev_C0_AA_BB_00_00_0%d",
		       choice % 3 + 1);
	m = signal_of(bluez, path, PROPERTIES, "PropertiesChanged");
	MUST(m);
	(void)sd_bus_message_append(m, "sa{sv}as", "org.bluez.Device1", 1, NAMES[choice >> 7], "b",
				    choice >> 4 & 1, 0);
	send_off(bluez, m, "org.bluez");
}

static void change(struct bluez *bluez, struct feed *feed)
{
	char path[128];
	sd_bus_message *m =
		signal_of(bluez, bluez_path(feed, path), PROPERTIES, "PropertiesChanged");

	if (!m)
		return;
	bluez_put_changed(m, feed);
	send_off(bluez, m, "org.bluez");
}

static void add(struct bluez *bluez, struct feed *feed)
{
	sd_bus_message *m = signal_of(bluez, "/", OBJECT_MANAGER, "InterfacesAdded");

	bluez_put_added(m, feed);
	send_off(bluez, m, "org.bluez");
}

static void take_away(struct bluez *bluez, struct feed *feed)
{
	sd_bus_message *m = signal_of(bluez, "/", OBJECT_MANAGER, "InterfacesRemoved");

	bluez_put_removed(m, feed);
	send_off(bluez, m, "org.bluez");
}

static void own(struct bluez *bluez, struct feed *feed)
{
	sd_bus_message *m = signal_of(bluez, "/org/freedesktop/DBus", "org.freedesktop.DBus",
				      "NameOwnerChanged");
	bool is_there = feed_u8(feed) & 1;

	(void)sd_bus_message_append(m, "sss", "org.bluez", is_there ? "" : ":1.1",
				    is_there ? ":1.2" : "");
	send_off(bluez, m, "org.freedesktop.DBus");
}

static void notify(struct bluez *bluez, struct feed *feed)
{
	const uint8_t *bytes;
	size_t n = feed_bytes(feed, feed_u8(feed), &bytes);

	if (bluez->notify_fd < 0)
		return;
	if (n > 0)
		(void)!send(bluez->notify_fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		bluez->notify_fd = close_fd(bluez->notify_fd);
}

void bluez_act(struct bluez *bluez, struct feed *feed)
{
	static void (*const ACTS[])(struct bluez * bluez, struct feed * feed) = {
		answer, answer, answer, flip, flip, change, change, add, take_away, own, notify,
	};

	if (bluez->bus)
		ACTS[feed_below(feed, ARRAY_LEN(ACTS))](bluez, feed);
}

/* --- receiving --- */

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct bluez *bluez = userdata;
	sd_bus_message **at;

	(void)unused;
	if (!sd_bus_message_is_method_call(m, NULL, NULL))
		return 0;
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", NULL) ||
	    sd_bus_message_is_method_call(m, NULL, "GetManagedObjects")) {
		answer_well(bluez, m);
		return 1;
	}
	/* What is pushed out here is never answered. */
	at = &bluez->calls[bluez->next++ % BLUEZ_CALLS];
	sd_bus_message_unref(*at);
	*at = sd_bus_message_ref(m);
	return 1;
}

bool bluez_turn(struct bluez *bluez)
{
	bool was_any = false;
	int r;

	while (bluez->bus && (r = sd_bus_process(bluez->bus, NULL)) != 0) {
		if (r < 0) {
			bluez_close(bluez);
			return true;
		}
		was_any = true;
	}
	return was_any;
}

int bluez_open(struct bluez *bluez)
{
	static const sd_id128_t ID = SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6);
	int ends[2];

	bluez_close(bluez);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	MUST(sd_bus_new(&bluez->bus) >= 0);
	MUST(sd_bus_set_fd(bluez->bus, ends[0], ends[0]) >= 0);
	MUST(sd_bus_set_server(bluez->bus, 1, ID) >= 0);
	MUST(sd_bus_set_anonymous(bluez->bus, 1) >= 0 && sd_bus_set_trusted(bluez->bus, 1) >= 0);
	MUST(sd_bus_negotiate_fds(bluez->bus, 1) >= 0);
	MUST(sd_bus_add_filter(bluez->bus, NULL, on_call, bluez) >= 0);
	MUST(sd_bus_start(bluez->bus) >= 0);
	return ends[1];
}

void bluez_close(struct bluez *bluez)
{
	size_t i;

	for (i = 0; i < BLUEZ_CALLS; i++)
		bluez->calls[i] = sd_bus_message_unref(bluez->calls[i]);
	if (bluez->bus)
		sd_bus_close(bluez->bus);
	bluez->bus = sd_bus_unref(bluez->bus);
	bluez->notify_fd = close_fd(bluez->notify_fd);
}
