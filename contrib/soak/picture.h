/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/picture.h - what there is at a moment: links and adapters as the sim has them, and
 * sessions, devices and adapters as the daemon tells them. links.h and health.h judge it.
 *
 * It has a client of the daemon and a socket of the sim of its own and asks both once a second;
 * a picture is there when all have answered. Nothing in here blocks.
 */
#include "ipc/base.h"

enum {
	PICTURE_ADAPTERS_MAX = 16,
	PICTURE_DEVICES_MAX = 256,
	PICTURE_SESSIONS_MAX = 512,
	PICTURE_EVERY_US = 1000000,
};

struct picture_adapter {
	char name[16]; /* as the daemon calls it, "hci0"; "" where it knows none of that address */
	uint64_t address;
	bool is_plugged; /* the sim's word */
	bool is_ready;	 /* the daemon's */
	char state[24];
};

struct picture_device {
	uint64_t address;
	int link;	   /* the sim's: index into adapters[] of the picture; -1: none */
	bool is_kept;	   /* a keeper of the daemon has it */
	uint64_t requests; /* answered, the daemon's word */
};

struct picture_session {
	uint64_t address; /* 0: a scan */
	uint32_t session, pid;
	char adapter[16], label[32], text[96];
	bool is_served, is_waiting, holds_link, is_own;
	uint32_t state_for_ms, subscriptions;
};

struct picture {
	int64_t at_us; /* when the last part of it came */
	size_t n_adapters, n_devices, n_sessions;
	struct picture_adapter adapters[PICTURE_ADAPTERS_MAX];
	struct picture_device devices[PICTURE_DEVICES_MAX];
	struct picture_session sessions[PICTURE_SESSIONS_MAX];
};

struct camera;

/* @socket, @sim: paths; NULL: $BLEHERD_SOCKET, $BLEHERD_SIM_CONTROL. Errors: -ENOMEM. */
must_check int camera_new(struct camera **out, const char *socket, const char *sim);
struct camera *camera_free(struct camera *c);

/*
 * Does what is to be done now, every 50 ms or so. Returns a new picture, valid until the next
 * call, or NULL: none is ready. A part that does not answer within 10 s is asked anew.
 */
const struct picture *camera_turn(struct camera *c, int64_t now_us);
