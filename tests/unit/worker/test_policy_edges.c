/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small policies of a worker at the ends of their ranges, and paths that are nearly right. */
#include "worker/objpath.h"
#include "worker/room.h"
#include "worker/scan_air.h"
#include "worker/scan_policy.h"
#include "worker/scan_table.h"
#include "worker/silence.h"

#include <check.h>

#define HCI "/org/bluez/hci0"
#define DEV HCI "/dev_C0_AA_BB_00_00_01"

static const struct {
	const char *path;
	enum objpath_kind kind;
} PATHS[] = {
	{ HCI, OBJPATH_ADAPTER },
	{ DEV, OBJPATH_DEVICE },
	{ DEV "/service00a1", OBJPATH_SERVICE },
	{ DEV "/service00a1/char9fff", OBJPATH_CHRC },
	{ DEV "/service00a1/char9fff/desc0001", OBJPATH_OTHER },
	{ DEV "/service00A1", OBJPATH_OTHER },
	{ DEV "/service00g1", OBJPATH_OTHER },
	{ DEV "/service00!1", OBJPATH_OTHER },
	{ DEV "/service0a", OBJPATH_OTHER },
	{ DEV "/service00a1/char", OBJPATH_OTHER },
	{ DEV "/service00a1/chur0001", OBJPATH_OTHER },
	{ DEV "/player0", OBJPATH_OTHER },
	{ HCI "/dev_C0_AA_BB_00_00_0G", OBJPATH_OTHER },
	{ HCI "/dev_C0_AA", OBJPATH_OTHER },
	{ "/org/bluez/hci1", OBJPATH_OTHER },
	{ "/", OBJPATH_OTHER },
};

START_TEST(paths_of_bluez)
{
	struct objpath object = objpath_parse(PATHS[_i].path, HCI);
	char path[OBJPATH_LEN];

	ck_assert_int_eq(object.kind, PATHS[_i].kind);
	objpath_format(&object, HCI, path);
	ck_assert_str_eq(path, object.kind == OBJPATH_OTHER ? "/" : PATHS[_i].path);
}
END_TEST

/* --- silence --- */

START_TEST(silence_begins_once)
{
	struct silence silence;

	silence_init(&silence, 1000);
	ck_assert_uint_eq(silence_ms(&silence, 5000), 0);
	silence_begin(&silence, 10000);
	silence_begin(&silence, 10600); /* it runs already */
	ck_assert_uint_eq(silence_ms(&silence, 10700), 700);
	ck_assert_uint_eq(silence_due_at_ms(&silence), 11000);
	silence_end(&silence, 10700);
	ck_assert_uint_eq(silence_ms(&silence, 90000), 700);
	ck_assert_int_eq(silence_due(&silence, 90000), SILENCE_NONE);
}
END_TEST

START_TEST(silence_that_is_used_up_is_due_at_once)
{
	struct silence silence;

	silence_init(&silence, 1000);
	silence_begin(&silence, 10000);
	silence_end(&silence, 12000);
	silence_begin(&silence, 50000);
	ck_assert_uint_eq(silence_due_at_ms(&silence), 50000);
	ck_assert_int_eq(silence_due(&silence, 50000), SILENCE_RESTART);
}
END_TEST

/* --- the rest --- */

START_TEST(air_is_on_once)
{
	struct scan_air air = { .owed_ms = SCAN_AIR_OWED_MS };

	scan_air_on(&air, 1000);
	scan_air_on(&air, 1400);
	ck_assert_uint_eq(scan_air_left_ms(&air, 1500), SCAN_AIR_SLICE_MS - 500);
}
END_TEST

START_TEST(one_waits_in_one_place)
{
	struct room room;
	struct room_place place = { .state = ROOM_NONE };

	room_init(&room, 2);
	room_join(&room, &place);
	room_join(&room, &place);
	ck_assert_ptr_eq(room_first(&room), &place);
	room_leave(&room, &place);
	ck_assert_ptr_null(room_first(&room));
	room_leave(&room, &place);
}
END_TEST

START_TEST(any_number_of_connects_teaches)
{
	struct scan_policy policy;
	unsigned i;

	scan_policy_init(&policy);
	for (i = 0; i < 2 * SCAN_POLICY_TRIAL_MAX; i++)
		scan_policy_took(&policy, false, true, 400);
	ck_assert_uint_eq(policy.paused_ms, 400);
	ck_assert_uint_le(policy.n_paused, SCAN_POLICY_TRIAL_MAX);
}
END_TEST

START_TEST(a_state_that_is_none_has_no_name)
{
	ck_assert_str_eq(scan_table_name(SCAN_STATE_COUNT), "?");
}
END_TEST

Suite *suite_policy_edges(void);
Suite *suite_policy_edges(void)
{
	Suite *suite = suite_create("policy_edges");
	TCase *tc = tcase_create("policy_edges");

	tcase_add_loop_test(tc, paths_of_bluez, 0, (int)ARRAY_LEN(PATHS));
	tcase_add_test(tc, silence_begins_once);
	tcase_add_test(tc, silence_that_is_used_up_is_due_at_once);
	tcase_add_test(tc, air_is_on_once);
	tcase_add_test(tc, one_waits_in_one_place);
	tcase_add_test(tc, any_number_of_connects_teaches);
	tcase_add_test(tc, a_state_that_is_none_has_no_name);
	suite_add_tcase(suite, tc);
	return suite;
}
