/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * supervisor/escalation.h - what to do after a failed attempt to connect.
 *
 * For now one rung: try again, later each time, as long as the class of the failure gives hope and
 * the request's deadline leaves room. Pure. Used by worker_child.c.
 */
#include "ipc/base.h"
#include "ipc/class.h"

struct escalation_limits {
	uint32_t attempts; /* of one request, the first included */
	uint32_t base_ms;
	uint32_t max_ms;
};

struct escalation_failure {
	enum err_class class;
	uint32_t attempt; /* 1 for the first */
	uint32_t left_ms; /* of the request's deadline */
};

enum { ESCALATION_RETRY = 1, ESCALATION_GIVE_UP = 2 }; /* as in control.proto */

/**
 * escalation_next() - the next step
 * @dice:         any random number, for jitter
 * @out_delay_ms: before the next attempt; written with ESCALATION_RETRY
 *
 * Outcomes: ESCALATION_RETRY, ESCALATION_GIVE_UP.
 */
must_check int escalation_next(const struct escalation_failure *failure,
			       const struct escalation_limits *limits, uint32_t dice,
			       uint32_t *out_delay_ms);
