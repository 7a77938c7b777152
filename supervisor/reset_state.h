/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/reset_state.h - what reset.c (the machine), reset_acts.c (what is done in its states)
 * and reset_tell.c (who is told) share. For nobody else.
 */
#include "supervisor/adapters.h"
#include "supervisor/lock_self.h"
#include "supervisor/rescue_child.h"
#include "supervisor/reset.h"

enum { RESET_WHY_LEN = 128, RESET_NOTE_LEN = 128 };

struct reset {
	struct sup *sup;
	struct reset_chain chain;    /* IDLE: none is under way */
	uint64_t address;	     /* of the adapter */
	char name[ADAPTER_NAME_LEN]; /* its name now, or the last one */
	uint16_t index;
	uint64_t client; /* serial of the program that asked, 0: none */
	uint32_t request;
	bool was_anything_heard;
	bool is_listening; /* PROVING: its worker was told to discover */
	bool has_heard;
	bool is_off; /* POWER: switched off, and to rest for a moment */
	bool is_waiting_for_mgmt;
	bool is_settling; /* FINDING: the bus is given time to tell that it went */
	uint32_t round;	  /* counts states: a late answer is told by it */
	uint64_t began_at_ms;
	uint64_t rung_at_ms;
	char note[RESET_NOTE_LEN];  /* what came of the rung so far */
	enum err_class class;	    /* NONE: nothing went wrong, or it was not possible at all */
	char cause[RESET_NOTE_LEN]; /* the last note that says what is wrong, and its class */
	enum err_class cause_class;
	sd_event_source *timer;
	sd_event_source *defer; /* an event that came up inside a state's entry */
	enum reset_event due;
	uint64_t bluetoothd_failed_at_ms; /* 0: never */
};

/* --- reset.c --- */

/* An event, now, from the loop. */
void reset_event(struct reset *reset, enum reset_event event);
/* The same from within a state's entry: it comes from the loop. */
void reset_event_later(struct reset *reset, enum reset_event event);
/* What came of the rung, for people, and its class where it went wrong. */
void reset_note(struct reset *reset, enum err_class class, const char *format, ...) _printf_(3, 4);

/* By any adapter, lately. */
bool reset_was_anything_heard(const struct sup *sup);
/* The adapter with its address, if it is there. */
struct adapter *reset_adapter(const struct reset *reset);

/* --- reset_acts.c: on entering a state --- */
void reset_enter(struct reset *reset);
/* Its time is over: what that means in this state; RESET_EVENT_COUNT: nothing yet. */
enum reset_event reset_timeout(struct reset *reset);
void reset_stop_listening(struct reset *reset);

/* What its helpers answer. */
void reset_on_lock(struct sup *sup, enum lock_self_outcome outcome, const char *text);
void reset_on_rescue(struct sup *sup, Bh__Ctl__RescueOutcome outcome, int error);

/* --- reset_tell.c --- */
void reset_tell_begin(const struct reset *reset, const char *why, enum reset_rung level);
/* A rung is over, well or not. */
void reset_tell_rung(const struct reset *reset, enum reset_rung rung, bool is_cured);
void reset_tell_end(const struct reset *reset, bool is_cured);
/* RESET_VICTIMs to a program; returns how many. */
uint32_t reset_tell_victims(struct sup *sup, uint16_t index, enum reset_rung level,
			    struct client *client, uint32_t request);
