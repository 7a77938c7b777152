/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli/doctor_bus.c - the collector of what the system bus says: who owns org.bluez, may we talk to
 * it, its adapters, and how many connections each user has.
 *
 * All questions are asked at once and answered within one deadline: sd_bus_call() would wait 90 s
 * for a bus that is stopped. It is the one file of the command line that uses sd-bus.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "ipc/client/cli/doctor.h"
#include "ipc/client/cli/words.h"
#include "ipc/clock.h"

enum {
	NAMES_MAX = 2048,   /* max_completed_connections of dbus-daemon's system.conf */
	IN_FLIGHT_MAX = 64, /* dbus-daemon allows 128 unanswered calls */
	USERS_MAX = 64,
};

static const char DBUS[] = "org.freedesktop.DBus";

struct ask {
	struct doctor_facts *facts;
	sd_bus *bus;
	unsigned open; /* questions without an answer */
	char *names[NAMES_MAX];
	size_t n_names;
	size_t n_asked;
	struct {
		uint32_t uid;
		uint32_t n;
	} users[USERS_MAX];
	size_t n_users;
};

static enum doctor_reply reply_of(sd_bus_message *m)
{
	const sd_bus_error *error = sd_bus_message_get_error(m);

	if (!error)
		return DOCTOR_REPLY_OK;
	if (sd_bus_error_has_names(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
				   SD_BUS_ERROR_SERVICE_UNKNOWN))
		return DOCTOR_REPLY_NOBODY;
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
		return DOCTOR_REPLY_DENIED;
	if (sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT))
		return DOCTOR_REPLY_LATE;
	return DOCTOR_REPLY_ERROR;
}

/* Sends a call with at most one string; no answer of it starts a service. */
static must_check int call(struct ask *ask, const char *to, const char *path, const char *interface,
			   const char *member, const char *arg, sd_bus_message_handler_t done)
{
	sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(ask->bus, &m, to, path, interface, member);
	if (r >= 0)
		r = sd_bus_message_set_auto_start(m, false);
	if (r >= 0 && arg)
		r = sd_bus_message_append(m, "s", arg);
	if (r >= 0)
		r = sd_bus_call_async(ask->bus, NULL, m, done, ask, 0);
	if (r >= 0)
		ask->open++;
	(void)sd_bus_message_unref(m);
	return r;
}

/* --- what bluetoothd has --- */

/* "/org/bluez/hci0" and what is below it: the adapter's name. */
static bool adapter_of(const char *path, char *out, size_t size)
{
	static const char PREFIX[] = "/org/bluez/";
	size_t len;

	if (strncmp(path, PREFIX, sizeof(PREFIX) - 1) != 0)
		return false;
	path += sizeof(PREFIX) - 1;
	len = strcspn(path, "/");
	if (len >= size)
		return false;
	(void)snprintf(out, size, "%.*s", (int)len, path);
	return words_is_adapter(out);
}

/* A boolean inside a variant, anything else is skipped: 0 with *out kept. */
static must_check int read_flag(sd_bus_message *m, bool is_wanted, bool *out)
{
	int value;
	int r;

	if (!is_wanted)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_read(m, "v", "b", &value);
	if (r >= 0)
		*out = value != 0;
	return r;
}

struct flags {
	bool powered;
	bool discovering;
	bool connected;
};

static must_check int read_properties(sd_bus_message *m, struct flags *out)
{
	const char *key;
	bool *flag;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			return r;
		flag = strcmp(key, "Powered") == 0	 ? &out->powered
		       : strcmp(key, "Discovering") == 0 ? &out->discovering
		       : strcmp(key, "Connected") == 0	 ? &out->connected
							 : NULL;
		r = read_flag(m, flag != NULL, flag);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void take_interface(struct doctor_adapter *adapter, const char *interface,
			   const struct flags *flags)
{
	if (strcmp(interface, "org.bluez.Device1") == 0) {
		adapter->links += flags->connected;
		return;
	}
	adapter->is_in_bluez = true;
	adapter->is_powered = flags->powered;
	adapter->is_discovering = flags->discovering;
}

/* The interfaces of one object: of an adapter and of a device the flags, of others nothing. */
static must_check int read_interfaces(struct doctor_facts *facts, sd_bus_message *m,
				      const char *path)
{
	struct doctor_adapter *adapter = NULL;
	char name[16];
	const char *interface;
	int r;

	if (adapter_of(path, name, sizeof(name)))
		adapter = doctor_adapter(facts, name);
	r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
		struct flags flags = { .powered = false };

		r = sd_bus_message_read(m, "s", &interface);
		if (r < 0)
			return r;
		if (adapter && (strcmp(interface, "org.bluez.Adapter1") == 0 ||
				strcmp(interface, "org.bluez.Device1") == 0)) {
			r = read_properties(m, &flags);
			if (r >= 0)
				take_interface(adapter, interface, &flags);
		} else {
			r = sd_bus_message_skip(m, "a{sv}");
		}
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static must_check int read_objects(struct doctor_facts *facts, sd_bus_message *m)
{
	const char *path;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
		r = sd_bus_message_read(m, "o", &path);
		if (r >= 0)
			r = read_interfaces(facts, m, path);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct ask *ask = userdata;
	struct doctor_facts *facts = ask->facts;
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)error;
	ask->open--;
	facts->objects = reply_of(m);
	if (e)
		(void)snprintf(facts->objects_error, sizeof(facts->objects_error), "%s",
			       e->message ? e->message : e->name);
	else if (read_objects(facts, m) < 0)
		facts->objects = DOCTOR_REPLY_ERROR;
	return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct ask *ask = userdata;

	(void)error;
	ask->open--;
	ask->facts->owner = reply_of(m);
	if (ask->facts->owner == DOCTOR_REPLY_OK &&
	    sd_bus_message_read(m, "u", &ask->facts->owner_pid) < 0)
		ask->facts->owner = DOCTOR_REPLY_ERROR;
	return 0;
}

/* --- connections per user --- */

static int on_user(sd_bus_message *m, void *userdata, sd_bus_error *error);

static void ask_users(struct ask *ask)
{
	while (ask->n_asked < ask->n_names && ask->open < IN_FLIGHT_MAX)
		if (call(ask, DBUS, "/org/freedesktop/DBus", DBUS, "GetConnectionUnixUser",
			 ask->names[ask->n_asked++], on_user) < 0)
			return;
}

static int on_user(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct ask *ask = userdata;
	struct doctor_facts *facts = ask->facts;
	uint32_t uid;
	size_t i;

	(void)error;
	ask->open--;
	ask_users(ask);
	/* Who left the bus meanwhile is answered with an error. */
	if (sd_bus_message_get_error(m) || sd_bus_message_read(m, "u", &uid) < 0)
		return 0;
	for (i = 0; i < ask->n_users && ask->users[i].uid != uid; i++)
		;
	if (i == USERS_MAX)
		return 0;
	if (i == ask->n_users)
		ask->users[ask->n_users++].uid = uid;
	if (++ask->users[i].n > facts->most_connections) {
		facts->most_connections = ask->users[i].n;
		facts->most_uid = uid;
	}
	return 0;
}

static int on_names(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct ask *ask = userdata;
	const char *name;

	(void)error;
	ask->open--;
	ask->facts->names = reply_of(m);
	if (ask->facts->names != DOCTOR_REPLY_OK || sd_bus_message_enter_container(m, 'a', "s") < 0)
		return 0;
	/* A connection has one unique name, ":1.5", and any number of others. */
	while (ask->n_names < NAMES_MAX && sd_bus_message_read(m, "s", &name) > 0) {
		if (name[0] != ':')
			continue;
		ask->names[ask->n_names] = strdup(name);
		if (ask->names[ask->n_names])
			ask->n_names++;
	}
	ask->facts->connections = (uint32_t)ask->n_names;
	ask_users(ask);
	return 0;
}

/* --- asking --- */

static must_check int ask_all(struct ask *ask)
{
	int r;

	r = call(ask, DBUS, "/org/freedesktop/DBus", DBUS, "GetConnectionUnixProcessID",
		 "org.bluez", on_owner);
	if (r >= 0)
		r = call(ask, DBUS, "/org/freedesktop/DBus", DBUS, "ListNames", NULL, on_names);
	if (r >= 0)
		r = call(ask, "org.bluez", "/", "org.freedesktop.DBus.ObjectManager",
			 "GetManagedObjects", NULL, on_objects);
	return r;
}

/* Until everything is answered, the time is up, or a signal wants us to end. */
static must_check int run(struct ask *ask, int signal_fd, uint64_t until_ms)
{
	struct pollfd fds[] = { { .fd = signal_fd, .events = POLLIN }, { .fd = -1 } };
	uint32_t left_ms;
	int r;

	while (ask->open > 0) {
		do
			r = sd_bus_process(ask->bus, NULL);
		while (r > 0);
		if (r < 0)
			return r;
		left_ms = clock_left_ms(until_ms, clock_now_ms());
		if (ask->open == 0 || left_ms == 0 || fds[0].revents != 0)
			return 0;
		fds[1].fd = sd_bus_get_fd(ask->bus);
		r = sd_bus_get_events(ask->bus);
		if (r < 0)
			return r;
		fds[1].events = (short)r;
		(void)poll(fds, ARRAY_LEN(fds), (int)left_ms);
	}
	return 0;
}

void doctor_collect_bus(struct doctor_facts *facts, int signal_fd)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	int r = ask ? 0 : -ENOMEM;
	size_t i;

	facts->owner = facts->names = facts->objects = DOCTOR_REPLY_LATE;
	if (ask) {
		ask->facts = facts;
		r = sd_bus_open_system(&ask->bus);
	}
	if (r >= 0)
		r = ask_all(ask);
	if (r >= 0)
		r = run(ask, signal_fd, clock_now_ms() + DOCTOR_WAIT_MS);
	/* The bus itself answers ListNames: if it does not, it is stopped, or has hung up on us. */
	if (r >= 0 && facts->names == DOCTOR_REPLY_LATE)
		r = sd_bus_is_open(ask->bus) > 0 ? -ETIMEDOUT : -ECONNRESET;
	facts->bus_error = r < 0 ? r : 0;
	if (!ask)
		return;
	for (i = 0; i < ask->n_names; i++)
		free(ask->names[i]);
	/* Closed without a flush: that would wait for a bus that is stopped. */
	sd_bus_close(ask->bus);
	(void)sd_bus_unref(ask->bus);
	free(ask);
}
