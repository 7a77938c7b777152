/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/passive.h - hearing adverts without discovery: an advertisement monitor at bluetoothd, in
 * place of StartDiscovery ([scan] mode = passive).
 *
 * The controller only listens, so this needs no scan lock, and connects need not wait for its end.
 * Its way back is active discovery: where bluetoothd has no monitors (5.66: only with -E), refuses
 * or releases ours, or nothing is heard for as long as silence.h allows. From then on discovery is
 * active until bluetoothd, the power or the bus connection comes anew.
 *
 * The monitor is an object of ours that bluetoothd reads and calls. It is part of scan.c, whose
 * table it goes by.
 */
#include <systemd/sd-bus.h>

#include "ipc/base.h"

struct scan;
struct bus_result;

enum { PASSIVE_SLOTS = 2, PASSIVE_TIMEOUT_MS = 4000 };

struct passive {
	sd_bus_slot *slots[PASSIVE_SLOTS]; /* our objects, on the present connection */
	bool is_configured;
	bool is_given_up; /* until scan_gone() */
	bool is_running;  /* registered, or being registered */
};

/* Our objects are there on a new connection; NULL: it went. */
void passive_attach(struct scan *scan, sd_bus *conn);

/* Whether discovery is to be passive, now. */
bool passive_is_chosen(const struct scan *scan);

/* Both end in a scan_event(). Errors: as of bus_call(). */
must_check int passive_start(struct scan *scan);
must_check int passive_stop(struct scan *scan);

/* Active discovery from now on; @why goes into the event. */
void passive_give_up(struct scan *scan, const char *why);

/* bluetoothd, the power or the bus connection went: nothing is registered, and it may be tried. */
void passive_gone(struct scan *scan);
