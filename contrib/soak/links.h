/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/links.h - no link without an owner: for each link that the sim has, whether the
 * daemon knows somebody who wants it. Pure: pictures and time are passed in.
 *
 * Owned is a link while a session on that adapter holds it or subscribes over it, while a keeper
 * has it, while requests of its device are answered. It may stay linger_ms after that (the
 * daemon's [links] linger_ms, which a last user leaves behind), and 10 s that a busy machine and a
 * worker on its way may take; while a session of the device is open, a request that nobody sees
 * from outside may be under way as well, as long as its deadline.
 */
#include "contrib/soak/picture.h"
#include "contrib/soak/violation.h"

struct links;

struct links_settings {
	uint32_t linger_ms;	  /* of the daemon; 0: its default, 1000 */
	uint32_t margin_ms;	  /* 0: 10000 */
	uint32_t request_ms;	  /* longest timeout of a request of the soak's clients; 0: 20000 */
	soak_violation violation; /* promise "owner" */
	void *ctx;
};

must_check int links_new(struct links **out, const struct links_settings *settings);
struct links *links_free(struct links *l);

/* A picture; NULL is fine. @is_faulty: a fault of an adapter, bluetoothd, the daemon is under way
 * (recovery_is_faulty()): the clock stands. */
void links_look(struct links *l, const struct picture *picture, bool is_faulty);

uint64_t links_checked(const struct links *l);
uint64_t links_broken(const struct links *l);
