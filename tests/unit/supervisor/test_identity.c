/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/unit/supervisor/test_identity.c - a device that is another than before is told so once. */
#include <check.h>

#include "supervisor/identity.h"

Suite *suite_identity(void);

static struct identities *identities;

static void setup(void)
{
	ck_assert_int_eq(identities_new(&identities), 0);
}

static void teardown(void)
{
	identities = identities_free(identities);
}

static unsigned services(uint64_t address, uint64_t hash)
{
	const struct identity_seen seen = { .address = address, .services_hash = hash };

	return identities_note(identities, &seen);
}

static unsigned bond(uint64_t address, uint16_t adapter, bool is_bonded)
{
	const struct identity_seen seen = {
		.address = address,
		.adapter = adapter,
		.has_bond = true,
		.is_bonded = is_bonded,
	};

	return identities_note(identities, &seen);
}

START_TEST(test_services)
{
	ck_assert_uint_eq(services(1, 10), 0);
	ck_assert_uint_eq(services(1, 10), 0);
	ck_assert_uint_eq(services(2, 20), 0);
	ck_assert_uint_eq(services(1, 0), 0);
	ck_assert_uint_eq(services(1, 11), IDENTITY_SERVICES);
	ck_assert_uint_eq(services(1, 11), 0);
	ck_assert_uint_eq(services(2, 20), 0);
}
END_TEST

/* A bond is one adapter's: that another one has none says nothing. */
START_TEST(test_bond)
{
	uint16_t adapter;

	ck_assert_uint_eq(bond(1, 0, false), 0);
	ck_assert_uint_eq(bond(1, 0, true), 0);
	ck_assert_uint_eq(bond(1, 3, false), 0);
	ck_assert_uint_eq(bond(1, 3, true), 0);
	ck_assert_uint_eq(bond(1, 0, false), IDENTITY_BOND);
	ck_assert_uint_eq(bond(1, 0, false), 0);
	ck_assert_uint_eq(bond(1, 3, true), 0);
	ck_assert_uint_eq(bond(1, 3, false), IDENTITY_BOND);
	/* More adapters than it remembers: some are forgotten, nothing is made up. */
	for (adapter = 0; adapter < 60; adapter++)
		ck_assert_uint_eq(bond(2, adapter, true), 0);
	ck_assert_uint_eq(bond(2, 59, false), IDENTITY_BOND);
}
END_TEST

START_TEST(test_many)
{
	uint64_t address;

	for (address = 1; address < 100000; address++)
		ck_assert_uint_eq(services(address, address + 1), 0);
	ck_assert_uint_eq(services(99999, 5), IDENTITY_SERVICES);
}
END_TEST

Suite *suite_identity(void)
{
	Suite *suite = suite_create("identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_services);
	tcase_add_test(tc, test_bond);
	tcase_add_test(tc, test_many);
	suite_add_tcase(suite, tc);
	return suite;
}
