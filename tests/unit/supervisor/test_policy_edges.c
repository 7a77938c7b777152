/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small policies at the ends of their ranges: full counters, words that nobody knows. */
#include <check.h>
#include <string.h>

#include "supervisor/backoff.h"
#include "supervisor/breaker.h"
#include "supervisor/child.h"
#include "supervisor/device_health.h"
#include "supervisor/mgmt_codec.h"
#include "supervisor/nearest.h"
#include "supervisor/profile.h"
#include "supervisor/reset_chain.h"
#include "supervisor/score.h"

Suite *suite_policy_edges(void);

START_TEST(counters_do_not_wrap)
{
	const struct breaker_limits limits = { .failures = 3, .probe_ms = 60000 };
	const struct backoff_limits restarts = { .base_ms = 100, .max_ms = 5000 };
	struct breaker breaker = { .failures = UINT32_MAX, .is_open = true };
	struct backoff backoff = { .n = UINT32_MAX };
	struct device_health health = { .failures = UINT32_MAX, .state = HEALTH_UNHEALTHY };
	uint32_t failures = 0;
	uint32_t delay_ms = 0;

	ck_assert_int_eq(breaker_note(&breaker, &limits, CLASS_LINK_LOST, &failures), BREAKER_SAME);
	ck_assert_uint_eq(failures, UINT32_MAX);
	/* 0 ms would be the first death's. */
	ck_assert_int_eq(backoff_died(&backoff, &restarts, 1000, 0, false, 0, &delay_ms),
			 BACKOFF_RESTART);
	ck_assert_int_eq(backoff_died(&backoff, &restarts, 2000, 0, false, 0, &delay_ms),
			 BACKOFF_RESTART);
	ck_assert_uint_eq(delay_ms, 4000);
	ck_assert(!device_health_note(&health, false));
	ck_assert_int_eq(health.state, HEALTH_UNHEALTHY);
	ck_assert_uint_eq(health.failures, UINT32_MAX);
}
END_TEST

START_TEST(states_of_health_have_names)
{
	ck_assert_str_eq(health_state_name(HEALTH_UNKNOWN), "unknown");
	ck_assert_str_eq(health_state_name(HEALTH_HEALTHY), "healthy");
	ck_assert_str_eq(health_state_name(HEALTH_DEGRADED), "degraded");
	ck_assert_str_eq(health_state_name(HEALTH_UNHEALTHY), "unhealthy");
}
END_TEST

START_TEST(one_that_held_a_lock_too_long_is_said_so)
{
	struct child_obituary obituary = {
		.is_signal = true,
		.status = 9,
		.cause = CHILD_CAUSE_OVERDUE,
		.lock = "hci1",
	};
	char text[128];

	child_obituary_text(&obituary, text, sizeof(text));
	ck_assert_str_eq(text, "killed by SIGKILL, held the lock of hci1 too long");
}
END_TEST

START_TEST(what_is_no_status_or_rung_is_said_so)
{
	ck_assert_str_eq(mgmt_codec_status_text(0xfe), "unknown status");
	ck_assert_str_eq(mgmt_codec_status_text(MGMT_STATUS_NO_ANSWER), "no answer");
	ck_assert_str_eq(reset_rung_name(RESET_RUNG_COUNT), "all");
	ck_assert_str_eq(escalation_step_name((enum escalation_step)99), "nothing");
}
END_TEST

/* --- profiles --- */

static const struct {
	const char *key;
	const char *value;
	const char *error;
} REFUSED[] = {
	{ "attempts", "0", "attempts = 0 is no number from 1 to 1000" },
	{ "attempts", "1001", "attempts = 1001 is no number from 1 to 1000" },
	{ "attempts", "", "attempts =  is no number from 1 to 1000" },
	{ "clear_after", "5s", "clear_after = 5s is no number from 0 to 1000" },
	{ "clear_after", "-1", "clear_after = -1 is no number from 0 to 1000" },
	{ "clear_aftr", "1", "the nearest is clear_after" },
	{ "ceilin", "reset", "the nearest is ceiling" },
	{ "ceiling", "clean", "ceiling = clean is not known; one of retry, clear, rotate, reset" },
};

START_TEST(what_a_profile_does_not_know_is_said)
{
	struct profiles profiles;
	char error[PROFILE_ERROR_LEN] = "";

	profiles_defaults(&profiles);
	ck_assert_int_eq(
		profiles_set(&profiles, "battery", REFUSED[_i].key, REFUSED[_i].value, error),
		-EINVAL);
	ck_assert_msg(strstr(error, REFUSED[_i].error) != NULL, "%s", error);
}
END_TEST

START_TEST(a_device_has_a_profile_in_any_case)
{
	struct profiles profiles;

	profiles_defaults(&profiles);
	ck_assert_str_eq(profiles_of(&profiles, "sensor")->name, "sensor");
	memcpy(profiles.chosen, "on-demand", sizeof("on-demand"));
	ck_assert_str_eq(profiles_of(&profiles, "gone")->name, "on-demand");
	memcpy(profiles.chosen, "gone", sizeof("gone"));
	ck_assert_str_eq(profiles_of(&profiles, "gone")->name, "battery");
	ck_assert(profile_allows(profiles_of(&profiles, "sensor"), ESCALATION_NOTHING));
}
END_TEST

START_TEST(long_words_are_compared_by_their_beginnings)
{
	char a[2 * NEAREST_WORD_MAX], b[2 * NEAREST_WORD_MAX];

	memset(a, 'a', sizeof(a));
	a[sizeof(a) - 1] = '\0';
	memcpy(b, a, sizeof(a));
	b[NEAREST_WORD_MAX] = '\0';
	ck_assert_uint_eq(nearest_distance(a, b), 0);
	b[3] = 'x';
	ck_assert_uint_eq(nearest_distance(a, b), 1);
}
END_TEST

/* --- resets --- */

START_TEST(silence_is_proof_only_where_there_was_something_to_hear)
{
	struct reset_proof proof = { .has_bluez = true, .is_powered = true };

	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_HEARD);
	proof.was_anything_heard = true;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_TIMER);
	proof.has_heard = true;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_HEARD);
	proof.is_powered = false;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_REFUSED);
	proof.has_bluez = false;
	ck_assert_int_eq(reset_chain_judge(&proof), RESET_EV_NO_BLUEZ);
}
END_TEST

Suite *suite_policy_edges(void)
{
	Suite *suite = suite_create("policy_edges");
	TCase *tc = tcase_create("policy_edges");

	tcase_add_test(tc, counters_do_not_wrap);
	tcase_add_test(tc, states_of_health_have_names);
	tcase_add_test(tc, one_that_held_a_lock_too_long_is_said_so);
	tcase_add_test(tc, what_is_no_status_or_rung_is_said_so);
	tcase_add_loop_test(tc, what_a_profile_does_not_know_is_said, 0, (int)ARRAY_LEN(REFUSED));
	tcase_add_test(tc, a_device_has_a_profile_in_any_case);
	tcase_add_test(tc, long_words_are_compared_by_their_beginnings);
	tcase_add_test(tc, silence_is_proof_only_where_there_was_something_to_hear);
	suite_add_tcase(suite, tc);
	return suite;
}
