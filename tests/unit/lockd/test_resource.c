/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lockd/resource.h"
#include "tests/support/runner.h"

#include <string.h>

static const struct {
	const char *text;
	int outcome;
	enum resource_kind kind;
	uint64_t key;
} NAMES[] = {
	{ "scan:hci0", 0, RESOURCE_SCAN, 0 },
	{ "connect:hci10", 0, RESOURCE_CONNECT, 10 },
	{ "maintenance:hci255", 0, RESOURCE_MAINTENANCE, 255 },
	{ "device:C0:AA:BB:00:00:01", 0, RESOURCE_DEVICE, 0xc0aabb000001 },
	{ "device:c0:aa:bb:00:00:01", 0, RESOURCE_DEVICE, 0xc0aabb000001 },
	{ "", -EINVAL, 0, 0 },
	{ "scan", -EINVAL, 0, 0 },
	{ "scan:", -EINVAL, 0, 0 },
	{ "scan:hci", -EINVAL, 0, 0 },
	{ "scan:hci00", -EINVAL, 0, 0 },
	{ "scan:hci01", -EINVAL, 0, 0 },
	{ "scan:hci256", -EINVAL, 0, 0 },
	{ "scan:hci4294967296", -EINVAL, 0, 0 },
	{ "scan:hci-1", -EINVAL, 0, 0 },
	{ "scan:hci0 ", -EINVAL, 0, 0 },
	{ "scan:../../etc/passwd", -EINVAL, 0, 0 },
	{ "Scan:hci0", -EINVAL, 0, 0 },
	{ "link:hci0", -EINVAL, 0, 0 },
	{ "device:hci0", -EINVAL, 0, 0 },
	{ "device:", -EINVAL, 0, 0 },
	{ "device:C0:AA:BB:00:00", -EINVAL, 0, 0 },
	{ "device:C0:AA:BB:00:00:01:02", -EINVAL, 0, 0 },
	{ "device:00:00:00:00:00:00", -EINVAL, 0, 0 },
};

START_TEST(a_name)
{
	struct resource resource = { RESOURCE_KINDS, 77 };
	char text[RESOURCE_NAME_LEN];

	ck_assert_int_eq(resource_parse(NAMES[_i].text, &resource), NAMES[_i].outcome);
	if (NAMES[_i].outcome < 0) {
		ck_assert_uint_eq(resource.key, 77); /* untouched */
		return;
	}
	ck_assert_int_eq(resource.kind, NAMES[_i].kind);
	ck_assert_uint_eq(resource.key, NAMES[_i].key);
	resource_format(&resource, text);
	ck_assert_int_eq(strcasecmp(text, NAMES[_i].text), 0);
}
END_TEST

START_TEST(sets_are_sorted)
{
	char *names[] = { (char *)(uintptr_t) "maintenance:hci1", (char *)(uintptr_t) "scan:hci1",
			  (char *)(uintptr_t) "connect:hci0",
			  (char *)(uintptr_t) "device:C0:AA:BB:00:00:01" };
	struct resource_set set;

	ck_assert_int_eq(resource_set_parse(names, 4, &set), 0);
	ck_assert_uint_eq(set.n, 4);
	ck_assert_int_eq(set.items[0].kind, RESOURCE_DEVICE);
	ck_assert_int_eq(set.items[1].kind, RESOURCE_CONNECT);
	ck_assert_int_eq(set.items[2].kind, RESOURCE_SCAN);
	ck_assert_int_eq(set.items[3].kind, RESOURCE_MAINTENANCE);
	ck_assert(resource_set_is_on(&set, 0));
	ck_assert(resource_set_is_on(&set, 1));
	ck_assert(!resource_set_is_on(&set, 2));
	ck_assert_int_eq(resource_set_parse(names, 0, &set), RESOURCE_SET_EMPTY);
	ck_assert_int_eq(resource_set_parse(names, 5, &set), RESOURCE_SET_TOO_MANY);
	names[3] = names[0];
	ck_assert_int_eq(resource_set_parse(names, 4, &set), RESOURCE_SET_DUPLICATE);
	names[3] = (char *)(uintptr_t) "maintenance:hci2";
	ck_assert_int_eq(resource_set_parse(names, 4, &set), RESOURCE_SET_TWO_RESETS);
	names[3] = (char *)(uintptr_t) "maintenance:hci0";
	ck_assert_int_eq(resource_set_parse(names, 4, &set), RESOURCE_SET_TWO_RESETS);
}
END_TEST

/* --- words, and what covers what --- */

START_TEST(each_refusal_has_words_of_its_own)
{
	static const int OUTCOMES[] = {
		RESOURCE_SET_EMPTY,	RESOURCE_SET_TOO_MANY,	 RESOURCE_SET_UNKNOWN,
		RESOURCE_SET_DUPLICATE, RESOURCE_SET_TWO_RESETS, 99,
	};
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(OUTCOMES); i++)
		for (j = 0; j < i; j++)
			ck_assert_str_ne(resource_set_text(OUTCOMES[i]),
					 resource_set_text(OUTCOMES[j]));
}
END_TEST

START_TEST(an_adapter_is_hci_and_a_number)
{
	static const char *const BAD[] = {
		"hci", "hci1a", "hci-1", "hci/", "hci01", "hci999999999"
	};
	uint32_t adapter = 77;
	size_t i;

	for (i = 0; i < ARRAY_LEN(BAD); i++)
		ck_assert_int_eq(resource_parse_adapter(BAD[i], &adapter), -EINVAL);
	ck_assert_uint_eq(adapter, 77);
	ck_assert_int_eq(resource_parse_adapter("hci0", &adapter), 0);
	ck_assert_uint_eq(adapter, 0);
}
END_TEST

START_TEST(maintenance_covers_its_own_adapter_only)
{
	const struct resource_set cover = { 1, { { RESOURCE_MAINTENANCE, 1 } } };
	struct resource_set set = { 4,
				    { { RESOURCE_DEVICE, 1 },
				      { RESOURCE_CONNECT, 0 },
				      { RESOURCE_CONNECT, 1 },
				      { RESOURCE_SCAN, 1 } } };

	ck_assert_uint_eq(resource_set_minus(&set, &cover), 2);
	ck_assert_uint_eq(set.n, 2);
	ck_assert_ptr_nonnull(resource_set_find(&set, RESOURCE_DEVICE));
	ck_assert_uint_eq(resource_set_find(&set, RESOURCE_CONNECT)->key, 0);
}
END_TEST

START_TEST(a_turn_under_a_grant_is_on_no_adapter)
{
	const struct resource under = { RESOURCE_UNDER, 1 };
	char text[RESOURCE_NAME_LEN];

	ck_assert(!resource_is_on(&under, 1));
	resource_format(&under, text);
	ck_assert_ptr_null(strstr(text, "hci"));
}
END_TEST

Suite *suite_resource(void);
Suite *suite_resource(void)
{
	Suite *suite = suite_create("resource");
	TCase *tc = tcase_create("resource");

	tcase_add_loop_test(tc, a_name, 0, (int)ARRAY_LEN(NAMES));
	tcase_add_test(tc, sets_are_sorted);
	tcase_add_test(tc, each_refusal_has_words_of_its_own);
	tcase_add_test(tc, an_adapter_is_hci_and_a_number);
	tcase_add_test(tc, maintenance_covers_its_own_adapter_only);
	tcase_add_test(tc, a_turn_under_a_grant_is_on_no_adapter);
	suite_add_tcase(suite, tc);
	return suite;
}
