/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/device_history.h - how a device has been: in which of five states, the last changes of
 * that, counters over all the time, how long things took. Records are kept by address, bounded;
 * the one that was not touched for longest makes room. Pure: time is passed in. Used by
 * device_log.c.
 */
#include <sys/queue.h>

#include "ipc/class.h"
#include "ipc/hist.h"
#include "supervisor/device_health.h"

enum {
	HISTORIES_MAX = 1024,
	HISTORY_STEPS_MAX = 32,
	HISTORY_TEXT_LEN = 44,
	HISTORY_KEPT_MS = 3600000, /* after that one without a link may go */
	HISTORY_NOWHERE = 0xffff,
};

/* Numbers of bh.DeviceState. */
enum history_state {
	HISTORY_DISCONNECTED = 1,
	HISTORY_CONNECTING,
	HISTORY_CONNECTED,
	HISTORY_DISCONNECTING,
	HISTORY_ERROR,
};

/* Numbers of bh.Part, from 0. */
enum history_part {
	HISTORY_QUEUE,
	HISTORY_CONNECT,
	HISTORY_SERVICES,
	HISTORY_QUERY,
	HISTORY_TOTAL,
	HISTORY_PARTS
};

struct history_step {
	uint64_t at_ms;	  /* CLOCK_REALTIME */
	uint16_t adapter; /* HISTORY_NOWHERE: of none */
	uint8_t state;
	uint8_t class;
	char text[HISTORY_TEXT_LEN];
};

struct history {
	TAILQ_ENTRY(history) in_bucket;
	TAILQ_ENTRY(history) by_use; /* the last one touched first */
	uint64_t address;
	uint64_t touched_at_ms; /* CLOCK_MONOTONIC, as all but at_ms of a step */
	enum history_state state;
	uint64_t since_ms;
	uint64_t heard_at_ms; /* an advert, or its link was there; 0: not since there is this record
			       */
	uint64_t until_ms;    /* CONNECTING: nobody wants it any more then; 0: not known */
	uint16_t adapter;     /* of its link, or of the last one */
	uint64_t n_steps;
	struct history_step steps[HISTORY_STEPS_MAX];
	uint32_t connects;
	uint32_t attempts_failed;
	uint32_t given_up;
	uint32_t losses;
	uint32_t checks;
	uint32_t checks_failed;
	uint32_t request_failures;
	uint64_t requests;
	uint64_t values;
	struct device_health health;
	struct hist parts[HISTORY_PARTS];
};

/* The issue allows a device no more. */
static_assert(sizeof(struct history) <= 4096, "a device's record is bounded");

struct histories;

must_check int histories_new(struct histories **out);
struct histories *histories_free(struct histories *histories);

/* NULL: nothing is known of it. */
struct history *histories_find(const struct histories *histories, uint64_t address);

/* The record of a device; made if there is none. NULL: out of memory. */
struct history *histories_need(struct histories *histories, uint64_t address, uint64_t now_ms);

/* All of them, the last one touched first; @each must not add any. */
void histories_each(struct histories *histories, void (*each)(struct history *history, void *ctx),
		    void *ctx);

/**
 * history_enter() - it is in that state now
 * @step: copied; the state that it is in already is no step. Time does not go back in a record:
 *        a step is at least as late as the one before
 * Returns: whether it was in another one.
 */
bool history_enter(struct history *history, const struct history_step *step, uint64_t now_ms);

/* The step with that number, from 0; NULL: it is not kept any more, or is still to come. */
const struct history_step *history_step(const struct history *history, uint64_t number);

/* The number of the oldest step that is kept. */
uint64_t history_first(const struct history *history);

/* "connected", ... */
const char *history_state_name(enum history_state state);
