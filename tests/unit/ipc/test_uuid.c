/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/uuid.h"
#include "tests/support/runner.h"

static const struct {
	const char *text;
	const char *full;  /* NULL: not a UUID */
	const char *brief; /* the short form; NULL: the full one */
} ROWS[] = {
	{ "fff3", "0000fff3-0000-1000-8000-00805f9b34fb", "fff3" },
	{ "FFF3", "0000fff3-0000-1000-8000-00805f9b34fb", "fff3" },
	{ "0x180f", "0000180f-0000-1000-8000-00805f9b34fb", "180f" },
	{ "0X180F", "0000180f-0000-1000-8000-00805f9b34fb", "180f" },
	{ "12345678", "12345678-0000-1000-8000-00805f9b34fb", "12345678" },
	{ "0x0000180f", "0000180f-0000-1000-8000-00805f9b34fb", "180f" },
	{ "0000180F-0000-1000-8000-00805F9B34FB", "0000180f-0000-1000-8000-00805f9b34fb", "180f" },
	{ "6e400001-b5a3-f393-e0a9-e50e24dcca9e", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", NULL },
	{ "", NULL, NULL },
	{ "0x", NULL, NULL },
	{ "fff", NULL, NULL },
	{ "fff33", NULL, NULL },
	{ "ffg3", NULL, NULL },
	{ "fff3 ", NULL, NULL },
	{ "-ff3", NULL, NULL },
	{ "6e400001xb5a3-f393-e0a9-e50e24dcca9e", NULL, NULL },
	{ "6e400001-b5a3-f393-e0a9-e50e24dcca9", NULL, NULL },
	{ "6e400001-b5a3-f393-e0a9-e50e24dcca9ef", NULL, NULL },
	{ "6e40000-1b5a3-f393-e0a9-e50e24dcca9e", NULL, NULL },
	{ "6e400001b5a3f393e0a9e50e24dcca9e", NULL, NULL },
};

START_TEST(rows)
{
	struct uuid uuid = { .octets = { 7 } };
	struct uuid again;
	char text[UUID_TEXT_LEN + 1];
	int r = uuid_parse(ROWS[_i].text, &uuid);

	if (!ROWS[_i].full) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(uuid.octets[0], 7); /* untouched */
		return;
	}
	ck_assert_int_eq(r, 0);
	uuid_format_short(&uuid, text);
	ck_assert_str_eq(text, ROWS[_i].brief ? ROWS[_i].brief : ROWS[_i].full);
	uuid_format(&uuid, text);
	ck_assert_str_eq(text, ROWS[_i].full);
	ck_assert_int_eq(uuid_parse(text, &again), 0);
	ck_assert(uuid_equal(&uuid, &again));
	again.octets[15] ^= 1;
	ck_assert(!uuid_equal(&uuid, &again));
}
END_TEST

Suite *suite_uuid(void);
Suite *suite_uuid(void)
{
	Suite *suite = suite_create("uuid");
	TCase *tc = tcase_create("uuid");

	tcase_add_loop_test(tc, rows, 0, (int)ARRAY_LEN(ROWS));
	suite_add_tcase(suite, tc);
	return suite;
}
