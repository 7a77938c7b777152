/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/support/havoc.h - kills, stops and starves the processes of a world, one every 200 ms,
 * after a schedule that its seed makes; and is their service manager: what was killed and has no
 * parent to start it again is started again at once.
 *
 * Starved: stopped but for 2 ms of every 20. That leaves it a tenth of a processor, needs no
 * privilege, and takes nothing from those who are not meant.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/door.h"
#include "tests/support/world.h"

enum {
	HAVOC_EVERY_MS = 200,
	HAVOC_ADAPTERS = 2,
	/* Of 25 blows: the second of each four goes at the worker of one adapter alone. */
	HAVOC_ROUND = 25,
};

enum havoc_target {
	HAVOC_WORKER,
	HAVOC_LOCKD,
	HAVOC_DAEMON,
	HAVOC_SIM,   /* the peripherals, the adapters, the kernel and bluetoothd at once */
	HAVOC_BLUEZ, /* bluetoothd alone: gone for a while */
	HAVOC_BUS,
	HAVOC_CLIENT, /* one that takes locks: its own death only */
	HAVOC_TARGETS,
};

enum havoc_act { HAVOC_KILL, HAVOC_STOP, HAVOC_STARVE, HAVOC_ACTS };

struct havoc_blow {
	uint8_t target;
	uint8_t act;
	uint8_t which; /* of workers: the adapter; of clients: the number */
	bool is_alone; /* of a round in which that worker alone suffers */
	uint32_t for_ms;
};

/* The @n blows of a seed. */
void havoc_plan(uint32_t seed, struct havoc_blow *out, size_t n);

const char *havoc_target_name(enum havoc_target target);

/* "stop worker 1 for 120 ms". */
const char *havoc_blow_text(const struct havoc_blow *blow, char out[64]);

struct havoc;

/* Takes over the world's daemon and sim. @kill_client: kills a client and starts another. */
struct havoc *havoc_new(const struct world *world, void (*kill_client)(void *ctx, uint32_t which),
			void *ctx);

/* Deals the blow; false: its target is not there at the moment. Does not wait for what follows. */
bool havoc_deal(struct havoc *havoc, const struct havoc_blow *blow);

/* Lets what was stopped go on when it is time, until @until_us (CLOCK_MONOTONIC). */
void havoc_run_until(struct havoc *havoc, int64_t until_us);

/* Lets everything go on at once; all run from then on. */
void havoc_rest(struct havoc *havoc);

pid_t havoc_daemon(const struct havoc *havoc);

/* Children of the daemon that have ended and were not waited for. */
unsigned havoc_zombies(const struct havoc *havoc);

/* How often the peripherals began anew, in memory that is shared with children. */
const volatile uint32_t *havoc_sim_beginnings(const struct havoc *havoc);

/* Ends what it has started. */
struct havoc *havoc_free(struct havoc *havoc);
