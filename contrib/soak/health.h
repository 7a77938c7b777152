/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/soak/health.h - after the last fault everything is well again within a bound: adapters
 * ready, no session waits, every client has had a success since, no lock is held by nobody. Pure.
 */
#include "contrib/soak/picture.h"
#include "contrib/soak/violation.h"

enum { HEALTH_FAKE_MS = 60000, HEALTH_LAB_MS = 120000 };

enum { HEALTH_PENDING, HEALTH_WELL, HEALTH_ILL };

struct health_settings {
	int64_t bound_ms;
	/* The name of a client without a success since @since_us; NULL: all had one. */
	const char *(*client)(void *ctx, int64_t since_us);
	/* One line about a lock that is held by nobody; NULL: none. The callback may be NULL. */
	const char *(*lock)(void *ctx);
	soak_violation violation; /* promise "healthy", once the bound is over */
	void *ctx;
};

/* Plain data. */
struct health {
	struct health_settings settings;
	int64_t began_us;
	int outcome;
	char why[256];
};

/* @now_us: the end of the last fault. */
void health_begin(struct health *h, const struct health_settings *settings, int64_t now_us);

/* @picture: a new one, or NULL. HEALTH_PENDING until HEALTH_WELL, or HEALTH_ILL after the bound. */
int health_look(struct health *h, const struct picture *picture, int64_t now_us);

/* What is not well, one line; "" when it is. */
const char *health_why(const struct health *h);
