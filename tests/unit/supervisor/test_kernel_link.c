/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel says of a link, out of two lists; the switches of [workarounds]. */
#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <check.h>
#include <string.h>

#include "ipc/control.pb-c.h"
#include "ipc/workarounds.h"
#include "supervisor/config.h"
#include "supervisor/hci_list.h"
#include "supervisor/kernel_link.h"

Suite *suite_kernel_link(void);

#define S(x) BH__CTL__KERNEL_STATE__KERNEL_##x

static const struct {
	struct kernel_link_words words; /* MGMT: known, listed; HCI: known, state */
	int state;
} ROWS[] = {
	{ { false, false, false, 0 }, S(UNKNOWN) },
	{ { true, false, false, 0 }, S(NONE) },
	{ { true, true, false, 0 }, S(UP) },
	{ { true, true, true, BT_CONNECTED }, S(UP) },
	{ { true, true, true, BT_DISCONN }, S(ENDING) },
	{ { true, false, true, BT_CONNECT }, S(CONNECTING) },
	{ { true, false, true, BT_CONNECT2 }, S(CONNECTING) },
	/* MGMT has not told it yet: so neither can BlueZ know. */
	{ { true, false, true, BT_CONNECTED }, S(NONE) },
	{ { true, false, true, 0 }, S(NONE) },
	/* Without MGMT the other list will do. */
	{ { false, false, true, BT_CONNECTED }, S(UP) },
	{ { false, false, true, BT_CONNECT }, S(CONNECTING) },
	{ { false, false, true, 0 }, S(NONE) },
};

START_TEST(test_words)
{
	ck_assert_int_eq(kernel_link_state(&ROWS[_i].words), ROWS[_i].state);
}
END_TEST

/* Get Connections with a BR/EDR link to the same number, a public and a random LE address. */
static const uint8_t LIST[] = { 3,    0,    1,	  0, 0, 0xbb, 0xaa, 0xc0, 0,	1,    0, 0,
				0xbb, 0xaa, 0xc0, 2, 2, 0,    0,    0xbb, 0xaa, 0xc0, 1 };

START_TEST(test_listed)
{
	enum mgmt_address_type type = MGMT_BREDR;

	ck_assert_int_eq(mgmt_codec_listed(LIST, sizeof(LIST), 0xc0aabb000001u, &type), 0);
	ck_assert_int_eq(type, MGMT_LE_RANDOM);
	ck_assert_int_eq(mgmt_codec_listed(LIST, sizeof(LIST), 0xc0aabb000002u, &type), 0);
	ck_assert_int_eq(type, MGMT_LE_PUBLIC);
	ck_assert_int_eq(mgmt_codec_listed(LIST, sizeof(LIST), 0xc0aabb000003u, &type),
			 MGMT_NOT_LISTED);
	ck_assert_int_eq(mgmt_codec_listed(LIST, sizeof(LIST) - 1, 0xc0aabb000001u, &type),
			 -EBADMSG);
	ck_assert_int_eq(mgmt_codec_listed(LIST, 1, 0xc0aabb000001u, &type), -EBADMSG);
}
END_TEST

/* The same list as a whole: LE only, as many as there is room for, nothing of a damaged one. */
START_TEST(test_links)
{
	struct mgmt_peer peers[3];

	ck_assert_uint_eq(mgmt_codec_links(LIST, sizeof(LIST), peers, 3), 2);
	ck_assert_uint_eq(peers[0].address, 0xc0aabb000001u);
	ck_assert_int_eq(peers[0].type, MGMT_LE_RANDOM);
	ck_assert_uint_eq(peers[1].address, 0xc0aabb000002u);
	ck_assert_int_eq(peers[1].type, MGMT_LE_PUBLIC);
	ck_assert_uint_eq(mgmt_codec_links(LIST, sizeof(LIST), peers, 1), 1);
	ck_assert_uint_eq(mgmt_codec_links(LIST, sizeof(LIST) - 1, peers, 3), 0);
	ck_assert_uint_eq(mgmt_codec_links(LIST, 1, peers, 3), 0);
}
END_TEST

START_TEST(test_kernel_rows)
{
	static const struct hci_conn_info KERNEL[] = {
		{ .bdaddr = { { 1, 0, 0, 0xbb, 0xaa, 0xc0 } },
		  .type = 0x01,
		  .state = BT_CONNECTED },
		{ .bdaddr = { { 1, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = BT_DISCONN },
	};

	ck_assert_int_eq(hci_list_find(KERNEL, ARRAY_LEN(KERNEL), 0xc0aabb000001u), BT_DISCONN);
	ck_assert_int_eq(hci_list_find(KERNEL, ARRAY_LEN(KERNEL), 0xc0aabb000002u), 0);
}
END_TEST

START_TEST(test_switches)
{
	char error[CONFIG_ERROR_LEN] = "";
	struct config c;

	config_defaults(&c);
	ck_assert_uint_eq(c.workarounds, WORKAROUNDS_DEFAULT);
	ck_assert(!(c.workarounds & WORKAROUND_BIT(REMOVE_BONDED)));
	ck_assert_int_eq(config_parse(&c,
				      "[workarounds]\nphantom = no\nremove_bonded = yes\n"
				      "dead = yes\ngatt_late_ms = 500\n",
				      "x", error),
			 0);
	ck_assert_uint_eq(c.workarounds, (WORKAROUNDS_DEFAULT & ~WORKAROUND_BIT(PHANTOM)) |
						 WORKAROUND_BIT(REMOVE_BONDED));
	ck_assert_uint_eq(c.gatt_late_ms, 500);
	ck_assert_int_eq(config_parse(&c, "[workarounds]\nstale = perhaps\n", "x", error), -EINVAL);
	ck_assert_str_eq(error, "x:2: stale = perhaps is neither yes nor no; give one of them");
}
END_TEST

Suite *suite_kernel_link(void)
{
	Suite *suite = suite_create("kernel_link");
	TCase *tc = tcase_create("kernel_link");

	tcase_add_loop_test(tc, test_words, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(tc, test_listed);
	tcase_add_test(tc, test_links);
	tcase_add_test(tc, test_kernel_rows);
	tcase_add_test(tc, test_switches);
	suite_add_tcase(suite, tc);
	return suite;
}
