/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/air.h - what all controllers share: the peripherals' adverts, the settings, and what
 * faults have been put on peripherals beside those that the model knows.
 *
 * Pure. radio.c owns it; one per process.
 */
#include "contrib/sim/model.h"

struct controller;

struct air_settings {
	unsigned links;	     /* that a controller holds; 0: CONTROLLER_LINKS */
	unsigned connect_ms; /* from the answered advert to the link */
	unsigned event_ms;   /* until a packet of the host reaches the peripheral */
	unsigned acl_bytes;  /* longest ACL fragment, both ways; 0: CONTROLLER_ACL_BYTES */
	bool trace;
};

/* Indexed like the model's devices. */
struct air_device {
	uint64_t next_advert_at_ms;
	bool is_caught; /* a controller has answered its advert: it does not advertise */
	bool deaf;	/* fault: advertises, but never answers a connect */
	bool vanished;	/* fault: out of range, with its links */
	uint8_t refuse_status;
	unsigned lie; /* fault: so many connects complete with lie_status */
	uint8_t lie_status;
	unsigned early_drop; /* fault: so many links end right after they came up */
	uint8_t early_reason;
};

struct air {
	struct model *model;
	struct air_settings settings;
	struct air_device *devices;
	uint64_t random;
	struct controller *controllers[MODEL_ADAPTERS_MAX]; /* by adapter; NULL: not plugged */
};

must_check int air_init(struct air *air, struct model *model, const struct air_settings *settings);
/* Frees the controllers too. */
void air_done(struct air *air);

/* Lets the peripherals that are due advertise, and the controllers do what is due. */
void air_tick(struct air *air, uint64_t now_ms);
uint64_t air_next_at_ms(const struct air *air, uint64_t now_ms);

struct air_device *air_device(const struct air *air, const struct model_device *device);
bool air_is_advertising(const struct air *air, const struct model_device *device);

/* One line to standard error, `key=value`. */
_printf_(1, 2) void air_log(const char *format, ...);
