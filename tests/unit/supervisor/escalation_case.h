/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * tests/unit/supervisor/escalation_case.h - an escalation with known limits and the built-in
 * profiles; pure.
 */
#include "supervisor/escalation.h"

enum { A = 1, DEVICE = 0xc0, OTHER = 0xc1, LONG_MS = 600000 };

extern const struct escalation_limits CASE_LIMITS;
extern struct escalation *esc;
extern struct profiles profiles;
extern const struct profile *battery, *sensor, *on_demand;

/* A new one, instead of the one before. */
void case_begin_with(const struct escalation_limits *limits);

/* A fixture: with CASE_LIMITS. */
void case_begin(void);
void case_end(void);

/* A peripheral that is on, alone on the only adapter. */
struct escalation_failure case_failure(uint64_t address, enum err_class class);
