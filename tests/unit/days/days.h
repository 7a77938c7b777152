/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/days/days.h - days of bleherd in one process and in seconds: the pure policies as they
 * are, around them only what connects them, below them the device model of contrib/sim, above them
 * a judge (days_judge.c) that looks on.
 *
 * Time is a variable. CLOCK_MONOTONIC begins wherever the plan says, timers fire as late as a busy
 * loop lets them, and a machine that sleeps or stands still is a jump of one clock or of both. What
 * happens comes from two streams of the seed: one for what the world does (days_faults.c), one for
 * what bleherd throws dice for.
 */
#include <check.h>

#include "contrib/sim/model.h"
#include "ipc/class.h"
#include "lockd/arbiter.h"
#include "supervisor/backoff.h"
#include "supervisor/breaker.h"
#include "supervisor/child_table.h"
#include "supervisor/device_history.h"
#include "supervisor/escalation.h"
#include "supervisor/keeper_table.h"
#include "supervisor/poll_pace.h"
#include "supervisor/reset_chain.h"
#include "supervisor/resume.h"
#include "supervisor/score.h"
#include "supervisor/slots.h"
#include "supervisor/watchdog.h"
#include "worker/silence.h"

enum {
	DAYS_ADAPTERS = 3,
	DAYS_DEVICES = 30,
	DAYS_LOCKERS = 6, /* programs that take locks */
	DAYS_LINKS = 12,  /* that an adapter holds */
	DAYS_TIMERS_MAX = 512,
	DAYS_NONE = ESCALATION_NOBODY,
	DAYS_SECOND = 1000,
	DAYS_MINUTE = 60 * DAYS_SECOND,
	DAYS_HOUR = 60 * DAYS_MINUTE,
	/* And a little: at whole hours polls are under way. */
	DAYS_SPAN = 72 * DAYS_HOUR + 25 * DAYS_SECOND,
	/* The last of them, in which nothing happens any more: what is left is to become well. */
	DAYS_QUIET = 4 * DAYS_HOUR,
};

/* As ck_assert_msg(), which writes a line for each that holds: there are millions. */
#define MUST(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg(__VA_ARGS__);                                                 \
	} while (0)

struct days;

/* One shot; begins zeroed but for @fire. */
struct days_timer {
	void (*fire)(struct days *days, struct days_timer *timer);
	uint64_t at_ms;
	uint64_t order;
	size_t place; /* in the heap, from 1; 0: it is not set */
};

/* What is compared between two runs: what was decided, and when since the beginning. */
enum days_note {
	NOTE_ATTEMPT,
	NOTE_UP,
	NOTE_DOWN,
	NOTE_STEP,
	NOTE_RESET,
	NOTE_POLL,
	NOTE_REST,
	NOTE_RESTART,
	NOTE_LOCK,
	NOTE_CIRCUIT,
	NOTE_ADAPTER,
};

struct days_line {
	uint64_t at_ms; /* since the beginning */
	uint32_t what;
	uint32_t who;
	uint64_t value;
};

enum days_want { WANT_KEEPER = 1, WANT_POLL = 2, WANT_PROGRAM = 4 };

enum days_stage {
	STAGE_IDLE,
	STAGE_SEEKING,
	STAGE_LISTENING,
	STAGE_LOCKING,
	STAGE_TRYING,
	STAGE_PAUSED,
	STAGE_UP
};

/* How it comes to a link: from what is wanted to what came of it. */
struct days_path {
	struct days_timer timer;
	enum days_stage stage;
	unsigned wants;
	uint16_t adapter; /* DAYS_NONE: to be chosen */
	uint32_t session;
	uint32_t attempt;
	uint32_t tries; /* of this request, wherever */
	uint64_t asked_at_ms;
	uint64_t tried_at_ms; /* the attempt under way began */
	uint64_t left_at_ms;  /* nobody wanted it any more */
	uint64_t heard_at_ms;
	uint64_t deadline_at_ms; /* UINT64_MAX: none */
	uint64_t grant;		 /* 0: none */
	enum err_class outcome;	 /* of the attempt under way */
	bool came_up;
	bool is_excused; /* one failed in a reset, or right after a sleep */
};

struct days_device {
	unsigned index;
	uint64_t address;
	struct model_device *model;
	const struct profile *profile;
	bool is_persistent;
	uint32_t interval_ms; /* of polls; 0: none */
	unsigned flaky;	      /* attempts of a thousand that fail */
	uint64_t heard_at_ms[DAYS_ADAPTERS];

	/* What is wrong with it. */
	unsigned silent; /* so many reasons */
	unsigned mute;

	struct days_path path;

	enum keeper_state keeper;
	struct keeper_pace pace;
	struct days_timer keeper_timer;
	uint64_t keeper_until_ms;
	uint64_t silent_since_ms;
	bool is_watched;
	bool was_hasty;
	bool was_awaited;

	struct poll_pace poll;
	struct breaker breaker;
	bool is_polling;
	uint64_t poll_until_ms;
	struct days_timer poll_timer;
	struct days_timer answer_timer; /* of the check on the link */

	struct days_timer program_timer; /* a program comes, or goes */
};

struct days_adapter {
	unsigned index;
	uint64_t address;
	struct model_adapter *model;
	struct arbiter_owner owner; /* its worker */
	struct slots slots;
	unsigned sick;	       /* so many reasons */
	bool is_deaf;	       /* with sick: it hears nothing either */
	enum reset_rung cured; /* by that rung, or a harsher one */
	struct silence silence;

	enum child_state child;
	struct backoff backoff;
	struct watchdog watchdog;
	struct days_timer child_timer;
	uint64_t ready_at_ms;
	uint64_t tick;
	bool is_hung;
	uint32_t crash_ms; /* with crashing: that long it lives */
	unsigned crashing; /* it dies soon after each start: so many reasons */

	struct reset_chain chain; /* RESET_IDLE: none */
	struct days_timer chain_timer;
	uint64_t chain_grant;
};

struct days_locker {
	struct arbiter_owner owner;
	struct days_timer timer;
	uint32_t last_id;
	uint64_t grant; /* 0: none */
	uint64_t asked_at_ms;
	enum slotq_class class;
	uint32_t timeout_ms;
	bool is_waiting;
	unsigned index;
};

struct days_plan {
	uint64_t seed;
	uint64_t base_ms; /* CLOCK_MONOTONIC at the beginning */
	bool has_faults;
	bool has_stalls; /* it stands still for an hour, and the clock goes on */
	uint64_t span_ms;
	uint32_t late_ms; /* timers fire up to so much late */
};

struct days_faults;
struct days_judge;

struct days {
	struct days_plan plan;
	uint64_t now_ms;   /* CLOCK_MONOTONIC */
	uint64_t slept_ms; /* CLOCK_BOOTTIME is ahead by that */
	uint64_t world_random;
	uint64_t dice_random;
	struct days_timer *heap[DAYS_TIMERS_MAX];
	size_t n_timers;
	uint64_t orders;

	struct model *model;
	struct escalation *escalation;
	struct escalation_limits limits;
	struct profiles profiles;
	struct backoff_limits backoff;
	struct histories *histories;
	struct resume resume;
	struct arbiter *arbiter;
	struct days_timer lock_timer;
	int dir_fd;
	char dir[32];
	struct arbiter_owner self; /* the supervisor */

	struct days_device devices[DAYS_DEVICES];
	struct days_adapter adapters[DAYS_ADAPTERS];
	struct days_locker lockers[DAYS_LOCKERS];
	bool has_bluez;
	uint32_t last_session;
	struct days_timer watch_timer;
	struct days_timer air_timer;
	struct days_timer judge_timer;

	struct days_faults *faults;
	struct days_judge *judge;
	struct days_line *lines;
	size_t n_lines;
	size_t lines_max;
};

/* --- days_time.c --- */
void timer_set(struct days *days, struct days_timer *timer, uint64_t at_ms);
static inline void timer_in(struct days *days, struct days_timer *timer, uint64_t ms)
{
	timer_set(days, timer, days->now_ms + ms);
}
void timer_clear(struct days *days, struct days_timer *timer);
/* Until the plan's span is over. */
void days_run(struct days *days);
bool days_are_quiet(const struct days *days);
uint64_t days_at(const struct days *days); /* since the beginning */
void days_note(struct days *days, enum days_note what, uint32_t who, uint64_t value);
uint32_t world_below(struct days *days, uint32_t n);
uint32_t dice(struct days *days);

/* --- days.c --- */
struct days *days_new(const struct days_plan *plan);
struct days *days_free(struct days *days);
bool adapter_suits(const struct days *days, const struct days_adapter *adapter);
bool adapter_hears(const struct days *days, const struct days_adapter *adapter,
		   const struct days_device *device);
/* Something has changed for those who seek. */
void days_changed(struct days *days);

/* --- days_choice.c --- */
bool choice_is_fresh(const struct days *days, const struct days_device *device, unsigned adapter);
bool choice_is_heard(const struct days *days, const struct days_device *device);
struct score_row choice_row(const struct days *days, const struct days_device *device, unsigned i);
/* The best one but that where it is; DAYS_NONE: there is none. */
uint16_t choice_other(const struct days *days, const struct days_device *device);

/* --- days_path.c --- */
void path_want(struct days *days, struct days_device *device, enum days_want who,
	       uint64_t deadline_at_ms);
void path_leave(struct days *days, struct days_device *device, enum days_want who);
void path_granted(struct days *days, struct days_device *device, uint64_t grant);
/* An adapter hears it. */
void path_heard(struct days *days, struct days_device *device);
void path_refused(struct days *days, struct days_device *device);
void path_seek(struct days *days, struct days_device *device);
/* The link goes, or what is under way to it ends: with its adapter's worker, bluetoothd. */
void path_uproot(struct days *days, struct days_device *device, bool is_link_lost);
void path_lost(struct days *days, struct days_device *device, enum err_class class);
void path_init(struct days_device *device);

/* --- days_keeper.c --- */
void keeper_init(struct days_device *device);
void keeper_begin(struct days *days, struct days_device *device);
void keeper_heard(struct days *days, struct days_device *device);
void keeper_event(struct days *days, struct days_device *device, enum keeper_event event);
void poll_plan(struct days *days, struct days_device *device);
void poll_link(struct days *days, struct days_device *device);
void poll_broken(struct days *days, struct days_device *device, enum err_class class);

/* --- days_adapter.c --- */
void adapter_init(struct days_adapter *adapter);
void adapter_start(struct days *days, struct days_adapter *adapter);
/* Its worker ends; @status: as of a signal or exit. */
void adapter_die(struct days *days, struct days_adapter *adapter, bool is_signal, int status);
void adapter_watch(struct days *days, struct days_adapter *adapter);
void adapter_reset(struct days *days, struct days_adapter *adapter);
void adapter_reset_locked(struct days *days, struct days_adapter *adapter, uint64_t grant);
void adapter_reset_denied(struct days *days, struct days_adapter *adapter);

/* --- days_locks.c --- */
void locks_init(struct days *days);
void locks_done(struct days *days);
/* The request of a path, of a reset. */
void locks_ask(struct days *days, struct days_device *device, uint32_t timeout_ms);
void locks_ask_reset(struct days *days, struct days_adapter *adapter);
void locks_cancel(struct days *days, struct days_device *device);
void locks_give(struct days *days, struct arbiter_owner *owner, uint64_t grant);
void locks_gone(struct days *days, struct arbiter_owner *owner);

/* --- days_faults.c --- */
void faults_begin(struct days *days);
void faults_done(struct days *days);
/* How an attempt fails for no other reason; CLASS_NONE: it does not, and nothing is written. */
enum err_class faults_attempt(struct days *days, const struct days_device *device,
			      uint32_t *out_took_ms, bool *out_came_up);

/* --- days_judge.c --- */
void judge_init(struct days *days);
void judge_done(struct days *days);
/* What was disturbed: a device, or with NULL all. */
void judge_disturbed(struct days *days, const struct days_device *device);
void judge_tick(struct days *days);
void judge_request(struct days *days, const struct days_device *device);
void judge_attempt(struct days *days, const struct days_device *device);
void judge_step(struct days *days, const struct days_device *device,
		const struct escalation_answer *answer);
void judge_reset(struct days *days, const struct days_adapter *adapter);
void judge_poll(struct days *days, const struct days_device *device, uint32_t period_ms);
void judge_polled(struct days *days, const struct days_device *device, enum err_class class);
void judge_rest(struct days *days, const struct days_device *device, uint32_t rest_ms);
void judge_restart(struct days *days, const struct days_adapter *adapter, int verdict,
		   uint32_t delay_ms, uint64_t healthy_ms, bool is_counted);
void judge_lock(struct days *days, const struct days_locker *locker, uint32_t waited_ms);
/* Its keeper has its link, or has it no more. */
void judge_held(struct days *days, const struct days_device *device, bool is_held);
/* The machine has slept, or stood still. */
void judge_woke(struct days *days);
void judge_end(struct days *days);
