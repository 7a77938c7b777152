/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/addr.h"
#include "tests/support/runner.h"

static const struct {
	const char *text;
	uint64_t addr; /* 0: not an address */
} ROWS[] = {
	{ "C0:AA:BB:00:00:01", 0xc0aabb000001 },
	{ "c0:aa:bb:00:00:01", 0xc0aabb000001 },
	{ "C0_AA_BB_00_00_01", 0xc0aabb000001 },
	{ "FF:FF:FF:FF:FF:FF", 0xffffffffffff },
	{ "00:00:00:00:00:00", 0 },
	{ "", 0 },
	{ "C0", 0 },
	{ "C0:AA:BB:00:00:0", 0 },
	{ "C0:AA:BB:00:00:011", 0 },
	{ "C0:AA:BB:00:00:01 ", 0 },
	{ "C0:AA:BB:00:00-01", 0 },
	{ "C0:AA:BB:00:0G:01", 0 },
	{ "C0AABB000001", 0 },
	{ "0xC0:AA:BB:00:00:", 0 },
};

START_TEST(rows)
{
	char text[ADDR_TEXT_LEN + 1];
	uint64_t addr = 77;
	uint64_t again = 0;
	int r = addr_parse(ROWS[_i].text, &addr);

	if (ROWS[_i].addr == 0) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(addr, 77); /* untouched */
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(addr, ROWS[_i].addr);
	addr_format(addr, text);
	ck_assert_int_eq(addr_parse(text, &again), 0);
	ck_assert_uint_eq(again, addr);
	addr_format_path(addr, text);
	ck_assert_int_eq(text[2], '_');
	ck_assert_int_eq(addr_parse(text, &again), 0);
	ck_assert_uint_eq(again, addr);
}
END_TEST

Suite *suite_addr(void);
Suite *suite_addr(void)
{
	Suite *suite = suite_create("addr");
	TCase *tc = tcase_create("addr");

	tcase_add_loop_test(tc, rows, 0, (int)ARRAY_LEN(ROWS));
	suite_add_tcase(suite, tc);
	return suite;
}
