/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/class.h"
#include "ipc/session.pb-c.h"
#include "tests/support/runner.h"

#include <ctype.h>
#include <string.h>

/* Each name is the wire's: CLASS_OUT_OF_SLOTS reads "out-of-slots". */
START_TEST(names_are_those_of_the_schema)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&bh__class__descriptor, _i);
	const char *name = class_name((enum err_class)_i);
	const char *wire;
	size_t i;

	ck_assert_ptr_nonnull(value);
	wire = value->name + strlen("CLASS_");
	ck_assert_uint_eq(strlen(name), strlen(wire));
	for (i = 0; name[i] != '\0'; i++)
		ck_assert_int_eq(name[i], wire[i] == '_' ? '-' : tolower(wire[i]));
	ck_assert_ptr_nonnull(class_advice((enum err_class)_i));
	ck_assert_int_eq((int)class_from_wire(_i), _i);
}
END_TEST

START_TEST(what_is_out_of_range_is_internal)
{
	static const int numbers[] = { -1, CLASS_COUNT, 1000000, INT32_MIN, INT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		ck_assert_int_eq(class_from_wire(numbers[i]), CLASS_INTERNAL);
		ck_assert_str_eq(class_name((enum err_class)numbers[i]), "internal");
		ck_assert_ptr_nonnull(class_advice((enum err_class)numbers[i]));
	}
	ck_assert_uint_eq(bh__class__descriptor.n_values, CLASS_COUNT);
}
END_TEST

Suite *suite_class(void);
Suite *suite_class(void)
{
	Suite *suite = suite_create("class");
	TCase *tc = tcase_create("class");

	tcase_add_loop_test(tc, names_are_those_of_the_schema, 0, CLASS_COUNT);
	tcase_add_test(tc, what_is_out_of_range_is_internal);
	suite_add_tcase(suite, tc);
	return suite;
}
