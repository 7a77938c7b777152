/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/keeper_state.h - what keepers.c, keeper.c and keeper_poll.c share. For nobody else.
 */
#include <sys/queue.h>

#include "supervisor/breaker.h"
#include "supervisor/events.h"
#include "supervisor/keeper.h"
#include "supervisor/keeper_table.h"
#include "supervisor/poll_pace.h"
#include "supervisor/sessions.h"

enum { KEEPERS_MAX = 512 };

struct keeper {
	TAILQ_ENTRY(keeper) entry;
	struct sup *sup;
	uint64_t address;
	struct device_rule rule; /* what was chosen is in it */
	uint32_t chosen;	 /* enum strategy; 0: the configuration's holds */
	bool has_interval;
	uint32_t interval_ms; /* with has_interval: chosen */

	enum keeper_state state;
	struct session *session; /* NULL: none */
	sd_event_source *timer;	 /* of the state */
	uint64_t until_ms;	 /* of it; 0: none */
	struct keeper_pace pace;
	bool is_watched;	  /* adapters listen for it */
	bool was_hasty;		  /* a silence was taken for an absence: that is not done twice */
	bool was_awaited;	  /* since it was held last: that is not done twice */
	uint64_t silent_since_ms; /* with is_watched */

	struct {
		sd_event_source *timer;
		struct breaker breaker;
		bool is_running;
		uint32_t token; /* of CHECK */
		struct poll_pace pace;
		uint64_t deadline_at_ms; /* with is_running */
	} poll;
};

struct keepers {
	struct sup *sup;
	TAILQ_HEAD(, keeper) all;
	uint32_t n;
	uint32_t last_token;
	bool has_patterns;
};

struct keeper *keepers_find(const struct sup *sup, uint64_t address);

/* keeper.c */
must_check int keeper_new(struct keeper **out, struct sup *sup, uint64_t address);
struct keeper *keeper_free(struct keeper *keeper);
/* Compares with what held before; does what follows. */
void keeper_apply(struct keeper *keeper, const struct device_rule *rule);
void keeper_event(struct keeper *keeper, enum keeper_event event);
struct event keeper_say(const struct keeper *keeper, enum event_kind kind);
/* A session if there is none; no session if there is nothing to do for one. */
void keeper_seat(struct keeper *keeper);
void keeper_leave(struct keeper *keeper);
/* On its channel; NULL: nobody serves it. */
struct adapter *keeper_server(const struct keeper *keeper);

/* keeper_poll.c */
must_check int poll_init(struct keeper *keeper);
void poll_clear(struct keeper *keeper);
/* Something changed: when is the next one? */
void poll_plan(struct keeper *keeper);
void poll_now(struct keeper *keeper);
/* Its session has got a worker. */
void poll_attached(struct keeper *keeper);
/* Its session is closed under it. */
void poll_broken(struct keeper *keeper, enum err_class class, const char *text);
void poll_answered(struct keeper *keeper, enum err_class class, const char *text);
