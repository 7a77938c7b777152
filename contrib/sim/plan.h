/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * contrib/sim/plan.h - a fault plan: text to rules. bleherd-faults(5) describes the text.
 *
 * Pure but for plan_read(), which reads the file. Does not know the device model: whether a command
 * or a method exists is asked of the caller. bleherd-sim reads a plan to do its faults,
 * bleherd-soak the same one for its head, and to do what happens to processes; plan_turn.h says
 * when.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/base.h"

#define PLAN_LINE_CHARS	  256
#define PLAN_KIND_CHARS	  32
#define PLAN_NAME_CHARS	  40
#define PLAN_TITLE_CHARS  80
#define PLAN_ADDRESS_HIGH 0xc0aabb /* of each peripheral of the sim; the low half is its number */
#define PLAN_ADAPTER_HIGH 0xaabbcc

/* Which face it is for: a line that begins with `fake:` or `lab:` is left out on the other one. */
enum plan_face { PLAN_FAKE, PLAN_LAB };

enum plan_when {
	PLAN_AT,     /* once, time_ms after the begin */
	PLAN_EVERY,  /* again and again, time_ms apart, half of it more or less */
	PLAN_CHANCE, /* at a call or command that is seen: with permyriad/10000 */
	PLAN_NTH,    /* at the nth one that is seen */
};

/* Who does it: bleherd-sim, or bleherd-soak (what happens to processes). */
enum plan_doer { PLAN_SIM, PLAN_SOAK };

/* What a fault happens to. OBJECT: a device or an adapter (no-reply). */
enum plan_sort {
	PLAN_NOTHING,
	PLAN_DEVICE,
	PLAN_ADAPTER,
	PLAN_OBJECT,
	PLAN_WORKER,
	PLAN_LOCKD,
	PLAN_DAEMON,
	PLAN_BLUETOOTHD,
	PLAN_CLIENT,
};

enum plan_pick { PLAN_GIVEN, PLAN_ANY, PLAN_IT };

struct plan_target {
	enum plan_sort sort;
	enum plan_pick pick;
	unsigned index; /* GIVEN: of the device, adapter (its worker) or client, from 0 */
};

/* What is done to a process. */
enum plan_verb { PLAN_COMMAND, PLAN_KILL, PLAN_STOP, PLAN_STARVE };

enum plan_state { PLAN_ALWAYS, PLAN_CONNECTED, PLAN_DISCOVERING, PLAN_UNDER_WAY };

/* while [not] STATE [WHO] */
struct plan_condition {
	enum plan_state state;
	bool negated;
	struct plan_target who;	    /* CONNECTED, DISCOVERING */
	char kind[PLAN_KIND_CHARS]; /* UNDER_WAY: of the other fault */
};

/* One line. */
struct plan_rule {
	unsigned line;
	uint64_t hash; /* of the text, and of how many equal lines came before */
	enum plan_when when;
	uint64_t time_ms;	       /* AT, EVERY */
	unsigned permyriad;	       /* CHANCE */
	uint64_t nth;		       /* NTH, from 1 */
	char trigger[PLAN_NAME_CHARS]; /* CHANCE, NTH: D-Bus method or HCI command */
	struct plan_target on;	       /* ... of whom; sort NOTHING: of anybody */
	struct plan_condition condition;
	uint64_t for_ms; /* 0: until something else ends it, or a moment */
	bool timed;	 /* the command takes for_ms itself: nothing to do at the end */
	enum plan_doer doer;
	enum plan_verb verb; /* PLAN_COMMAND: the sim's command */
	struct plan_target target;
	char kind[PLAN_KIND_CHARS];    /* "hang-adapter", "stop-worker" */
	char command[PLAN_LINE_CHARS]; /* "hang-adapter any on"; without WHEN, while and for */
};

/* What the world must be like; 0 and NULL: the plan does not say. */
struct plan_head {
	char title[PLAN_TITLE_CHARS];
	unsigned adapters, devices, notify_ms;
	size_t set_count, sim_count;
	char **sets; /* "SEC.KEY=VALUE" of the daemon's configuration */
	char **sims; /* further options of bleherd-sim, as "--links=3" */
};

struct plan {
	struct plan_head head;
	size_t rule_count;
	struct plan_rule *rules;
};

/* What the reader must ask of who does the faults. */
struct plan_checker {
	/*
	 * Is this a command of the sim? any and it may stand where it names whom. Outcomes: 0 and
	 * what its first argument is (NOTHING, DEVICE, ADAPTER, OBJECT). Errors: -EINVAL and
	 * *out_error, a malloc'ed sentence.
	 */
	int (*command)(void *data, const char *text, enum plan_sort *out_sort, char **out_error);
	/* Can it be seen? DEVICE: with a device and an adapter; ADAPTER; NOTHING. Or -ENOENT. */
	int (*trigger)(void *data, const char *name, enum plan_sort *out_sort);
	void *data;
};

/**
 * plan_parse() - reads a plan from memory
 * @out:       owned by the caller, plan_free()
 * @name:      of the file, for messages
 * @checker:   NULL: the sim's commands and triggers are taken as they are (their target is
 *             NOTHING then); who does them checks them
 * @out_error: with -EINVAL a malloc'ed line: NAME:LINE: what is wrong and what would be right
 *
 * Errors: -EINVAL; -ENOMEM.   Blocks: never.
 */
must_check int plan_parse(struct plan **out, const char *name, const char *text,
			  enum plan_face face, const struct plan_checker *checker,
			  char **out_error);

/* The same of a file. Errors: also a negative errno of reading it, without *out_error. */
must_check int plan_read(struct plan **out, const char *path, enum plan_face face,
			 const struct plan_checker *checker, char **out_error);
struct plan *plan_free(struct plan *plan);

/* The command's text for a target that has been found: any and it replaced. */
void plan_fill(const char *command, const struct plan_target *target, char *out, size_t size);

/* A peripheral's or an adapter's address by its number: "C0:AA:BB:00:00:07". */
void plan_address(enum plan_sort sort, unsigned index, char *out, size_t size);

/**
 * plan_ending() - the command that undoes one
 * @command: "unplug 1", "refuse C0:AA:BB:00:00:07 3", "deaf-adapter 0 on"
 * @out:     "plug 1", "refuse C0:AA:BB:00:00:07 0", "deaf-adapter 0 off"
 *
 * Outcomes: true; false if nothing undoes it (drop, burst, plug, deaf-adapter 0 off).
 */
bool plan_ending(const char *command, char *out, size_t size);

/* Commands that take their own time in ms: its default, or 0 if this is none of them. */
uint64_t plan_own_time_ms(const char *kind);

/* "500", "500ms", "3s", "2min". Errors: -EINVAL (also beyond a week). */
must_check int plan_time(const char *text, uint64_t *out_ms);
