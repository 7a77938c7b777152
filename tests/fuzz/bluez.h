/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/fuzz/bluez.h - a bus with a bluetoothd on it that says whatever the feed says, in the same
 * process and thread: the other end of a worker's D-Bus socket. It answers what every connection
 * begins with (Hello, AddMatch, GetManagedObjects) by itself. Never blocks.
 */
#include "tests/fuzz/feed.h"

#include <systemd/sd-bus.h>

enum { BLUEZ_CALLS = 16 };

struct bluez {
	sd_bus *bus;
	sd_bus_message *calls[BLUEZ_CALLS]; /* not answered yet, NULL: none */
	size_t next;
	int notify_fd; /* of the last AcquireNotify */
};

/* Returns the descriptor for the other side. */
int bluez_open(struct bluez *bluez);
void bluez_close(struct bluez *bluez);

/* Takes what was sent; whether that was anything. */
bool bluez_turn(struct bluez *bluez);

/* One thing that the feed chooses: a signal, an answer, a value. */
void bluez_act(struct bluez *bluez, struct feed *feed);

/* --- bluez_body.c: what messages have in them; errors of sd-bus are left out of the message --- */
void bluez_put_world(sd_bus_message *m);
void bluez_put_objects(sd_bus_message *m, struct feed *feed);
void bluez_put_added(sd_bus_message *m, struct feed *feed);
void bluez_put_removed(sd_bus_message *m, struct feed *feed);
void bluez_put_changed(sd_bus_message *m, struct feed *feed);
/* A value of a type that the feed chooses. */
void bluez_put_any(sd_bus_message *m, struct feed *feed);
const char *bluez_path(struct feed *feed, char out[128]);
