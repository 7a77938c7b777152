/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_device_rules.c - [links] and [device WHO]: who is meant, which section
 * wins, and one clear line for each mistake.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/config.h"
#include "tests/unit/supervisor/config_case.h"

Suite *suite_device_rules(void);

static const uint64_t OTHER = 0xc0aabb;
static const uint64_t MINE = 0xc0aabbcc;

static struct config config;

static void parse(const char *text)
{
	char error[CONFIG_ERROR_LEN] = "";

	config_defaults(&config);
	ck_assert_msg(config_parse(&config, text, "f", error) == 0, "%s", error);
}

static struct device_rule rule_of(uint64_t address, const char *name, const char *service)
{
	struct pattern_device who = { .address = address, .name = name };
	struct device_rule rule;
	struct uuid uuid;

	if (service) {
		ck_assert_int_eq(uuid_parse(service, &uuid), 0);
		who.services = &uuid;
		who.n_services = 1;
	}
	device_rules_of(&config.devices, &who, &rule);
	return rule;
}

START_TEST(test_defaults)
{
	struct device_rule rule;

	parse("");
	rule = rule_of(1, "", NULL);
	ck_assert_uint_eq(rule.strategy, STRATEGY_ON_DEMAND);
	ck_assert_uint_eq(rule.linger_ms, 1000);
	ck_assert_uint_eq(rule.idle_ms, 0);
	ck_assert_uint_eq(rule.lifetime_ms, 0);
	ck_assert_uint_eq(rule.breaker_failures, 5);
	ck_assert_uint_eq(rule.breaker_probe_ms, 60000);
	ck_assert_uint_eq(rule.reconnect_base_ms, 2000);
	ck_assert_uint_eq(rule.reconnect_max_ms, 60000);
	ck_assert(!device_rule_is_kept(&rule));
	ck_assert_uint_eq(config.devices.per_adapter, 0);
	ck_assert_uint_eq(config.devices.total, 0);
}
END_TEST

START_TEST(test_values)
{
	struct device_rule rule;
	struct uuid uuid;

	parse("[links]\nper_adapter = 3\ntotal = 9\nlinger_ms = 7\nidle_ms = 8\nlifetime_ms = 9\n"
	      "[device C0:AA:BB:00:00:01]\nstrategy = persistent\nnotify = acquire\n"
	      "write = acquire\nsilence_ms = 30000\nfixed = 2a29, 2a24\ncheck = read:2a19\n"
	      "check_interval_ms = 5000\ncheck_timeout_ms = 4000\nbreaker_failures = 3\n"
	      "breaker_probe_ms = 1000\nreconnect_base_ms = 10\nreconnect_max_ms = 20\n"
	      "profile = sensor\nidle_ms = 0\n");
	ck_assert_uint_eq(config.devices.per_adapter, 3);
	ck_assert_uint_eq(config.devices.total, 9);
	rule = rule_of(0xc0aabb000001, "", NULL);
	ck_assert_uint_eq(rule.strategy, STRATEGY_PERSISTENT);
	ck_assert_uint_eq(rule.linger_ms, 7);
	ck_assert_uint_eq(rule.idle_ms, 0);
	ck_assert_uint_eq(rule.lifetime_ms, 9);
	ck_assert_uint_eq(rule.notify, DEVICE_NOTIFY_ACQUIRE);
	ck_assert_uint_eq(rule.write, DEVICE_WRITE_ACQUIRE);
	ck_assert_uint_eq(rule.silence_ms, 30000);
	ck_assert_uint_eq(rule.n_fixed, 2);
	ck_assert_int_eq(uuid_parse("2a24", &uuid), 0);
	ck_assert(uuid_equal(&rule.fixed[1], &uuid));
	ck_assert_uint_eq(rule.check, DEVICE_CHECK_READ);
	ck_assert_int_eq(uuid_parse("2a19", &uuid), 0);
	ck_assert(uuid_equal(&rule.check_uuid, &uuid));
	ck_assert_uint_eq(rule.check_interval_ms, 5000);
	ck_assert_uint_eq(rule.check_timeout_ms, 4000);
	ck_assert_uint_eq(rule.breaker_failures, 3);
	ck_assert_uint_eq(rule.breaker_probe_ms, 1000);
	ck_assert_uint_eq(rule.reconnect_base_ms, 10);
	ck_assert_uint_eq(rule.reconnect_max_ms, 20);
	ck_assert_str_eq(rule.profile, "sensor");
	ck_assert(device_rule_is_kept(&rule));
	rule = rule_of(0xc0aabb000002, "", NULL);
	ck_assert_uint_eq(rule.strategy, STRATEGY_ON_DEMAND);
	ck_assert_uint_eq(rule.write, DEVICE_WRITE_CALL);
	ck_assert_uint_eq(rule.idle_ms, 8);
}
END_TEST

/* An address over a name over a service, later over earlier; key by key. */
START_TEST(test_precedence)
{
	static const char LONG[] = "0000fe95-0000-1000-8000-00805f9b34fb";
	struct device_rule rule;

	parse("[device 00:00:C0:AA:BB:CC]\nlinger_ms = 1\n"
	      "[device name:Thermo*]\nlinger_ms = 2\nidle_ms = 2\n"
	      "[device name:*]\nidle_ms = 3\nsilence_ms = 3\n"
	      "[device service:0000fe95-0000-1000-8000-00805f9b34fb]\n"
	      "linger_ms = 4\nidle_ms = 4\nsilence_ms = 4\nlifetime_ms = 4\n");
	rule = rule_of(MINE, "Thermo 7", LONG);
	ck_assert_uint_eq(rule.linger_ms, 1);
	ck_assert_uint_eq(rule.idle_ms, 3);
	ck_assert_uint_eq(rule.silence_ms, 3);
	ck_assert_uint_eq(rule.lifetime_ms, 4);
	rule = rule_of(OTHER, "Thermo 7", NULL);
	ck_assert_uint_eq(rule.linger_ms, 2);
	ck_assert_uint_eq(rule.lifetime_ms, 0);
	/* No name is not an empty one. */
	rule = rule_of(OTHER, "", "fe95");
	ck_assert_uint_eq(rule.idle_ms, 4);
	rule = rule_of(OTHER, "", "fe96");
	ck_assert_uint_eq(rule.idle_ms, 0);
	ck_assert(device_rules_has_patterns(&config.devices));
	parse("[device 00:00:C0:AA:BB:CC]\nlinger_ms = 1\n");
	ck_assert(!device_rules_has_patterns(&config.devices));
}
END_TEST

static const struct config_case WRONG[] = {
	{ "[device X]\nidle_ms = 1\n", "f:2: ", "[device C0:AA:BB:00:00:01]" },
	{ "[device]\nidle_ms = 1\n", "f:2: ", "names no device" },
	{ "[device *]\nidle_ms = 1\n", "f:2: ", "names no device" },
	{ "[device service:xyz]\nidle_ms = 1\n", "f:2: ", "[device service:UUID]" },
	{ "[device name:]\nidle_ms = 1\n", "f:2: ", "[device name:PATTERN]" },
	{ "[devise name:a]\nidle_ms = 1\n", "f:1: ", "nearest is [device WHO]" },
	{ "[device name:a]\nidel_ms = 1\n", "f:2: ", "nearest is idle_ms" },
	{ "[device name:a]\nidle_ms = soon\n", "f:2: ", "from 0 to 86400000" },
	{ "[device name:a]\nidle_ms = 99999999999\n", "f:2: ", "from 0 to 86400000" },
	{ "[device name:a]\nidle_ms =\n", "f:2: ", "from 0" },
	{ "[device name:a]\nidle_ms = 5s\n", "f:2: ", "from 0 to 86400000" },
	{ "[device name:a]\nbreaker_failures = 1000000\n", "f:2: ", "out of range" },
	{ "[device name:a]\nstrategy = always\n", "f:2: ", "one of on-demand, persistent" },
	{ "[device name:a]\nstrategy =\n", "f:2: ", "one of on-demand, persistent" },
	{ "[device name:a]\nnotify = both\n", "f:2: ", "one of any, acquire, start" },
	{ "[device name:a]\ncheck = read:\n", "f:2: ", "one of none, gatt, read:UUID" },
	{ "[device name:a]\ncheck = write:2a19\n", "f:2: ", "one of none, gatt, read:UUID" },
	{ "[device name:a]\nfixed = 0000fe95-0000-1000-8000-00805f9b34fb0\n", "f:2: ", "UUIDs" },
	{ "[device name:a]\nprofile =\n", "f:2: ", "one such as battery" },
	{ "[device name:a]\nprofile = a-name-that-is-longer-than-any-profile-may-be\n",
	  "f:2: ", "one such as battery" },
	{ "[device name:a]\nfixed = 2a29, nothing\n", "f:2: ", "UUIDs" },
	{ "[device name:a]\nfixed = 1,2,3,4,5,6,7,8,9\n", "f:2: ", "up to 8" },
	{ "[device name:a]\nprofile = gentle\n", "f:2: ", "[profile NAME]" },
	{ "[device name:a]\nreconnect_base_ms = 70000\n", "f:2: ", "above reconnect_max_ms" },
	{ "[device name:a]\nidle_ms = 1\n[device name:a]\nidle_ms = 2\n", "f:4: ", "twice" },
	{ "[link]\nidle_ms = 1\n", "f:1: ", "nearest is [links]" },
	{ "[links]\ntotal = 5000\n", "f:2: ", "from 0 to 4096" },
	{ "[links]\nlinger = 5\n", "f:2: ", "nearest is linger_ms" },
};

START_TEST(test_wrong)
{
	config_case_refused(&WRONG[_i]);
}
END_TEST

START_TEST(test_too_many)
{
	char error[DEVICE_RULES_ERROR_LEN];
	char who[32];
	unsigned i;

	config_defaults(&config);
	for (i = 0; i < DEVICE_RULES_MAX; i++) {
		(void)snprintf(who, sizeof(who), "name:%u", i);
		ck_assert_int_eq(device_rules_set(&config.devices, who, "idle_ms", "1", error), 0);
	}
	ck_assert_int_eq(device_rules_set(&config.devices, "name:x", "idle_ms", "1", error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "256"));
}
END_TEST

/* A change of any of it is one that a reload tells the workers. */
static const char *const DIFFERENT[] = {
	"[device name:a]\nfixed = 2a29, 2a24\n",
	"[device name:a]\nfixed = 2a29, 2a25\n",
	"[device name:a]\nfixed = 2a29\n",
	"[device name:a]\ncheck = read:2a19\n",
	"[device name:a]\ncheck = read:2a29\n",
	"[device name:a]\ncheck = gatt\n",
	"[device name:a]\nidle_ms = 1\n",
	"[device name:a]\nidle_ms = 0\n",
	"[device name:a]\nlinger_ms = 1000\n",
	"[device name:a]\nprofile = sensor\n",
	"[device name:a]\nprofile = battery\n",
	"[device name:b]\nidle_ms = 1\n",
	"[device name:a]\nidle_ms = 1\n[device name:b]\nidle_ms = 1\n",
	"",
};

START_TEST(test_equal)
{
	static struct config other;
	size_t i;

	for (i = 0; i < ARRAY_LEN(DIFFERENT); i++) {
		parse(DIFFERENT[_i]);
		other = config;
		parse(DIFFERENT[i]);
		ck_assert_msg(device_rules_equal(&config.devices, &other.devices) ==
				      (i == (size_t)_i),
			      "%d and %zu", _i, i);
	}
}
END_TEST

START_TEST(test_kept)
{
	parse("[device name:a]\ncheck = gatt\ncheck_interval_ms = 5000\n"
	      "[device name:b]\ncheck = none\ncheck_interval_ms = 5000\n");
	ck_assert(device_rule_is_kept(&config.devices.list[0].rule));
	ck_assert(!device_rule_is_kept(&config.devices.list[1].rule));
}
END_TEST

Suite *suite_device_rules(void)
{
	Suite *suite = suite_create("device_rules");
	TCase *tc = tcase_create("device_rules");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_precedence);
	tcase_add_loop_test(tc, test_wrong, 0, (int)ARRAY_LEN(WRONG));
	tcase_add_test(tc, test_too_many);
	tcase_add_loop_test(tc, test_equal, 0, (int)ARRAY_LEN(DIFFERENT));
	tcase_add_test(tc, test_kept);
	suite_add_tcase(suite, tc);
	return suite;
}
