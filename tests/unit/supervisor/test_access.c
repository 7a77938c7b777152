/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_access.c - [access NAME]: who is meant, which section decides, what
 * holds where none does, one clear line for each mistake; over random rules a naive model beside
 * it.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/config.h"
#include "supervisor/requests.h"

Suite *suite_access(void);

enum { OWN = 900, ADMINS = 77, LAMPS = 50 };

static const struct access_world WORLD = { .own_uid = OWN, .has_group = true, .group = ADMINS };
static const uint32_t DEFAULT = RIGHTS_ALL & ~(RIGHT_RESET | RIGHT_CONFIGURE);

static struct config config;

static void parse(const char *text)
{
	char error[CONFIG_ERROR_LEN] = "";

	config_defaults(&config);
	ck_assert_msg(config_parse(&config, text, "f", error) == 0, "%s", error);
}

static uint32_t rights_of(uint32_t uid, uint32_t gid, uint64_t address, const char *name)
{
	struct access_peer peer = { .uid = uid, .gid = gid };
	struct pattern_device device = { .address = address, .name = name };
	struct access_verdict verdict;

	access_of(&config.access, &WORLD, &peer, address != 0 ? &device : NULL, &verdict);
	return verdict.rights;
}

START_TEST(test_defaults)
{
	uint32_t extra[] = { 1, ADMINS };
	struct access_peer member = { .uid = 1000, .gid = 1000, .n_groups = 2, .groups = extra };
	struct access_verdict verdict;
	char why[ACCESS_WHY_LEN];

	parse("");
	ck_assert_uint_eq(rights_of(0, 0, 1, ""), RIGHTS_ALL);
	ck_assert_uint_eq(rights_of(OWN, 1, 1, ""), RIGHTS_ALL);
	ck_assert_uint_eq(rights_of(1000, ADMINS, 1, ""), DEFAULT);
	ck_assert_uint_eq(rights_of(1000, 1000, 1, ""), RIGHT_SEE);
	ck_assert_uint_eq(rights_of(1000, 1000, 0, ""), RIGHT_SEE);
	access_of(&config.access, &WORLD, &member, NULL, &verdict);
	ck_assert_uint_eq(verdict.rights, DEFAULT);
	access_why(&WORLD, &member, &verdict, why);
	ck_assert_ptr_nonnull(strstr(why, "group bleherd"));
}
END_TEST

START_TEST(test_sections)
{
	struct access_peer peer = { .uid = 1000, .gid = 1000 };
	struct access_quota quota;

	parse("[access lamps]\ngroup = 50\ndevices = name:Lamp*, C0:AA:BB:00:00:01\n"
	      "allow = see, read, write\nsessions = 3\nrequests_per_s = 7\n"
	      "[access nobody]\nuser = 1000, 1001\nallow = none\nqueue = 2\nmemory_kib = 9\n"
	      "[access root]\nuser = 0\nallow = see\n");
	ck_assert_uint_eq(rights_of(1000, LAMPS, 5, "Lamp 1"),
			  RIGHT_SEE | RIGHT_READ | RIGHT_WRITE);
	ck_assert_uint_eq(rights_of(1000, LAMPS, 0xc0aabb000001, NULL),
			  RIGHT_SEE | RIGHT_READ | RIGHT_WRITE);
	ck_assert_uint_eq(rights_of(1000, LAMPS, 5, "Door"), RIGHTS_NONE);
	ck_assert_uint_eq(rights_of(1002, LAMPS, 5, "Door"), RIGHT_SEE);
	ck_assert_uint_eq(rights_of(1001, 1, 5, "Lamp 1"), RIGHTS_NONE);
	/* Of at least one device. */
	ck_assert_uint_eq(rights_of(1000, LAMPS, 0, NULL), RIGHT_SEE | RIGHT_READ | RIGHT_WRITE);
	/* A section that names root holds for root. */
	ck_assert_uint_eq(rights_of(0, 0, 5, ""), RIGHT_SEE);
	quota = access_quota(&config.access, &peer);
	ck_assert_uint_eq(quota.queue, 2);
	ck_assert_uint_eq(quota.memory_kib, 9);
	ck_assert_uint_eq(quota.sessions, 0);
	peer.gid = LAMPS;
	ck_assert_uint_eq(access_quota(&config.access, &peer).requests_per_s, 7);
	ck_assert(access_has_patterns(&config.access));
}
END_TEST

/* Names are looked up on this machine; root is on each. */
START_TEST(test_names)
{
	parse("[access everybody]\nuser = *\nallow = see\n");
	ck_assert_uint_eq(rights_of(4711, 4711, 1, ""), RIGHT_SEE);
	ck_assert_uint_eq(rights_of(0, 0, 1, ""), RIGHT_SEE);
	parse("[access r]\nuser = root\nallow = read\n[access g]\ngroup = root\nallow = lock\n");
	ck_assert_uint_eq(rights_of(0, 5, 1, ""), RIGHT_READ);
	ck_assert_uint_eq(rights_of(5, 0, 1, ""), RIGHT_LOCK);
}
END_TEST

static const struct {
	const char *text;
	const char *words[3];
} MISTAKES[] = {
	{ "[access]\nuser = 1\n", { "f:2:", "[access NAME]" } },
	{ "[access a]\nuser = no-such-user-here\n",
	  { "f:2:", "no-such-user-here", "getent passwd" } },
	{ "[access a]\ngroup = no-such-group\n", { "f:2:", "no-such-group", "getent group" } },
	{ "[access a]\nuser = 1\nallow = reed\n", { "f:3:", "reed", "see, read, write" } },
	{ "[access a]\nuser = 1\nalow = read\n", { "f:3:", "alow", "allow" } },
	{ "[access a]\nuser = 1\nuser = 2\n", { "f:3:", "twice" } },
	{ "[access a]\nuser =\n", { "f:2:", "empty" } },
	{ "[access a]\ndevices = Lamp*\n", { "f:2:", "Lamp*", "name:PATTERN" } },
	{ "[access a]\nsessions = many\n", { "f:2:", "sessions", "number" } },
	{ "[access a]\nallow = read\n", { "[access a]", "names nobody" } },
	{ "[access a]\nuser = 1\n", { "[access a]", "does not say what it allows" } },
	{ "[acess a]\nuser = 1\n", { "f:1:", "acess a", "[access NAME]" } },
};

START_TEST(test_mistakes)
{
	char error[CONFIG_ERROR_LEN] = "";
	size_t i;

	config_defaults(&config);
	ck_assert_int_eq(config_parse(&config, MISTAKES[_i].text, "f", error), -EINVAL);
	for (i = 0; i < 3 && MISTAKES[_i].words[i]; i++)
		ck_assert_msg(strstr(error, MISTAKES[_i].words[i]) != NULL, "no '%s' in: %s",
			      MISTAKES[_i].words[i], error);
}
END_TEST

/* --- random rules; users and groups are few, so that they meet --- */

enum { USERS = 4, GROUPS = 3, DEVICES = 4, ROUNDS = 3000 };

static void make_rule(struct access_rule *rule)
{
	size_t i;

	*rule = (struct access_rule){ .allow = (uint32_t)random() & RIGHTS_ALL };
	rule->is_everybody = random() % 6 == 0;
	rule->n_users = (size_t)random() % 3;
	rule->n_groups = (size_t)random() % 2;
	rule->n_devices = (size_t)random() % 3;
	for (i = 0; i < rule->n_users; i++)
		rule->users[i] = (uint32_t)random() % USERS;
	for (i = 0; i < rule->n_groups; i++)
		rule->groups[i] = (uint32_t)random() % GROUPS;
	for (i = 0; i < rule->n_devices; i++) {
		rule->devices[i].kind = random() % 4 == 0 ? PATTERN_ANY : PATTERN_ADDRESS;
		rule->devices[i].address = 1 + (uint64_t)random() % DEVICES;
	}
}

static bool model_names(const struct access_rule *rule, const struct access_peer *peer,
			uint64_t device)
{
	bool is_his = rule->is_everybody;
	bool is_its = rule->n_devices == 0;
	size_t i;

	for (i = 0; i < rule->n_users; i++)
		is_his |= rule->users[i] == peer->uid;
	for (i = 0; i < rule->n_groups; i++)
		is_his |= rule->groups[i] == peer->gid || rule->groups[i] == peer->groups[0];
	for (i = 0; i < rule->n_devices; i++)
		is_its |=
			rule->devices[i].kind == PATTERN_ANY || rule->devices[i].address == device;
	return is_his && is_its;
}

static uint32_t model_rights(const struct access_peer *peer, uint64_t device)
{
	size_t i;

	for (i = 0; i < config.access.n; i++)
		if (model_names(&config.access.list[i], peer, device))
			return config.access.list[i].allow;
	if (peer->uid == 0 || peer->uid == OWN)
		return RIGHTS_ALL;
	return peer->gid == ADMINS || peer->groups[0] == ADMINS ? DEFAULT : RIGHT_SEE;
}

static bool is_seen(const struct access_sight *sights, size_t n, uint64_t device)
{
	struct pattern_device who = { .address = device };
	size_t i;

	for (i = 0; i < n; i++)
		if (pattern_fits(&sights[i].pattern, &who))
			return sights[i].is_seen;
	return false;
}

/* One more than DEVICES are looked at: that one is named by patterns for all only. */
static void check_peer(const struct access_peer *peer)
{
	struct access_sight sights[ACCESS_SIGHTS_MAX];
	size_t n = access_sights(&config.access, &WORLD, peer, sights);
	struct access_verdict verdict;
	uint32_t any = RIGHTS_NONE;
	bool sees_all = true;
	uint64_t device;

	for (device = 1; device <= DEVICES + 1; device++) {
		struct pattern_device who = { .address = device };
		uint32_t expected = model_rights(peer, device);

		access_of(&config.access, &WORLD, peer, &who, &verdict);
		ck_assert_uint_eq(verdict.rights, expected);
		ck_assert_int_eq(is_seen(sights, n, device), (expected & RIGHT_SEE) != 0);
		any |= expected;
		sees_all &= (expected & RIGHT_SEE) != 0;
	}
	access_of(&config.access, &WORLD, peer, NULL, &verdict);
	/* What is had of a device is among what is had of any. */
	ck_assert_uint_eq(verdict.rights & any, any);
	ck_assert(!access_sees_all(&config.access, &WORLD, peer) || sees_all);
}

START_TEST(test_random)
{
	uint32_t extra;
	struct access_peer peer = { .n_groups = 1, .groups = &extra };
	size_t round;
	size_t i;

	srandom((unsigned)_i + 1);
	for (round = 0; round < ROUNDS; round++) {
		config.access.n = (size_t)random() % 6;
		for (i = 0; i < config.access.n; i++)
			make_rule(&config.access.list[i]);
		for (peer.uid = 0; peer.uid < USERS; peer.uid++) {
			peer.gid = random() % 4 == 0 ? ADMINS : (uint32_t)random() % GROUPS;
			extra = random() % 4 == 0 ? ADMINS : (uint32_t)random() % GROUPS;
			check_peer(&peer);
		}
	}
}
END_TEST

/* Whatever a program sends goes through the one gate that asks for rights and rates. */
START_TEST(test_requests_gate)
{
	size_t i;

	for (i = 1; i < REQUESTS_RULES_LEN; i++)
		ck_assert_msg(REQUESTS_RULES[i].handle == REQUESTS_RULES[0].handle,
			      "request %u has a handler of its own: put it into KINDS",
			      REQUESTS_RULES[i].type);
}
END_TEST

Suite *suite_access(void)
{
	Suite *suite = suite_create("access");
	TCase *tc = tcase_create("access");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_sections);
	tcase_add_test(tc, test_names);
	tcase_add_loop_test(tc, test_mistakes, 0, ARRAY_LEN(MISTAKES));
	tcase_add_loop_test(tc, test_random, 0, 4);
	tcase_add_test(tc, test_requests_gate);
	suite_add_tcase(suite, tc);
	return suite;
}
