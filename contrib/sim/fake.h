/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/fake.h - the fake face: org.bluez on a bus and the kernel's MGMT on a socket.
 *
 * Does what bluetoothd 5.66 was seen to do (shared/reference/lab-facts.md); where the two differ,
 * the real one is right. Single threaded, everything on one sd-event loop, never blocks after
 * fake_new(). All times are options, so that tests need not wait.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "contrib/sim/faults.h"
#include "contrib/sim/plan_turn.h"
#include "ipc/base.h"

struct fake;
struct model;

struct fake_options {
	const char *bus_address;
	const char *mgmt_path;		    /* NULL: no MGMT */
	unsigned connect_ms;		    /* Connect to link, nothing else going on */
	unsigned connect_while_scanning_ms; /* more, while the adapter discovers */
	unsigned connect_timeout_ms;	    /* when the kernel gives up a pending connect */
	unsigned resolve_ms;	 /* link to ServicesResolved; a third of it with a GATT cache */
	unsigned disconnect_ms;	 /* Device1.Disconnect to the link's end */
	unsigned mgmt_lag_ms;	 /* link ended by MGMT to Connected: false */
	unsigned gatt_ms;	 /* an ATT request */
	unsigned att_timeout_ms; /* until a request without an answer fails */
	unsigned temporary_ms;	 /* until an unused device vanishes */
	unsigned rescan_ms;	 /* a device is reported once in so long, while discovering */
	unsigned advert_ms;	 /* between adverts of a device */
	unsigned start_ms;	 /* the first StartDiscovery takes so long while start_race is on */
	unsigned links;		 /* an adapter holds no more; 0: no limit */
	bool start_race;	 /* two first StartDiscovery within start_ms are never answered */
	bool experimental;	 /* bluetoothd -E: advertisement monitors */
	bool device_found;	 /* MGMT Device Found events */
};

/* Values for tests and benchmarks, and those of the real one as measured. */
extern const struct fake_options fake_options_fast;
extern const struct fake_options fake_options_real;

/**
 * fake_new() - connects to the bus, takes org.bluez, listens for MGMT; ready when it returns
 * @model:   must outlive the fake
 * @options: copied; the strings must outlive the fake
 *
 * Errors: negative errno of the connection (-EEXIST: org.bluez is taken), -ENOMEM.
 * Blocks: while connecting.
 */
must_check int fake_new(struct fake **out, struct model *model, sd_event *event,
			const struct fake_options *options);
struct fake *fake_free(struct fake *fake);

/* Who is told of each method call, before it is handled; it may do anything to the fake. */
void fake_watch(struct fake *fake, void (*see)(void *data, const struct plan_sight *sight),
		void *data);

/* Whether that is a method that the fake has, and whom its calls name. Errors: -ENOENT. */
must_check int fake_trigger(const char *name, enum plan_sort *out_sort);

/* The face's fault commands, to be registered with face = the fake. */
extern const struct fault_command fake_fault_table[];
extern const size_t fake_fault_count;

/* Those of the air and of controllers, which the radio has by the same names. */
extern const struct fault_command fake_air_fault_table[];
extern const size_t fake_air_fault_count;
