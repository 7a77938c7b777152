/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/scan_air.h - how much of the radio a wanted discovery gets beside connects, which pause
 * it. Pure.
 *
 * Programs that connect all the time would leave it none. After SCAN_AIR_OWED_MS without
 * SCAN_AIR_SLICE_MS of running a slice is owed: connects that begin wait for it, those that run are
 * left alone.
 */
#include "ipc/base.h"

/*
 * SLICE: many peripherals advertise once a second. OWED: BlueZ forgets what it has not heard for
 * 30 s, and a slice may miss one or two times.
 */
enum { SCAN_AIR_OWED_MS = 10000, SCAN_AIR_SLICE_MS = 1000 };

struct scan_air {
	uint32_t owed_ms;  /* SCAN_AIR_OWED_MS but in tests */
	bool is_waiting;   /* since_ms counts */
	bool is_on;	   /* on_ms counts */
	uint64_t since_ms; /* when it was kept waiting first since it had a slice */
	uint64_t on_ms;	   /* when this run began */
	uint32_t ran_ms;   /* earlier runs since then */
};

/* It runs; it is kept waiting; it is not wanted, or waits for something else than connects. */
void scan_air_on(struct scan_air *air, uint64_t now_ms);
void scan_air_off(struct scan_air *air, uint64_t now_ms);
void scan_air_forget(struct scan_air *air);

bool scan_air_is_owed(const struct scan_air *air, uint64_t now_ms);
/* What is missing to a slice. */
uint32_t scan_air_left_ms(const struct scan_air *air, uint64_t now_ms);
