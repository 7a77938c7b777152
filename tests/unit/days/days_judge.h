/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* tests/unit/days/days_judge.h - the books of the judge: days_judge.c writes, days_tick.c reads. */
#include "tests/unit/days/days.h"

enum {
	JUDGE_HOUR_MAX = 4096,
	JUDGE_RESETS_MAX = 1024,
	JUDGE_DEATHS_MAX = 4096,
};

struct judge_hour {
	unsigned first;
	unsigned n;
	uint64_t at_ms[JUDGE_HOUR_MAX]; /* a ring */
};

struct judge_device {
	uint64_t disturbed_at_ms; /* something happened to it */
	uint64_t well_at_ms;	  /* with is_well: since when */
	bool is_well;
	struct judge_hour requests;
	struct judge_hour polls;
	struct judge_hour lasted; /* links that its keeper had for long */
	unsigned since_waking;	  /* attempts */
	uint64_t attempted_at_ms;
	unsigned n_polls;
	unsigned failed_polls; /* in a row */
	unsigned n_answers;
	uint64_t first_poll_at_ms;
	uint64_t polled_at_ms;
	uint64_t answered_at_ms;
	uint64_t held_at_ms;
	bool was_held;
	uint32_t losses; /* since a link lasted */
};

struct judge_deaths {
	bool is_loop;
	unsigned n; /* since it was healthy */
	uint64_t at_ms[JUDGE_DEATHS_MAX];
};

struct judge_adapter {
	unsigned n_resets;
	uint64_t reset_at_ms[JUDGE_RESETS_MAX];
	struct judge_deaths deaths[1];
};

struct judge_figures {
	unsigned attempts;
	unsigned steps[ESCALATION_RESET + 1];
	unsigned resets;
	unsigned resets_of_sick;
	unsigned polls;
	unsigned answers;
	unsigned rests;
	unsigned restarts;
	unsigned loops;
	unsigned locks;
	uint32_t worst_wait_ms;
	uint32_t worst_served_ms; /* until a device that was well again was served */
	uint32_t worst_polled_ms;
};

struct days_judge {
	struct judge_device devices[DAYS_DEVICES];
	struct judge_adapter adapters[DAYS_ADAPTERS];
	struct judge_figures figures;
	bool has_woken;
	uint64_t woke_at_ms;
};

/* "seed 1, after 12:30:00, device 3" */
const char *judge_where(const struct days *days, const char *what, unsigned who);
