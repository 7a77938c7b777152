/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * ipc/bleherd_status.h - what bh_get_status() tells of the daemon; bleherd.h includes it.
 */
#include "bleherd.h"

/* A user whose programs are here, or were denied something. */
struct bh_user {
	uint32_t uid;
	uint32_t clients; /* connections */
	uint32_t sessions;
	uint64_t denied; /* requests, for want of a right; bleherd.conf(5), [access NAME] */
};

struct bh_status {
	const char *version;
	uint32_t pid;
	uint64_t uptime_ms;
	uint32_t adapters, devices, sessions, links, clients;
	uint32_t worker_deaths, sessions_moved;
	bool has_bluez, has_arbiter, has_mgmt;
	const char *arbiter_trouble; /* why it was given up: one line; "" if it was not */
	uint64_t denied;	     /* requests, for want of a right */
	const struct bh_user *users;
	size_t n_users;
};
