/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * worker/scan_policy.h - whether discovery pauses around connects on this adapter: learned from how
 * long they took with and without it. Pure.
 *
 * bluetoothd 5.66 takes 8.7 s to connect while it discovers and 0.4 s otherwise
 * (reference/lab-facts.md), others need no pause: it begins with pausing, tries without now and
 * then, less often each time that it was slow, and stays with what works.
 */
#include "ipc/base.h"

enum {
	SCAN_POLICY_TRIAL_FIRST = 32, /* connects with a pause before one is tried without */
	SCAN_POLICY_TRIAL_MAX = 1024,
	SCAN_POLICY_PROOFS = 3, /* so many more good ones than it takes to end it */
	SCAN_POLICY_SCORE_MAX = 8,
	SCAN_POLICY_SLACK_MS = 300, /* so much more than twice the usual is still good */
};

struct scan_policy {
	uint32_t paused_ms; /* the usual with a pause, smoothed; 0: not known */
	uint32_t score;	    /* in favour of connecting beside discovery */
	uint32_t n_paused;  /* since the last trial */
	uint32_t trial_every;
};

void scan_policy_init(struct scan_policy *policy);

/* Whether the next connect is to have a pause. */
bool scan_policy_pauses(const struct scan_policy *policy);

/**
 * scan_policy_took() - a connect has ended
 * @is_beside: discovery ran meanwhile, whoever's
 * @is_up:     it succeeded; else one that ended early tells nothing
 */
void scan_policy_took(struct scan_policy *policy, bool is_beside, bool is_up, uint32_t took_ms);
