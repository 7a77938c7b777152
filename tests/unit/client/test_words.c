/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tests/unit/client/fake.h"

Suite *suite_words(void);

START_TEST(addresses)
{
	uint64_t address = 5;
	char text[18];

	ck_assert_int_eq(bh_parse_address("c0:aa:bb:00:00:01", &address), 0);
	ck_assert_uint_eq(address, FAKE_ADDRESS);
	bh_format_address(address, text);
	ck_assert_str_eq(text, "C0:AA:BB:00:00:01");
	ck_assert_int_eq(bh_parse_address("c0:aa:bb:00:00", &address), -EINVAL);
	ck_assert_int_eq(bh_parse_address(NULL, &address), -EINVAL);
	ck_assert_uint_eq(address, FAKE_ADDRESS);
}
END_TEST

START_TEST(uuids)
{
	struct bh_uuid uuid;
	char text[37];

	ck_assert_int_eq(bh_parse_uuid("fff3", &uuid), 0);
	ck_assert_mem_eq(&uuid, &FAKE_UUID, sizeof(uuid));
	bh_format_uuid(&uuid, text);
	ck_assert_str_eq(text, "0000fff3-0000-1000-8000-00805f9b34fb");
	ck_assert_int_eq(bh_parse_uuid("ffg3", &uuid), -EINVAL);
	ck_assert_int_eq(bh_parse_uuid(NULL, &uuid), -EINVAL);
}
END_TEST

START_TEST(classes)
{
	ck_assert_str_eq(bh_class_name(BH_CLASS_OUT_OF_SLOTS), "out-of-slots");
	ck_assert_str_eq(bh_class_name((enum bh_class)999), "internal");
}
END_TEST

Suite *suite_words(void)
{
	Suite *suite = suite_create("words");
	TCase *all = tcase_create("all");

	tcase_add_test(all, addresses);
	tcase_add_test(all, uuids);
	tcase_add_test(all, classes);
	suite_add_tcase(suite, all);
	return suite;
}
