/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/integ/sim_client.h - a D-Bus client for the tests of the fake bluetoothd: calls that wait
 * or not, and a trace of all that happened in the order in which it came.
 *
 * Paths are short: "hci0", "hci0/0" (the device), "hci0/0/fff4" (a characteristic); interfaces
 * follow from them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#define CLIENT_CALLS_MAX 16

/* What became of a call. */
struct answer {
	bool done;
	char error[160]; /* "Failed: Not connected", without org.bluez.Error; "" if it went well */
	sd_bus_message *reply;
};

struct client {
	sd_bus *bus;
	struct answer calls[CLIENT_CALLS_MAX]; /* asynchronous ones */
	unsigned call_count;
	/*
	 * "+hci0/0;" object added, "-hci0/0;" removed, "hci0/0:Connected=1;" a boolean property,
	 * "hci0/0:RSSI;" another one, "hci0/0:!RSSI;" invalidated, "ok;" an answer to client_send()
	 */
	char trace[65536];
};

struct client *client_new(void);
struct client *client_free(struct client *client);

/* Calls and waits, at most 5 s; "" or the error's name and text. Valid until the next call. */
const char *client_call(struct client *client, const char *path, const char *member);
const char *client_write(struct client *client, const char *path, const char *text,
			 const char *type);
/* The value that was read, as text; the check fails if it cannot be. */
const char *client_read(struct client *client, const char *path);
/* The value of a boolean property. */
bool client_property(struct client *client, const char *path, const char *name);
const char *client_set(struct client *client, const char *path, const char *name, bool value);
/* AcquireNotify: the descriptor, or -1 and the error in *out_error. */
int client_acquire(struct client *client, const char *path, const char **out_error);
const char *client_filter(struct client *client, const char *path, const char *key,
			  const char *value);

/* Sends a call whose answer comes when it comes; returns its number. */
unsigned client_send(struct client *client, const char *path, const char *member);

/* The same for a message of one's own, which is taken. */
unsigned client_send_message(struct client *client, sd_bus_message *m);

/* Lets messages come in for a while. */
void client_run(struct client *client, unsigned ms);
/* The same until @text is in the trace; fails the check after 5 s. */
void client_wait(struct client *client, const char *text);
void client_wait_call(struct client *client, unsigned call);
void client_forget(struct client *client);

/* Discovers until the device is there, on the adapter of @path, then stops. */
void client_discover(struct client *client, const char *path);

uint64_t client_now_ms(void);
