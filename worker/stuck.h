/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/stuck.h - a link that its cure did not end, or that does not end. It is remembered for a
 * while: whoever wants it meanwhile is told so at once instead of after the same steps again,
 * unless a new look (worker/cure.h) shows another state. What ends it is a reset, the supervisor's
 * to decide (ATTEMPT_FAILED says that it is stuck).
 */
#include "worker/diagnosis.h"

enum { STUCK_DONE_LEN = 96 };

struct stuck {
	enum diagnosis state; /* DIAGNOSIS_SOUND: nothing is remembered */
	uint64_t at_ms;
	uint64_t until_ms;
	char done[STUCK_DONE_LEN]; /* what did not help */
};

struct link;

/**
 * stuck_note() - remember it, and tell the supervisor (event `stuck`)
 * @done: the steps that did not help, for people; "": none may be taken
 */
void stuck_note(struct link *link, enum diagnosis state, const char *done, uint64_t began_ms);
void stuck_forget(struct link *link);

/* Whether that is what it was last, not long ago. */
bool stuck_is(const struct link *link, enum diagnosis state);
/* Whether anything is remembered. */
bool stuck_is_any(const struct link *link);
/* Whether the attempt failed for it. */
bool stuck_has_failed(const struct link *link);

/* What a request is told that fails for it. */
void stuck_text(const struct link *link, char *out, size_t size);

/* Event `cured`: what was stuck is gone. */
void stuck_tell_cured(const struct link *link, enum diagnosis state, const char *done,
		      uint64_t began_ms);
