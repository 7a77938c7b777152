/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/sim/bench.h - two controllers, six peripherals, simulated time, packets as hexadecimal
 * text (blanks in it are for the reader), and all that the host was sent.
 */
#include <check.h>

#include "contrib/sim/air.h"
#include "contrib/sim/controller.h"

#define BENCH_ADAPTERS 2
#define BENCH_DEVICES  UINT64_C(6)

extern struct model *bench_model;
extern struct air bench_air;
extern struct controller *bench_hci[BENCH_ADAPTERS];
extern uint64_t bench_now_ms;

void bench_start(unsigned links, unsigned event_ms);
void bench_stop(void);

/* Lets time pass as the loop does: from one due moment to the next. */
void bench_run_ms(unsigned duration_ms);

void bench_send(unsigned adapter, const char *hex);
/* LE Create Connection to a device's address, as Linux sends it. Forgets what was sent before. */
void bench_create(unsigned adapter, unsigned device);
/* The same and a second's patience; returns the handle, or 0 if no link came. */
unsigned bench_link_up(unsigned adapter, unsigned device);

/* What the host was sent since bench_clear(). */
void bench_clear(void);
size_t bench_sent(unsigned adapter);
const char *bench_packet(unsigned adapter, size_t index);
/* How many of the packets begin like this. */
unsigned bench_count(unsigned adapter, const char *prefix);

/* Exactly these were sent, in this order; the list ends with NULL. */
void bench_expect(unsigned adapter, const char *const *packets);
#define SENT(adapter, ...) bench_expect(adapter, (const char *const[]){ __VA_ARGS__ })

/* EXPECT(adapter, packet, answer..., NULL) */
#define EXPECT(adapter, hex, ...)                                                                  \
	do {                                                                                       \
		bench_clear();                                                                     \
		bench_send(adapter, hex);                                                          \
		SENT(adapter, __VA_ARGS__);                                                        \
	} while (0)
