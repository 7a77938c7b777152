/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/demo/stage.h - the conductor's state, and what its loop (conductor.c), its scenes
 * (scenes.c) and its questions to bleherdd (stage.c) have in common.
 */
#include "contrib/demo/child.h"
#include "contrib/demo/view.h"

/* The peripheral that collector and switch share, one that the collector holds, and how many. */
#define STAGE_SHARED	1
#define STAGE_CUT	2
#define STAGE_COLLECTED 3

struct conductor {
	struct bh_client *bh;
	struct child children[PROGRAM_COUNT];
	struct view view;
	struct tally tally;
	int signal_fd;
	int signal; /* that ends us; 0: none */
	bool is_over;
	char failure[120]; /* the first thing that went wrong with the demo itself */
	size_t scene;
	uint64_t scene_from_us;
	uint64_t listed_at_us, asked_at_us, told_at_us;
	uint32_t adapters_listed;
	bool is_listing_adapters, is_listing_devices, is_asking_status;
	bool wants_kill;
};

/* A part of the demo: over when what it waits for was reported and people had time to see it. */
struct scene {
	const char *name;
	uint32_t at_least_ms; /* for people */
	uint32_t at_most_ms;
	void (*enter)(struct conductor *c);
	bool (*is_over)(const struct conductor *c);
};

/* In order. */
extern const struct scene scenes[];
extern const size_t scene_count;

/* The demo itself does not work as it should: tells, and remembers the first time. */
_printf_(2, 3) void stage_fail(struct conductor *c, const char *format, ...);

/* Asks bleherdd for adapters and devices, unless it still owes an answer. */
void stage_list(struct conductor *c);

/* The same for what is left open there. */
void stage_ask_status(struct conductor *c);

/* Follows what bleherdd decides. Errors: as bh_events(). */
must_check int stage_follow(struct conductor *c);
