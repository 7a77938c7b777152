/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/supervisor/escalation_case.h"

#include <check.h>

const struct escalation_limits CASE_LIMITS = {
	.attempts = 100,
	.base_ms = 250,
	.max_ms = 4000,
	.half_life_ms = 600000,
	.reset_cooldown_ms = 300000,
	.reset_budget = 3,
	.reset_window_ms = 3600000,
};

struct escalation *esc;
struct profiles profiles;
const struct profile *battery, *sensor, *on_demand;

void case_begin_with(const struct escalation_limits *limits)
{
	esc = escalation_free(esc);
	ck_assert_int_eq(escalation_new(&esc, limits), 0);
	profiles_defaults(&profiles);
	battery = profiles_find(&profiles, "battery");
	sensor = profiles_find(&profiles, "sensor");
	on_demand = profiles_find(&profiles, "on-demand");
}

void case_begin(void)
{
	case_begin_with(&CASE_LIMITS);
}

void case_end(void)
{
	esc = escalation_free(esc);
}

struct escalation_failure case_failure(uint64_t address, enum err_class class)
{
	return (struct escalation_failure){
		.address = address,
		.adapter = A,
		.other = ESCALATION_NOBODY,
		.session = 1,
		.class = class,
		.attempt = 1,
		.left_ms = LONG_MS,
		.is_heard = true,
		.is_alone = true,
	};
}
