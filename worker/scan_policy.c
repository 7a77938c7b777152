/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/scan_policy.h"

/* A slow one weighs as much as three good ones: 8 s are lost with it, little is won with those. */
enum { SLOW_WEIGHT = 3, SMOOTH = 4 };

void scan_policy_init(struct scan_policy *policy)
{
	*policy = (struct scan_policy){ .trial_every = SCAN_POLICY_TRIAL_FIRST };
}

bool scan_policy_pauses(const struct scan_policy *policy)
{
	return policy->score < SCAN_POLICY_PROOFS && policy->n_paused < policy->trial_every;
}

static void took_paused(struct scan_policy *policy, uint32_t took_ms)
{
	if (policy->paused_ms == 0)
		policy->paused_ms = took_ms > 0 ? took_ms : 1;
	else
		policy->paused_ms = (policy->paused_ms * (SMOOTH - 1) + took_ms + 1) / SMOOTH;
	if (policy->n_paused < SCAN_POLICY_TRIAL_MAX)
		policy->n_paused++;
}

void scan_policy_took(struct scan_policy *policy, bool is_beside, bool is_up, uint32_t took_ms)
{
	bool is_slow = took_ms > 2 * policy->paused_ms + SCAN_POLICY_SLACK_MS;

	if (!is_beside && is_up)
		took_paused(policy, took_ms);
	if (!is_beside || policy->paused_ms == 0)
		return;
	if (is_up && !is_slow && policy->score < SCAN_POLICY_SCORE_MAX)
		policy->score++;
	if (!is_slow)
		return;
	policy->score = policy->score > SLOW_WEIGHT ? policy->score - SLOW_WEIGHT : 0;
	if (policy->score >= SCAN_POLICY_PROOFS)
		return;
	policy->n_paused = 0;
	if (policy->trial_every < SCAN_POLICY_TRIAL_MAX)
		policy->trial_every *= 2;
}
