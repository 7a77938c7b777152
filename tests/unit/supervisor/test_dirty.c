/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/supervisor/test_dirty.c - what is asked of the kernel for a dirty grant, what its
 * answers mean, and what its connection list says.
 */
#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <check.h>

#include "supervisor/dirty.h"
#include "supervisor/hci_list.h"
#include "supervisor/mgmt_codec.h"

Suite *suite_dirty(void);

#define ADDRESS 0xc0aabb000001u

static const struct {
	enum dirty_type type;
	uint8_t answers[2];
	size_t n_asked;
	enum dirty_verdict verdict;
	uint32_t n_cancelled;
} CASES[] = {
	{ DIRTY_RANDOM, { MGMT_STATUS_SUCCESS }, 1, DIRTY_CLEAN, 1 },
	{ DIRTY_PUBLIC, { MGMT_STATUS_NOT_CONNECTED }, 1, DIRTY_CLEAN, 0 },
	{ DIRTY_RANDOM, { MGMT_STATUS_NOT_POWERED }, 1, DIRTY_CLEAN, 0 },
	{ DIRTY_RANDOM, { MGMT_STATUS_INVALID_INDEX }, 1, DIRTY_CLEAN, 0 },
	{ DIRTY_RANDOM, { MGMT_STATUS_BUSY }, 1, DIRTY_KEEP, 0 },
	{ DIRTY_RANDOM, { MGMT_STATUS_PERMISSION_DENIED }, 1, DIRTY_KEEP, 0 },
	{ DIRTY_RANDOM, { MGMT_STATUS_NO_ANSWER }, 1, DIRTY_KEEP, 0 },
	{ DIRTY_TYPE_UNKNOWN, { MGMT_STATUS_SUCCESS }, 1, DIRTY_CLEAN, 1 },
	{ DIRTY_TYPE_UNKNOWN, { MGMT_STATUS_NOT_CONNECTED, 0 }, 2, DIRTY_CLEAN, 1 },
	{ DIRTY_TYPE_UNKNOWN,
	  { MGMT_STATUS_NOT_CONNECTED, MGMT_STATUS_NOT_CONNECTED },
	  2,
	  DIRTY_CLEAN,
	  0 },
	{ DIRTY_TYPE_UNKNOWN, { MGMT_STATUS_BUSY, MGMT_STATUS_NOT_CONNECTED }, 2, DIRTY_KEEP, 0 },
};

START_TEST(test_answers)
{
	struct dirty dirty = { .n = 0 };
	size_t n = 0;

	dirty_add(&dirty, ADDRESS, CASES[_i].type);
	while (dirty_next(&dirty) == DIRTY_ASK) {
		ck_assert_uint_eq(dirty.steps[dirty.at].address, ADDRESS);
		/* Of an unknown type: random first, most peripherals are. */
		ck_assert(dirty.steps[dirty.at].is_random ==
			  (CASES[_i].type != DIRTY_PUBLIC && n == 0));
		dirty_answer(&dirty, CASES[_i].answers[n++]);
	}
	ck_assert_uint_eq(n, CASES[_i].n_asked);
	ck_assert_uint_eq(dirty_next(&dirty), CASES[_i].verdict);
	ck_assert_uint_eq(dirty.n_cancelled, CASES[_i].n_cancelled);
}
END_TEST

START_TEST(test_none)
{
	struct dirty dirty = { .n = 0 };

	ck_assert_uint_eq(dirty_next(&dirty), DIRTY_CLEAN);
}
END_TEST

/* One failure among many is enough, and so is one that found no room. */
START_TEST(test_many)
{
	struct dirty dirty = { .n = 0 };
	unsigned i;

	for (i = 0; i < DIRTY_STEPS_MAX; i++)
		dirty_add(&dirty, ADDRESS + i, DIRTY_RANDOM);
	for (i = 0; dirty_next(&dirty) == DIRTY_ASK; i++)
		dirty_answer(&dirty, i == 3 ? MGMT_STATUS_BUSY : MGMT_STATUS_SUCCESS);
	ck_assert_uint_eq(i, DIRTY_STEPS_MAX);
	ck_assert_uint_eq(dirty_next(&dirty), DIRTY_KEEP);
	ck_assert_uint_eq(dirty.status, MGMT_STATUS_BUSY);
	dirty = (struct dirty){ .n = 0 };
	for (i = 0; i <= DIRTY_STEPS_MAX; i++)
		dirty_add(&dirty, ADDRESS + i, DIRTY_RANDOM);
	while (dirty_next(&dirty) == DIRTY_ASK)
		dirty_answer(&dirty, MGMT_STATUS_SUCCESS);
	ck_assert_uint_eq(dirty_next(&dirty), DIRTY_KEEP);
}
END_TEST

/* Rows as Linux 5.10 to 6.x fills them: LE_LINK is 0x80, BT_CONNECT 5. */
START_TEST(test_kernel_list)
{
	static const struct hci_conn_info ROWS[] = {
		{ .bdaddr = { { 1, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = 5 },
		{ .bdaddr = { { 2, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = 1 },
		{ .bdaddr = { { 3, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x01, .state = 5 },
		{ .bdaddr = { { 4, 0, 0, 0xbb, 0xaa, 0xc0 } }, .type = 0x80, .state = 5 },
	};
	uint64_t found[HCI_LIST_MAX];

	ck_assert_uint_eq(hci_list_pick(ROWS, ARRAY_LEN(ROWS), found), 2);
	ck_assert_uint_eq(found[0], 0xc0aabb000001u);
	ck_assert_uint_eq(found[1], 0xc0aabb000004u);
	ck_assert_uint_eq(hci_list_pick(ROWS, 0, found), 0);
}
END_TEST

Suite *suite_dirty(void)
{
	Suite *suite = suite_create("dirty");
	TCase *tc = tcase_create("dirty");

	tcase_add_loop_test(tc, test_answers, 0, (int)ARRAY_LEN(CASES));
	tcase_add_test(tc, test_none);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_kernel_list);
	suite_add_tcase(suite, tc);
	return suite;
}
