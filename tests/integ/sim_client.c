/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/integ/sim_client.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL_MS = 5000, PATH_CHARS = 160 };

static const struct {
	const char *name;
	const char *tail;
} values[] = {
	{ "2a05", "service0004/char0005" },	     { "fff3", "service0010/char0011" },
	{ "2901", "service0010/char0011/desc0013" }, { "fff4", "service0010/char0014" },
	{ "fff5", "service0010/char0017" },	     { "fff6", "service0010/char001a" },
	{ "2902", "service0010/char0014/desc0016" }, { "2a29", "service0020/char0021" },
};

uint64_t client_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* "hci0/2/fff4" to the object's path and its interface. */
static void expand(const char *path, char *out, const char **out_interface)
{
	char adapter[16] = "", value[16] = "";
	unsigned device = 0;
	int parts = sscanf(path, "%15[^/]/%u/%15s", adapter, &device, value);
	int at = snprintf(out, PATH_CHARS, "/org/bluez/%s", adapter);

	*out_interface = "org.bluez.Adapter1";
	if (parts < 2)
		return;
	*out_interface = "org.bluez.Device1";
	at += snprintf(out + at, PATH_CHARS - (size_t)at, "/dev_C0_AA_BB_00_00_%02X", device);
	for (size_t i = 0; parts == 3 && i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(values[i].name, value) != 0)
			continue;
		(void)snprintf(out + at, PATH_CHARS - (size_t)at, "/%s", values[i].tail);
		*out_interface = strstr(values[i].tail, "desc") ? "org.bluez.GattDescriptor1"
								: "org.bluez.GattCharacteristic1";
		return;
	}
	ck_assert_int_eq(parts, 2);
}

/* And back, for the trace. */
static void shorten(const char *path, char *out)
{
	char adapter[16] = "";
	unsigned device = 0;
	int parts, used = 0;

	parts = sscanf(path, "/org/bluez/%15[^/]/dev_C0_AA_BB_00_00_%02X%n", adapter, &device,
		       &used);
	if (parts < 2) {
		(void)snprintf(out, PATH_CHARS, "%s", adapter);
		return;
	}
	(void)snprintf(out, PATH_CHARS, "%s/%u%s", adapter, device, path + used);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (path[used] && strcmp(path + used + 1, values[i].tail) == 0)
			(void)snprintf(out, PATH_CHARS, "%s/%u/%s", adapter, device,
				       values[i].name);
	}
}

__attribute__((format(printf, 2, 3))) static void note(struct client *client, const char *format,
						       ...)
{
	const size_t at = strlen(client->trace);
	char text[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ck_assert_uint_lt(at + strlen(text), sizeof(client->trace));
	memcpy(client->trace + at, text, strlen(text) + 1);
}

static void note_changed(struct client *client, sd_bus_message *m)
{
	const char *interface, *name, *contents;
	char path[PATH_CHARS], type;
	int value;

	shorten(sd_bus_message_get_path(m), path);
	ck_assert_int_ge(sd_bus_message_read(m, "s", &interface), 0);
	ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		ck_assert_int_ge(sd_bus_message_read(m, "s", &name), 0);
		ck_assert_int_ge(sd_bus_message_peek_type(m, &type, &contents), 0);
		if (strcmp(contents, "b") == 0) {
			ck_assert_int_ge(sd_bus_message_read(m, "v", "b", &value), 0);
			note(client, "%s:%s=%d;", path, name, value);
		} else {
			ck_assert_int_ge(sd_bus_message_skip(m, "v"), 0);
			note(client, "%s:%s;", path, name);
		}
		ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
	}
	ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
	ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "s"), 0);
	while (sd_bus_message_read(m, "s", &name) > 0)
		note(client, "%s:!%s;", path, name);
}

/* Battery1 alone comes and goes with a link: "+hci0/0/battery;". */
static const char *suffix(sd_bus_message *m, bool added)
{
	const char *name = "";

	ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', added ? "{sa{sv}}" : "s"), 0);
	if (added)
		ck_assert_int_ge(sd_bus_message_enter_container(m, 'e', "sa{sv}"), 0);
	ck_assert_int_ge(sd_bus_message_read(m, "s", &name), 0);
	return strcmp(name, "org.bluez.Battery1") == 0 ? "/battery" : "";
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const bool added = sd_bus_message_is_signal(m, NULL, "InterfacesAdded");
	struct client *client = userdata;
	char path[PATH_CHARS];
	const char *full;

	(void)error;
	if (sd_bus_message_is_signal(m, NULL, "PropertiesChanged")) {
		note_changed(client, m);
		return 0;
	}
	if (!added && !sd_bus_message_is_signal(m, NULL, "InterfacesRemoved"))
		return 0;
	ck_assert_int_ge(sd_bus_message_read(m, "o", &full), 0);
	shorten(full, path);
	note(client, "%c%s%s;", added ? '+' : '-', path, suffix(m, added));
	return 0;
}

struct client *client_new(void)
{
	struct client *client = calloc(1, sizeof(*client));

	ck_assert_ptr_nonnull(client);
	ck_assert_int_ge(sd_bus_new(&client->bus), 0);
	ck_assert_int_ge(sd_bus_set_address(client->bus, getenv("DBUS_SYSTEM_BUS_ADDRESS")), 0);
	ck_assert_int_ge(sd_bus_set_bus_client(client->bus, true), 0);
	ck_assert_int_ge(sd_bus_start(client->bus), 0);
	ck_assert_int_ge(sd_bus_add_match(client->bus, NULL, "type='signal',sender='org.bluez'",
					  on_signal, client),
			 0);
	return client;
}

struct client *client_free(struct client *client)
{
	if (!client)
		return NULL;
	for (unsigned i = 0; i < client->call_count; i++)
		sd_bus_message_unref(client->calls[i].reply);
	sd_bus_flush_close_unref(client->bus);
	free(client);
	return NULL;
}

static void say(char *out, size_t size, const char *name, const char *text)
{
	const char *prefix = "org.bluez.Error.";

	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	(void)snprintf(out, size, "%s: %s", name, text);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct answer *answer = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)error;
	if (e)
		say(answer->error, sizeof(answer->error), e->name, e->message);
	else
		answer->reply = sd_bus_message_ref(m);
	answer->done = true;
	return 0;
}

static sd_bus_message *make(struct client *client, const char *path, const char *member)
{
	const char *interface;
	sd_bus_message *m = NULL;
	char full[PATH_CHARS];

	expand(path, full, &interface);
	ck_assert_int_ge(sd_bus_message_new_method_call(client->bus, &m, "org.bluez", full,
							interface, member),
			 0);
	if (strcmp(member, "ReadValue") == 0 || strncmp(member, "Acquire", 7) == 0)
		ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
	return m;
}

unsigned client_send_message(struct client *client, sd_bus_message *m)
{
	unsigned call = client->call_count++;

	ck_assert_uint_lt(call, CLIENT_CALLS_MAX);
	ck_assert_int_ge(sd_bus_call_async(client->bus, NULL, m, on_answer, &client->calls[call],
					   UINT64_MAX),
			 0);
	ck_assert_int_ge(sd_bus_flush(client->bus), 0);
	sd_bus_message_unref(m);
	return call;
}

unsigned client_send(struct client *client, const char *path, const char *member)
{
	return client_send_message(client, make(client, path, member));
}

static void step(struct client *client, unsigned ms)
{
	bool before[CLIENT_CALLS_MAX] = { false };
	int r;

	for (unsigned i = 0; i < client->call_count; i++)
		before[i] = client->calls[i].done;
	r = sd_bus_process(client->bus, NULL);
	ck_assert_int_ge(r, 0);
	for (unsigned i = 0; i < client->call_count; i++) {
		if (client->calls[i].done && !before[i])
			note(client, "%s;",
			     client->calls[i].error[0] ? client->calls[i].error : "ok");
	}
	if (r == 0)
		(void)sd_bus_wait(client->bus, (uint64_t)ms * 1000);
}

void client_run(struct client *client, unsigned ms)
{
	const uint64_t end_ms = client_now_ms() + ms;

	while (client_now_ms() < end_ms)
		step(client, (unsigned)(end_ms - client_now_ms()));
}

void client_wait(struct client *client, const char *text)
{
	const uint64_t end_ms = client_now_ms() + CALL_MS;

	while (!strstr(client->trace, text)) {
		ck_assert_msg(client_now_ms() < end_ms, "no '%s' in '%s'", text, client->trace);
		step(client, 100);
	}
}

void client_wait_call(struct client *client, unsigned call)
{
	const uint64_t end_ms = client_now_ms() + CALL_MS;

	while (!client->calls[call].done) {
		ck_assert_msg(client_now_ms() < end_ms, "no answer; '%s'", client->trace);
		step(client, 100);
	}
}

void client_forget(struct client *client)
{
	/* What follows an answer is still on its way. */
	client_run(client, 20);
	while (sd_bus_process(client->bus, NULL) > 0)
		;
	for (unsigned i = 0; i < client->call_count; i++)
		sd_bus_message_unref(client->calls[i].reply);
	memset(client->calls, 0, sizeof(client->calls));
	client->call_count = 0;
	client->trace[0] = '\0';
}

/* Waits for the answer and gives its number back. */
static struct answer *finish(struct client *client, sd_bus_message *m)
{
	static struct answer last;
	unsigned call = client_send_message(client, m);

	client_wait_call(client, call);
	last = client->calls[call];
	client->calls[call] = (struct answer){ .done = false };
	client->call_count--;
	return &last;
}

const char *client_call(struct client *client, const char *path, const char *member)
{
	struct answer *answer = finish(client, make(client, path, member));

	sd_bus_message_unref(answer->reply);
	return answer->error;
}

const char *client_write(struct client *client, const char *path, const char *text,
			 const char *type)
{
	sd_bus_message *m = make(client, path, "WriteValue");
	struct answer *answer;

	ck_assert_int_ge(sd_bus_message_append_array(m, 'y', text, strlen(text)), 0);
	if (type)
		ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 1, "type", "s", type), 0);
	else
		ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
	answer = finish(client, m);
	sd_bus_message_unref(answer->reply);
	return answer->error;
}

const char *client_read(struct client *client, const char *path)
{
	struct answer *answer = finish(client, make(client, path, "ReadValue"));
	static char text[513];
	const void *data;
	size_t len;

	ck_assert_str_eq(answer->error, "");
	ck_assert_int_ge(sd_bus_message_read_array(answer->reply, 'y', &data, &len), 0);
	memcpy(text, data, len);
	text[len] = '\0';
	sd_bus_message_unref(answer->reply);
	return text;
}

static sd_bus_message *make_properties(struct client *client, const char *path, const char *member,
				       const char *name)
{
	sd_bus_message *m = NULL;
	const char *interface;
	char full[PATH_CHARS];

	expand(path, full, &interface);
	ck_assert_int_ge(sd_bus_message_new_method_call(client->bus, &m, "org.bluez", full,
							"org.freedesktop.DBus.Properties", member),
			 0);
	ck_assert_int_ge(sd_bus_message_append(m, "ss", interface, name), 0);
	return m;
}

bool client_property(struct client *client, const char *path, const char *name)
{
	struct answer *answer = finish(client, make_properties(client, path, "Get", name));
	int value = 0;

	ck_assert_str_eq(answer->error, "");
	ck_assert_int_ge(sd_bus_message_read(answer->reply, "v", "b", &value), 0);
	sd_bus_message_unref(answer->reply);
	return value;
}

const char *client_set(struct client *client, const char *path, const char *name, bool value)
{
	sd_bus_message *m = make_properties(client, path, "Set", name);
	struct answer *answer;

	ck_assert_int_ge(sd_bus_message_append(m, "v", "b", (int)value), 0);
	answer = finish(client, m);
	sd_bus_message_unref(answer->reply);
	return answer->error;
}

int client_acquire(struct client *client, const char *path, const char **out_error)
{
	struct answer *answer = finish(client, make(client, path, "AcquireNotify"));
	uint16_t mtu = 0;
	int fd = -1;

	*out_error = answer->error;
	if (answer->error[0])
		return -1;
	ck_assert_int_ge(sd_bus_message_read(answer->reply, "hq", &fd, &mtu), 0);
	ck_assert_uint_eq(mtu, 247);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	ck_assert_int_ge(fd, 0);
	sd_bus_message_unref(answer->reply);
	return fd;
}

const char *client_filter(struct client *client, const char *path, const char *key,
			  const char *value)
{
	sd_bus_message *m = make(client, path, "SetDiscoveryFilter");
	struct answer *answer;

	if (strcmp(key, "UUIDs") == 0)
		ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 1, key, "as", 1, value), 0);
	else
		ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 1, key, "s", value), 0);
	answer = finish(client, m);
	sd_bus_message_unref(answer->reply);
	return answer->error;
}

void client_discover(struct client *client, const char *path)
{
	char adapter[16], added[32];

	(void)sscanf(path, "%15[^/]", adapter);
	(void)snprintf(added, sizeof(added), "+%s;", path);
	ck_assert_str_eq(client_call(client, adapter, "StartDiscovery"), "");
	client_wait(client, added);
	ck_assert_str_eq(client_call(client, adapter, "StopDiscovery"), "");
	client_forget(client);
}
