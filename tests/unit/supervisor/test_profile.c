/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_profile.c - profiles and what [profile NAME] makes of them, and the
 * count that decays.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/config.h"
#include "supervisor/decay.h"
#include "supervisor/profile.h"

Suite *suite_profile(void);

enum { HALF_MS = 1000 };

/* What spec-systems.md 4.5 allows each. */
static const struct {
	const char *name;
	bool clear, rotate, reset;
} ALLOWED[] = {
	{ "battery", true, true, true },
	{ "sensor", true, true, false },
	{ "on-demand", false, true, false },
};

START_TEST(test_builtin)
{
	const struct profile *profile;
	struct profiles profiles;

	profiles_defaults(&profiles);
	profile = profiles_find(&profiles, ALLOWED[_i].name);
	ck_assert_ptr_nonnull(profile);
	ck_assert(profile_allows(profile, ESCALATION_RETRY));
	ck_assert(profile_allows(profile, ESCALATION_CLEAR) == ALLOWED[_i].clear);
	ck_assert(profile_allows(profile, ESCALATION_ROTATE) == ALLOWED[_i].rotate);
	ck_assert(profile_allows(profile, ESCALATION_RESET) == ALLOWED[_i].reset);
	ck_assert_ptr_null(profiles_find(&profiles, "nobody"));
	ck_assert_str_eq(profiles_of(&profiles, "")->name, "battery");
}
END_TEST

/* A ceiling holds whatever the thresholds say, and a threshold of 0 whatever the ceiling. */
START_TEST(test_ceiling)
{
	static const enum escalation_step RUNGS[] = { ESCALATION_RETRY, ESCALATION_CLEAR,
						      ESCALATION_ROTATE, ESCALATION_RESET };
	struct profile profile = { .clear_after = 1, .rotate_after = 1, .reset_after = 1 };
	size_t ceiling, step;

	for (ceiling = 0; ceiling < ARRAY_LEN(RUNGS); ceiling++)
		for (step = 0; step < ARRAY_LEN(RUNGS); step++) {
			profile.ceiling = RUNGS[ceiling];
			ck_assert(profile_allows(&profile, RUNGS[step]) == (step <= ceiling));
		}
	profile = (struct profile){ .ceiling = ESCALATION_RESET };
	for (step = 1; step < ARRAY_LEN(RUNGS); step++)
		ck_assert(!profile_allows(&profile, RUNGS[step]));
}
END_TEST

static int parse(struct config *config, const char *text, char error[CONFIG_ERROR_LEN])
{
	config_defaults(config);
	return config_parse(config, text, "t.conf", error);
}

START_TEST(test_configured)
{
	char error[CONFIG_ERROR_LEN] = "";
	const struct profile *profile;
	struct config config;

	ck_assert_int_eq(parse(&config,
			       "[escalation]\nprofile = heater\nreset_budget = 2\n"
			       "half_life_ms = 5000\n[profile heater]\nceiling = rotate\n"
			       "rotate_after = 1\nattempts = 9\n[profile sensor]\n"
			       "reset_after = 4\nceiling=reset\n",
			       error),
			 0);
	profile = profiles_of(&config.profiles, "");
	ck_assert_str_eq(profile->name, "heater");
	ck_assert_uint_eq(profile->rotate_after, 1);
	ck_assert_uint_eq(profile->attempts, 9);
	ck_assert_uint_eq(profile->clear_after,
			  profiles_find(&config.profiles, "battery")->clear_after);
	ck_assert(!profile_allows(profile, ESCALATION_RESET));
	ck_assert(profile_allows(profiles_find(&config.profiles, "sensor"), ESCALATION_RESET));
	ck_assert_uint_eq(config.reset_budget, 2);
	ck_assert_uint_eq(config.half_life_ms, 5000);
}
END_TEST

static const struct {
	const char *text;
	const char *says[3];
} WRONG[] = {
	{ "[profile x]\nceiling = high\n", { "t.conf:2:", "high", "one of retry, clear" } },
	{ "[profile x]\nceilin = reset\n", { "t.conf:2:", "ceilin", "nearest is ceiling" } },
	{ "[profile x]\nrotate_after = soon\n", { "t.conf:2:", "soon", "0 to 1000" } },
	{ "[profile x]\nattempts = 0\n", { "t.conf:2:", "attempts", "1 to 1000" } },
	{ "[profile]\nattempts = 2\n", { "t.conf:2:", "[profile NAME]", "" } },
	{ "[profile abcdefghijklmnopqrstuvwxyz]\nattempts = 2\n", { "t.conf:2:", "1 to 23", "" } },
	{ "[profile x]\nattempts = 2\nattempts = 3\n", { "t.conf:3:", "twice", "" } },
	{ "[escalation]\nprofile = batery\n", { "t.conf:", "batery", "[profile batery]" } },
	{ "[escalation]\nreset_budget = 9\n", { "t.conf:2:", "9", "from 0 to 8" } },
	{ "[escalaton]\nreset_budget = 1\n", { "t.conf:1:", "nearest is [escalation]", "" } },
};

START_TEST(test_wrong)
{
	char error[CONFIG_ERROR_LEN] = "";
	struct config config;
	size_t i;

	ck_assert_int_eq(parse(&config, WRONG[_i].text, error), -EINVAL);
	for (i = 0; i < 3; i++)
		ck_assert_msg(strstr(error, WRONG[_i].says[i]) != NULL, "no '%s' in: %s",
			      WRONG[_i].says[i], error);
}
END_TEST

START_TEST(test_too_many)
{
	char error[PROFILE_ERROR_LEN] = "";
	struct profiles profiles;
	char name[8] = "p";
	unsigned n = 0;

	profiles_defaults(&profiles);
	while (n < 100) {
		name[1] = (char)('a' + n / 26);
		name[2] = (char)('a' + n % 26);
		if (profiles_set(&profiles, name, "attempts", "2", error) != 0)
			break;
		n++;
	}
	ck_assert_uint_eq(profiles.n, PROFILES_MAX);
	ck_assert_ptr_nonnull(strstr(error, "16 profiles"));
	ck_assert_int_eq(profiles_set(&profiles, "sensor", "attempts", "2", error), 0);
}
END_TEST

START_TEST(test_decay)
{
	struct decay decay = { 0 };
	uint64_t now_ms = 5;
	uint32_t last, value;
	unsigned i;

	ck_assert_uint_eq(decay_value(&decay, HALF_MS, 1u << 30), 0);
	for (i = 0; i < 4; i++)
		decay_add(&decay, HALF_MS, now_ms);
	ck_assert_uint_eq(decay_value(&decay, HALF_MS, now_ms), 4 * DECAY_ONE);
	ck_assert_uint_eq(decay_value(&decay, HALF_MS, now_ms + HALF_MS), 2 * DECAY_ONE);
	ck_assert_uint_eq(decay_value(&decay, HALF_MS, now_ms + 3ull * HALF_MS), DECAY_ONE / 2);
	ck_assert_uint_eq(decay_value(&decay, HALF_MS, now_ms + 100ull * HALF_MS), 0);
	/* Only ever down, and a clock that is behind changes nothing. */
	for (i = 0, last = UINT32_MAX; i < 20 * HALF_MS; i++, last = value) {
		value = decay_value(&decay, HALF_MS, now_ms + i);
		ck_assert_uint_le(value, last);
	}
	ck_assert_uint_eq(decay_value(&decay, HALF_MS, 0), 4 * DECAY_ONE);
	for (i = 0; i < 5000; i++)
		decay_add(&decay, HALF_MS, now_ms);
	ck_assert_uint_eq(decay_value(&decay, HALF_MS, now_ms), DECAY_MAX);
}
END_TEST

Suite *suite_profile(void)
{
	Suite *suite = suite_create("profile");
	TCase *tc = tcase_create("profile");

	tcase_add_loop_test(tc, test_builtin, 0, (int)ARRAY_LEN(ALLOWED));
	tcase_add_test(tc, test_ceiling);
	tcase_add_test(tc, test_configured);
	tcase_add_loop_test(tc, test_wrong, 0, (int)ARRAY_LEN(WRONG));
	tcase_add_test(tc, test_too_many);
	tcase_add_test(tc, test_decay);
	suite_add_tcase(suite, tc);
	return suite;
}
